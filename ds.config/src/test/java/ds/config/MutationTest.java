package ds.config;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever happens to a document, the answer is a result with diagnostics. */
class MutationTest {
    private static final long SEED = 20_261;
    private static final int MUTATIONS = 1_500;
    private static final List<String> PIECES =
            List.of(
                    "null",
                    "true",
                    "-1",
                    "0",
                    "1e30",
                    "1e-400",
                    "9223372036854775808",
                    "\"auto\"",
                    "\"\"",
                    "[]",
                    "{}",
                    "{\"a\":1}",
                    "[[1]]",
                    "\"\\u0000\"",
                    "'x",
                    "\"5_000\"",
                    ",",
                    ":",
                    "}",
                    "]",
                    "/*",
                    "//",
                    "#",
                    "\uD800",
                    "\u0000",
                    "NaN",
                    "1e999999999",
                    "\n");

    @Test
    void mutatedDocumentsNeverEscapeAsExceptions() throws Exception {
        List<String> sources = new ArrayList<>();
        sources.add(Files.readString(Fixtures.config().resolve("hf/zero3.json")));
        sources.add(Files.readString(Fixtures.config().resolve("hf/zero2.json")));
        sources.add(
                "{train_batch_size: 8, bfloat16: {enabled: true}, jvm: {workers: 2, seed: 1},"
                        + " zero_optimization: {stage: 3, cpu_offload: true, offload_param: {device:"
                        + " 'nvme', nvme_path: '/x'}}, activation_checkpointing: {number_checkpoints:"
                        + " 3}}");
        Random random = new Random(SEED);
        int sound = 0;
        for (int round = 0; round < MUTATIONS; round++) {
            String text = sources.get(random.nextInt(sources.size()));
            int edits = 1 + random.nextInt(3);
            for (int edit = 0; edit < edits; edit++) {
                text = mutated(text, random);
            }
            sound += isSound(text) ? 1 : 0;
        }
        assertTrue(sound > MUTATIONS / 50, sound + " sound documents, seed " + SEED);
        assertTrue(sound < MUTATIONS, sound + " sound documents, seed " + SEED);
    }

    @Test
    void valuesThatAreNotJsonAreRefused() {
        Map<String, Object> map = Map.of("train_batch_size", 8, "optimizer", new Object());
        ConfigCheck check = DsConfig.check(map, CheckOptions.none());
        assertFalse(check.isOk());
        Map<String, Object> deep =
                Map.of(
                        "train_batch_size",
                        8,
                        "optimizer",
                        Map.of("type", "adam", "params", Map.of("lr", new Object())));
        assertFalse(DsConfig.check(deep, CheckOptions.none()).isOk());
    }

    private static boolean isSound(String text) {
        try {
            ConfigCheck check = DsConfig.check(text, CheckOptions.none().worldSize(2));
            check.render(true);
            CheckReport.json(List.of(check));
            check.config().ifPresent(MutationTest::touch);
            return check.isOk();
        } catch (RuntimeException e) {
            throw new AssertionError("seed " + SEED + ", document: " + text, e);
        }
    }

    private static void touch(DsConfig config) {
        config.fp16();
        config.bf16();
        config.zero();
        config.jvm();
        config.activationCheckpointing();
        config.stepsPerPrint();
        config.gradientClipping();
        config.optimizer().ifPresent(section -> section.check(List.of()));
        config.scheduler().ifPresent(section -> section.check(List.of()));
    }

    private static String mutated(String text, Random random) {
        int at = random.nextInt(text.length() + 1);
        int to = Math.min(text.length(), at + random.nextInt(12));
        String piece = PIECES.get(random.nextInt(PIECES.size()));
        return switch (random.nextInt(5)) {
            case 0 -> text.substring(0, at) + text.substring(to);
            case 1 -> text.substring(0, at) + piece + text.substring(at);
            case 2 -> text.substring(0, at) + text.substring(at, to) + text.substring(at);
            case 3 -> text.replaceFirst(": [\\w\".]+", ": " + piece.replace("\\", "\\\\"));
            default -> valueReplaced(text, piece, random);
        };
    }

    /** Replaces the value behind one of the colons, so that many mutants still parse. */
    private static String valueReplaced(String text, String piece, Random random) {
        int colon = text.indexOf(": ", random.nextInt(Math.max(1, text.length())));
        if (colon < 0) {
            return text;
        }
        int end = colon + 2;
        while (end < text.length() && ",}\n".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        return text.substring(0, colon + 2) + piece + text.substring(end);
    }
}
