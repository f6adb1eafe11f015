package ds.config;

import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.object;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.ArrayList;
import java.util.List;

/**
 * Sections of DeepSpeed about techniques that are not here. They are known, so that a file that
 * carries one turned off still runs; turning one on is refused. What is inside is not checked.
 */
final class ExtendedKeys {
    private ExtendedKeys() {}

    static List<KeyDeclaration> all() {
        List<KeyDeclaration> keys = new ArrayList<>();
        keys.add(switched("elasticity", "Batch sizes for a changing number of ranks."));
        keys.add(switched("autotuning", "Search for settings."));
        keys.add(switched("hybrid_engine", "Training and generation in turn."));
        keys.add(switched("progressive_layer_drop", "Drop layers at random in training."));
        keys.add(switched("curriculum_learning", "Sequences that grow during training."));
        keys.add(switched("data_efficiency", "Data sampling and routing."));
        keys.add(switched("nebula", "Checkpoints through the Nebula service."));
        keys.add(switched("eigenvalue", "Eigenvalues of the Hessian."));
        keys.add(switched("expert_parallel", "Experts spread over ranks."));
        keys.add(whole("weight_quantization", "Quantized weights for inference."));
        keys.add(whole("datastates_ckpt", "Checkpoints through the DataStates engine."));
        keys.add(whole("sparse_attention", "Block-sparse attention."));
        keys.add(whole("compression_training", "Quantization and pruning during training."));
        keys.add(whole("quantize_training", "Quantization during training."));
        keys.add(
                object("pipeline", List.of())
                        .with(Trait.OPEN)
                        .noEffect("ranks are data-parallel; there are no pipeline stages.")
                        .doc("Settings of pipeline parallelism."));
        keys.add(
                object(
                                "compile",
                                List.of(
                                        flag("deepcompile", false)
                                                .refused("there is no graph compiler. Remove it.")
                                                .doc("Compile the training step.")))
                        .with(Trait.OPEN)
                        .doc("DeepCompile, a graph compiler."));
        keys.add(
                object(
                                "tensor_parallel",
                                List.of(
                                        integer("autotp_size", 0)
                                                .atMost(1)
                                                .refused("ranks are data-parallel only. Remove it.")
                                                .doc("Ranks that share one layer.")))
                        .with(Trait.OPEN)
                        .doc("Tensor parallelism."));
        return List.copyOf(keys);
    }

    private static KeyDeclaration switched(String name, String doc) {
        return object(
                        name,
                        List.of(
                                flag("enabled", false)
                                        .refused("this technique is not here. Remove the section.")
                                        .doc("Turn it on.")))
                .with(Trait.OPEN)
                .doc(doc);
    }

    private static KeyDeclaration whole(String name, String doc) {
        return object(name, List.of())
                .with(Trait.OPEN)
                .nullable()
                .refused("this technique is not here. Remove the section.")
                .doc(doc);
    }
}
