package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Diagnostic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever happens to a valid configuration, the answer is a result with diagnostics. A failure
 * names the seed and shows the smallest document that still fails.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class FuzzTest {
    private static final long SEED = 20_261;
    private static final int TREES = 8_500;
    private static final int TEXTS = 11_500;
    private static final int FILES = 400;
    private static final int MEGABYTE = 1 << 20;
    private static final int LARGE = 12;

    private static final List<Map<String, Object>> SOURCES = new ArrayList<>();
    private static final String DOCUMENTED = Fixtures.page("docs/diagnostics.md");

    private final Random random = new Random(SEED);
    private final Mutant mutant = new Mutant(random);

    @BeforeAll
    static void readCorpus() throws IOException {
        try (Stream<Path> files = Files.walk(Fixtures.config().resolve("corpus"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
                Map<String, Object> fields = DocumentParser.parse(Files.readString(file)).root();
                if (fields.get("config") instanceof Map<?, ?> config) {
                    @SuppressWarnings("unchecked") // a JSON object has text keys
                    Map<String, Object> source = (Map<String, Object>) config;
                    SOURCES.add(source);
                }
            }
        }
        assertTrue(SOURCES.size() > 600, () -> SOURCES.size() + " sources");
    }

    /** A map and its text are one document: same mistakes, same order, same values. */
    @Test
    void mutatedTreesMeanTheSameAsTheirText() {
        int sound = 0;
        for (int round = 0; round < TREES; round++) {
            Map<String, Object> tree = mutant.ofTree(source());
            ConfigCheck asMap = DsConfig.check(tree, options());
            assertHolds(asMap, "seed " + SEED + ", map " + tree);
            String text = json(tree);
            ConfigCheck asText = DsConfig.check(text, options());
            assertHolds(asText, "seed " + SEED + ", text " + text);
            if (asText.diagnostics().stream().noneMatch(d -> d.code().equals("limit"))) {
                assertEquals(found(asText), found(asMap), text);
                assertEquals(asText.resolved(), asMap.resolved(), text);
            }
            sound += asMap.isOk() ? 1 : 0;
        }
        int finalSound = sound;
        assertTrue(sound > TREES / 20 && sound < TREES, () -> finalSound + " sound documents");
    }

    @Test
    void mutatedTextsAreAnswered() {
        int sound = 0;
        for (int round = 0; round < TEXTS; round++) {
            String text = mutant.ofText(json(source()));
            sound += answered(text) ? 1 : 0;
        }
        int finalSound = sound;
        assertTrue(sound > TEXTS / 50 && sound < TEXTS, () -> finalSound + " sound documents");
    }

    @Test
    void mutatedFilesAreAnswered(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("ds_config.json");
        for (int round = 0; round < FILES; round++) {
            byte[] bytes = mutant.ofBytes(json(source()) + "// é 漢 \ud83d\ude00");
            Files.write(file, bytes);
            assertHolds(DsConfig.check(file, options()), "seed " + SEED + ", round " + round);
        }
    }

    @Test
    void mutatedDocumentsOfAMegabyteAreAnswered() {
        for (int round = 0; round < LARGE; round++) {
            StringBuilder large = new StringBuilder("{");
            while (large.length() < MEGABYTE) {
                String part = json(mutant.ofTree(source()));
                boolean flat = random.nextBoolean();
                large.append(flat ? part.substring(1, part.length() - 1) : "\"a\":" + part);
                large.append(large.charAt(large.length() - 1) == '{' ? "" : ",");
            }
            String text = large.append('}').toString();
            assertHolds(DsConfig.check(text, options()), "seed " + SEED + ", large " + round);
            String broken = mutant.ofText(text);
            assertHolds(DsConfig.check(broken, options()), "seed " + SEED + ", broken " + round);
        }
    }

    private Map<String, Object> source() {
        return SOURCES.get(random.nextInt(SOURCES.size()));
    }

    private static CheckOptions options() {
        return CheckOptions.none().worldSize(2);
    }

    private static boolean answered(String text) {
        try {
            ConfigCheck check = DsConfig.check(text, options());
            assertHolds(check, "");
            return check.isOk();
        } catch (RuntimeException | AssertionError | StackOverflowError e) {
            throw new AssertionError(
                    "seed %d, smallest document: %s".formatted(SEED, smallest(text)), e);
        }
    }

    /** Removes what does not matter for the failure: halves, quarters, down to characters. */
    private static String smallest(String failing) {
        String text = failing;
        for (int size = text.length() / 2; size > 0; size /= 2) {
            for (int at = 0; at + size <= text.length(); ) {
                String shorter = text.substring(0, at) + text.substring(at + size);
                if (fails(shorter)) {
                    text = shorter;
                } else {
                    at += size;
                }
            }
        }
        return text;
    }

    private static boolean fails(String text) {
        try {
            assertHolds(DsConfig.check(text, options()), "");
            return false;
        } catch (RuntimeException | AssertionError | StackOverflowError _) {
            return true;
        }
    }

    /** What holds for every answer. */
    private static void assertHolds(ConfigCheck check, String document) {
        List<Diagnostic> found = check.diagnostics();
        assertTrue(found.size() <= LocatedDocument.MOST_SHOWN + 1, document);
        assertEquals(check.isOk(), check.config().isPresent(), document);
        Diagnostic last = null;
        for (Diagnostic diagnostic : found) {
            assertSound(diagnostic, document);
            if (last != null && !diagnostic.code().equals("more-problems")) {
                boolean ordered =
                        last.line() < diagnostic.line()
                                || (last.line() == diagnostic.line()
                                        && last.column() <= diagnostic.column());
                assertTrue(ordered, () -> "order in " + document);
            }
            last = diagnostic;
        }
        String shown = check.render(false);
        boolean obeyed = shown.chars().anyMatch(c -> c < ' ' && c != '\n' && c != '\t');
        assertFalse(obeyed, document);
        LocatedDocument report = DocumentParser.parse(CheckReport.json(List.of(check)));
        assertEquals(List.of(), report.problems(), document);
        check.config().ifPresent(FuzzTest::touch);
    }

    private static void assertSound(Diagnostic diagnostic, String document) {
        assertTrue(DOCUMENTED.contains("### `" + diagnostic.code() + "`"), diagnostic::toString);
        String message = diagnostic.message();
        assertTrue(message.endsWith(".") && message.length() < 2_000, () -> message + document);
        String way = diagnostic.suggestion();
        assertTrue(way.isEmpty() || way.endsWith(".") || way.endsWith("?"), () -> way + document);
        String pointer = diagnostic.pointer();
        assertTrue(pointer.isEmpty() || pointer.startsWith("/"), () -> pointer + document);
    }

    private static void touch(DsConfig config) {
        List<Consumer<DsConfig>> readers =
                List.of(
                        DsConfig::fp16,
                        DsConfig::bf16,
                        DsConfig::zero,
                        DsConfig::jvm,
                        DsConfig::activationCheckpointing,
                        DsConfig::stepsPerPrint,
                        DsConfig::gradientClipping,
                        c -> c.optimizer().ifPresent(section -> section.check(List.of())),
                        c -> c.scheduler().ifPresent(section -> section.check(List.of())));
        readers.forEach(reader -> reader.accept(config));
    }

    private static String found(ConfigCheck check) {
        Function<Diagnostic, String> line =
                d -> d.severity() + " " + d.code() + " " + d.pointer() + " " + d.message();
        return check.diagnostics().stream().map(line).sorted().collect(Collectors.joining("\n"));
    }

    /** Writes a tree as JSON; a number stays as it is. */
    private static String json(Object value) {
        return switch (value) {
            case null -> "null";
            case String text -> quoted(text);
            case List<?> list ->
                    list.stream().map(FuzzTest::json).collect(Collectors.joining(",", "[", "]"));
            case Map<?, ?> map ->
                    map.entrySet().stream()
                            .map(
                                    e ->
                                            quoted(String.valueOf(e.getKey()))
                                                    + ": "
                                                    + json(e.getValue()))
                            .collect(Collectors.joining(", ", "{", "}"));
            default -> String.valueOf(value);
        };
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            boolean plain = c >= ' ' && c != '"' && c != '\\';
            out.append(plain ? String.valueOf(c) : "\\u%04x".formatted((int) c));
        }
        return out.append('"').toString();
    }
}
