package ds.cli;

import ds.engine.checkpoint.Checkpoint;
import ds.engine.checkpoint.CheckpointHeader;
import ds.engine.checkpoint.RankFile;
import ds.engine.checkpoint.RunState;
import ds.engine.checkpoint.TensorShape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds checkpoint inspect}. */
@CommandLine.Command(
        name = "inspect",
        sortOptions = false,
        description = "Shows what the newest good checkpoint of a directory holds.")
final class CheckpointInspectCommand extends Command {
    @Parameters(paramLabel = "DIR", description = "What --save wrote.")
    private Path directory;

    @Override
    int run() {
        try (Checkpoint checkpoint = TrainCommand.openPresent(directory, "it")) {
            checkpoint.notes().forEach(note -> out().message("ds: " + note));
            people(checkpoint);
            out().document(document(checkpoint));
        }
        return Main.OK;
    }

    private void people(Checkpoint checkpoint) {
        CheckpointHeader header = checkpoint.header();
        RunState state = header.state();
        out().result("checkpoint   " + checkpoint.directory());
        out().result(
                        String.format(
                                Locale.ROOT,
                                "step         %,d (%,d applied), %,d samples, seed %d",
                                state.globalStep(),
                                state.appliedSteps(),
                                state.sampleCursor(),
                                state.seed()));
        out().result("world size   " + header.worldSize());
        out().result("model        " + (header.model().isEmpty() ? "(code)" : header.model()));
        out().result("kinds        " + String.join(", ", checkpoint.kinds()));
        for (RankFile file : checkpoint.files()) {
            out().result(
                            String.format(
                                    Locale.ROOT,
                                    "file         %s, %,d bytes",
                                    file.name(),
                                    file.sizeBytes()));
        }
        for (TensorShape tensor : header.layout()) {
            out().result(
                            "tensor       %s %s%s"
                                    .formatted(
                                            tensor.name(),
                                            tensor.shape(),
                                            tensor.trainable() ? "" : " (not trained)"));
        }
    }

    private static Map<String, Object> document(Checkpoint checkpoint) {
        CheckpointHeader header = checkpoint.header();
        RunState state = header.state();
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("checkpoint", checkpoint.directory().toString());
        document.put("global_step", state.globalStep());
        document.put("applied_steps", state.appliedSteps());
        document.put("micro_steps", state.microSteps());
        document.put("sample_cursor", state.sampleCursor());
        document.put("seed", state.seed());
        document.put("loss_scaler", state.lossScaler());
        document.put("world_size", header.worldSize());
        document.put("model", header.model());
        document.put("data", header.data());
        document.put("config_sha256", header.configHash());
        document.put("kinds", List.copyOf(checkpoint.kinds()));
        List<Object> files = new ArrayList<>();
        for (RankFile file : checkpoint.files()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", file.name());
            entry.put("size", file.sizeBytes());
            entry.put("sha256", file.sha256());
            files.add(entry);
        }
        document.put("files", files);
        List<Object> tensors = new ArrayList<>();
        for (TensorShape tensor : header.layout()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", tensor.name());
            entry.put("shape", tensor.shape());
            entry.put("trainable", tensor.trainable());
            tensors.add(entry);
        }
        document.put("tensors", tensors);
        document.put("notes", checkpoint.notes());
        return document;
    }
}
