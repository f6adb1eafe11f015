package ds.offload.codec;

import ds.offload.spi.StateCodec;
import ds.offload.spi.StateCodecProvider;

/** Slots in bfloat16: half of the bytes. */
public final class Bf16Provider implements StateCodecProvider {
    @Override
    public String name() {
        return Bf16Codec.NAME;
    }

    @Override
    public StateCodec create() {
        return Bf16Codec.best();
    }
}
