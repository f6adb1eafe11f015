package ds.it;

import ds.comm.Communicators;
import ds.kernels.KernelsProviders;
import ds.model.Models;
import ds.offload.StorageProviders;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedules;

/** Says which providers are found from where it runs; a program of its own on the class path. */
final class Providers {
    private Providers() {}

    public static void main(String[] args) {
        System.out.print(found());
    }

    /** Returns one line for each contract: its name and the names of its providers. */
    static String found() {
        ModuleLayer layer = ModuleLayer.boot();
        return """
        communicator %s
        kernels %s
        model %s
        optimizer %s
        schedule %s
        storage %s
        """
                .formatted(
                        Communicators.providers(layer).names(),
                        KernelsProviders.in(layer).names(),
                        Models.in(layer).names(),
                        Optimizers.in(layer).names(),
                        Schedules.in(layer).names(),
                        StorageProviders.table(layer).names());
    }
}
