package ds.testkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The system's files, with a log of everything that changes one. Safe for use by many threads. */
final class RecordingFiles extends ForwardingFiles {
    /** What was done, in the order in which it returned. */
    sealed interface Event {
        /** Bytes were handed to the operating system. */
        record Write(Path file, long position, byte[] bytes) implements Event {}

        /** Everything written to a file before is on the medium. */
        record Sync(Path file) implements Event {}

        /** A rank's commit was said to be durable. */
        record Acknowledged(int rank, long step) implements Event {}

        /** A rank begins a step. */
        record Attempted(int rank, long step) implements Event {}
    }

    private final List<Event> log = new ArrayList<>();

    synchronized void note(Event event) {
        log.add(event);
    }

    synchronized List<Event> log() {
        return List.copyOf(log);
    }

    @Override
    public int write(FileChannel channel, Path file, ByteBuffer from, long position)
            throws IOException {
        ByteBuffer copy = from.duplicate();
        int moved = super.write(channel, file, from, position);
        byte[] bytes = new byte[moved];
        copy.get(bytes);
        note(new Event.Write(file, position, bytes));
        return moved;
    }

    @Override
    public void force(FileChannel channel, Path file, boolean metaData) {
        note(new Event.Sync(file));
    }

    @Override
    public void syncDirectory(Path directory) {}
}
