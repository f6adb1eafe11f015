package ds.offload;

import ds.offload.spi.StateCodec;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How the arrays of a layout are encoded at rest. Two are equal if they give every array the same
 * form; a store that was only looked at tells the form without having the codec.
 */
public final class StateCoding {
    /** Every array in the type of its layout. */
    public static final StateCoding NONE =
            new StateCoding(StateCodecs.FP32, List.of(), Optional.empty());

    private final String name;
    private final List<Form> forms;
    private final Optional<StateCodec> codec;

    /**
     * How one array is encoded.
     *
     * @param values what the codec is told of it; empty if it rests in fp32
     * @param granuleBytes bytes of 1,024 elements at rest
     */
    record Form(Optional<StateCodec.Values> values, int granuleBytes) {
        /** fp32, as it is. */
        static final Form FP32 =
                new Form(Optional.empty(), StateLayout.GRANULE_ELEMENTS * Float.BYTES);

        boolean isEncoded() {
            return values.isPresent();
        }
    }

    private StateCoding(String name, List<Form> forms, Optional<StateCodec> codec) {
        this.name = name;
        this.forms = List.copyOf(forms);
        this.codec = codec;
    }

    /**
     * Returns the coding that gives arrays to {@code codec}.
     *
     * @param values what it is told of each array, in order; empty for one that rests in fp32
     */
    public static StateCoding of(StateCodec codec, List<Optional<StateCodec.Values>> values) {
        int bytes = codec.granuleBytes();
        if (bytes < 16 || bytes % 16 != 0 || bytes > Form.FP32.granuleBytes()) {
            throw new IllegalArgumentException(
                    "The codec '%s' makes %,d bytes of a granule; it must be a multiple of 16, at most %,d."
                            .formatted(codec.name(), bytes, Form.FP32.granuleBytes()));
        }
        List<Form> forms =
                values.stream()
                        .map(kind -> kind.isPresent() ? new Form(kind, bytes) : Form.FP32)
                        .toList();
        return new StateCoding(codec.name(), forms, Optional.of(codec));
    }

    /** Returns the coding that a store tells of itself. */
    static StateCoding recorded(String name, List<Form> forms) {
        return new StateCoding(name, forms, Optional.empty());
    }

    /** Returns the codec's name; {@value StateCodecs#FP32} without one. */
    public String name() {
        return name;
    }

    /** Returns the form of each array; empty if no array is encoded. */
    List<Form> forms() {
        return forms;
    }

    /** Returns the form of an array; those without one rest in fp32. */
    Form form(int array) {
        return array < forms.size() ? forms.get(array) : Form.FP32;
    }

    /** Returns the forms of {@code arrays} arrays. */
    List<Form> forms(int arrays) {
        return forms.isEmpty()
                ? Collections.nCopies(arrays, Form.FP32)
                : Stream.iterate(0, i -> i + 1).limit(arrays).map(this::form).toList();
    }

    /** Returns whether any array is encoded. */
    boolean isEncoded() {
        return forms.stream().anyMatch(Form::isEncoded);
    }

    /** Returns the codec of arrays that are encoded. */
    StateCodec codec() {
        return codec.orElseThrow(
                () ->
                        new IllegalStateException(
                                "The codec '%s' is known by name only.".formatted(name)));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof StateCoding that
                && name.equals(that.name)
                && forms.equals(that.forms);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, forms);
    }

    @Override
    public String toString() {
        return name + forms;
    }
}
