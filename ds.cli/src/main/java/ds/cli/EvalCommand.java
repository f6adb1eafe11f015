package ds.cli;

import ds.engine.Evaluation;
import ds.engine.data.Dataset;
import ds.engine.data.Datasets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds eval}. */
@CommandLine.Command(
        name = "eval",
        sortOptions = false,
        description = "The loss of a checkpoint on data, prepared as its training data were.")
final class EvalCommand extends Command {
    @Parameters(paramLabel = "DIR", description = "What --save wrote.")
    private Path directory;

    @Option(
            names = "--data",
            paramLabel = "FILE",
            required = true,
            description = "Data of the kind that it was trained on.")
    private Path dataFile;

    @Override
    int run() {
        try (Restored restored = Restored.open(directory, out())) {
            Dataset data = Datasets.reopen(dataFile, restored.checkpoint().header().data());
            if (!data.shape().equals(Datasets.shape(restored.checkpoint().header().data()))) {
                throw new UserMistakeException(
                        "%s has shape %s, the checkpoint was trained on %s; give data of the same kind."
                                .formatted(
                                        dataFile,
                                        data.shape(),
                                        Datasets.shape(restored.checkpoint().header().data())));
            }
            Evaluation found = restored.engine().evaluate(data);
            Map<String, Object> document = new LinkedHashMap<>();
            document.put("checkpoint", restored.checkpoint().directory().toString());
            document.put("samples", found.samples());
            document.put("targets", found.targets());
            document.put("loss", found.loss());
            StringBuilder line =
                    new StringBuilder(
                            String.format(
                                    Locale.ROOT,
                                    "%,d samples, loss %.4f",
                                    found.samples(),
                                    found.loss()));
            if (data.shape().labels()) {
                document.put(data.shape().tokens() ? "bits_per_byte" : "bits", found.bits());
                document.put("perplexity", found.perplexity());
                line.append(
                        String.format(
                                Locale.ROOT,
                                ", %.4f bits per %s, perplexity %.3f",
                                found.bits(),
                                data.shape().tokens() ? "byte" : "sample",
                                found.perplexity()));
            }
            out().result(line.toString());
            out().document(document);
        }
        return Main.OK;
    }
}
