package ds.engine.plan;

import ds.offload.AioSettings;
import ds.offload.RestingPlace;
import ds.offload.StagingSlots;
import ds.offload.StateCodecs;
import ds.offload.StoreTerms;
import ds.offload.Stripes;
import ds.offload.spi.StateCodec;
import ds.optim.spi.Optimizer;
import ds.zero.GradientStorage;
import ds.zero.ParameterStorage;
import ds.zero.PartitionMap;
import ds.zero.ReadAheadEstimate;
import ds.zero.Region;
import ds.zero.StateStorage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.stream.Collectors;

/** The plan as a page of text. */
final class PlanText {
    private static final double SECONDS_PER_DAY = 86_400;
    private static final double TERABYTE = 1e12;

    /** What drives of 1 TB are commonly rated for. */
    private static final int DRIVE_ENDURANCE_TB = 600;

    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

    private PlanText() {}

    static String of(TrainingPlan plan) {
        StringBuilder text = new StringBuilder();
        BatchPlan batch = plan.batch();
        MemoryEstimate memory = plan.memory();
        line(
                text,
                "batch",
                "%d samples = %d (micro) x %d (accumulation) x %d (ranks)",
                batch.train(),
                batch.micro(),
                batch.accumulation(),
                batch.world());
        line(
                text,
                "model",
                "%,d parameters in %d units, %,d trained",
                plan.partition().layout().elements(),
                plan.partition().layout().units().size(),
                trained(plan));
        line(
                text,
                "ZeRO",
                "stage %d: states %s, gradients %s, parameters %s",
                plan.stage(),
                sharded(plan.zero().residency().shardStates()),
                sharded(plan.zero().residency().shardGradients()),
                sharded(plan.zero().residency().shardParameters()));
        line(
                text,
                "precision",
                "%s%s%s, %s",
                plan.precision().type().jsonName(),
                plan.zero().wideNorms() ? " with norms' parameters in fp32" : "",
                plan.precision().products() == plan.precision().type()
                        ? ""
                        : " with products in " + plan.precision().products().jsonName(),
                scale(plan));
        line(text, "gradients", "%s", gradients(plan));
        line(
                text,
                "optimizer",
                "%s %s, state rests %s",
                plan.optimizerName(),
                plan.optimizer().slots().stream().map(s -> s.name()).toList(),
                place(plan.zero().optimizer()));
        wholes(text, plan.partition());
        line(
                text,
                "parameters",
                "rest %s%s",
                place(plan.zero().parameters().place()),
                inMemory(plan, memory));
        readAhead(text, plan);
        line(
                text,
                "schedule",
                "%s, lr %s",
                plan.scheduleName(),
                plan.schedule().at(0, plan.optimizer().base()).lr());
        for (GroupSummary group : plan.groups()) {
            line(
                    text,
                    "group",
                    "%s: %s; %d parameters, %,d elements: %s",
                    group.conditions(),
                    group.differences(),
                    group.parameters().size(),
                    group.elements(),
                    String.join(", ", group.parameters()));
        }
        line(text, "clipping", "%s", plan.clip() > 0 ? "norm " + plan.clip() : "off");
        line(text, "workers", "%d per rank", plan.workersPerRank());
        line(text, "kernels", "%s", plan.kernels().name());
        line(
                text,
                "bytes/rank",
                "%s: parameters %s, live units %s, masters %s, states %s, gradients %s, bucket %s, staging %s",
                bytes(memory.total()),
                bytes(memory.parameters()),
                bytes(memory.liveUnits()),
                bytes(memory.masters()),
                bytes(memory.states()),
                bytes(memory.gradients()),
                bytes(memory.buckets()),
                bytes(memory.staging()));
        line(text, "in memory", "%s of these, beside activations", bytes(memory.inMemory()));
        if (memory.locked() > 0) {
            line(
                    text,
                    "locked",
                    "%s of these in memory, %s over all ranks, as pin_memory asks",
                    bytes(memory.locked()),
                    bytes(plan.lockedBytes()));
        }
        line(text, "on NVMe", "%s%s", bytes(memory.stored()), commits(plan));
        share(text, plan, memory);
        plan.journal().ifPresent(journal -> line(text, "journal", "%s", journal));
        plan.storage()
                .ifPresent(
                        choice ->
                                line(
                                        text,
                                        "storage",
                                        "%s%s",
                                        choice,
                                        requests(plan, choice.provider().name())));
        stripes(text, plan);
        line(
                text,
                "moved/step",
                "exchange %s, gather %s, NVMe %s read and %s written",
                bytes(memory.exchangedPerStep()),
                bytes(memory.gatheredPerStep()),
                bytes(memory.nvmeReadPerStep()),
                bytes(memory.nvmeWrittenPerStep()));
        wear(text, memory.nvmeWrittenPerStep() * batch.world());
        codecs(text, plan);
        replicas(text, plan);
        line(
                text,
                "reproducible",
                "%s",
                plan.irreproducible().isEmpty()
                        ? "yes"
                        : "no (because " + String.join("; ", plan.irreproducible()) + ")");
        for (Decision decision : plan.decisions()) {
            line(
                    text,
                    decision.kind().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    "%s %s",
                    decision.place(),
                    decision.text());
        }
        return text.toString();
    }

    /** What offloaded state costs a step, by what could encode it. */
    private static void codecs(StringBuilder text, TrainingPlan plan) {
        if (plan.codecs().isEmpty()) {
            return;
        }
        List<String> each = new ArrayList<>();
        plan.statePerStep().forEach((name, size) -> each.add(name + " " + bytes(size)));
        line(
                text,
                "state codec",
                "%s; masters and slots moved/step: %s",
                plan.zero().states().codec().map(StateCodec::name).orElse(StateCodecs.FP32),
                String.join(", ", each));
    }

    /** What all ranks write, against what a drive is rated for. */
    private static void wear(StringBuilder text, long writtenPerStep) {
        if (writtenPerStep == 0) {
            return;
        }
        line(
                text,
                "wear",
                "%s written per step, %.1f TB a day at one step per second; a drive rated for %d TB written lasts %,d steps",
                bytes(writtenPerStep),
                writtenPerStep * SECONDS_PER_DAY / TERABYTE,
                DRIVE_ENDURANCE_TB,
                (long) (DRIVE_ENDURANCE_TB * TERABYTE / writtenPerStep));
    }

    /** What a step moves once its exchanges are compressed: a bit per element, out and back. */
    private static void replicas(StringBuilder text, TrainingPlan plan) {
        boolean any =
                Planner.anyIs(Optimizer.Replica.class, plan.partition().layout(), plan.optimizer());
        int world = plan.batch().world();
        if (any) {
            line(
                    text,
                    "compressed",
                    "a step exchanges about %s instead once signs are exchanged",
                    bytes(2 * trained(plan) / Byte.SIZE * (world - 1) / world));
        }
    }

    /** What the backend makes of the {@code aio} section. */
    private static String requests(TrainingPlan plan, String backend) {
        AioSettings aio = plan.pipeline().aio();
        return switch (backend) {
            case "libaio", "io_uring" ->
                    "; %d requests of %s per file%s%s"
                            .formatted(
                                    aio.queueDepth(),
                                    bytes(aio.blockBytes()),
                                    aio.singleSubmit() ? ", each by a call of its own" : "",
                                    aio.overlapEvents() ? "" : ", not overlapped");
            default ->
                    "; %d %s per file"
                            .formatted(
                                    aio.parallelism(),
                                    aio.parallelism() == 1 ? "thread" : "threads");
        };
    }

    /** How several paths share what rests on NVMe. */
    private static void stripes(StringBuilder text, TrainingPlan plan) {
        List<Path> paths = plan.nvmePaths();
        if (paths.size() > 1) {
            line(
                    text,
                    "stripes",
                    "of %s over %d paths, as much each: by measured bandwidth once a store is made",
                    bytes(Stripes.bytesFor(plan.zero().chunkBytes())),
                    paths.size());
        }
    }

    private static String commits(TrainingPlan plan) {
        if (!(plan.zero().optimizer() instanceof RestingPlace.OnNvme)) {
            return "";
        }
        StoreTerms terms = plan.store();
        String first = terms.reserved() ? "; new files are reserved, not filled with zeros" : "";
        return terms.survives()
                ? "; states in %d generations, committed every %s%s"
                        .formatted(
                                terms.generations(),
                                terms.commitEverySteps() == 1
                                        ? "step"
                                        : terms.commitEverySteps() + " steps",
                                first)
                : "; states in place, so that a crash costs them" + first;
    }

    /** What of the state stays in memory, though a store has room for all of it. */
    private static void share(StringBuilder text, TrainingPlan plan, MemoryEstimate memory) {
        if (plan.store().share() == 1
                || !(plan.zero().optimizer() instanceof RestingPlace.OnNvme)) {
            return;
        }
        long all = memory.masters() + memory.states();
        line(
                text,
                "ratio",
                "%s, in whole chunks %.2f: %s of %s of masters and states stay in memory%s",
                plan.store().share(),
                all == 0 ? 1 : 1 - (double) memory.resident() / all,
                bytes(memory.resident()),
                bytes(all),
                plan.store().survives() ? ", written with each commit" : "");
    }

    /** What goes to one rank each, and how even that is. */
    private static void wholes(StringBuilder text, PartitionMap map) {
        long matrices = 0;
        long[] elements = new long[map.world()];
        for (int unit = 0; unit < map.layout().units().size(); unit++) {
            matrices += map.places(unit, Region.WHOLE).size();
        }
        for (int rank = 0; rank < map.world(); rank++) {
            elements[rank] = map.owned(rank, false).elements();
        }
        if (matrices == 0) {
            return;
        }
        LongSummaryStatistics stepped = Arrays.stream(elements).summaryStatistics();
        line(
                text,
                "whole",
                "%d matrices to one rank each; elements per rank %,d to %,d, %.2f of an even share",
                matrices,
                stepped.getMin(),
                stepped.getMax(),
                stepped.getMax() / stepped.getAverage());
    }

    private static long trained(TrainingPlan plan) {
        return plan.partition().layout().storages().stream()
                .filter(parameter -> parameter.trainable())
                .mapToLong(parameter -> parameter.elements())
                .sum();
    }

    private static String sharded(boolean is) {
        return is ? "sharded" : "whole";
    }

    private static String scale(TrainingPlan plan) {
        return plan.precision()
                .dynamic()
                .map(rules -> "dynamic loss scale from %s".formatted(rules.initialScale()))
                .orElseGet(
                        () ->
                                plan.precision().staticScale() == 1
                                        ? "no loss scale"
                                        : "loss scale " + plan.precision().staticScale());
    }

    private static String gradients(TrainingPlan plan) {
        GradientStorage gradients = plan.zero().gradients();
        StateStorage states = plan.zero().states();
        String masters =
                "masters in %s%s, states in %s"
                        .formatted(
                                states.masters().jsonName(),
                                states.stochastic() ? " (rounded stochastically)" : "",
                                states.slots().jsonName());
        return "travel in %s%s, added in %s%s; %s"
                .formatted(
                        gradients.contributions().jsonName(),
                        gradients.factor() == 1 ? "" : " times " + gradients.factor(),
                        gradients.accumulators().jsonName(),
                        gradients.place() instanceof RestingPlace.OnDevice
                                ? ""
                                : ", rest " + place(gradients.place()),
                        masters);
    }

    private static String inMemory(TrainingPlan plan, MemoryEstimate memory) {
        return plan.zero().parameters().place() instanceof RestingPlace.OnNvme
                ? " of %s; %s of %s stay in memory"
                        .formatted(
                                bytes(memory.parameterBuffer()),
                                bytes(memory.parametersInMemory()),
                                bytes(memory.parameters()))
                : "";
    }

    /** Which units are read ahead of their use. */
    private static void readAhead(StringBuilder text, TrainingPlan plan) {
        ParameterStorage parameters = plan.zero().parameters();
        if (!(parameters.place() instanceof RestingPlace.OnNvme)) {
            return;
        }
        ReadAheadEstimate ahead = plan.readAhead();
        if (ahead.units() == 0) {
            line(
                    text,
                    "read ahead",
                    "no unit: %s",
                    ReadAheadChoice.idle(plan.partition(), plan.stage(), plan.zero())
                            .orElse("stage3_prefetch_bucket_size is 0"));
        } else {
            line(
                    text,
                    "read ahead",
                    "up to %d %s (%,d elements, %s of a rank, %d %s) within a bucket of %,d and %,d live elements",
                    ahead.units(),
                    ahead.units() == 1 ? "unit" : "units",
                    ahead.elements(),
                    bytes(ahead.bytes()),
                    ahead.buffers(),
                    ahead.buffers() == 1 ? "buffer" : "buffers",
                    parameters.aheadElements(),
                    plan.zero().maxLiveParameters());
        }
    }

    /** Returns where something rests, as words that follow "rests". */
    static String place(RestingPlace place) {
        return switch (place) {
            case RestingPlace.OnDevice() -> "on the device";
            case RestingPlace.InHost(boolean pinned) ->
                    pinned ? "in page-locked host memory" : "in host memory";
            case RestingPlace.OnNvme nvme ->
                    "on NVMe under %s, %s"
                            .formatted(
                                    nvme.directories().stream()
                                            .map(Path::toString)
                                            .collect(Collectors.joining(" and ")),
                                    buffers(nvme.slots()));
        };
    }

    private static String buffers(StagingSlots slots) {
        return "%d %s%s%s"
                .formatted(
                        slots.used(),
                        slots.used() == 1 ? "buffer" : "buffers",
                        slots.readAhead() ? "" : ", not read ahead",
                        slots.writeBehind() ? "" : ", not written behind");
    }

    private static void line(StringBuilder text, String head, String format, Object... values) {
        text.append("%-13s".formatted(head)).append(format.formatted(values)).append('\n');
    }

    /** Returns bytes with a binary unit: 1.5 MiB. */
    static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " B" : "%.1f %s".formatted(value, UNITS[unit]);
    }
}
