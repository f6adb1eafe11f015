package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.model.builtin.Mlp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code ds store inspect} says whose a store is, and with which backend. */
class StoreInspectTest {
    @TempDir private Path nvme;

    private Ran inspect(Object... more) {
        Object[] words = new Object[3 + more.length];
        words[0] = "store";
        words[1] = "inspect";
        words[2] = nvme;
        System.arraycopy(more, 0, words, 3, more.length);
        Ran ran = Ran.ds(words);
        assertEquals(0, ran.status(), ran.messages());
        return ran;
    }

    @ParameterizedTest
    @ValueSource(strings = {"channel", "mapped"})
    void theBackendIsShownWhileAStoreIsOpenAndAfter(String backend) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 2, "optimizer": {"type": "AdamW"},
                         "zero_optimization": {"stage": 1,
                           "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}},
                         "jvm": {"storage_backend": "%s"}}
                        """
                                .formatted(nvme, backend));
        try (Engine engine = DeepSpeed.initialize(Mlp.of(3, 5, 2), config, _ -> {})) {
            String open = inspect().results();
            assertTrue(open.contains("  LIVE, ") && open.contains(", open with " + backend), open);
            assertTrue(engine.keepStore().isPresent());
        }
        String left = inspect().results();
        assertTrue(left.contains("  RESUMABLE, "), left);
        assertTrue(left.contains(" bytes, last open with " + backend + "; commit 2,"), left);
        String document = inspect("--format", "json").results();
        assertTrue(document.contains("\"backend\": \"" + backend + "\""), document);
    }

    private static Ran ds(int status, Object... words) {
        Ran ran = Ran.ds(words);
        assertEquals(status, ran.status(), ran.messages());
        return ran;
    }

    /** A store in two paths is looked into, checked and removed by its home; a part names home. */
    @Test
    void aStoreInTwoPathsIsOne() throws IOException {
        Path first = nvme.resolve("a");
        Path second = nvme.resolve("b");
        String text =
                """
                {"train_batch_size": 2, "optimizer": {"type": "AdamW"},
                 "zero_optimization": {"stage": 1, "offload_optimizer": {"device": "nvme"}},
                 "jvm": {"chunk_bytes": 12288, "nvme_paths": ["%s", "%s"]}}
                """
                        .formatted(first, second);
        Path config = Files.writeString(nvme.resolve("ds.json"), text);
        Path data = Files.writeString(nvme.resolve("data.txt"), "to be or not to be ".repeat(999));
        String planned = ds(0, "plan", "--config", config, "--data", data).results();
        assertTrue(planned.contains("stripes      of 4.0 KiB over 2 paths, as much each"), planned);
        assertFalse(planned.contains("has weight"), planned);
        Path store;
        try (Engine engine =
                DeepSpeed.initialize(Mlp.of(3, 64, 2), DsConfig.parse(text), _ -> {})) {
            store = engine.keepStore().orElseThrow();
        }
        String left = ds(0, "store", "inspect", first).results();
        Path part = second.resolve(store.getFileName()).resolve("rank-0000-of-0001");
        assertTrue(left.contains("  in " + part + ", weight "), left);
        String again = ds(0, "plan", "--config", config, "--data", data).results();
        assertTrue(again.contains(second + " has weight "), again);
        String document =
                ds(0, "plan", "--config", config, "--data", data, "--format", "json").results();
        assertTrue(document.contains("\"nvme_weights_measured\": true"), document);

        String home = store.resolve("rank-0000-of-0001").toString();
        assertTrue(
                ds(0, "store", "inspect", second)
                        .results()
                        .contains(
                                "It is a part of the offload store " + home + "; name that one."));
        assertEquals(home + ": ok\n", ds(0, "store", "verify", first).results());
        assertEquals(
                part + ": a part of " + home + ", with which it is checked\n",
                ds(0, "store", "verify", second).results());
        Path master = part.resolve("master.bin");
        byte[] bytes = Files.readAllBytes(master);
        bytes[0] ^= 1;
        bytes[bytes.length / 2] ^= 1; // the other slot
        Files.write(master, bytes);
        String damaged = ds(1, "store", "verify", first).results();
        assertTrue(damaged.contains("CORRUPT") && damaged.contains(master.toString()), damaged);

        for (String all : new String[] {"--format=text", "--all"}) {
            String kept = ds(0, "store", "prune", second, all).results();
            assertTrue(kept.startsWith("kept     " + part.getParent()), kept);
        }
        assertTrue(ds(0, "store", "prune", first).results().startsWith("kept     " + store));
        assertTrue(ds(0, "store", "prune", first, "--all").results().startsWith("removed  "));
        assertFalse(Files.exists(part.getParent()));
    }
}
