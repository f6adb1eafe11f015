package ds.offload.codec;

/** Whether the Vector API is there; without it no class that names it is loaded. */
final class VectorModule {
    private VectorModule() {}

    /** Returns whether this module sees {@code jdk.incubator.vector}. */
    static boolean isReadable() {
        Module here = VectorModule.class.getModule();
        return ModuleLayer.boot()
                .findModule("jdk.incubator.vector")
                .filter(here::canRead)
                .isPresent();
    }
}
