package ds.cli;

import ds.config.Explain.Explained;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The page that has every key, {@code docs/config.md}, made from the table of keys. */
final class ConfigPage {
    private static final String TOP = "";

    private final List<Explained> keys;
    private final StringBuilder page = new StringBuilder();

    private ConfigPage(List<Explained> keys) {
        this.keys = keys;
    }

    /** Returns the page about these keys, in their order. */
    static String of(List<Explained> keys) {
        ConfigPage page = new ConfigPage(keys);
        page.head();
        page.counts();
        page.sections();
        return page.page.toString();
    }

    private void head() {
        page.append(
                """
                # Every key of a configuration

                <!-- generated: ConfigPageTest -Dds.golden.update=true -->

                What `ds config explain KEY` says of one key, this page says of all. Names, defaults and meaning are those of
                DeepSpeed 0.19.6; where a value is read otherwise, [the list of differences](deviations.md) says so. `ds config schema`
                prints the same as a JSON Schema, for editors.

                In every section `"auto"` may stand in place of a value that is not a section itself: the planner decides, and `ds plan`
                says what it became. A key that begins with `_` or `//` is a comment. An unknown key is an error, unless
                `--unknown-keys warn` or `"jvm": {"unknown_keys": "warn"}` says otherwise.

                """);
    }

    private void counts() {
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (String row : List.of(implemented(), noEffect(), refused(), old())) {
            counts.put(row, 0);
        }
        int all = 0;
        for (Explained key : keys) {
            if (!isSection(key.key())) {
                all++;
                counts.merge(row(key), 1, Integer::sum);
            }
        }
        page.append("| status | keys |\n|---|---:|\n");
        counts.forEach((row, count) -> page.append("| %s | %d |\n".formatted(row, count)));
        page.append("| **all** | %d |\n".formatted(all));
    }

    private static String implemented() {
        return "implemented: it does what it says, and a test sees that";
    }

    private static String noEffect() {
        return "no effect here: read and checked, and the reason is given";
    }

    private static String refused() {
        return "refused unless it is the default: an error of phase `runtime`";
    }

    private static String old() {
        return "deprecated: read, with a warning that names the successor";
    }

    private static String row(Explained key) {
        if (key.key().has(Trait.DEPRECATED)) {
            return old();
        }
        return switch (key.status()) {
            case IMPLEMENTED -> implemented();
            case NO_EFFECT -> noEffect();
            case REFUSED -> refused();
        };
    }

    private void sections() {
        Map<String, List<Explained>> bySection = new LinkedHashMap<>();
        Map<String, Explained> sections = new LinkedHashMap<>();
        bySection.put(TOP, new ArrayList<>());
        for (Explained key : keys) {
            int dot = key.path().lastIndexOf('.');
            String home = dot < 0 ? TOP : key.path().substring(0, dot);
            bySection.computeIfAbsent(home, _ -> new ArrayList<>()).add(key);
            sections.put(key.path(), key);
        }
        bySection.forEach(
                (section, inside) -> {
                    if (section.equals(TOP)) {
                        page.append("\n## Top level\n\n");
                    } else {
                        boolean nested = section.contains(".");
                        page.append("\n%s `%s`\n\n".formatted(nested ? "###" : "##", section));
                        page.append(sections.get(section).key().doc()).append("\n\n");
                    }
                    page.append(
                            "| key | value | default | meaning | here |\n|---|---|---|---|---|\n");
                    inside.forEach(this::line);
                });
    }

    private void line(Explained key) {
        KeyDeclaration declared = key.key();
        String name = "`" + declared.name() + "`";
        String unit = declared.unit().isEmpty() ? "" : "; " + declared.unit();
        String value =
                isSection(declared)
                        ? "[section](#%s)".formatted(key.path().replace(".", ""))
                        : declared.rule() + unit;
        List<String> meaning = new ArrayList<>(List.of(declared.doc()));
        if (!key.plugins().isEmpty()) {
            meaning.add("Of " + String.join(", ", key.plugins()) + ".");
        }
        if (!declared.aliases().isEmpty()) {
            meaning.add("Also `" + String.join("`, `", declared.aliases()) + "`.");
        }
        page.append(
                "| %s | %s | %s | %s | %s |\n"
                        .formatted(
                                name,
                                cell(value),
                                declared.defaultValue()
                                        .map(
                                                usual ->
                                                        "`"
                                                                + cell(
                                                                        Json.of(usual)
                                                                                .replaceAll(
                                                                                        "\\s+",
                                                                                        " "))
                                                                + "`")
                                        .orElse(""),
                                cell(String.join(" ", meaning)),
                                cell(here(key))));
    }

    private static String here(Explained key) {
        boolean followsSection = key.status() == Status.REFUSED && isSection(key.key());
        return followsSection ? "refused: " + key.reason() : key.standing();
    }

    private static boolean isSection(KeyDeclaration key) {
        return key.type() == Type.OBJECT && !key.keys().isEmpty();
    }

    private static String cell(String text) {
        return text.replace("|", "\\|");
    }
}
