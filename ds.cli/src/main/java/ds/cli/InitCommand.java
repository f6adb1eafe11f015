package ds.cli;

import ds.core.IoReason;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds init}. */
@CommandLine.Command(
        name = "init",
        sortOptions = false,
        description = "Writes a commented configuration that fits this machine.")
final class InitCommand extends Command {
    private static final int MICRO = 2;
    private static final int TRAIN = 16;
    private static final int RANKS_MOST = 4;

    @Parameters(
            paramLabel = "FILE",
            arity = "0..1",
            description = "Where to write it (default: ${DEFAULT-VALUE}); '-' prints it.")
    private String file = "ds_config.json";

    @Option(names = "--force", description = "Replace a file that is there.")
    private boolean force;

    @Override
    int run() {
        int cores = Runtime.getRuntime().availableProcessors();
        int ranks = Math.min(RANKS_MOST, Integer.highestOneBit(cores));
        String text = text(cores, ranks);
        if (file.equals("-")) {
            out().result(text.stripTrailing());
            out().document(Map.of("config", text));
            return Main.OK;
        }
        Path path = Path.of(file);
        try {
            Files.writeString(
                    path,
                    text,
                    force ? StandardOpenOption.CREATE : StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw new UserMistakeException(
                    "%s exists already; give another name, or --force to replace it."
                            .formatted(path),
                    e);
        } catch (IOException e) {
            throw new UserMistakeException(
                    "Cannot write %s: %s. Name a file that can be written, or '-' to print it."
                            .formatted(path, IoReason.of(e)),
                    e);
        }
        out().result("wrote %s; try: ds config check %s".formatted(path, path));
        out().document(Map.of("file", path.toString()));
        return Main.OK;
    }

    private static String text(int cores, int ranks) {
        return """
                {
                  // Made by 'ds init' for a machine with %d hardware threads. Comments are allowed;
                  // 'ds config explain KEY' says what a key means.

                  // Samples per step = micro batch x accumulation x ranks; %d ranks run with --world-size %d.
                  "train_batch_size": %d,
                  "train_micro_batch_size_per_gpu": %d,

                  // The norm to which gradients are clipped.
                  "gradient_clipping": 1.0,

                  "optimizer": {
                    "type": "AdamW",
                    "params": { "lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.01 }
                  },

                  // "auto" becomes the number of steps of the run.
                  "scheduler": {
                    "type": "WarmupDecayLR",
                    "params": { "total_num_steps": "auto", "warmup_num_steps": 50, "warmup_max_lr": 1e-3 }
                  },

                  // Half the memory of activations and parameters; masters and states stay fp32.
                  "bf16": { "enabled": true },

                  "zero_optimization": {
                    // 0: every rank keeps all; 1: states, 2: + gradients, 3: + parameters are sharded.
                    "stage": 3
                    // Where optimizer states rest when memory is short: "cpu", or "nvme" with a path.
                    // , "offload_optimizer": { "device": "nvme", "nvme_path": "/mnt/nvme" }
                  }
                }
                """
                .formatted(cores, ranks, ranks, Math.max(TRAIN, MICRO * ranks), MICRO);
    }
}
