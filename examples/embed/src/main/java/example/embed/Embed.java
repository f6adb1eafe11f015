package example.embed;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.StepReport;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import java.nio.file.Path;

/** Trains a small GPT on a book and lets it write: {@code Embed CONFIG TEXT DIRECTORY STEPS EVERY}. */
public final class Embed {
    private Embed() {}

    /** Goes on from the newest checkpoint in the directory, if there is one. */
    public static void main(String[] args) {
        var config = DsConfig.read(Path.of(args[0])); // or a Map, text, a builder
        var data = TextDataset.bytes(Path.of(args[1]), 64).split(0.95);
        var run = Path.of(args[2]);
        long steps = Long.parseLong(args[3]);
        long every = Long.parseLong(args[4]);
        var model = Gpt.of(g -> g.layers(2).width(64).heads(4).context(64));
        try (var engine =
                DeepSpeed.initialize(
                        model, config, o -> o.trainingData(data.train()).seed(42).ranks(2))) {
            System.out.println(engine.plan()); // who owns what, bytes, "auto" resolved
            engine.resumeIfPresent(run);
            for (StepReport s : engine.steps(steps - engine.step())) { // ranks advance together
                System.out.printf("%d  loss %s%n", s.step(), s.loss());
                if (s.step() % every == 0) {
                    double valid = engine.evaluate(data.validation()).loss();
                    System.out.printf("%d  train %.3f  valid %.3f%n", s.step(), s.loss(), valid);
                    engine.saveCheckpoint(run);
                }
            }
            System.out.println(engine.generate("The devil", g -> g.tokens(100).temperature(0.8)));
        }
    }
}
