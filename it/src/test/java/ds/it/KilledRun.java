package ds.it;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.model.builtin.Gpt;
import ds.offload.Stores;
import java.nio.file.Path;

/**
 * A training run on two ranks that somebody kills: it goes on from the store that it finds, else
 * begins, and prints {@code from STEP}, then each step's bits.
 */
final class KilledRun {

    private KilledRun() {}

    /**
     * Trains until it is killed: arguments are the nvme_path, whether state survives a crash, the
     * codec, and the share of the state that rests on the drive.
     */
    public static void main(String[] arguments) {
        Path nvme = Path.of(arguments[0]);
        try (Engine engine =
                engine(
                        offload(
                                nvme,
                                Boolean.parseBoolean(arguments[1]),
                                arguments[2],
                                arguments[3]),
                        nvme)) {
            System.out.println("from " + engine.step());
            while (true) {
                System.out.println(bits(engine.trainStep()));
            }
        }
    }

    /** Returns the same run without a disk. */
    static Engine uninterrupted(String codec) {
        return engine(
                """
                , "offload_optimizer": {"device": "cpu"}}, "jvm": {"state_codec": "%s\""""
                        .formatted(codec),
                Path.of("nowhere"));
    }

    private static String offload(Path nvme, boolean survives, String codec, String ratio) {
        return """
               , "offload_optimizer": {"device": "nvme", "nvme_path": "%s", "ratio": %s}},
               "jvm": {"chunk_bytes": 16384, "crash_consistent": %s, "state_codec": "%s\""""
                .formatted(nvme, ratio, survives, codec);
    }

    private static Engine engine(String offload, Path nvme) {
        boolean goesOn = Stores.isPresent(nvme) && isResumable(nvme);
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2,
                         "gradient_clipping": 0.5, "bf16": {"enabled": true},
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                         "zero_optimization": {"stage": 3%s}}
                        """
                                .formatted(offload));
        return DeepSpeed.initialize(
                Gpt.of(g -> g.layers(1).width(24).heads(2).context(Rhyme.CONTEXT).dropout(0.1)),
                config,
                o -> {
                    o.trainingData(Rhyme.TEXT).ranks(2).workers(1).seed(11);
                    if (goesOn) {
                        o.resumeStore(nvme);
                    }
                });
    }

    private static boolean isResumable(Path nvme) {
        return Stores.list(nvme).stream().anyMatch(Stores.RunStore::isResumable);
    }

    static String bits(StepReport report) {
        return "%d %s %s"
                .formatted(
                        report.step(),
                        Double.toHexString(report.loss()),
                        Double.toHexString(report.gradNorm()));
    }
}
