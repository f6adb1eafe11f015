package ds.offload.chronicle;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import ds.offload.Stores;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A run on two ranks with a journal, which somebody kills: it goes on from the store that it finds,
 * else begins, and prints {@code from STEP}, then each step.
 */
final class JournalledRun {
    private static final int CONTEXT = 16;

    private JournalledRun() {}

    /** Trains until it is killed; arguments are the nvme_path and the journal. */
    public static void main(String[] arguments) {
        Path nvme = Path.of(arguments[0]);
        boolean goesOn = Stores.list(nvme).stream().anyMatch(Stores.RunStore::isResumable);
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                         "scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": 40}},
                         "zero_optimization": {"stage": 3,
                           "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}},
                         "jvm": {"journal": {"type": "chronicle", "path": "%s"}}}
                        """
                                .formatted(nvme, arguments[1]));
        try (Engine engine =
                DeepSpeed.initialize(
                        Gpt.of(g -> g.layers(1).width(16).heads(2).context(CONTEXT)),
                        config,
                        o -> {
                            o.trainingData(text()).ranks(2).workers(1).seed(11);
                            if (goesOn) {
                                o.resumeStore(nvme);
                            }
                        })) {
            System.out.println("from " + engine.step());
            while (true) {
                System.out.println(said(engine.trainStep()));
            }
        }
    }

    private static TextDataset text() {
        byte[] text = "A stitch in time saves nine. ".repeat(60).getBytes(StandardCharsets.UTF_8);
        return TextDataset.of("text", text, CONTEXT);
    }

    private static String said(StepReport report) {
        return said(
                new JournalEntry(
                        report.step(),
                        0,
                        report.loss(),
                        report.gradNorm(),
                        report.lr(),
                        report.skipped(),
                        report.transfers().readBytes() + report.transfers().writtenBytes()));
    }

    /** Returns an entry but for its commit, which a report does not have. */
    static String said(JournalEntry entry) {
        return "%d %s %s %s %s %d"
                .formatted(
                        entry.step(),
                        Double.toHexString(entry.loss()),
                        Double.toHexString(entry.gradNorm()),
                        Double.toHexString(entry.lr()),
                        entry.skipped(),
                        entry.bytes());
    }
}
