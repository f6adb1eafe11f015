package ds.offload.codec;

import ds.offload.spi.StateCodec;
import ds.offload.spi.StateCodecProvider;

/** Slots in 8 bits with a scale for every 256: a quarter of the bytes. */
public final class Int8BlockProvider implements StateCodecProvider {
    @Override
    public String name() {
        return Int8BlockCodec.NAME;
    }

    @Override
    public StateCodec create() {
        return Int8BlockCodec.best();
    }
}
