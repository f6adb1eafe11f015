package ds.engine;

import ds.core.FlatBuffer;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.zero.TensorSink;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The tensors that all ranks of an engine hold together, as whole arrays in fp32. */
record Tensors(ModelLayout layout, Ranks ranks) {
    /** Returns a copy of one tensor of a stored parameter: {@code master} or an optimizer slot. */
    float[] copy(String name, String kind) {
        Parameter wanted =
                layout.storages().stream()
                        .filter(parameter -> parameter.name().equals(name))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                "The model stores no parameter named '%s'."
                                                        .formatted(name)));
        List<String> kinds = new ArrayList<>(List.of(TensorSink.MASTER));
        ranks.requireUsable();
        if (wanted.trainable()) {
            kinds.addAll(ranks.get(0).zero().slotNames(wanted));
        }
        if (!kinds.contains(kind)) {
            throw new IllegalArgumentException(
                    "Parameter '%s' has no tensor '%s'; it has %s.".formatted(name, kind, kinds));
        }
        float[] values = new float[Math.toIntExact(wanted.elements())];
        ranks.all(
                rank ->
                        ranks.get(rank)
                                .zero()
                                .exportOwned(
                                        (parameter, of, offset, piece) -> {
                                            if (parameter.name().equals(name) && of.equals(kind)) {
                                                copy(piece, values, Math.toIntExact(offset));
                                            }
                                        }));
        return values;
    }

    private static void copy(FlatBuffer from, float[] to, int offset) {
        for (int i = 0; i < from.lengthElements(); i++) {
            to[offset + i] = from.get(i);
        }
    }

    /** Replaces all parameters, and forgets the optimizer's state and steps. */
    void replaceAll(Function<String, float[]> values) {
        // First on this thread, where a mistake stops nothing.
        layout.storages().forEach(parameter -> checked(parameter, values));
        ranks.requireBoundary("Loading parameters");
        ranks.awaitCommits();
        ranks.all(
                rank -> {
                    ranks.get(rank)
                            .zero()
                            .importTensors(
                                    (parameter, kind, offset, into) -> {
                                        if (kind.equals(TensorSink.MASTER)) {
                                            copy(
                                                    checked(parameter, values),
                                                    Math.toIntExact(offset),
                                                    into);
                                        } else {
                                            into.zero();
                                        }
                                    });
                    ranks.get(rank).forgetSteps();
                    ranks.get(rank).commit();
                });
    }

    private static float[] checked(Parameter parameter, Function<String, float[]> values) {
        float[] found = values.apply(parameter.name());
        if (found == null) {
            throw new IllegalArgumentException(
                    "Parameter '%s' %s was given no values."
                            .formatted(parameter.name(), parameter.shape()));
        }
        if (found.length != parameter.elements()) {
            throw new IllegalArgumentException(
                    "Parameter '%s' %s has %,d elements, was given %,d."
                            .formatted(
                                    parameter.name(),
                                    parameter.shape(),
                                    parameter.elements(),
                                    found.length));
        }
        return found;
    }

    private static void copy(float[] from, int offset, FlatBuffer to) {
        MemorySegment.copy(
                from,
                offset,
                to.segment(),
                FlatBuffer.FLOAT,
                0,
                Math.toIntExact(to.lengthElements()));
    }
}
