package ds.offload;

import ds.core.DType;
import ds.offload.spi.StateCodec;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a journal's records say, as bytes: where the run stands, whose it is, and the extent tables;
 * all of them in a record that stands by itself, what changed in any other.
 */
final class CommitCodec {
    /** Lengths, names of arrays, hashes, counters: generous, since it only sizes the journal. */
    private static final int FIXED_BYTES = 1 << 13;

    private CommitCodec() {}

    /**
     * What a record says beside its tables.
     *
     * @param location which rank of which run wrote it; its {@code nvmePath} is not recorded
     */
    record Commit(String runId, int rank, int world, StoreIdentity identity, CommitRecord run) {}

    /**
     * What a full record says about its store.
     *
     * @param journalBytes of each half of a journal file
     */
    record Frame(StoreShape shape, long journalBytes) {}

    /** Returns the most bytes of a payload. */
    static long payloadBytesMax(StoreShape shape) {
        long tables =
                shape.files().stream()
                        .mapToLong(file -> ExtentTable.encodedBytesMax(file.blocks(), file.slots()))
                        .sum();
        long layout = 0;
        for (ExtentFile.Shape file : shape.files()) {
            layout += 2 * Integer.BYTES + file.name().getBytes(StandardCharsets.UTF_8).length;
            layout += (long) Long.BYTES * file.extentBytes().size();
        }
        for (List<Integer> arrays : shape.layout().wholes().values()) {
            layout += (2L + arrays.size()) * Integer.BYTES;
        }
        return FIXED_BYTES
                + StoreIdentity.ABOUT_BYTES_MAX
                + CommitRecord.APPLICATION_BYTES_MAX
                + layout
                + tables;
    }

    /** Writes a record that stands by itself. */
    static void encodeFull(ByteBuffer into, Commit commit, Frame frame, List<ExtentTable> tables) {
        encode(into, commit);
        into.putLong(frame.journalBytes());
        StateLayout layout = frame.shape().layout();
        into.putInt(frame.shape().blockBytes()).putInt(frame.shape().slots());
        into.putInt(layout.arrays().size());
        layout.arrays().forEach(array -> put(into, array));
        put(into, layout.runLengths());
        into.putInt(layout.extras().size());
        layout.extras().forEach(extra -> put(put(into, extra.name()), extra.runLengths()));
        put(into, layout.coding().name()).putInt(layout.coding().forms().size());
        layout.coding().forms().forEach(form -> put(into, form));
        putWholes(into, layout.wholes());
        into.putInt(commit.identity().about().size());
        commit.identity().sorted().forEach((key, value) -> put(put(into, key), value));
        tables.forEach(table -> table.encodeAll(into));
    }

    /** Writes what changed since the record before. */
    static void encodeStep(ByteBuffer into, Commit commit, List<ExtentTable> tables) {
        encode(into, commit);
        tables.forEach(table -> table.encodeMoved(into));
    }

    private static void encode(ByteBuffer into, Commit commit) {
        put(into, commit.runId()).putInt(commit.rank()).putInt(commit.world());
        put(put(into, commit.identity().layoutHash()), commit.identity().configHash());
        CommitRecord run = commit.run();
        into.putLong(run.globalStep()).putLong(run.appliedSteps()).putLong(run.microSteps());
        into.putLong(run.samplesSeen()).putInt(run.skippedInARow()).putLong(run.seed());
        CommitRecord.Scaler scaler = run.scaler();
        into.putDouble(scaler.scale()).putInt(scaler.hysteresis()).putLong(scaler.iteration());
        into.putLong(scaler.lastOverflow()).put((byte) (scaler.dynamic() ? 1 : 0));
        into.putInt(run.application().sizeBytes()).put(run.application().bytes());
    }

    private static ByteBuffer put(ByteBuffer into, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return into.putInt(bytes.length).put(bytes);
    }

    private static ByteBuffer put(ByteBuffer into, StateCoding.Form form) {
        return put(into, form.values().map(Enum::name).orElse("")).putInt(form.granuleBytes());
    }

    /** Where there are any, their number as a negative one: what else follows is at least 0. */
    private static void putWholes(ByteBuffer into, Map<Integer, List<Integer>> wholes) {
        if (!wholes.isEmpty()) {
            into.putInt(-wholes.size());
        }
        wholes.forEach(
                (run, arrays) -> {
                    into.putInt(run).putInt(arrays.size());
                    arrays.forEach(into::putInt);
                });
    }

    private static ByteBuffer put(ByteBuffer into, List<Long> numbers) {
        into.putInt(numbers.size());
        numbers.forEach(into::putLong);
        return into;
    }

    /** What is read from a record, in the order in which it was written. */
    static final class Reader {
        private final ByteBuffer from;
        private final boolean full;

        Reader(JournalRecord record) {
            this.from = record.reader();
            this.full = record.kind().isFull();
        }

        /** Reads what every record begins with; {@code about} is empty so far. */
        Commit commit() {
            return guarded(
                    () -> {
                        String runId = text();
                        int rank = from.getInt();
                        int world = from.getInt();
                        StoreIdentity identity = new StoreIdentity(text(), text(), Map.of());
                        return new Commit(runId, rank, world, identity, run());
                    });
        }

        private CommitRecord run() {
            return new CommitRecord(
                    from.getLong(),
                    from.getLong(),
                    from.getLong(),
                    from.getLong(),
                    from.getInt(),
                    from.getLong(),
                    new CommitRecord.Scaler(
                            from.getDouble(),
                            from.getInt(),
                            from.getLong(),
                            from.getLong(),
                            from.get() != 0),
                    blob());
        }

        private CommitRecord.Blob blob() {
            byte[] bytes = new byte[from.getInt()];
            from.get(bytes);
            return CommitRecord.Blob.of(bytes);
        }

        /** Reads the frame of a full record. */
        Frame frame() {
            return guarded(
                    () -> {
                        long journalBytes = from.getLong();
                        int blockBytes = from.getInt();
                        int slots = from.getInt();
                        List<String> arrays = new ArrayList<>();
                        for (int left = from.getInt(); left > 0; left--) {
                            arrays.add(text());
                        }
                        List<Long> runs = numbers();
                        List<StateLayout.Extra> extras = new ArrayList<>();
                        for (int left = from.getInt(); left > 0; left--) {
                            extras.add(new StateLayout.Extra(text(), numbers()));
                        }
                        return new Frame(
                                new StoreShape(
                                        new StateLayout(
                                                arrays,
                                                runs,
                                                DType.FP32,
                                                extras,
                                                coding(),
                                                wholes()),
                                        blockBytes,
                                        slots),
                                journalBytes);
                    });
        }

        private StateCoding coding() {
            String name = text();
            List<StateCoding.Form> forms = new ArrayList<>();
            for (int left = from.getInt(); left > 0; left--) {
                forms.add(new StateCoding.Form(values(text()), from.getInt()));
            }
            return StateCoding.recorded(name, forms);
        }

        private Map<Integer, List<Integer>> wholes() {
            Map<Integer, List<Integer>> wholes = new HashMap<>();
            int count = from.getInt(from.position());
            if (count < 0) {
                from.getInt();
            }
            for (int left = count; left < 0; left++) {
                int run = from.getInt();
                List<Integer> arrays = new ArrayList<>();
                for (int each = from.getInt(); each > 0; each--) {
                    arrays.add(from.getInt());
                }
                wholes.put(run, List.copyOf(arrays));
            }
            return wholes;
        }

        private static Optional<StateCodec.Values> values(String name) {
            return name.isEmpty() ? Optional.empty() : Optional.of(StateCodec.Values.valueOf(name));
        }

        private List<Long> numbers() {
            List<Long> numbers = new ArrayList<>();
            for (int left = from.getInt(); left > 0; left--) {
                numbers.add(from.getLong());
            }
            return numbers;
        }

        /** Reads what the run is known by; after {@link #frame}. */
        Map<String, String> about() {
            return guarded(
                    () -> {
                        Map<String, String> about = new LinkedHashMap<>();
                        for (int left = from.getInt(); left > 0; left--) {
                            about.put(text(), text());
                        }
                        return about;
                    });
        }

        /** Applies the tables: after {@link #about} of a full record, {@link #commit} of others. */
        void tables(List<ExtentTable> tables) {
            guarded(
                    () -> {
                        for (ExtentTable table : tables) {
                            if (full) {
                                table.decodeAll(from);
                            } else {
                                table.applyMoved(from);
                            }
                        }
                        return tables;
                    });
        }

        private String text() {
            byte[] bytes = new byte[from.getInt()];
            from.get(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }

        /** What {@link #guarded} does. */
        @FunctionalInterface
        private interface Step<T> {
            T read();
        }

        private static <T> T guarded(Step<T> step) {
            try {
                return step.read();
            } catch (BufferUnderflowException
                    | NegativeArraySizeException
                    | IndexOutOfBoundsException
                    | IllegalArgumentException e) {
                throw new StorageException(
                        "A commit record has a form that this version does not know: %s."
                                .formatted(e),
                        e);
            }
        }
    }
}
