package ds.engine;

import ds.engine.checkpoint.TensorShape;
import ds.engine.data.Dataset;
import ds.engine.plan.TrainingPlan;
import ds.offload.StoreIdentity;
import ds.zero.StoreShapes;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/** What a store is known by: the same on every rank of a run, and on every run that may go on. */
final class RunIdentity {
    /** What is longer is known by its hash alone. */
    private static final int TEXT_BYTES_MAX = StoreIdentity.ABOUT_BYTES_MAX / 2;

    private RunIdentity() {}

    static StoreIdentity of(TrainingPlan plan, EngineOptions options, String configText) {
        Map<String, String> about = new HashMap<>();
        about.put("model", options.modelSpec());
        if (configText.getBytes(StandardCharsets.UTF_8).length <= TEXT_BYTES_MAX) {
            about.put("config", configText);
        }
        options.trainingData()
                .map(Dataset::info)
                .orElse(Map.of())
                .forEach((key, value) -> about.put("data." + key, value));
        return new StoreIdentity(layoutHash(plan), sha256(configText), about);
    }

    /** What every rank keeps, in which runs, of which parameters. */
    private static String layoutHash(TrainingPlan plan) {
        StringBuilder text = new StringBuilder();
        text.append(TensorShape.of(plan.partition().layout())).append('\n');
        for (int rank = 0; rank < plan.batch().world(); rank++) {
            text.append(
                            StoreShapes.of(plan.partition(), plan.zero(), plan.optimizer(), rank)
                                    .states())
                    .append('\n');
        }
        return sha256(text.toString());
    }

    private static String sha256(String text) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
