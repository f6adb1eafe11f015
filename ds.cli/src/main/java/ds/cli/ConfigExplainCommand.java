package ds.cli;

import ds.config.Explain;
import ds.core.KeyDeclaration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds config explain}. */
@CommandLine.Command(
        name = "explain",
        sortOptions = false,
        description = "Says what a key means, what it may be, and whether it is honoured here.")
final class ConfigExplainCommand extends Command {
    @Parameters(
            paramLabel = "KEY",
            description = "A name (stage), a path (zero_optimization.stage) or a JSON pointer.")
    private String key;

    @Override
    int run() {
        List<Explain.Explained> found = Explain.find(key);
        if (found.isEmpty()) {
            List<String> near = Explain.near(key);
            throw new UserMistakeException(
                    "There is no key '%s'%s."
                            .formatted(
                                    key,
                                    near.isEmpty()
                                            ? "; 'ds config check' lists what a file has"
                                            : "; did you mean " + String.join(", ", near) + "?"));
        }
        List<Object> entries = new ArrayList<>();
        for (Explain.Explained explained : found) {
            out().result(explained.render().stripTrailing());
            entries.add(entry(explained));
        }
        out().document(Map.of("results", entries));
        return Main.OK;
    }

    private static Map<String, Object> entry(Explain.Explained explained) {
        KeyDeclaration declared = explained.key();
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("key", explained.path());
        entry.put("doc", declared.doc());
        entry.put("type", declared.type().name().toLowerCase(Locale.ROOT));
        entry.put("rule", declared.rule());
        entry.put("default", declared.defaultValue());
        entry.put("unit", declared.unit());
        entry.put("aliases", declared.aliases());
        entry.put("status", declared.status().name().toLowerCase(Locale.ROOT));
        entry.put("reason", declared.reason());
        return entry;
    }
}
