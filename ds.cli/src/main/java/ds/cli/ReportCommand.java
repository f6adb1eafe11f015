package ds.cli;

import ds.comm.Communicators;
import ds.core.HostMemories;
import ds.core.ProviderTable;
import ds.core.spi.NamedProvider;
import ds.engine.data.Datasets;
import ds.kernels.KernelsProviders;
import ds.model.Models;
import ds.offload.StorageProviders;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedules;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;

/** {@code ds report}. */
@CommandLine.Command(
        name = "report",
        sortOptions = false,
        description = "Versions, providers and why others cannot run, and this machine.")
final class ReportCommand extends Command {
    private final Map<String, Object> document = new LinkedHashMap<>();

    @Override
    int run() {
        fact("version", Versions.own());
        fact("java", Versions.java());
        fact("system", Versions.system());
        fact("threads", Runtime.getRuntime().availableProcessors());
        fact("vectors", Machine.vectors());
        fact("memory", "%,d MiB heap at most".formatted(Runtime.getRuntime().maxMemory() >> 20));
        fact("host memory", HostMemories.best(ModuleLayer.boot()).name());
        ModuleLayer layer = ModuleLayer.boot();
        providers("kernels", KernelsProviders.in(layer));
        providers("communicators", Communicators.providers(layer));
        providers("storage", StorageProviders.table(layer));
        providers("optimizers", Optimizers.in(layer));
        providers("schedules", Schedules.in(layer));
        providers("models", Models.in(layer));
        providers("data sets", Datasets.providers());
        out().document(document);
        return Main.OK;
    }

    private void fact(String name, Object value) {
        document.put(name.replace(' ', '_'), value);
        out().result("%-14s %s".formatted(name, value));
    }

    private void providers(String kind, ProviderTable<? extends NamedProvider> table) {
        List<Object> found = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (NamedProvider provider : table.all()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", provider.name());
            entry.put("module", String.valueOf(provider.getClass().getModule().getName()));
            entry.put("unavailable", provider.unavailable());
            found.add(entry);
            line.append(line.isEmpty() ? "" : ", ").append(provider.name());
            provider.unavailable()
                    .ifPresent(why -> line.append(" (cannot run: ").append(why).append(')'));
        }
        document.put(kind.replace(' ', '_'), found);
        out().result("%-14s %s".formatted(kind, line.isEmpty() ? "none but those built in" : line));
    }
}
