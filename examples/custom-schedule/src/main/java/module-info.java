/** A learning rate schedule of one's own. */
module example.inverse {
    requires ds.optim.spi;

    provides ds.optim.spi.ScheduleProvider with
            example.inverse.InverseRootProvider;
}
