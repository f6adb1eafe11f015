package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.config.CheckOptions;
import ds.config.ConfigCheck;
import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.core.Diagnostic;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.model.builtin.Mlp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code initialize} takes and refuses what DeepSpeed's does with a 4 x 4 linear model on one CPU,
 * or the difference is on the list of docs/deviations.md.
 */
class InitializeTest {
    private static final Path FIXTURES = Path.of(System.getProperty("ds.fixtures"));
    private static final Path CASES = FIXTURES.resolve("config/corpus/engine_init");
    private static final Path PAGE = Reactor.ROOT.resolve("docs/deviations.md");
    private static final Pattern REASON =
            Pattern.compile(
                    "^### `([a-z-]+)`$(.*?)(?=^### |\\z)", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern STARTS =
            Pattern.compile(
                    "^- \\*\\*Starts:\\*\\*(.*?)(?=^- |^\\s*$|\\z)",
                    Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

    @TempDir private Path directory;

    @Test
    void everyStartEndsAsDeepSpeedsDoesOrIsListed() throws IOException {
        Map<String, String> differences = differences();
        Map<String, String> listed = listed();
        Map<String, String> unlisted = new TreeMap<>(differences);
        unlisted.keySet().removeAll(listed.keySet());
        assertEquals(
                "",
                unlisted.entrySet().stream()
                        .map(e -> e.getKey() + ": " + e.getValue())
                        .collect(Collectors.joining("\n")),
                "differences that docs/deviations.md does not list under Starts");
        assumeTrue(CASES.startsWith(Reactor.ROOT), "the list is about the repository's own cases");
        TreeSet<String> stale = new TreeSet<>(listed.keySet());
        stale.removeAll(differences.keySet());
        assertEquals(new TreeSet<String>(), stale, "rows of docs/deviations.md that agree by now");
    }

    private Map<String, String> differences() throws IOException {
        Map<String, String> differences = new TreeMap<>();
        List<Path> files;
        try (Stream<Path> found = Files.list(CASES)) {
            files = found.sorted().toList();
        }
        for (Path file : files) {
            Map<?, ?> golden = JsonFile.read(file);
            boolean machine = Boolean.TRUE.equals(golden.get("environment_dependent"));
            String difference = machine ? "says what a machine cannot do" : difference(golden);
            if (!difference.isEmpty()) {
                differences.put(String.valueOf(golden.get("name")), difference);
            }
        }
        return differences;
    }

    private String difference(Map<?, ?> golden) {
        Map<?, ?> expect = (Map<?, ?>) golden.get("expect");
        Map<String, Object> config = elsewhere((Map<?, ?>) golden.get("config"));
        boolean ignores = expect.get("silently_ignored") instanceof List<?> l && !l.isEmpty();
        List<Diagnostic> errors = start(config, ignores);
        boolean accepted = Boolean.TRUE.equals(expect.get("ok"));
        if (accepted != errors.isEmpty()) {
            return accepted ? "refused " + errors : "accepted";
        }
        List<String> missed = new ArrayList<>();
        List<?> keys = expect.get("offending_keys") instanceof List<?> list ? list : List.of();
        for (Object key : accepted ? List.of() : keys) {
            if (errors.stream().noneMatch(error -> names(error, String.valueOf(key)))) {
                missed.add(String.valueOf(key));
            }
        }
        boolean anyOfBatch = !missed.isEmpty() && missed.size() < keys.size() && isBatch(keys);
        return missed.isEmpty() || anyOfBatch ? "" : "does not name " + missed + " in " + errors;
    }

    private static boolean isBatch(List<?> keys) {
        return keys.contains("train_batch_size");
    }

    private static boolean names(Diagnostic error, String key) {
        String at = error.pointer().replaceFirst("^/", "").replace('/', '.');
        String last = key.substring(key.lastIndexOf('.') + 1);
        return at.equals(key)
                || at.startsWith(key + ".")
                || error.message().contains(key)
                || error.message().contains("'" + last + "'")
                || error.related().stream()
                        .anyMatch(r -> r.pointer().equals("/" + key.replace('.', '/')));
    }

    /** Starts an engine and returns what is wrong; empty if it started. */
    private static List<Diagnostic> start(Map<String, Object> map, boolean warn) {
        CheckOptions options = CheckOptions.none();
        ConfigCheck check = DsConfig.check(map, options.warnOnUnknownKeys(warn));
        if (check.config().isEmpty()) {
            return check.diagnostics().stream().filter(Diagnostic::isError).toList();
        }
        try (Engine engine =
                DeepSpeed.initialize(
                        Mlp.of(4, 4), check.config().get(), o -> o.ranks(1).workers(1))) {
            assertEquals(0, engine.step());
            return List.of();
        } catch (ConfigException e) {
            return e.diagnostics().stream().filter(Diagnostic::isError).toList();
        }
    }

    /** Returns the configuration with a directory that exists in place of its own. */
    private Map<String, Object> elsewhere(Map<?, ?> config) {
        Map<String, Object> copy = new LinkedHashMap<>();
        config.forEach(
                (key, value) ->
                        copy.put(
                                String.valueOf(key),
                                key.equals("nvme_path")
                                        ? directory.toString()
                                        : value instanceof Map<?, ?> map ? elsewhere(map) : value));
        return copy;
    }

    private static Map<String, String> listed() throws IOException {
        Map<String, String> listed = new TreeMap<>();
        String text = Files.readString(PAGE);
        for (Matcher section = REASON.matcher(text); section.find(); ) {
            for (Matcher list = STARTS.matcher(section.group(2)); list.find(); ) {
                for (Matcher name = QUOTED.matcher(list.group(1)); name.find(); ) {
                    listed.put(name.group(1), section.group(1));
                }
            }
        }
        return listed;
    }
}
