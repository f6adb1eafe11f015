package ds.config;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.Spelling;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Finds keys that are known, only elsewhere: {@code loss_scale} in {@code bf16}. */
final class WrongSection {
    private static final int MOST_HOMES = 3;
    private static final String TOP = "";

    /** Dotted paths of the sections that know a name, outermost first. */
    private static final Map<String, List<String>> HOMES = homes();

    /** Names that documents, older releases or other libraries use, and what is meant. */
    private static final Map<String, String> OTHER_NAMES =
            Map.ofEntries(
                    Map.entry("thread_count", "'intra_op_parallelism' in 'aio'"),
                    Map.entry("check_overflow", "'check_grad_overflow' in 'bf16'"),
                    Map.entry(
                            "partitioned_activations",
                            "'partition_activations' in 'activation_checkpointing'"),
                    Map.entry("max_grad_norm", "'gradient_clipping' at the top level"),
                    Map.entry("learning_rate", "'lr' in 'optimizer.params'"),
                    Map.entry("lr", "it in 'optimizer.params'"),
                    Map.entry("betas", "it in 'optimizer.params'"),
                    Map.entry("eps", "it in 'optimizer.params'"),
                    Map.entry("weight_decay", "it in 'optimizer.params'"),
                    Map.entry("warmup_num_steps", "it in 'scheduler.params'"),
                    Map.entry("total_num_steps", "it in 'scheduler.params'"),
                    Map.entry("warmup_min_lr", "it in 'scheduler.params'"),
                    Map.entry("warmup_max_lr", "it in 'scheduler.params'"),
                    Map.entry("batch_size", "'train_batch_size' at the top level"));

    private WrongSection() {}

    /** Returns the diagnostic; one about an unknown key says where the key belongs, if anywhere. */
    static Diagnostic advise(Diagnostic diagnostic) {
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
        String meant = OTHER_NAMES.get(name);
        if (meant != null) {
            return diagnostic.suggesting("Write " + meant + ".");
        }
        if (diagnostic.suggestion().startsWith("Did you mean")) {
            return diagnostic;
        }
        List<String> near = Spelling.nearest(name, HOMES.keySet(), 1);
        if (near.isEmpty()) {
            return diagnostic;
        }
        List<String> nearHomes = HOMES.getOrDefault(near.getFirst(), List.of());
        return nearHomes.size() > MOST_HOMES
                ? diagnostic
                : diagnostic.suggesting(
                        "Did you mean '%s' %s?".formatted(near.getFirst(), where(nearHomes)));
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
