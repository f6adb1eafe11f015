package ds.config;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.Spelling;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** Finds keys that are known, only elsewhere: {@code loss_scale} in {@code bf16}. */
final class WrongSection {
    private static final int MOST_HOMES = 3;
    private static final String TOP = "";

    /** Dotted paths of the sections that know a name, outermost first. */
    private static final Map<String, List<String>> HOMES = homes();

    /** Names that documents, older releases or other libraries use, and what is meant. */
    private static final Map<String, String> OTHER_NAMES =
            Map.ofEntries(
                    Map.entry("thread_count", "aio.intra_op_parallelism"),
                    Map.entry("check_overflow", "bf16.check_grad_overflow"),
                    Map.entry(
                            "partitioned_activations",
                            "activation_checkpointing.partition_activations"),
                    Map.entry("max_grad_norm", "gradient_clipping"),
                    Map.entry("learning_rate", "optimizer.params.lr"),
                    Map.entry("lr", "optimizer.params.lr"),
                    Map.entry("betas", "optimizer.params.betas"),
                    Map.entry("eps", "optimizer.params.eps"),
                    Map.entry("weight_decay", "optimizer.params.weight_decay"),
                    Map.entry("warmup_num_steps", "scheduler.params.warmup_num_steps"),
                    Map.entry("total_num_steps", "scheduler.params.total_num_steps"),
                    Map.entry("warmup_min_lr", "scheduler.params.warmup_min_lr"),
                    Map.entry("warmup_max_lr", "scheduler.params.warmup_max_lr"),
                    Map.entry("batch_size", "train_batch_size"));

    private WrongSection() {}

    /** Returns the diagnostic; one about an unknown key says where the key belongs, if anywhere. */
    static Diagnostic advise(Diagnostic diagnostic) {
        return advise(diagnostic, _ -> true);
    }

    /**
     * Returns the diagnostic; one about an unknown key says where the key belongs, if anywhere.
     *
     * @param known whether the section of the unknown key knows a name
     */
    static Diagnostic advise(Diagnostic diagnostic, Predicate<String> known) {
        if (!diagnostic.code().equals("unknown-key")) {
            return diagnostic;
        }
        String name = Pointers.last(diagnostic.pointer());
        List<String> homes = HOMES.getOrDefault(name, List.of());
        if (!homes.isEmpty() && homes.size() <= MOST_HOMES) {
            return diagnostic.suggesting("'%s' belongs %s.".formatted(name, where(homes)));
        }
        if (!homes.isEmpty() && Pointers.parent(diagnostic.pointer()).isEmpty()) {
            return diagnostic.suggesting(
                    "It belongs in a section, such as '%s' or '%s'."
                            .formatted(homes.getFirst(), homes.get(1)));
        }
        String here = Pointers.dotted(diagnostic.pointer());
        Predicate<String> fits =
                path ->
                        !path.equals(here)
                                && (!section(path).equals(section(here)) || known.test(last(path)));
        Optional<String> meant = meant(name).filter(fits);
        if (meant.isPresent()) {
            return diagnostic.suggesting("Write " + placed(name, meant.get()) + ".");
        }
        if (diagnostic.suggestion().startsWith("Did you mean")) {
            return diagnostic;
        }
        List<String> near = Spelling.nearest(name, HOMES.keySet(), 1);
        if (near.isEmpty()) {
            return Spelling.nearest(name, OTHER_NAMES.keySet(), 1).stream()
                    .flatMap(other -> meant(other).stream())
                    .filter(fits)
                    .findFirst()
                    .map(path -> diagnostic.suggesting("Write " + placed(name, path) + "."))
                    .orElse(diagnostic);
        }
        List<String> nearHomes = HOMES.getOrDefault(near.getFirst(), List.of());
        return nearHomes.size() > MOST_HOMES
                ? diagnostic
                : diagnostic.suggesting(
                        "Did you mean '%s' %s?".formatted(near.getFirst(), where(nearHomes)));
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    /** Returns the path without its last name; empty at the top level. */
    private static String section(String path) {
        return path.substring(0, Math.max(0, path.lastIndexOf('.')));
    }

    /** Returns the path of what is meant by a name that documents or other libraries use. */
    static Optional<String> meant(String name) {
        return Optional.ofNullable(OTHER_NAMES.get(name));
    }

    private static String placed(String name, String path) {
        int dot = path.lastIndexOf('.');
        String last = last(path);
        return (last.equals(name) ? "it " : "'" + last + "' ")
                + where(List.of(dot < 0 ? TOP : path.substring(0, dot)));
    }

    private static String where(List<String> homes) {
        List<String> places =
                homes.stream()
                        .map(home -> home.equals(TOP) ? "at the top level" : "in '" + home + "'")
                        .toList();
        return String.join(" or ", places);
    }

    private static Map<String, List<String>> homes() {
        Map<String, List<String>> homes = new LinkedHashMap<>();
        collect(KeyTable.ROOT, TOP, homes);
        homes.replaceAll((_, places) -> List.copyOf(places));
        return Map.copyOf(homes);
    }

    private static void collect(
            List<KeyDeclaration> keys, String path, Map<String, List<String>> homes) {
        for (KeyDeclaration key : keys) {
            homes.computeIfAbsent(key.name(), _ -> new ArrayList<>()).add(path);
            key.aliases()
                    .forEach(
                            alias ->
                                    homes.computeIfAbsent(alias, _ -> new ArrayList<>()).add(path));
        }
        for (KeyDeclaration key : keys) {
            collect(key.keys(), path.isEmpty() ? key.name() : path + "." + key.name(), homes);
        }
    }
}
