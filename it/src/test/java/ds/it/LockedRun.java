package ds.it;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.model.builtin.Gpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A training run that asks for locked memory, and prints what was planned, what the runtime says and
 * what the kernel says, with the bits of the parameters.
 */
final class LockedRun {
    private static final int STEPS = 2;
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final int CAP_IPC_LOCK = 14;
    private static final int KIB = 1024;

    /** Arguments are the device of optimizer and parameters, its directory, and pin_memory. */
    public static void main(String[] arguments) throws IOException {
        String place = "{\"device\": \"%s\", \"nvme_path\": \"%s\", \"pin_memory\": %s%s}";
        String optimizer = place.formatted(arguments[0], arguments[1], arguments[2], "");
        String parameters =
                place.formatted(
                        arguments[0], arguments[1], arguments[2], ", \"max_in_cpu\": 100000");
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 1,
                         "bf16": {"enabled": true},
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                         "zero_optimization": {"stage": 3, "offload_optimizer": %s, "offload_param": %s}}
                        """
                                .formatted(optimizer, parameters));
        Gpt model = Gpt.of(g -> g.layers(2).width(128).heads(2).context(Rhyme.CONTEXT));
        long before = kernelBytes();
        try (Engine engine =
                DeepSpeed.initialize(
                        model,
                        config,
                        o -> o.trainingData(Rhyme.TEXT).ranks(2).workers(1).seed(5))) {
            engine.steps(STEPS).forEach(_ -> {});
            long said = engine.usage(0).lockedBytes() + engine.usage(1).lockedBytes();
            System.out.printf(
                    "%d %d %d %s%n",
                    engine.plan().lockedBytes(),
                    said,
                    kernelBytes() - before,
                    engine.parameterHash());
        }
        System.out.println(kernelBytes() - before);
    }

    private LockedRun() {}

    /** Returns what the kernel says is locked of this process. */
    private static long kernelBytes() throws IOException {
        return KIB * Long.parseLong(field(STATUS, "VmLck:").split(" ")[0]);
    }

    private static String field(Path file, String name) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(name.length()).strip())
                .findFirst()
                .orElseThrow();
    }

    /** Returns how many bytes this process may lock; 0 where there is no such limit to read. */
    static long limitBytes() throws IOException {
        if (!Files.exists(LIMITS)) {
            return 0;
        }
        long capabilities = Long.parseUnsignedLong(field(STATUS, "CapEff:"), 16);
        String limit = field(LIMITS, "Max locked memory").split(" ")[0];
        return (capabilities >>> CAP_IPC_LOCK & 1) == 1 || limit.equals("unlimited")
                ? Long.MAX_VALUE
                : Long.parseLong(limit);
    }
}
