package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.model.builtin.Mlp;
import java.nio.file.Path;
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
}
