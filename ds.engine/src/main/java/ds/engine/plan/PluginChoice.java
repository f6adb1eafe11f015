package ds.engine.plan;

import ds.config.DsConfig;
import ds.config.ParameterGroup;
import ds.config.PluginSection;
import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.ProviderCall;
import ds.core.ProviderTable;
import ds.core.Settings;
import ds.model.ModelLayout;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import ds.optim.spi.Schedules;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** The optimizer and schedule that a configuration names, with their settings checked. */
final class PluginChoice {
    /** Code of settings that a provider's {@code create} refuses. */
    static final String CONTRADICTION = "contradiction";

    private static final long AUTO_WARMUP_STEPS = 2;
    private static final String TOTAL_STEPS = "total_num_steps";
    private static final String WARMUP_STEPS = "warmup_num_steps";
    private static final Map<String, Object> AUTO_OPTIMIZER =
            Map.of(
                    "lr", 5e-5,
                    "betas", List.of(0.9, 0.999),
                    "eps", 1e-8,
                    "weight_decay", 0.0);

    private final ModelLayout layout;
    private final DsConfig config;
    private final PlanInputs inputs;
    private final List<Diagnostic> problems;
    private final List<Decision> decisions;
    private final AutoValues autoValues;
    private Function<ParameterGroups.Caught, Optimizer> differently =
            group -> {
                throw new IllegalStateException("No optimizer for " + group.name());
            };
    private Function<Hyper, Schedule> schedules = _ -> (_, hyper) -> hyper;

    PluginChoice(
            ModelLayout layout,
            DsConfig config,
            PlanInputs inputs,
            List<Diagnostic> problems,
            List<Decision> decisions,
            AutoValues autoValues) {
        this.layout = layout;
        this.config = config;
        this.inputs = inputs;
        this.problems = problems;
        this.decisions = decisions;
        this.autoValues = autoValues;
    }

    /** Returns the optimizer; empty if a problem was reported. */
    Optional<Optimizer> optimizer() {
        ProviderTable<OptimizerProvider> table = Optimizers.in(inputs.layer());
        if (config.optimizer().isEmpty()) {
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                    "no-optimizer",
                                    "/optimizer",
                                    "The configuration names no optimizer.",
                                    "Add \"optimizer\": {\"type\": \"AdamW\", \"params\": {\"lr\": 1e-3}}.")));
            return Optional.empty();
        }
        PluginSection section = config.optimizer().get();
        if (!table.has(section.type())) {
            problems.add(section.unknownType(table.names()));
            return Optional.empty();
        }
        OptimizerProvider provider = table.require(section.type());
        return settings(section, Optimizers.settings(provider), AUTO_OPTIMIZER)
                .flatMap(
                        settings ->
                                created(
                                        section.pointer(),
                                        new ProviderCall("optimizer", provider),
                                        () -> {
                                            differently =
                                                    group -> different(provider, settings, group);
                                            return probed(made(provider, settings));
                                        }));
    }

    /** Lets the optimizer look at every parameter: it may refuse one. */
    private Optimizer probed(Optimizer optimizer) {
        layout.storages().stream().map(Planner::spec).forEach(optimizer::kind);
        return optimizer;
    }

    private static Optimizer made(OptimizerProvider provider, Settings settings) {
        ProviderCall call = new ProviderCall("optimizer", provider);
        return new CheckedOptimizer(
                call, call.mayRefuse("create", () -> provider.create(settings)));
    }

    /** Makes the optimizer of a group: the same with other settings. */
    private Optimizer different(
            OptimizerProvider provider, Settings settings, ParameterGroups.Caught group) {
        ParameterGroup rule = group.rule();
        Settings own = settings;
        if (rule.lr().isPresent()) {
            own = own.without("muon_lr").without("adam_lr");
            own = changed(provider, own, "lr", rule.lr().getAsDouble(), group);
        }
        if (rule.weightDecay().isPresent()) {
            own = changed(provider, own, "weight_decay", rule.weightDecay().getAsDouble(), group);
        }
        if (rule.betas().isPresent()) {
            own = changed(provider, own, "betas", rule.betas().get(), group);
        }
        return made(provider, own);
    }

    private Settings changed(
            OptimizerProvider provider,
            Settings settings,
            String key,
            Object value,
            ParameterGroups.Caught group) {
        if (Optimizers.settings(provider).stream()
                .noneMatch(declared -> declared.name().equals(key))) {
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                    "group",
                                    group.pointer().map(at -> at + "/" + key).orElse(""),
                                    "The group %s sets '%s', which the optimizer '%s' does not have."
                                            .formatted(group.name(), key, provider.name()),
                                    "Remove it.")));
            return settings;
        }
        return settings.with(key, value);
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
            return Optional.of(schedules.apply(base));
        }
        PluginSection section = config.scheduler().get();
        ProviderTable<ScheduleProvider> table = Schedules.in(inputs.layer());
        if (!table.has(section.type())) {
            problems.add(section.unknownType(table.names()));
            return Optional.empty();
        }
        ScheduleProvider provider = table.require(section.type());
        return scheduleSettings(section, provider, base)
                .flatMap(
                        settings -> {
                            schedules = hyper -> made(provider, settings, hyper);
                            return created(
                                    section.pointer(),
                                    new ProviderCall("scheduler", provider),
                                    () -> schedules.apply(base));
                        });
    }

    private static Schedule made(ScheduleProvider provider, Settings settings, Hyper base) {
        ProviderCall call = new ProviderCall("scheduler", provider);
        Schedule schedule = call.mayRefuse("create", () -> provider.create(settings, base));
        return (steps, hyper) ->
                call.of("at(%,d, base)".formatted(steps), () -> schedule.at(steps, hyper));
    }

    /**
     * Returns {@code optimizer} with the settings of each group, and a schedule for each parameter's
     * own hyper-parameters; after {@link #schedule} has found nothing wrong.
     */
    Optimizer grouped(Optimizer optimizer, ParameterGroups groups) {
        ProviderCall call =
                new ProviderCall(
                        "optimizer", Optimizers.in(inputs.layer()).require(optimizerName()));
        GroupedOptimizer.Group others = new GroupedOptimizer.Group(optimizer, 1);
        Map<ParameterGroups.Caught, GroupedOptimizer.Group> made = new IdentityHashMap<>();
        for (ParameterGroups.Caught group : groups.groups()) {
            Optional<Optimizer> accepted =
                    created(group.pointer().orElse(""), call, () -> differently.apply(group));
            if (accepted.isEmpty()) {
                continue;
            }
            Optimizer own = accepted.get();
            made.put(group, new GroupedOptimizer.Group(own, group.rule().lrMultiplier()));
            if (!own.slots().equals(optimizer.slots())) {
                problems.add(
                        config.locate(
                                Diagnostic.refused(
                                        "group",
                                        group.pointer().orElse(""),
                                        "The group %s would keep other state %s than the rest %s."
                                                .formatted(
                                                        group.name(),
                                                        own.slots(),
                                                        optimizer.slots()),
                                        "Change what it sets.")));
            }
        }
        return new GroupedOptimizer(
                others,
                parameter ->
                        groups.of(parameter.name())
                                .map(group -> made.getOrDefault(group, others))
                                .orElse(others),
                base -> schedules.apply(base));
    }

    /** Makes the plug-in; settings that contradict one another become a diagnostic. */
    private <T> Optional<T> created(String pointer, ProviderCall provider, Supplier<T> create) {
        try {
            return Optional.of(create.get());
        } catch (IllegalArgumentException e) {
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                    CONTRADICTION,
                                    pointer,
                                    provider.refusal(e),
                                    "Change one of the settings.")));
            return Optional.empty();
        }
    }

    private Optional<Settings> scheduleSettings(
            PluginSection section, ScheduleProvider provider, Hyper base) {
        Map<String, Object> auto = new HashMap<>();
        auto.put("warmup_min_lr", 0.0);
        auto.put("warmup_max_lr", base.lr());
        auto.put(WARMUP_STEPS, AUTO_WARMUP_STEPS);
        inputs.plannedSteps().ifPresent(steps -> auto.put(TOTAL_STEPS, steps));
        Optional<Settings> settings = settings(section, Schedules.settings(provider), auto);
        inputs.plannedSteps()
                .ifPresent(steps -> settings.ifPresent(s -> checkLength(section, s, steps)));
        return settings;
    }

    /** The lengths written in a schedule are held against the steps that will be made. */
    private void checkLength(PluginSection section, Settings settings, long steps) {
        long total = settings.longOr(TOTAL_STEPS, steps);
        if (total != steps) {
            warn(
                    section.pointer() + "/" + TOTAL_STEPS,
                    total < steps
                            ? "is %,d, but %,d steps are planned: the learning rate stays at its end for the last %,d"
                                    .formatted(total, steps, steps - total)
                            : "is %,d, but %,d steps are planned: the schedule is cut off"
                                    .formatted(total, steps));
        }
        long warmup = settings.longOr(WARMUP_STEPS, 0);
        if (warmup > steps) {
            warn(
                    section.pointer() + "/" + WARMUP_STEPS,
                    "is %,d, but only %,d steps are planned: the learning rate never gets to its top"
                            .formatted(warmup, steps));
        }
    }

    private void warn(String pointer, String text) {
        decisions.add(new Decision(Decision.Kind.WARNING, pointer, text));
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
                                        name.equals(TOTAL_STEPS)
                                                ? "Give the number of steps (--steps), or write a number."
                                                : "Write a value.")));
                return Optional.empty();
            }
            Object became = auto.get(name);
            settings = settings.with(name, became);
            String pointer = section.pointer() + "/" + name;
            switch (name) {
                case TOTAL_STEPS ->
                        autoValues.decided(pointer, became, "the steps that will be made");
                case "warmup_max_lr" ->
                        autoValues.decided(pointer, became, "the optimizer's learning rate");
                case WARMUP_STEPS ->
                        autoValues.decided(
                                pointer,
                                became,
                                "the fewest there can be; the Hugging Face Trainer warms up only when told to");
                default -> autoValues.ofTrainer(pointer, became);
            }
        }
        return Optional.of(settings);
    }
}
