/** The storage contract, its portable backends and the shard store. */
module ds.offload {
    requires static org.jspecify;
    requires transitive ds.core;
    requires com.lmax.disruptor;
    requires static jdk.incubator.vector;

    exports ds.offload;
    exports ds.offload.spi;

    uses ds.offload.spi.StateCodecProvider;
    uses ds.offload.spi.StorageProvider;

    provides ds.offload.spi.StateCodecProvider with
            ds.offload.codec.Bf16Provider,
            ds.offload.codec.Int8BlockProvider;
    provides ds.offload.spi.StorageProvider with
            ds.offload.channel.ChannelProvider,
            ds.offload.mapped.MappedProvider;
}
