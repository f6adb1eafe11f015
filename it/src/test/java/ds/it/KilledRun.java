package ds.it;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.model.builtin.Gpt;
import ds.offload.FileOperations;
import ds.offload.StorageException;
import ds.offload.StoreGeneration;
import ds.offload.Stores;
import ds.testkit.ForwardingFiles;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A training run on two ranks that somebody kills: it goes on from the store that it finds, else
 * begins, and prints {@code from STEP}, then each step's bits.
 */
final class KilledRun {
    /** What it prints at every call to a file while it goes back. */
    static final String CALL = "call";

    private KilledRun() {}

    /**
     * Trains until it is killed: arguments are the nvme_path, whether state survives a crash, the
     * codec, the commit to go on from, the generations, the share of the state on the drive, and in
     * how many paths that is.
     */
    public static void main(String[] arguments) {
        Path nvme = Path.of(arguments[0]);
        String offload =
                offload(
                        nvme,
                        Boolean.parseBoolean(arguments[1]),
                        arguments[2],
                        arguments[5],
                        arguments[4],
                        Integer.parseInt(arguments[6]));
        StoreGeneration from = StoreGeneration.valueOf(arguments[3]);
        try (Engine engine = opened(offload, nvme, from)) {
            System.out.println("from " + engine.step());
            while (true) {
                System.out.println(bits(engine.trainStep()));
            }
        }
    }

    /** Where nothing earlier is whole, the last commit still is. */
    private static Engine opened(String offload, Path nvme, StoreGeneration from) {
        try {
            return engine(offload, nvme, from);
        } catch (StorageException e) {
            if (!e.getMessage().startsWith("No commit before ")) {
                throw e;
            }
            return engine(offload, nvme, StoreGeneration.LAST);
        }
    }

    /** Returns the same run without a disk. */
    static Engine uninterrupted(String codec) {
        return engine(
                """
                , "offload_optimizer": {"device": "cpu"}}, "jvm": {"state_codec": "%s\""""
                        .formatted(codec),
                Path.of("nowhere"),
                StoreGeneration.LAST);
    }

    private static String offload(
            Path nvme,
            boolean survives,
            String codec,
            String ratio,
            String generations,
            int paths) {
        String one = ", \"nvme_path\": \"%s\"".formatted(nvme);
        String several =
                IntStream.range(1, paths)
                        .mapToObj(path -> ", \"%s\"".formatted(nvme.resolveSibling("nvme" + path)))
                        .collect(
                                Collectors.joining(
                                        "", ", \"nvme_paths\": [\"%s\"".formatted(nvme), "]"));
        return """
               , "offload_optimizer": {"device": "nvme"%s, "ratio": %s}},
               "jvm": {"chunk_bytes": 16384, "crash_consistent": %s, "generations": %s, "state_codec": "%s"%s"""
                .formatted(
                        paths == 1 ? one : "",
                        ratio,
                        survives,
                        generations,
                        codec,
                        paths == 1 ? "" : several);
    }

    private static Engine engine(String offload, Path nvme, StoreGeneration from) {
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
                        o.resumeStore(nvme, from);
                        if (from == StoreGeneration.PREVIOUS) {
                            o.files(new Announced());
                        }
                    }
                });
    }

    /** The system's own files, with a line for each call. */
    private static final class Announced extends ForwardingFiles {
        @Override
        protected FileOperations files() {
            System.out.println(CALL);
            return super.files();
        }
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
