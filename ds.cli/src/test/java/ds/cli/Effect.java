package ds.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What one key does: two values, and something that differs between them.
 *
 * @param key dotted path; {@code optimizer[adam].lr} is a setting of a plug-in
 * @param context what else has to be set for it to matter: paths and values in turn
 * @param one a value
 * @param other another value
 * @param observed what is looked at
 */
record Effect(
        String key,
        List<Object> context,
        Object one,
        Object other,
        Function<Trial, Object> observed) {

    private static final List<Object> BASE =
            List.of(
                    "train_batch_size",
                    4,
                    "train_micro_batch_size_per_gpu",
                    2,
                    "optimizer.type",
                    "sgd",
                    "optimizer.params.lr",
                    0.01);

    /** Returns the settings of a trial with this key at {@code value}. */
    List<Object> settings(Object value) {
        List<Object> all = new ArrayList<>(BASE);
        all.addAll(context);
        String path = key.replaceFirst("^(optimizer|scheduler)\\[.*]", "$1.params");
        all.addAll(List.of(path, value));
        return all;
    }

    /** Returns the entry of every key that is said to do something. */
    static List<Effect> all() {
        return Stream.of(
                        TrainingEffects.all(),
                        ZeroEffects.all(),
                        RuntimeEffects.all(),
                        OptimizerEffects.all(),
                        ScheduleEffects.all())
                .flatMap(List::stream)
                .toList();
    }

    /** As the constructor, the context last. */
    static Effect of(
            String key, Object one, Object other, Function<Trial, Object> observed, Object... set) {
        return new Effect(key, List.of(set), one, other, observed);
    }

    /** Returns a context with more in it. */
    static Object[] with(Object[] context, Object... more) {
        return Stream.concat(Stream.of(context), Stream.of(more)).toArray();
    }
}
