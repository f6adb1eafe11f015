package ds.cli;

import ds.engine.metrics.ScheduleCurve;
import ds.engine.plan.Decision;
import ds.engine.plan.GroupSummary;
import ds.engine.plan.MemoryEstimate;
import ds.engine.plan.PlanInputs;
import ds.engine.plan.Planner;
import ds.engine.plan.TrainingPlan;
import ds.offload.StateCodecs;
import ds.offload.Stores;
import ds.offload.spi.StateCodec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ds plan}. */
@CommandLine.Command(
        name = "plan",
        sortOptions = false,
        description = "Shows what a configuration would do with a model, and allocates nothing.")
final class PlanCommand extends Command {
    private static final int PLOT_COLUMNS = 72;
    private static final int PLOT_ROWS = 13;

    @Mixin private Setup setup = new Setup();

    @Option(
            names = "--plot-schedule",
            paramLabel = "FILE.svg",
            arity = "0..1",
            fallbackValue = "",
            description =
                    "Draw the learning rate over the steps of the run: here, or into this file.")
    private @Nullable String plot; // null: not given; empty: in the terminal

    @Override
    int run() {
        if (plot != null && !plot.isEmpty()) {
            Targets.file("--plot-schedule", Path.of(plot));
        }
        Setup.Loaded loaded = setup.load(this);
        TrainingPlan plan =
                Planner.plan(
                        loaded.model().layout(),
                        loaded.config(),
                        new PlanInputs(
                                loaded.ranks(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.of(loaded.steps()),
                                loaded.train().targetsPerSample(),
                                List.of(),
                                ModuleLayer.boot()));
        out().result(plan.toString().stripTrailing());
        Map<String, Object> document = document(plan);
        stripes(plan, document);
        plot(plan, loaded);
        out().document(document);
        return Main.OK;
    }

    /** What several paths get: what was measured for the one run that was left there, if there is. */
    private void stripes(TrainingPlan plan, Map<String, Object> document) {
        List<Path> paths = plan.nvmePaths();
        if (paths.size() < 2) {
            return;
        }
        Map<Path, Integer> weights = new LinkedHashMap<>();
        paths.forEach(path -> weights.put(path, 1));
        List<Map<Path, Integer>> left =
                Stores.list(paths.getFirst()).stream()
                        .filter(Stores.RunStore::isResumable)
                        .map(run -> run.ranks().getFirst().paths())
                        .filter(found -> found.size() == paths.size())
                        .toList();
        boolean measured = left.size() == 1;
        if (measured) {
            List<Integer> found = List.copyOf(left.getFirst().values());
            for (int path = 0; path < paths.size(); path++) {
                weights.put(paths.get(path), found.get(path));
                out().result(
                                "             %s has weight %d in the store that was left"
                                        .formatted(paths.get(path), found.get(path)));
            }
        }
        document.put("nvme_paths", StoreInspectCommand.paths(weights));
        document.put("nvme_weights_measured", measured);
    }

    private void plot(TrainingPlan plan, Setup.Loaded loaded) {
        if (plot == null) {
            return;
        }
        ScheduleCurve curve =
                new ScheduleCurve(plan.schedule(), plan.optimizer().base(), loaded.steps());
        if (plot.isEmpty()) {
            out().result("\n" + curve.text(PLOT_COLUMNS, PLOT_ROWS).stripTrailing());
        } else {
            curve.writeSvg(
                    Path.of(plot),
                    "%s with %s, %d steps"
                            .formatted(plan.optimizerName(), plan.scheduleName(), loaded.steps()));
        }
    }

    private static Map<String, Object> document(TrainingPlan plan) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("world_size", plan.batch().world());
        document.put("train_batch_size", plan.batch().train());
        document.put("train_micro_batch_size_per_gpu", plan.batch().micro());
        document.put("gradient_accumulation_steps", plan.batch().accumulation());
        document.put("kernels", plan.kernels().name());
        document.put("precision", plan.zero().precision().jsonName());
        document.put("stage", plan.stage());
        document.put("optimizer", plan.optimizerName());
        document.put("scheduler", plan.scheduleName());
        document.put("gradient_clipping", plan.clip());
        document.put("parameters", plan.partition().layout().elements());
        MemoryEstimate memory = plan.memory();
        Map<String, Object> bytes = new LinkedHashMap<>();
        bytes.put("parameters", memory.parameters());
        bytes.put("parameters_in_memory", memory.parametersInMemory());
        bytes.put("parameter_buffer", memory.parameterBuffer());
        bytes.put("live_units", memory.liveUnits());
        bytes.put("masters", memory.masters());
        bytes.put("optimizer_states", memory.states());
        bytes.put("gradients", memory.gradients());
        bytes.put("buckets", memory.buckets());
        bytes.put("staging", memory.staging());
        bytes.put("in_memory", memory.inMemory());
        bytes.put("locked", memory.locked());
        bytes.put("state_in_memory", memory.resident());
        bytes.put("on_nvme", memory.stored());
        bytes.put("total", memory.total());
        document.put("bytes_per_rank", bytes);
        Map<String, Object> moved = new LinkedHashMap<>();
        moved.put("exchanged", memory.exchangedPerStep());
        moved.put("gathered", memory.gatheredPerStep());
        moved.put("nvme_read", memory.nvmeReadPerStep());
        moved.put("nvme_written", memory.nvmeWrittenPerStep());
        document.put("bytes_per_step_and_rank", moved);
        document.put(
                "state_codec",
                plan.zero().states().codec().map(StateCodec::name).orElse(StateCodecs.FP32));
        document.put("state_bytes_per_step_and_rank", plan.statePerStep());
        plan.storage()
                .ifPresent(
                        choice -> {
                            document.put("storage_backend", choice.provider().name());
                            document.put("storage_backend_because", choice.reason());
                        });
        List<Object> groups = new ArrayList<>();
        for (GroupSummary group : plan.groups()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("conditions", group.conditions());
            entry.put("differences", group.differences());
            entry.put("parameters", group.parameters());
            entry.put("elements", group.elements());
            groups.add(entry);
        }
        document.put("parameter_groups", groups);
        document.put("reproducible", plan.irreproducible().isEmpty());
        document.put("irreproducible_because", plan.irreproducible());
        List<Object> decisions = new ArrayList<>();
        for (Decision decision : plan.decisions()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("kind", decision.kind().name().toLowerCase(Locale.ROOT));
            entry.put("pointer", decision.pointer());
            entry.put("line", decision.line());
            entry.put("column", decision.column());
            entry.put("text", decision.text());
            decisions.add(entry);
        }
        document.put("decisions", decisions);
        return document;
    }
}
