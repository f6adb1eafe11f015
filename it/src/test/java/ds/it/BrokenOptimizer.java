package ds.it;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.io.IOException;
import java.util.List;

/** An optimizer that somebody got wrong: where, its setting says. */
public final class BrokenOptimizer implements OptimizerProvider {
    /** For ServiceLoader. */
    public BrokenOptimizer() {}

    @Override
    public String name() {
        return "broken";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.text("in").doc("Where."),
                KeyDeclaration.number("lr", 0.1).doc("At most 1, as create says."));
    }

    @Override
    @SuppressWarnings("NullAway") // some authors do
    public Optimizer create(Settings params) {
        String in = params.stringOr("in", "");
        breakIn("create", in);
        if (in.equals("error")) {
            throw new Error("not mine");
        }
        if (in.equals("undeclared")) {
            throw BrokenOptimizer.<RuntimeException>undeclared(new IOException("not mine"));
        }
        if (params.doubleOr("lr", 0) > 1) {
            throw new IllegalArgumentException("The rate must be 1 or less.");
        }
        return in.equals("no create") ? null : new Broken(in);
    }

    @SuppressWarnings("unchecked") // as other languages of the JVM throw
    private static <T extends Throwable> T undeclared(Throwable thrown) throws T {
        throw (T) thrown;
    }

    private static void breakIn(String method, String in) {
        if (method.equals(in)) {
            throw new IllegalStateException("not mine");
        }
    }

    @SuppressWarnings("NullAway")
    private record Broken(String in) implements Optimizer, Optimizer.Element {
        @Override
        public Hyper base() {
            return in.equals("no base") ? null : new Hyper(0.1, 0, 0);
        }

        @Override
        public List<StateSlot> slots() {
            return switch (in) {
                case "no slots" -> null;
                case "twins" -> List.of(new StateSlot("sum"), new StateSlot("sum"));
                case "path" -> List.of(new StateSlot("../sum"));
                default -> List.of();
            };
        }

        @Override
        public Kind kind(ParameterSpec parameter) {
            return in.equals("no kind") ? null : this;
        }

        @Override
        public void step(Shard shard, StepContext context) {
            breakIn("step", in);
        }
    }
}
