package ds.config;

import static ds.core.KeyDeclaration.any;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.text;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.ArrayList;
import java.util.List;

/** Which data, layers and tokens are trained on: curricula, sampling, routing, dropped layers. */
final class DataKeys {
    private static final String OFF = "it is off.";

    private DataKeys() {}

    static List<KeyDeclaration> all() {
        return List.of(
                open(
                        "progressive_layer_drop",
                        "Drop layers at random in training.",
                        number("theta")
                                .with(Trait.VERBATIM)
                                .doc("Share of the layers that is kept in the end; absent is 1."),
                        number("gamma")
                                .with(Trait.VERBATIM)
                                .doc("How fast that share is reached; absent is 0.001.")),
                open("curriculum_learning", "Sequences that grow during training."),
                Absent.switched(
                        "data_efficiency",
                        "Data sampling and routing.",
                        integer("seed", 1234).doc("Seed of sampling."),
                        sampling(),
                        routing()));
    }

    /** A section whose switch must be there as soon as the section is. */
    private static KeyDeclaration open(String name, String doc, KeyDeclaration... more) {
        List<KeyDeclaration> keys = new ArrayList<>();
        keys.add(
                flag("enabled", false)
                        .required()
                        .refused("nothing here implements it. Remove the section.")
                        .doc("Turn it on."));
        keys.addAll(List.of(more));
        return object(name, keys).with(Trait.OPEN).noEffect(OFF).doc(doc);
    }

    private static KeyDeclaration sampling() {
        return object(
                        "data_sampling",
                        List.of(
                                flag("enabled", false).doc("Turn sampling on."),
                                integer("num_epochs", 1000)
                                        .in("epochs")
                                        .doc("Passes over the data."),
                                integer("num_workers", 0).doc("Threads that load."),
                                flag("pin_memory", false).doc("Pin what is loaded."),
                                object(
                                                "curriculum_learning",
                                                List.of(
                                                        flag("enabled", false)
                                                                .doc("Turn the curriculum on."),
                                                        object("curriculum_metrics", List.of())
                                                                .with(Trait.OPEN)
                                                                .with(Trait.OPTIONAL)
                                                                .doc("What makes a sample hard.")))
                                        .with(Trait.OPEN)
                                        .doc("Easy samples first."),
                                dynamicBatching()))
                .with(Trait.OPEN)
                .doc("Which samples are drawn.");
    }

    private static KeyDeclaration dynamicBatching() {
        return object(
                        "dynamic_batching",
                        List.of(
                                flag("enabled", false).doc("Turn it on."),
                                text("lr_scaling_method", "linear")
                                        .doc("How lr follows the batch size."),
                                integer("min_batch_size", 1).in("samples").doc("Smallest batch."),
                                integer("max_batch_size")
                                        .notNull()
                                        .in("samples")
                                        .doc("Largest batch."),
                                text("sequence_picking_order", "dataloader")
                                        .doc("Order of sequences."),
                                flag("verbose", false).doc("Print the batches."),
                                integer("max_tokens")
                                        .notNull()
                                        .in("tokens")
                                        .doc("Most tokens of a batch.")))
                .doc("Batches of equal numbers of tokens.");
    }

    private static KeyDeclaration routing() {
        return object(
                        "data_routing",
                        List.of(
                                flag("enabled", false).doc("Turn routing on."),
                                object(
                                                "random_ltd",
                                                List.of(
                                                        flag("enabled", false)
                                                                .doc("Turn random-LTD on."),
                                                        object(
                                                                        "layer_token_lr_schedule",
                                                                        List.of(
                                                                                flag(
                                                                                                "enabled",
                                                                                                false)
                                                                                        .doc(
                                                                                                "Turn it on.")))
                                                                .with(Trait.OPEN)
                                                                .doc("lr by the tokens kept."),
                                                        any("random_ltd_schedule")
                                                                .doc("Tokens kept over time.")))
                                        .with(Trait.OPEN)
                                        .doc("Layers see a random part of the tokens.")))
                .doc("Which tokens pass which layers.");
    }
}
