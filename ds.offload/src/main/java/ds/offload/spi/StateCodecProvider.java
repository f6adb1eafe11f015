package ds.offload.spi;

import ds.core.spi.NamedProvider;

/** Makes a codec of optimizer state: {@code bf16}, {@code int8_block}. */
public interface StateCodecProvider extends NamedProvider {
    /** Returns the codec, of the same name. */
    StateCodec create();
}
