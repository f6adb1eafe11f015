package ds.engine;

import ds.engine.checkpoint.Checkpoint;
import ds.engine.checkpoint.CheckpointException;
import ds.engine.checkpoint.CheckpointHeader;
import ds.engine.checkpoint.CheckpointWriter;
import ds.engine.checkpoint.Piece;
import ds.engine.checkpoint.RankWriter;
import ds.engine.checkpoint.RunState;
import ds.engine.checkpoint.TensorShape;
import ds.engine.data.Dataset;
import ds.engine.plan.TrainingPlan;
import ds.model.Parameter;
import ds.model.TrainableModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Moves a run between ranks and checkpoints: which pieces, in which order, with which counters. */
record CheckpointIo(
        TrainingPlan plan, TrainableModel model, EngineOptions options, String configText) {
    private static final System.Logger LOG = System.getLogger(CheckpointIo.class.getName());
    private static final String SCALE = "scale";
    private static final String HYSTERESIS = "hysteresis";
    private static final String ITERATION = "iteration";
    private static final String LAST_OVERFLOW = "last_overflow";
    private static final String DYNAMIC = "dynamic";

    /**
     * Writes a checkpoint. That a file cannot be written is no failure of a rank: its state is as it
     * was, and training can go on.
     */
    Path save(Path directory, Ranks ranks) {
        try (CheckpointWriter writer =
                CheckpointWriter.begin(directory, header(ranks), options.files())) {
            Queue<CheckpointException> failures = new ConcurrentLinkedQueue<>();
            ranks.all(
                    rank -> {
                        try {
                            write(ranks.get(rank), rank, writer);
                        } catch (CheckpointException e) {
                            failures.add(e);
                        }
                    });
            if (!failures.isEmpty()) {
                throw failures.remove();
            }
            return writer.commit();
        }
    }

    private void write(Rank rank, int index, CheckpointWriter writer) {
        List<Piece> pieces = new ArrayList<>();
        rank.zero()
                .exportOwned(
                        (parameter, kind, offset, values) ->
                                pieces.add(
                                        new Piece(
                                                kindOf(parameter, kind),
                                                parameter.name(),
                                                offset,
                                                values.lengthElements(),
                                                values.type())));
        try (RankWriter file = writer.rank(index, pieces)) {
            rank.zero()
                    .exportOwned(
                            (parameter, kind, offset, values) ->
                                    file.put(
                                            kindOf(parameter, kind),
                                            parameter.name(),
                                            offset,
                                            values));
            file.finish();
        }
    }

    private static String kindOf(Parameter parameter, String kind) {
        return parameter.trainable() ? kind : Piece.FROZEN;
    }

    private CheckpointHeader header(Ranks ranks) {
        Position position = ranks.get(0).position();
        LossScaler.State scaler = ranks.get(0).scaler().state();
        return new CheckpointHeader(
                new RunState(
                        position.globalStep(),
                        position.appliedSteps(),
                        position.microSteps(),
                        position.samplesSeen(),
                        plan.zero().seed(),
                        Map.of(
                                SCALE, Double.toString(scaler.scale()),
                                HYSTERESIS, Integer.toString(scaler.hysteresis()),
                                ITERATION, Long.toString(scaler.iteration()),
                                LAST_OVERFLOW, Long.toString(scaler.lastOverflow()),
                                DYNAMIC, Boolean.toString(hasDynamicScale()))),
                ranks.size(),
                TensorShape.of(model.layout()),
                options.modelSpec(),
                options.trainingData().map(Dataset::info).orElse(Map.of()),
                configText);
    }

    /** Continues from {@code checkpoint} on every rank, whatever world wrote it. */
    void load(Checkpoint checkpoint, Ranks ranks) {
        CheckpointHeader header = checkpoint.header();
        requireSameModel(checkpoint, header);
        RunState state = header.state();
        if (state.seed() != plan.zero().seed()) {
            throw new CheckpointException(
                    "The checkpoint %s was trained with seed %d, this run has %d; give --seed %d to continue it."
                            .formatted(
                                    checkpoint.directory(),
                                    state.seed(),
                                    plan.zero().seed(),
                                    state.seed()));
        }
        warnOfOtherData(checkpoint, header);
        Position position =
                new Position(
                        state.globalStep(),
                        state.appliedSteps(),
                        state.microSteps(),
                        state.sampleCursor(),
                        0);
        Optional<LossScaler.State> scaler = scalerState(checkpoint, state.lossScaler());
        ranks.awaitCommits();
        ranks.all(
                rank -> {
                    ranks.get(rank)
                            .zero()
                            .importTensors(
                                    (parameter, kind, offset, into) ->
                                            checkpoint.read(
                                                    kindOf(parameter, kind),
                                                    parameter.name(),
                                                    offset,
                                                    into));
                    ranks.get(rank).restore(position, scaler);
                    ranks.get(rank).commit();
                });
    }

    private void warnOfOtherData(Checkpoint checkpoint, CheckpointHeader header) {
        Map<String, String> mine = options.trainingData().map(Dataset::info).orElse(Map.of());
        if (!mine.isEmpty() && !header.data().isEmpty() && !mine.equals(header.data())) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "The checkpoint {0} was trained on other data ({1}) than this run has ({2}); the data cursor goes on at its place.",
                    checkpoint.directory(),
                    header.data(),
                    mine);
        }
    }

    private void requireSameModel(Checkpoint checkpoint, CheckpointHeader header) {
        List<TensorShape> mine = TensorShape.of(model.layout());
        List<TensorShape> theirs = header.layout();
        for (int i = 0; i < Math.max(mine.size(), theirs.size()); i++) {
            if (i >= mine.size() || i >= theirs.size() || !mine.get(i).equals(theirs.get(i))) {
                throw new CheckpointException(
                        "The checkpoint %s is of another model: it has %s where this model has %s; resume with the model it was written by (%s)."
                                .formatted(
                                        checkpoint.directory(),
                                        describe(theirs, i),
                                        describe(mine, i),
                                        header.model().isEmpty()
                                                ? "given as an object"
                                                : "--model " + header.model()));
            }
        }
    }

    private static String describe(List<TensorShape> layout, int index) {
        return index < layout.size()
                ? "%s %s%s"
                        .formatted(
                                layout.get(index).name(),
                                layout.get(index).shape(),
                                layout.get(index).trainable() ? "" : " (frozen)")
                : "nothing";
    }

    private boolean hasDynamicScale() {
        return plan.precision().dynamic().isPresent();
    }

    /** Only a dynamic scale has a history; a static one is what the configuration says now. */
    private Optional<LossScaler.State> scalerState(
            Checkpoint checkpoint, Map<String, String> kept) {
        if (!hasDynamicScale() || !Boolean.parseBoolean(kept.getOrDefault(DYNAMIC, "true"))) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    new LossScaler.State(
                            Double.parseDouble(kept.getOrDefault(SCALE, "1")),
                            Integer.parseInt(kept.getOrDefault(HYSTERESIS, "1")),
                            Long.parseLong(kept.getOrDefault(ITERATION, "0")),
                            Long.parseLong(kept.getOrDefault(LAST_OVERFLOW, "-1"))));
        } catch (NumberFormatException e) {
            throw new CheckpointException(
                    "The checkpoint %s has a loss scaler that cannot be read: %s."
                            .formatted(checkpoint.directory(), kept),
                    e);
        }
    }
}
