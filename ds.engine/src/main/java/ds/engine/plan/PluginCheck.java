package ds.engine.plan;

import ds.config.ConfigCheck;
import ds.config.DsConfig;
import ds.core.Diagnostic;
import ds.model.ModelLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Asks the optimizer and the schedule that a configuration names whether their settings go together,
 * which no declaration says: both are made and thrown away.
 */
public final class PluginCheck {
    private PluginCheck() {}

    /**
     * Returns {@code check} with what {@code create} refuses, at the place of the settings. What has
     * errors already, or is {@code "auto"} and known only to a run, is not asked.
     *
     * @param layer where providers are looked up
     * @throws ds.core.ProviderException if a provider fails otherwise than by refusing its settings
     */
    public static ConfigCheck of(ConfigCheck check, ModuleLayer layer) {
        Optional<DsConfig> config = check.config().filter(_ -> check.isRunnable());
        if (config.isEmpty() || config.get().optimizer().isEmpty()) {
            return check;
        }
        List<Diagnostic> problems = new ArrayList<>();
        List<Decision> decisions = new ArrayList<>();
        ModelLayout layout = new ModelLayout(List.of());
        PlanInputs inputs =
                new PlanInputs(
                        1,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        1,
                        List.of(),
                        layer);
        PluginChoice plugins =
                new PluginChoice(
                        layout,
                        config.get(),
                        inputs,
                        problems,
                        decisions,
                        new AutoValues(layout, decisions));
        plugins.optimizer().ifPresent(made -> plugins.schedule(made.base()));
        return check.and(
                problems.stream()
                        .filter(d -> d.code().equals(PluginChoice.CONTRADICTION))
                        .toList());
    }
}
