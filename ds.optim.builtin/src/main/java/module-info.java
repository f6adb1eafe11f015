/** The optimizers and schedules that come with the runtime. */
module ds.optim.builtin {
    requires static jdk.incubator.vector;
    requires static org.jspecify;
    requires ds.optim.spi;

    provides ds.optim.spi.OptimizerProvider with
            ds.optim.builtin.AdagradProvider,
            ds.optim.builtin.AdamProvider,
            ds.optim.builtin.AdamWProvider,
            ds.optim.builtin.LambProvider,
            ds.optim.builtin.LionProvider,
            ds.optim.builtin.MuAdamProvider,
            ds.optim.builtin.MuAdamWProvider,
            ds.optim.builtin.MuSgdProvider,
            ds.optim.builtin.MuonProvider,
            ds.optim.builtin.OneBitAdamProvider,
            ds.optim.builtin.OneBitLambProvider,
            ds.optim.builtin.SgdProvider,
            ds.optim.builtin.ZeroOneAdamProvider;
    provides ds.optim.spi.ScheduleProvider with
            ds.optim.builtin.LrRangeTestProvider,
            ds.optim.builtin.OneCycleProvider,
            ds.optim.builtin.WarmupProvider,
            ds.optim.builtin.WarmupCosineProvider,
            ds.optim.builtin.WarmupDecayProvider;
}
