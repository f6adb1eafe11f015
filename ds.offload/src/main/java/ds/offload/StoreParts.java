package ds.offload;

import ds.offload.spi.StorageProvider;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Where the extents of one rank's store lie: in a directory of each path.
 *
 * @param directories of the rank, home first
 * @param stripes what each of them holds of a file
 */
record StoreParts(List<Path> directories, Stripes stripes) {
    /**
     * What one path holds of a file.
     *
     * @param file there
     * @param sizeBytes of it
     */
    record Part(Path file, long sizeBytes) {}

    StoreParts {
        directories = List.copyOf(directories);
    }

    /** Returns a store that lies in one directory. */
    static StoreParts single(Path directory) {
        return new StoreParts(List.of(directory), Stripes.NONE);
    }

    /**
     * Returns where the store of a rank's directory says that it lies.
     *
     * @throws StorageException if that is damaged, the directory is not the store's home, or a part
     *     is missing or in another's place
     */
    static StoreParts of(Path rankDirectory) {
        return PartsFile.read(rankDirectory)
                .map(
                        parts -> {
                            StoreParts found = parts.at(rankDirectory);
                            parts.requireAll(found.directories());
                            return found;
                        })
                .orElseGet(() -> single(rankDirectory));
    }

    /** Returns the directory with lock, owner and journal. */
    Path home() {
        return directories.getFirst();
    }

    /** Returns whether there is more than one directory. */
    boolean isStriped() {
        return directories.size() > 1;
    }

    /** Returns the parts of a file of {@code sizeBytes}. */
    List<Part> of(String fileName, long sizeBytes) {
        StripeMap map = new StripeMap(stripes);
        return IntStream.range(0, directories.size())
                .mapToObj(
                        path ->
                                new Part(
                                        directories.get(path).resolve(fileName),
                                        isStriped() ? map.partBytes(path, sizeBytes) : sizeBytes))
                .toList();
    }

    /** Returns the files that hold {@code sizeBytes} from {@code offset} on of one, for people. */
    String holders(String fileName, long offset, long sizeBytes) {
        StripeMap map = new StripeMap(stripes);
        Set<String> files = new LinkedHashSet<>();
        for (long at = offset; at < offset + sizeBytes; ) {
            StripeMap.Piece piece = map.at(at, offset + sizeBytes - at);
            files.add(directories.get(piece.path()).resolve(fileName).toString());
            at += piece.sizeBytes();
        }
        return String.join(" and ", files);
    }

    /** Returns what opens files here, each part of one with {@code each}. */
    StorageProvider provider(StorageProvider each) {
        return isStriped() ? new StripedProvider(each, directories, stripes) : each;
    }
}
