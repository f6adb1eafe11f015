package ds.config;

import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.optionalTexts;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The keys of an entry of {@code jvm.parameter_groups}, and what is wrong with a list of them. */
final class ParameterGroupKeys {
    static final String POINTER = "/jvm/parameter_groups";

    private static final List<String> CONDITIONS = List.of("name", "dimensions", "tag", "layer");

    private static final List<KeyDeclaration> KEYS =
            List.of(
                    optionalTexts("name")
                            .with(Trait.SET)
                            .doc("What the parameter's name may be; * stands for any text."),
                    integer("dimensions")
                            .atLeast(1)
                            .doc("How many sizes the parameter's shape has; 1 is a vector."),
                    optionalTexts("tag")
                            .with(Trait.SET)
                            .doc("Tags of which the parameter has one, such as bias or norm."),
                    optionalTexts("layer")
                            .with(Trait.SET)
                            .doc("What the name of the parameter's unit may be."),
                    number("lr").atLeast(0).doc("Learning rate before the schedule."),
                    number("lr_multiplier", 1)
                            .atLeast(0)
                            .doc("Factor of the scheduled learning rate."),
                    number("weight_decay").atLeast(0).doc("Weight decay."),
                    betas(),
                    flag("frozen", false).doc("Whether the parameters are not trained."));

    private ParameterGroupKeys() {}

    private static KeyDeclaration betas() {
        return KeyDeclaration.numbers("betas")
                .items(2)
                .atLeast(0)
                .below(1)
                .doc("Decay rates of both moments.");
    }

    /** Returns the groups of a document in which {@link #check} found nothing. */
    static List<ParameterGroup> groups(Settings jvm) {
        return jvm.list("parameter_groups").stream()
                .map(entry -> ParameterGroup.of(validated((Settings) entry, 0).settings()))
                .toList();
    }

    private static Settings.Checked validated(Settings entry, int index) {
        return Settings.validate(KEYS, entry.asMap(), POINTER + "/" + index);
    }

    /** Returns everything that is wrong with the groups. */
    static List<Diagnostic> check(Settings root) {
        List<Diagnostic> found = new ArrayList<>();
        Object written = root.section("jvm").value("parameter_groups").orElse(List.of());
        if (!(written instanceof List<?> entries)) {
            found.add(wrongType(POINTER, "a list of objects", written));
            return found;
        }
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i) instanceof Settings entry) {
                check(entry, i, found);
            } else {
                found.add(wrongType(POINTER + "/" + i, "an object", entries.get(i)));
            }
        }
        return found;
    }

    private static void check(Settings entry, int index, List<Diagnostic> found) {
        found.addAll(validated(entry, index).diagnostics());
        Map<String, Object> values = entry.asMap();
        String pointer = POINTER + "/" + index;
        if (CONDITIONS.stream().noneMatch(values::containsKey)) {
            found.add(
                    Diagnostic.error(
                            "group",
                            pointer,
                            "A group of parameters says which ones: it has no name, dimensions, tag or layer.",
                            "Write one, such as \"name\": \"*.bias\" or \"dimensions\": 1."));
        }
        if (CONDITIONS.containsAll(values.keySet())) {
            found.add(
                    Diagnostic.error(
                            "group",
                            pointer,
                            "A group of parameters says what is different: it has no lr, lr_multiplier, weight_decay, betas or frozen.",
                            "Write one, such as \"weight_decay\": 0."));
        }
    }

    private static Diagnostic wrongType(String pointer, String wanted, Object value) {
        return Diagnostic.error(
                "type",
                pointer,
                "'parameter_groups' must be %s here, was %s.".formatted(wanted, value),
                "Write [{\"name\": \"*.bias\", \"weight_decay\": 0}].");
    }
}
