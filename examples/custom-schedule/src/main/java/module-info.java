/** A learning rate schedule of one's own. */
module example.root {
    requires ds.optim.spi;

    provides ds.optim.spi.ScheduleProvider with
            example.root.InverseRootProvider;
}
