package ds.config;

import ds.core.Diagnostic;
import ds.core.Settings;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What is said about batch keys as they are written, before anything is made of them. */
final class BatchRules {
    private BatchRules() {}

    /** Returns what is wrong with a document that says nothing about the batch. */
    static Diagnostic missing(LocatedDocument document) {
        if (document.root().isEmpty() && !document.text().contains("{")) {
            return Diagnostic.error(
                    "batch",
                    "",
                    "There is nothing in this document: none of train_batch_size and train_micro_batch_size_per_gpu is given.",
                    "Begin with {\"train_batch_size\": 32}; 'ds init' writes a whole one.");
        }
        Map<String, Object> root = document.root();
        for (String key : List.of(BatchSizes.TRAIN, BatchSizes.MICRO)) {
            if (root.containsKey(key) && root.get(key) == null) {
                return Diagnostic.error(
                        "batch",
                        "/" + key,
                        "'%s' is null, which is no number, and nothing else says how large a step is."
                                .formatted(key),
                        "Write a number instead, such as 32.");
            }
        }
        return BatchSizes.missing();
    }

    /** Returns the keys with more than 64 bits, as written: no arithmetic could be shown of them. */
    static List<Diagnostic> beyond(Settings root, LocatedDocument document) {
        List<Diagnostic> found = new ArrayList<>();
        for (String key : List.of(BatchSizes.TRAIN, BatchSizes.MICRO, BatchSizes.ACCUMULATION)) {
            if (root.value(key).orElse(null) instanceof BigInteger) {
                found.add(
                        Diagnostic.error(
                                "batch",
                                "/" + key,
                                "'%s' is %s, more than this runtime can number (%,d)."
                                        .formatted(
                                                key,
                                                Pointers.cut(
                                                        String.valueOf(document.root().get(key))),
                                                Integer.MAX_VALUE),
                                "Lower it."));
            }
        }
        return found;
    }
}
