package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.model.builtin.Gpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Configurations by chance: however a run is spread, stored, cut and gone on with, its losses, norms,
 * learning rates, skipped steps and parameters are those of a plain run. A failure says its number and
 * both configurations; {@code -Dds.case=N -Dds.cases=1} is that one alone.
 */
class RandomWaysTest {
    private static final int CASES = Boolean.getBoolean("ds.loss") ? 2000 : 24;
    private static final int CUT = 2;
    private static final int STEPS = 4;

    @TempDir private Path directory;

    static LongStream cases() {
        long first = Long.getLong("ds.case", 0);
        return LongStream.range(first, first + Integer.getInteger("ds.cases", CASES));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void noWayIsSeenInTheBits(long number) throws IOException {
        SplittableRandom random = new SplittableRandom(number);
        RandomNumerics numerics = RandomNumerics.draw(random);
        RandomWay first = way(random, numerics, "first");
        RandomWay second = way(random, numerics, "second");
        String what =
                "case %d: %s%n%s%n%s%nthen %s%n%s%n"
                        .formatted(
                                number,
                                numerics,
                                first,
                                first.json(numerics),
                                second,
                                second.json(numerics));
        List<String> bits = List.of();
        try (Engine engine = engine(RandomWay.plain(numerics), numerics)) {
            bits = train(engine, STEPS);
        }
        List<String> rest = bits.subList(CUT, bits.size());
        Path checkpoint = directory.resolve("checkpoint");
        Optional<Path> store = Optional.empty();
        try {
            try (Engine engine = engine(first, numerics)) {
                assertEquals(bits.subList(0, CUT), train(engine, CUT), what);
                engine.saveCheckpoint(checkpoint);
                if (random.nextBoolean()) {
                    engine.evaluate(Rhyme.TEXT);
                    engine.generate("a", g -> g.tokens(20));
                }
                store = engine.keepStore();
                assertEquals(rest, train(engine, STEPS - CUT), "on the way; " + what);
                store = engine.keepStore();
            }
            try (Engine engine = engine(second, numerics)) {
                engine.resume(checkpoint);
                assertEquals(rest, train(engine, STEPS - CUT), "from the checkpoint; " + what);
            }
            if (store.isPresent()) {
                try (Engine engine = engine(first, numerics)) {
                    engine.resume(store.orElseThrow());
                    assertEquals(bits.getLast(), engine.parameterHash(), "from the store; " + what);
                    engine.steps(1).forEach(_ -> {});
                }
            }
        } catch (RuntimeException e) {
            throw new AssertionError(what, e);
        }
    }

    private RandomWay way(SplittableRandom random, RandomNumerics numerics, String name)
            throws IOException {
        return RandomWay.draw(random, numerics, Files.createDirectories(directory.resolve(name)));
    }

    /** Returns the bits of some steps, and of the parameters after the last. */
    private static List<String> train(Engine engine, int steps) {
        List<String> bits = new ArrayList<>();
        for (StepReport report : engine.steps(steps)) {
            bits.add(
                    "%d %a %a %a %b"
                            .formatted(
                                    report.step(),
                                    report.loss(),
                                    report.gradNorm(),
                                    report.lr(),
                                    report.skipped()));
        }
        if (engine.step() == STEPS) {
            bits.add(engine.parameterHash());
        }
        return bits;
    }

    private static Engine engine(RandomWay way, RandomNumerics numerics) {
        Gpt model =
                Gpt.of(
                        g ->
                                g.layers(2)
                                        .width(24)
                                        .heads(2)
                                        .context(Rhyme.CONTEXT)
                                        .tied(numerics.tied())
                                        .dropout(numerics.dropout())
                                        .checkpointing(way.recomputed()));
        return DeepSpeed.initialize(
                model,
                DsConfig.parse(way.json(numerics)),
                o -> o.trainingData(Rhyme.TEXT).ranks(way.world()).workers(way.workers()).seed(5));
    }
}
