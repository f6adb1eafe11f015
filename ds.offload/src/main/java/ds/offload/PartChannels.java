package ds.offload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** The parts of one file of a store, open to be read as the whole that they are. */
final class PartChannels implements AutoCloseable {
    private record Part(Path file, FileChannel channel) {}

    private final StripeMap map;
    private final FileOperations files;
    private final List<Part> parts = new ArrayList<>();

    private PartChannels(Stripes stripes, FileOperations files) {
        this.map = new StripeMap(stripes);
        this.files = files;
    }

    static PartChannels open(StoreParts store, String fileName, FileOperations files)
            throws IOException {
        PartChannels channels = new PartChannels(store.stripes(), files);
        boolean whole = false;
        try {
            for (Path directory : store.directories()) {
                Path file = directory.resolve(fileName);
                channels.parts.add(
                        new Part(
                                file,
                                FileChannel.open(
                                        file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)));
            }
            whole = true;
            return channels;
        } finally {
            if (!whole) {
                channels.close();
            }
        }
    }

    /**
     * Fills {@code into}, which begins at its own beginning.
     *
     * @param position of its first byte in the whole file
     */
    void read(ByteBuffer into, long position) throws IOException {
        int limit = into.limit();
        while (into.position() < limit) {
            StripeMap.Piece piece = map.at(position + into.position(), limit - into.position());
            Part part = parts.get(piece.path());
            int end = into.position() + (int) piece.sizeBytes();
            into.limit(end);
            long at = piece.offset();
            while (into.hasRemaining()) {
                int moved = files.read(part.channel(), part.file(), into, at);
                if (moved <= 0) {
                    throw new IOException("%s ends at byte %,d".formatted(part.file(), at));
                }
                at += moved;
            }
            into.limit(limit);
        }
    }

    @Override
    public void close() throws IOException {
        for (Part part : parts) {
            part.channel().close();
        }
    }
}
