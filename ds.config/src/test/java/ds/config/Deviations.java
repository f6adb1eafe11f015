package ds.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The page that lists every intended difference from DeepSpeed, {@code docs/deviations.md}. */
record Deviations(Path page, String text) {
    private static final Pattern REASON =
            Pattern.compile(
                    "^### `([a-z-]+)`$(.*?)(?=^### |\\z)", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern CASES =
            Pattern.compile(
                    "^- \\*\\*(Cases|Files|Starts):\\*\\*(.*?)(?=^- |^\\s*$|\\z)",
                    Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");
    private static final String GENERATED =
            "<!-- generated: CorpusTest -Dds.golden.update=true -->\n";

    static Deviations read() throws IOException {
        Path page = Fixtures.repository().resolve("docs").resolve("deviations.md");
        return new Deviations(page, Files.readString(page));
    }

    /** Returns the reason by name of a case of the corpus. */
    Map<String, String> reasons() {
        return reasons("Cases");
    }

    /** Returns the reason by name of a case made of a public project's file. */
    Map<String, String> external() {
        return reasons("Files");
    }

    private Map<String, String> reasons(String list) {
        Map<String, String> reasons = new TreeMap<>();
        for (Matcher section = REASON.matcher(text); section.find(); ) {
            String reason = section.group(1);
            for (String part : new String[] {"DeepSpeed", "Here", "Why"}) {
                if (!section.group(2).contains("- **" + part + ":** ")) {
                    throw new IllegalStateException("'" + reason + "' does not say " + part + ".");
                }
            }
            boolean any = false;
            for (Matcher cases = CASES.matcher(section.group(2)); cases.find(); any = true) {
                if (cases.group(1).equals(list)) {
                    note(cases.group(2), reason, reasons);
                }
            }
            if (!any) {
                throw new IllegalStateException("'" + reason + "' has no cases.");
            }
        }
        return reasons;
    }

    private static void note(String names, String reason, Map<String, String> reasons) {
        for (Matcher name = QUOTED.matcher(names); name.find(); ) {
            String twin = reasons.putIfAbsent(name.group(1), reason);
            if (twin != null) {
                throw new IllegalStateException(name.group(1) + " is listed twice.");
            }
        }
    }

    /** Returns the page with its two parts about the corpus as these outcomes make them. */
    String with(Map<CorpusCase, CorpusCase.Outcome> outcomes) {
        StringBuilder ignored = new StringBuilder();
        outcomes.forEach(
                (golden, outcome) -> {
                    if (outcome.kind() == CorpusCase.Kind.IGNORED) {
                        ignored.append("`").append(golden.name()).append("`,\n");
                    }
                });
        return replaced(
                replaced(text, GENERATED, 0, table(outcomes) + "\n" + share(outcomes)),
                GENERATED,
                1,
                ignored.substring(0, ignored.length() - 2) + ".\n");
    }

    /** Returns what share of the accepted cases differs, those with keys that nobody reads apart. */
    private static String share(Map<CorpusCase, CorpusCase.Outcome> outcomes) {
        List<CorpusCase.Kind> accepted =
                outcomes.entrySet().stream()
                        .filter(e -> e.getKey().accepted())
                        .map(e -> e.getValue().kind())
                        .filter(kind -> kind != CorpusCase.Kind.IGNORED)
                        .toList();
        long differ = accepted.stream().filter(kind -> kind == CorpusCase.Kind.DIFFERS).count();
        return String.format(
                Locale.ROOT,
                "DeepSpeed accepts %d of the cases without unread keys; %d of these are listed, %.2f %%.%n",
                accepted.size(),
                differ,
                100.0 * differ / accepted.size());
    }

    /** Returns the page with its table of public projects' files as these outcomes make it. */
    String withExternal(Map<CorpusCase, CorpusCase.Outcome> outcomes) {
        return replaced(text, GENERATED.replace("CorpusTest", "ExternalTest"), 0, table(outcomes));
    }

    private static void count(Map<String, int[]> rows, String category, CorpusCase.Kind kind) {
        rows.computeIfAbsent(category, name -> new int[CorpusCase.Kind.values().length])[
                kind.ordinal()]++;
    }

    private static String table(Map<CorpusCase, CorpusCase.Outcome> outcomes) {
        Map<String, int[]> rows = new LinkedHashMap<>();
        outcomes.forEach((golden, outcome) -> count(rows, golden.category(), outcome.kind()));
        outcomes.values().forEach(outcome -> count(rows, "**all**", outcome.kind()));
        StringBuilder table =
                new StringBuilder("| category | cases | agree | unread keys | listed | wrong |\n");
        table.append("|---|---:|---:|---:|---:|---:|\n");
        rows.forEach(
                (category, kinds) ->
                        table.append(
                                "| %s | %d | %d | %d | %d | 0 |%n"
                                        .formatted(
                                                category,
                                                kinds[0] + kinds[1] + kinds[2],
                                                kinds[0],
                                                kinds[1],
                                                kinds[2])));
        return table.toString();
    }

    private static String replaced(String page, String mark, int index, String content) {
        int start = -1;
        for (int i = 0; i <= index; i++) {
            start = page.indexOf(mark, start + 1);
        }
        int end = page.indexOf("<!-- end of the generated", start);
        return page.substring(0, start + mark.length())
                + "\n"
                + content
                + "\n"
                + page.substring(end);
    }
}
