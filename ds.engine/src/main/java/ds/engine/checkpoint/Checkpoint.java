package ds.engine.checkpoint;

import ds.core.FlatBuffer;
import ds.offload.FileOperations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A committed checkpoint, every byte of which matched its checksum when it was opened, and is
 * checked again when read. Tensors are found by kind, parameter and offset, however many ranks wrote
 * them. Any thread may read.
 */
public final class Checkpoint implements AutoCloseable {
    private static final int LATEST_LIMIT_BYTES = 4096;

    private record Candidate(Path directory, Manifest manifest) {}

    private record Place(BlockReader file, SafetensorsHeader.Entry entry) {}

    private final Path directory;
    private final Manifest manifest;
    private final List<String> notes;
    private final List<BlockReader> readers;
    private final Map<String, List<Place>> places = new HashMap<>();
    private final List<Piece> pieces = new ArrayList<>();

    private Checkpoint(
            Path directory, Manifest manifest, List<String> notes, List<BlockReader> readers) {
        this.directory = directory;
        this.manifest = manifest;
        this.notes = notes;
        this.readers = readers;
        for (BlockReader reader : readers) {
            for (SafetensorsHeader.Entry entry : reader.entries()) {
                pieces.add(entry.piece());
                places.computeIfAbsent(
                                key(entry.piece().kind(), entry.piece().parameter()),
                                _ -> new ArrayList<>())
                        .add(new Place(reader, entry));
            }
        }
        places.values()
                .forEach(
                        list ->
                                list.sort(
                                        Comparator.comparingLong(
                                                place -> place.entry().piece().offsetElements())));
    }

    private static String key(String kind, String parameter) {
        return kind + "/" + parameter;
    }

    /** Returns whether {@code path} is a checkpoint or a directory with at least one in it. */
    public static boolean isPresent(Path path) {
        try {
            return CheckpointDirectory.isCommitted(path)
                    || Files.isDirectory(path)
                            && CheckpointDirectory.all(path).stream()
                                    .anyMatch(CheckpointDirectory::isCommitted);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /**
     * Opens the newest checkpoint in {@code path} that verifies, or {@code path} itself if it is
     * one. {@link #notes()} says what was passed over.
     *
     * @throws CheckpointException if there is none, or none that verifies
     */
    public static Checkpoint open(Path path) {
        return open(path, FileOperations.system());
    }

    /** As {@link #open(Path)}, through other file operations. */
    public static Checkpoint open(Path path, FileOperations files) {
        if (!Files.isDirectory(path)) {
            throw new CheckpointException(
                    "%s is no checkpoint: it is not a directory. Give the directory that --save wrote."
                            .formatted(path));
        }
        List<String> notes = new ArrayList<>();
        if (CheckpointDirectory.isCommitted(path)) {
            Optional<Checkpoint> single =
                    readManifest(path, files, notes)
                            .flatMap(manifest -> verified(path, manifest, files, notes));
            return single.orElseThrow(() -> new CheckpointException(String.join(" ", notes)));
        }
        return newest(path, files, notes);
    }

    private static Checkpoint newest(Path root, FileOperations files, List<String> notes) {
        List<Candidate> candidates = new ArrayList<>();
        Optional<String> latest;
        try {
            latest = latest(root, files, notes);
            for (Path directory : CheckpointDirectory.all(root)) {
                if (CheckpointDirectory.isCommitted(directory)) {
                    readManifest(directory, files, notes)
                            .ifPresent(
                                    manifest -> candidates.add(new Candidate(directory, manifest)));
                }
            }
        } catch (IOException e) {
            throw unreadable(root, e);
        }
        if (candidates.isEmpty()) {
            throw new CheckpointException(
                    notes.isEmpty()
                            ? "%s is no checkpoint: it has no %s and no directory step-NNNNNNNN with one. Give the directory that --save wrote."
                                    .formatted(root, Manifest.FILE)
                            : String.join(" ", notes));
        }
        candidates.sort(
                Comparator.comparingLong((Candidate c) -> c.manifest().sequence()).reversed());
        for (Candidate candidate : candidates) {
            Optional<Checkpoint> opened =
                    verified(candidate.directory(), candidate.manifest(), files, notes);
            if (opened.isPresent()) {
                noteOther(opened.get(), latest, notes);
                return opened.get();
            }
        }
        throw new CheckpointException(
                "No checkpoint in %s verifies. %s".formatted(root, String.join(" ", notes)));
    }

    private static void noteOther(Checkpoint opened, Optional<String> latest, List<String> notes) {
        String name = opened.directory.getFileName().toString();
        if (latest.isPresent() && !latest.get().equals(name) && notes.isEmpty()) {
            notes.add("'latest' names %s, which is older.".formatted(latest.get()));
        }
        if (!notes.isEmpty()) {
            notes.add("Opened %s, the newest that verifies.".formatted(name));
        }
    }

    private static Optional<String> latest(Path root, FileOperations files, List<String> notes)
            throws IOException {
        Path file = root.resolve(CheckpointDirectory.LATEST);
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return Optional.empty();
        }
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new CheckpointException(
                    "%s is not a plain file; 'latest' holds the name of a checkpoint and is never a link. Remove it, or name the checkpoint's own directory."
                            .formatted(file));
        }
        String text =
                new String(
                        CheckpointDirectory.readAll(files, file, LATEST_LIMIT_BYTES),
                        StandardCharsets.UTF_8);
        String name = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
        if (name.indexOf('/') >= 0 || name.indexOf('\\') >= 0 || name.contains("..")) {
            throw new CheckpointException(
                    "%s names '%s'; it must name an entry of its own directory, without a separator. Remove it, or name the checkpoint's own directory."
                            .formatted(file, printable(name)));
        }
        if (Files.isSymbolicLink(root.resolve(printable(name)))) {
            throw new CheckpointException(
                    "%s names '%s', which is a link; a checkpoint is a directory of its own. Name that directory instead."
                            .formatted(file, name));
        }
        if (!CheckpointDirectory.isName(name)
                || !CheckpointDirectory.isCommitted(root.resolve(name))) {
            notes.add(
                    "%s names '%s', which is no checkpoint here.".formatted(file, printable(name)));
            return Optional.empty();
        }
        return Optional.of(name);
    }

    private static String printable(String name) {
        StringBuilder text = new StringBuilder();
        for (char c : name.toCharArray()) {
            text.append(c < ' ' || c > '~' ? '?' : c);
        }
        return text.toString();
    }

    private static Optional<Manifest> readManifest(
            Path directory, FileOperations files, List<String> notes) {
        Path file = directory.resolve(Manifest.FILE);
        try {
            return Optional.of(
                    Manifest.read(CheckpointDirectory.readAll(files, file, Manifest.LIMIT_BYTES)));
        } catch (JsonTree.Malformed | IOException e) {
            notes.add("%s is corrupt: %s.".formatted(file, e.getMessage()));
            return Optional.empty();
        }
    }

    private static Optional<Checkpoint> verified(
            Path directory, Manifest manifest, FileOperations files, List<String> notes) {
        List<BlockReader> readers = new ArrayList<>();
        try {
            for (RankFile file : manifest.files()) {
                BlockReader reader = new BlockReader(files, directory.resolve(file.name()), file);
                readers.add(reader);
                reader.verify();
            }
            return Optional.of(new Checkpoint(directory, manifest, notes, readers));
        } catch (CheckpointException e) {
            readers.forEach(BlockReader::close);
            notes.add(e.getMessage());
            return Optional.empty();
        }
    }

    private static CheckpointException unreadable(Path path, IOException e) {
        return new CheckpointException(
                "Cannot read %s: %s.".formatted(path, CheckpointWriter.reason(e)), e);
    }

    /** Returns the checkpoint's own directory. */
    public Path directory() {
        return directory;
    }

    /** Returns what it says about itself. */
    public CheckpointHeader header() {
        return manifest.header();
    }

    /** Returns what was passed over on the way here, one sentence each; empty if nothing. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /** Returns its files. */
    public List<RankFile> files() {
        return manifest.files();
    }

    /** Returns all pieces of all files. */
    public List<Piece> pieces() {
        return List.copyOf(pieces);
    }

    /** Returns the kinds of tensors it holds, sorted: {@code exp_avg, exp_avg_sq, master}. */
    public Set<String> kinds() {
        Set<String> kinds = new TreeSet<>();
        pieces.forEach(piece -> kinds.add(piece.kind()));
        return kinds;
    }

    /** Returns whether any element of that kind and parameter is held. */
    public boolean has(String kind, String parameter) {
        return places.containsKey(key(kind, parameter));
    }

    /**
     * Checks that a model has the parameters that this checkpoint was written for.
     *
     * @throws CheckpointException naming the first parameter that differs
     */
    public void requireLayout(List<TensorShape> layout) {
        Map<String, TensorShape> held = new HashMap<>();
        header().layout().forEach(tensor -> held.put(tensor.name(), tensor));
        Set<String> names = new HashSet<>();
        for (TensorShape tensor : layout) {
            names.add(tensor.name());
            TensorShape saved = held.get(tensor.name());
            if (saved == null || !saved.equals(tensor)) {
                throw new CheckpointException(
                        "%s is of another model: parameter '%s' is %s here and %s in the checkpoint. Resume with the model it was saved from%s."
                                .formatted(
                                        directory,
                                        tensor.name(),
                                        describe(tensor),
                                        saved == null ? "absent" : describe(saved),
                                        header().model().isEmpty() ? "" : ", " + header().model()));
            }
        }
        for (TensorShape saved : header().layout()) {
            if (!names.contains(saved.name())) {
                throw new CheckpointException(
                        "%s is of another model: its parameter '%s' %s is absent here. Resume with the model it was saved from."
                                .formatted(directory, saved.name(), saved.shape()));
            }
        }
    }

    private static String describe(TensorShape tensor) {
        return tensor.shape() + (tensor.trainable() ? "" : ", not trained");
    }

    /**
     * Reads elements of a parameter, from as many files as they lie in.
     *
     * @param offsetElements first element, in the parameter's row-major order
     * @param into as many elements of the stored type as it has room for
     * @throws CheckpointException if an element is not held, has another type, or is corrupt
     */
    public void read(String kind, String parameter, long offsetElements, FlatBuffer into) {
        long at = offsetElements;
        long end = offsetElements + into.lengthElements();
        for (Place place : places.getOrDefault(key(kind, parameter), List.of())) {
            Piece piece = place.entry().piece();
            long pieceEnd = piece.offsetElements() + piece.lengthElements();
            if (at < end && piece.offsetElements() <= at && at < pieceEnd) {
                if (piece.type() != into.type()) {
                    throw new CheckpointException(
                            "%s holds %s/%s as %s, asked for as %s."
                                    .formatted(
                                            directory,
                                            kind,
                                            parameter,
                                            piece.type().jsonName(),
                                            into.type().jsonName()));
                }
                long count = Math.min(end, pieceEnd) - at;
                place.file()
                        .read(
                                place.entry().startBytes()
                                        + piece.type().bytesOf(at - piece.offsetElements()),
                                into.slice(at - offsetElements, count).segment());
                at += count;
            }
        }
        if (at < end) {
            throw new CheckpointException(
                    "%s does not hold element %,d of %s/%s; it has kinds %s."
                            .formatted(directory, at, kind, parameter, kinds()));
        }
    }

    @Override
    public void close() {
        readers.forEach(BlockReader::close);
    }
}
