package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.engine.Engine;
import ds.offload.StoreGeneration;
import ds.offload.Stores;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A run of two ranks is killed at any moment, as {@code kill -9} does, again and again: in a step, in
 * a commit, while it recovers. It goes on from the last common commit, bit for bit. The long form is
 * {@code ./mvnw verify -Ploss}.
 */
class KillTest {
    private static final boolean LONG = Boolean.getBoolean("ds.loss");
    private static final int KILLS = LONG ? 320 : 8;
    private static final int CONTROL_KILLS = 3;
    private static final long SEED = 20_261_126L;
    private static final int START_MILLIS = 1_400;
    private static final int STEPS = 6;
    private static final int STEP_MILLIS = 50;

    private static final int BACK_KILLS = LONG ? 100 : 8;

    @TempDir Path directory;
    private String codec = "fp32";
    private double ratio = 1;
    private StoreGeneration from = StoreGeneration.LAST;
    private int generations = 2;
    private int paths = 1;

    /** What the lives of one run said. */
    private static final class Run {
        final Map<Long, String> bits = new HashMap<>();
        long printed;
        int beforeItWentOn;
        int later;
        int lost;
        final List<String> contradictions = new ArrayList<>();

        void life(List<String> lines) {
            if (lines.isEmpty()) {
                beforeItWentOn++;
                return;
            }
            later++;
            long from = Long.parseLong(lines.getFirst().replaceFirst("from ", ""));
            // A step's report is there before its commit; the one before is committed by then.
            if (from < printed - 1) {
                lost++;
                printed = from;
            }
            for (String line : lines.subList(1, lines.size())) {
                long step = Long.parseLong(line.substring(0, line.indexOf(' ')));
                String before = bits.putIfAbsent(step, line);
                if (before != null && !before.equals(line)) {
                    contradictions.add(before + " became " + line);
                }
                printed = Math.max(printed, step);
            }
        }
    }

    private Run run(int kills, boolean survives) throws IOException, InterruptedException {
        Run run = new Run();
        Random random = new Random(SEED);
        for (int i = 0; i < kills; i++) {
            run.life(life(survives, random));
        }
        return run;
    }

    /** Starts the program, kills it at a random moment, and returns the whole lines it wrote. */
    private List<String> life(boolean survives, Random random)
            throws IOException, InterruptedException {
        if (random.nextInt(4) == 0) {
            return life(survives, _ -> true, random.nextInt(START_MILLIS));
        }
        int steps = random.nextInt(STEPS);
        return life(survives, lines -> lines.size() > steps, random.nextInt(STEP_MILLIS));
    }

    /** Starts the program and kills it some time after it wrote {@code enough} lines. */
    private List<String> life(boolean survives, Predicate<List<String>> enough, int millis)
            throws IOException, InterruptedException {
        Path err = directory.resolve("err.txt");
        Process process = new ProcessBuilder(command(survives)).redirectError(err.toFile()).start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            while (!enough.test(lines)) {
                String line = out.readLine();
                assertTrue(line != null, () -> said(err));
                lines.add(line);
            }
            process.waitFor(millis, TimeUnit.MILLISECONDS);
            assertTrue(process.isAlive(), () -> said(err));
            process.toHandle().destroyForcibly(); // leaves the pipe open
            process.waitFor();
            String rest = out.readAllAsString();
            int end = rest.lastIndexOf('\n') + 1; // the last line may be cut
            rest.substring(0, end).lines().forEach(lines::add);
        }
        return lines;
    }

    private static String said(Path err) {
        try {
            return Files.readString(err);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private List<String> command(boolean survives) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath(),
                "ds.it.KilledRun",
                directory.resolve("nvme").toString(),
                Boolean.toString(survives),
                codec,
                from.name(),
                Integer.toString(generations),
                Double.toString(ratio),
                Integer.toString(paths));
    }

    /** Returns the class path of programs of these tests. */
    static String classPath() {
        List<Path> path = new ArrayList<>(libraries());
        path.addAll(Reactor.classes().values());
        path.add(Reactor.ROOT.resolve("it", "target", "test-classes"));
        return path.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }

    private static List<Path> libraries() {
        return ModuleLayer.boot().configuration().modules().stream()
                .map(module -> module.reference().location().orElseThrow())
                .filter(place -> place.getScheme().equals("file"))
                .map(Path::of)
                .filter(place -> place.toString().endsWith(".jar"))
                .toList();
    }

    private void assertUninterrupted(Run run) {
        assertEquals(List.of(), run.contradictions);
        try (Engine engine = KilledRun.uninterrupted(codec)) {
            for (long step = 1; step <= run.printed; step++) {
                String bits = KilledRun.bits(engine.trainStep());
                String said = run.bits.get(step);
                assertTrue(said == null || said.equals(bits), bits + " was " + said);
            }
        }
    }

    /** All of the state on the drive, and a share of it in memory. */
    @ParameterizedTest
    @ValueSource(doubles = {1, 0.6})
    void everyKilledRunGoesOnFromTheLastCommonCommit(double share) throws Exception {
        ratio = share;
        Run run = run(KILLS, true);
        Files.writeString(
                Reactor.ROOT.resolve("it", "target", "loss.md"),
                "| kill -9, two ranks, ratio %s | %d (%d before it went on) | steps made %d | lost %d |%n"
                        .formatted(share, KILLS, run.beforeItWentOn, run.printed, run.lost),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        assertEquals(0, run.lost);
        assertTrue(run.later > KILLS / 2 && run.printed > KILLS, "too few steps to mean anything");
        assertUninterrupted(run);
    }

    @Test
    void soDoesOneInTwoPaths() throws Exception {
        paths = 2;
        Run run = run(LONG ? KILLS / 2 : KILLS, true);
        assertEquals(0, run.lost);
        assertEquals(
                2, Stores.resumable(directory.resolve("nvme")).ranks().getFirst().paths().size());
        assertTrue(run.later > KILLS / 4 && run.printed > 1, "too few steps to mean anything");
        assertUninterrupted(run);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "int8_block"})
    void soDoesOneWhoseStateIsEncoded(String name) throws Exception {
        codec = name;
        Run run = run(KILLS / 2, true);
        assertEquals(0, run.lost);
        assertTrue(run.later > 1 && run.printed > 1, "too few steps to mean anything");
        assertUninterrupted(run);
    }

    /**
     * Between any two calls to a file: all ranks are at one commit, the last or the one before it,
     * and go on from it; any mixture of two would have other bits.
     */
    @Test
    void oneThatIsKilledWhileItGoesBackIsAtOneCommit() throws Exception {
        generations = 3;
        Run run = new Run();
        Random random = new Random(SEED);
        int calls = Integer.MAX_VALUE; // the first one arrives
        int moved = 0;
        for (int kill = 0; kill <= BACK_KILLS; kill++) {
            from = StoreGeneration.LAST;
            int steps = 2 + random.nextInt(STEPS);
            run.life(life(true, lines -> lines.size() > steps, random.nextInt(STEP_MILLIS)));
            long last = commonStep();
            from = StoreGeneration.PREVIOUS;
            int call = calls == Integer.MAX_VALUE ? calls : random.nextInt(calls);
            List<String> back = life(true, lines -> lines.size() > call || arrived(lines), 0);
            if (kill == 0) {
                calls = Collections.frequency(back, KilledRun.CALL);
            }
            back.removeIf(KilledRun.CALL::equals);
            long now = commonStep();
            assertTrue(now == last || now == last - 1, "from step " + last + " to " + now);
            assertTrue(back.isEmpty() || back.getFirst().equals("from " + (last - 1)));
            moved += now < last ? 1 : 0;
            run.printed = now;
        }
        Files.writeString(
                Reactor.ROOT.resolve("it", "target", "loss.md"),
                "| kill -9 on the way back, two ranks | %d (%d at the earlier commit) | steps made %d | lost %d |%n"
                        .formatted(BACK_KILLS, moved - 1, run.printed, run.lost),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        assertEquals(0, run.lost);
        assertTrue(moved > (LONG ? 1 : 0), moved + " of these had gone back");
        assertUninterrupted(run);
    }

    private static boolean arrived(List<String> lines) {
        return !lines.isEmpty() && lines.getLast().startsWith("from ");
    }

    /** Returns the step of the last commit that all ranks have. */
    private long commonStep() {
        return Stores.resumable(directory.resolve("nvme")).ranks().stream()
                .mapToLong(rank -> rank.lastCommit().orElseThrow().run().globalStep())
                .min()
                .orElseThrow();
    }

    /** The negative control: with one slot per extent nothing is gone on from. */
    @Test
    void withoutTheSecondSlotARunIsLost() throws Exception {
        Run run = new Run();
        Random random = new Random(SEED);
        for (int i = 0; run.later < CONTROL_KILLS || run.printed < 3; i++) {
            assertTrue(i < 20, "the program hardly comes to train");
            run.life(life(false, random));
        }
        assertTrue(run.lost > 0, "a run that is written in place survived being killed");
    }
}
