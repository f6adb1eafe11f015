package ds.offload;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.spi.StateCodec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The arrays of a layout some of which are encoded at rest. A step goes through a chunk in pieces that
 * stay in cache: decoded, stepped, encoded. All memory is allocated in the constructor. Owned by the
 * rank's thread.
 */
final class EncodedArrays {
    private static final int GRANULE = StateLayout.GRANULE_ELEMENTS;

    /** 256 KiB of fp32. */
    private static final long PIECE_ELEMENTS = 1 << 16;

    private final StateCodec codec;
    private final StateCoding coding;
    private final List<EncodedBlocks> blocks;

    /** A decoded piece of each array; of no length for one that rests in fp32. */
    private final List<FlatBuffer> decoded = new ArrayList<>();

    private final FlatBuffer copied;
    private final MemorySegment codes;

    /** Where encoded bytes rest. */
    interface Bytes {
        /** Returns how many elements from a granule on lie together, at most {@code wanted}. */
        long together(int array, long firstElement, long wanted);

        /** Copies granules that lie together. */
        void read(int array, long firstElement, MemorySegment into);

        /** Replaces granules that lie together. */
        void write(int array, long firstElement, MemorySegment from);
    }

    /**
     * Creates what steps and copies need.
     *
     * @param blocks how the elements of each array lie
     * @param longest elements of the longest chunk
     * @param copiedElements what a copy reads or writes at once
     */
    EncodedArrays(
            StateCoding coding,
            List<EncodedBlocks> blocks,
            RankMemory memory,
            long longest,
            long copiedElements) {
        this.coding = coding;
        this.codec = coding.codec();
        this.blocks = blocks;
        for (int array = 0; array < blocks.size(); array++) {
            long length = coding.form(array).isEncoded() ? pieceElements(longest) : 0;
            decoded.add(memory.allocate(MemoryKind.STAGING, DType.FP32, length));
        }
        long most = mostElements(longest, copiedElements);
        this.copied = memory.allocate(MemoryKind.STAGING, DType.FP32, most);
        this.codes =
                memory.allocateBytes(MemoryKind.STAGING, most / GRANULE * codec.granuleBytes());
    }

    /** Returns the bytes of memory that the constructor takes; 0 where nothing is encoded. */
    static long memoryBytes(StateCoding coding, int arrays, long longest, long copiedElements) {
        if (!coding.isEncoded()) {
            return 0;
        }
        long encoded = coding.forms(arrays).stream().filter(StateCoding.Form::isEncoded).count();
        long most = mostElements(longest, copiedElements);
        return DType.FP32.bytesOf(encoded * pieceElements(longest) + most)
                + most / GRANULE * coding.codec().granuleBytes();
    }

    private static long pieceElements(long longest) {
        return Math.min(PIECE_ELEMENTS, longest);
    }

    private static long mostElements(long longest, long copiedElements) {
        return Math.max(GRANULE, Math.min(copiedElements, longest));
    }

    /**
     * Steps a chunk.
     *
     * @param areas the chunk's bytes of each array, from a block's first on
     */
    void step(
            ChunkPlan.Chunk chunk,
            List<MemorySegment> areas,
            Feed feed,
            StateStore.Resident resident,
            StateStore.ChunkStep step) {
        long at = 0;
        while (at < chunk.length()) {
            long length = Math.min(PIECE_ELEMENTS, chunk.length() - at);
            for (EncodedBlocks each : blocks) {
                length = each.together(at, length);
            }
            List<FlatBuffer> views = decode(areas, at, length);
            var piece =
                    new ChunkPlan.Chunk(
                            chunk.run(), chunk.firstInRun() + at, chunk.first() + at, length);
            feed.begin(piece, views, resident, step);
            feed.finish();
            encode(areas, at, views);
            at += length;
        }
    }

    private List<FlatBuffer> decode(List<MemorySegment> areas, long at, long length) {
        List<FlatBuffer> views = new ArrayList<>(areas.size());
        for (int array = 0; array < areas.size(); array++) {
            MemorySegment bytes = bytes(areas, array, at, length);
            Optional<StateCodec.Values> values = coding.form(array).values();
            if (values.isPresent()) {
                FlatBuffer view = decoded.get(array).slice(0, length);
                codec.decode(bytes, view.segment(), values.get());
                views.add(view);
            } else {
                views.add(new FlatBuffer(bytes, DType.FP32, length));
            }
        }
        return List.copyOf(views);
    }

    private void encode(List<MemorySegment> areas, long at, List<FlatBuffer> views) {
        for (int array = 0; array < areas.size(); array++) {
            Optional<StateCodec.Values> values = coding.form(array).values();
            if (values.isPresent()) {
                FlatBuffer view = views.get(array);
                MemorySegment bytes = bytes(areas, array, at, view.lengthElements());
                codec.encode(view.segment(), bytes, values.get());
            }
        }
    }

    private MemorySegment bytes(List<MemorySegment> areas, int array, long at, long length) {
        EncodedBlocks form = blocks.get(array);
        return areas.get(array).asSlice(form.offset(at), form.packedBytes(length));
    }

    /** Reads elements of an encoded array. */
    void read(Bytes home, int array, long firstElement, FlatBuffer into) {
        long done = 0;
        while (done < into.lengthElements()) {
            Piece piece = piece(home, array, firstElement + done, into.lengthElements() - done);
            fetch(home, array, piece);
            into.slice(done, piece.count()).copyFrom(copied.slice(piece.skip(), piece.count()));
            done += piece.count();
        }
    }

    /** Writes elements of an encoded array; the rest of their granules stays as it was. */
    void write(Bytes home, int array, long firstElement, FlatBuffer from) {
        long done = 0;
        while (done < from.lengthElements()) {
            Piece piece = piece(home, array, firstElement + done, from.lengthElements() - done);
            if (piece.count() < piece.length()) {
                fetch(home, array, piece);
            }
            copied.slice(piece.skip(), piece.count()).copyFrom(from.slice(done, piece.count()));
            MemorySegment encoded = codes(array, piece.length());
            codec.encode(
                    copied.slice(0, piece.length()).segment(),
                    encoded,
                    coding.form(array).values().orElseThrow());
            home.write(array, piece.first(), encoded);
            done += piece.count();
        }
    }

    /**
     * Granules that lie together and hold wanted elements.
     *
     * @param skip elements before the wanted ones
     * @param count wanted elements
     */
    private record Piece(long first, long length, long skip, long count) {}

    private Piece piece(Bytes home, int array, long firstElement, long wanted) {
        long first = firstElement / GRANULE * GRANULE;
        long skip = firstElement - first;
        long whole = (skip + wanted + GRANULE - 1) / GRANULE * GRANULE;
        long length = home.together(array, first, Math.min(whole, copied.lengthElements()));
        return new Piece(first, length, skip, Math.min(wanted, length - skip));
    }

    private void fetch(Bytes home, int array, Piece piece) {
        MemorySegment encoded = codes(array, piece.length());
        home.read(array, piece.first(), encoded);
        codec.decode(
                encoded,
                copied.slice(0, piece.length()).segment(),
                coding.form(array).values().orElseThrow());
    }

    private MemorySegment codes(int array, long length) {
        return codes.asSlice(0, blocks.get(array).packedBytes(length));
    }
}
