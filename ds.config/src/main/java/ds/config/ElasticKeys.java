package ds.config;

import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.integers;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.List;

/** Batch sizes for a changing number of ranks. */
final class ElasticKeys {
    static final String SECTION = "elasticity";

    private ElasticKeys() {}

    static KeyDeclaration section() {
        return object(
                        SECTION,
                        List.of(
                                flag("enabled", false)
                                        .doc("Choose the batch sizes by the number of ranks."),
                                integer("max_train_batch_size")
                                        .notNull()
                                        .with(Trait.UNQUOTED)
                                        .atLeast(1)
                                        .atMost(1L << 32)
                                        .in("samples")
                                        .doc("Largest batch that may be chosen."),
                                integers("micro_batch_sizes")
                                        .atLeast(1)
                                        .with(Trait.NOT_EMPTY)
                                        .with(Trait.NO_AUTO)
                                        .in("samples")
                                        .doc("Micro-batches that fit a rank; at most 64."),
                                integer("min_gpus", 1)
                                        .with(Trait.UNQUOTED)
                                        .atLeast(1)
                                        .in("ranks")
                                        .doc("Fewest ranks."),
                                integer("max_gpus", 10_000)
                                        .with(Trait.UNQUOTED)
                                        .atLeast(1)
                                        .in("ranks")
                                        .doc("Most ranks."),
                                integer("model_parallel_size", 1)
                                        .with(Trait.UNQUOTED)
                                        .atLeast(1)
                                        .in("ranks")
                                        .doc("Ranks that share one model."),
                                integer("num_gpus_per_node", 1)
                                        .with(Trait.UNQUOTED)
                                        .atLeast(1)
                                        .in("ranks")
                                        .doc("Ranks of a node, for version 0.2."),
                                integer("min_time", 0)
                                        .with(Trait.UNQUOTED)
                                        .atLeast(0)
                                        .in("minutes")
                                        .noEffect("it is about a job scheduler.")
                                        .doc("Shortest time at one number of ranks."),
                                number("version", 0.2).doc("Version of the rule: 0.1 or 0.2."),
                                flag("prefer_larger_batch", true)
                                        .doc("Of equally good batches, the larger."),
                                flag("ignore_non_elastic_batch_info", false)
                                        .doc("Pass over batch keys of the document.")))
                .doc("Batch sizes for a changing number of ranks.");
    }
}
