package ds.model.nn;

import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.Continuation;
import ds.model.ForwardContext;
import ds.model.Mode;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.TrainableModel;
import ds.model.Unit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A model written by its forward pass. Parts are declared in the constructor and become units in
 * that order; parameters declared directly in the network form the first unit, live for a whole pass.
 *
 * <pre>{@code
 * final class TwoLayers extends Network {
 *     private final Linear first = add(new Linear("first", 8, 16));
 *     private final Linear second = add(new Linear("second", 16, 4));
 *
 *     protected Tensor forward(Tape t, Batch b) {
 *         Tensor hidden = t.tanh(first.apply(t, t.input(b.input())));
 *         return t.meanSquaredError(second.apply(t, hidden), b.target());
 *     }
 * }
 * }</pre>
 */
public abstract class Network extends Part implements TrainableModel {
    private boolean checkpointing;
    private @Nullable ModelLayout layout; // made at the first call, when the constructors have run

    /** Creates a network without parts. */
    protected Network() {
        super("network", "");
    }

    /**
     * Computes the loss of {@code batch}: a tensor of one element.
     *
     * @param tape where the operations are recorded
     */
    protected abstract Tensor forward(Tape tape, Batch batch);

    /** Makes every layer that is a unit keep only its input; called in the constructor. */
    protected final void checkpointUnits(boolean on) {
        checkpointing = on;
    }

    final boolean checkpointsUnits() {
        return checkpointing;
    }

    @Override
    public final synchronized ModelLayout layout() {
        ModelLayout made = layout;
        if (made == null) {
            List<Draft> units = new ArrayList<>();
            List<String> around = List.of();
            if (!parameters().isEmpty()) {
                setUnitIndex(0);
                units.add(new Draft(name(), parameters(), borrowed(), List.of()));
                around = List.of(name());
            }
            for (Part part : parts()) {
                addUnit(part, units, around);
            }
            made = new ModelLayout(units.stream().map(unit -> unit.made(units)).toList());
            layout = made;
        }
        return made;
    }

    /** A unit before all units are known. */
    private record Draft(
            String name,
            List<Parameter> parameters,
            List<Parameter> borrowed,
            List<String> around) {
        Unit made(List<Draft> all) {
            Stream<String> lenders =
                    all.stream()
                            .filter(other -> borrowed.stream().anyMatch(other.parameters::contains))
                            .map(Draft::name);
            return new Unit(
                    name,
                    parameters,
                    Stream.concat(around.stream(), lenders)
                            .filter(other -> !other.equals(name))
                            .distinct()
                            .toList());
        }
    }

    private static void addUnit(Part part, List<Draft> units, List<String> around) {
        List<Parameter> parameters = new ArrayList<>();
        List<Parameter> borrowed = new ArrayList<>();
        List<Part> unitsInside = new ArrayList<>();
        collect(part, parameters, borrowed, unitsInside);
        List<String> aroundInside = new ArrayList<>(around);
        if (!parameters.isEmpty()) {
            part.setUnitIndex(units.size());
            units.add(new Draft(part.name(), parameters, borrowed, around));
            aroundInside.add(part.name());
        }
        part.markUnit();
        for (Part inside : unitsInside) {
            addUnit(inside, units, aroundInside);
        }
    }

    private static void collect(
            Part part,
            List<Parameter> parameters,
            List<Parameter> borrowed,
            List<Part> unitsInside) {
        parameters.addAll(part.parameters());
        borrowed.addAll(part.borrowed());
        for (Part inside : part.parts()) {
            if (inside.isUnit()) {
                unitsInside.add(inside);
            } else {
                collect(inside, parameters, borrowed, unitsInside);
            }
        }
    }

    @Override
    public final Activations forward(Batch batch, ForwardContext context) {
        return pass(batch, context, null);
    }

    /** Runs a forward pass, of the next tokens of a sequence if {@code kept} is given. */
    final Activations pass(Batch batch, ForwardContext context, @Nullable KeyValues kept) {
        return context.keep(Tapes.class, Tapes::new).free(this).forward(batch, context, kept);
    }

    /**
     * {@inheritDoc} It can if rows depend on earlier ones by {@link Tape#causalAttention}, {@link
     * Tape#rope} and positions of {@link Tape#embedding} alone: not by products of two tensors, by
     * transposing, taking rows, or by a shape with other rows.
     */
    @Override
    public final Optional<Continuation> continuation(
            int capacity, Batch probe, ForwardContext context) {
        if (context.mode() != Mode.EVAL || probe.samples() != 1) {
            throw new IllegalArgumentException(
                    "A sequence is continued in mode EVAL from a probe of one sample; was given %s and %d."
                            .formatted(context.mode(), probe.samples()));
        }
        KeyValues kept = new KeyValues(capacity);
        pass(probe, context, kept).close();
        return kept.obstacle().isPresent()
                ? Optional.empty()
                : Optional.of(new ContinuedNetwork(this, kept, context));
    }

    @Override
    public final void backward(Activations activations, float lossSeed, BackwardContext context) {
        if (!(activations instanceof Tape.Recording recording) || recording.network() != this) {
            throw new IllegalArgumentException(
                    "backward needs what this network's own forward returned.");
        }
        recording.backward(lossSeed, context);
    }
}
