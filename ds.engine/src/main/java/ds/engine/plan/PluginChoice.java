package ds.engine.plan;

import ds.config.DsConfig;
import ds.config.PluginSection;
import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.ProviderTable;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import ds.optim.spi.Schedules;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** The optimizer and schedule that a configuration names, with their settings checked. */
final class PluginChoice {
    private static final long AUTO_WARMUP_STEPS = 2;
    private static final Map<String, Object> AUTO_OPTIMIZER =
            Map.of(
                    "lr", 5e-5,
                    "betas", List.of(0.9, 0.999),
                    "eps", 1e-8,
                    "weight_decay", 0.0);

    private final DsConfig config;
    private final PlanInputs inputs;
    private final List<Diagnostic> problems;
    private final List<Decision> decisions;

    PluginChoice(
            DsConfig config,
            PlanInputs inputs,
            List<Diagnostic> problems,
            List<Decision> decisions) {
        this.config = config;
        this.inputs = inputs;
        this.problems = problems;
        this.decisions = decisions;
    }

    /** Returns the optimizer; empty if a problem was reported. */
    Optional<Optimizer> optimizer() {
        ProviderTable<OptimizerProvider> table = Optimizers.in(inputs.layer());
        if (config.optimizer().isEmpty()) {
            problems.add(
                    Diagnostic.refused(
                            "no-optimizer",
                            "/optimizer",
                            "The configuration names no optimizer.",
                            "Add \"optimizer\": {\"type\": \"AdamW\", \"params\": {\"lr\": 1e-3}}."));
            return Optional.empty();
        }
        PluginSection section = config.optimizer().get();
        if (!table.has(section.type())) {
            problems.add(section.unknownType(table.names()));
            return Optional.empty();
        }
        OptimizerProvider provider = table.require(section.type());
        return settings(section, provider.settings(), AUTO_OPTIMIZER)
                .flatMap(settings -> created(section, () -> provider.create(settings)));
    }

    /** Returns the optimizer's name as written. */
    String optimizerName() {
        return config.optimizer().map(PluginSection::type).orElse("none");
    }

    /** Returns the schedule's name as written, or {@code none}. */
    String scheduleName() {
        return config.scheduler().map(PluginSection::type).orElse("none");
    }

    /** Returns the schedule, constant without one; empty if a problem was reported. */
    Optional<Schedule> schedule(Hyper base) {
        if (config.scheduler().isEmpty()) {
            return Optional.of((_, hyper) -> hyper);
        }
        PluginSection section = config.scheduler().get();
        ProviderTable<ScheduleProvider> table = Schedules.in(inputs.layer());
        if (!table.has(section.type())) {
            problems.add(section.unknownType(table.names()));
            return Optional.empty();
        }
        ScheduleProvider provider = table.require(section.type());
        return scheduleSettings(section, provider, base)
                .flatMap(settings -> created(section, () -> provider.create(settings, base)));
    }

    /** Makes the plug-in; settings that contradict one another become a diagnostic. */
    private <T> Optional<T> created(PluginSection section, Supplier<T> create) {
        try {
            return Optional.of(create.get());
        } catch (IllegalArgumentException e) {
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                    "contradiction",
                                    section.pointer(),
                                    String.valueOf(e.getMessage()),
                                    "Change one of the settings.")));
            return Optional.empty();
        }
    }

    private Optional<Settings> scheduleSettings(
            PluginSection section, ScheduleProvider provider, Hyper base) {
        Map<String, Object> auto = new HashMap<>();
        auto.put("warmup_min_lr", 0.0);
        auto.put("warmup_max_lr", base.lr());
        auto.put("warmup_num_steps", AUTO_WARMUP_STEPS);
        inputs.plannedSteps().ifPresent(steps -> auto.put("total_num_steps", steps));
        return settings(section, provider.settings(), auto);
    }

    private Optional<Settings> settings(
            PluginSection section, List<KeyDeclaration> declared, Map<String, Object> auto) {
        Settings.Checked checked = section.check(declared);
        problems.addAll(checked.diagnostics().stream().filter(Diagnostic::isError).toList());
        checked.diagnostics().stream()
                .filter(diagnostic -> !diagnostic.isError())
                .map(Decision::of)
                .forEach(decisions::add);
        if (!checked.isUsable()) {
            return Optional.empty();
        }
        Settings settings = checked.settings();
        for (String name : settings.autoNames()) {
            if (!auto.containsKey(name)) {
                problems.add(
                        config.locate(
                                Diagnostic.refused(
                                        "auto",
                                        section.pointer() + "/" + name,
                                        "'%s' is \"auto\", which nothing here can decide."
                                                .formatted(name),
                                        name.equals("total_num_steps")
                                                ? "Give the number of steps (--steps), or write a number."
                                                : "Write a value.")));
                return Optional.empty();
            }
            Object became = auto.get(name);
            settings = settings.with(name, became);
            decisions.add(
                    new Decision(
                            Decision.Kind.AUTO,
                            section.pointer() + "/" + name,
                            "became %s: what the Hugging Face Trainer takes by default"
                                    .formatted(became)));
        }
        return Optional.of(settings);
    }
}
