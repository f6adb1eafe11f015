/** An optimizer of one's own: put this module on the module path, name it in JSON. */
module example.signum {
    requires ds.optim.spi;

    provides ds.optim.spi.OptimizerProvider with
            example.signum.SignumProvider;
}
