package ds.offload;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/**
 * What a directory is a part of: a small text file with a checksum in each directory of a store that
 * lies in several paths. A store in one path has none.
 *
 * @param set tells the parts of one store from those of another
 * @param index of this directory, 0 is home
 * @param stripes how the store is dealt out; the same in all parts
 * @param nvmePaths where the store was opened last, home first: for people, and for those who open it
 *     by its home alone
 */
record PartsFile(long set, int index, Stripes stripes, List<Path> nvmePaths) {
    static final String FILE = "parts";
    static final String TEMPORARY = FILE + WholeFile.TEMPORARY;

    private static final String FORMAT = "1";
    private static final String CRC = "crc32c";

    PartsFile {
        nvmePaths = List.copyOf(nvmePaths);
    }

    /** Returns the same of another part. */
    PartsFile withIndex(int other) {
        return new PartsFile(set, other, stripes, nvmePaths);
    }

    /** Returns where the store lies whose home is {@code home}, wherever that was before. */
    StoreParts at(Path home) {
        List<Path> directories = new ArrayList<>();
        directories.add(home);
        for (Path path : nvmePaths.subList(1, nvmePaths.size())) {
            directories.add(inside(path, home));
        }
        return new StoreParts(directories, stripes);
    }

    /** Returns home, by a directory of the same store. */
    Path home(Path rankDirectory) {
        return inside(nvmePaths.getFirst(), rankDirectory);
    }

    private static Path inside(Path nvmePath, Path rankDirectory) {
        Path rank = rankDirectory.toAbsolutePath().normalize();
        int names = rank.getNameCount();
        return nvmePath.resolve(rank.getName(names - 2)).resolve(rank.getName(names - 1));
    }

    /**
     * Reads what a directory is.
     *
     * @return empty if it is no part of anything
     * @throws StorageException if the file is there and cannot be read, is damaged, or was written by
     *     a version that this one does not know
     */
    static Optional<PartsFile> read(Path directory) {
        Path file = directory.resolve(FILE);
        try {
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                return Optional.empty();
            }
            String text = Files.readString(file, StandardCharsets.UTF_8);
            int end = text.lastIndexOf(CRC + "=");
            if (end < 0 || !text.substring(end).equals(seal(text.substring(0, end)))) {
                throw damaged(file, "its checksum does not match");
            }
            Map<String, String> values = new HashMap<>();
            for (String line : text.substring(0, end).lines().toList()) {
                int at = line.indexOf('=');
                values.put(line.substring(0, at), line.substring(at + 1));
            }
            if (!FORMAT.equals(values.get("format"))) {
                throw damaged(file, "it is of another version");
            }
            return Optional.of(parse(values));
        } catch (NoSuchFileException e) {
            return Optional.empty(); // removed meanwhile
        } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw damaged(file, e.toString());
        }
    }

    private static StorageException damaged(Path file, String why) {
        return new StorageException(
                "%s cannot be read: %s. It says what this part of the offload store is; resume from a checkpoint."
                        .formatted(file, why));
    }

    private static PartsFile parse(Map<String, String> values) {
        List<Integer> weights =
                Arrays.stream(values.getOrDefault("weights", "").split(","))
                        .map(Integer::valueOf)
                        .toList();
        List<Path> paths = new ArrayList<>();
        for (int path = 0; path < weights.size(); path++) {
            paths.add(Path.of(values.getOrDefault("path." + path, "").translateEscapes()));
        }
        return new PartsFile(
                Long.parseUnsignedLong(values.getOrDefault("set", ""), 16),
                Integer.parseInt(values.getOrDefault("index", "")),
                new Stripes(weights, Integer.parseInt(values.getOrDefault("stripe", ""))),
                paths);
    }

    /** Writes this into a directory, whole or not at all. */
    void write(Path directory, FileOperations files, boolean durable) throws IOException {
        WholeFile.write(directory, FILE, text(), files, durable);
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        text.append("format=%s\nset=%016x\nindex=%d\n".formatted(FORMAT, set, index));
        text.append(
                "weights=%s\nstripe=%d\n"
                        .formatted(
                                stripes.weights().stream()
                                        .map(String::valueOf)
                                        .collect(Collectors.joining(",")),
                                stripes.stripeBytes()));
        for (int path = 0; path < nvmePaths.size(); path++) {
            text.append("path.%d=%s\n".formatted(path, escaped(nvmePaths.get(path))));
        }
        return text + seal(text.toString());
    }

    /** A name may hold anything, lines too. */
    private static String escaped(Path path) {
        return path.toString().replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
    }

    private static String seal(String text) {
        CRC32C crc = new CRC32C();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return "%s=%08x\n".formatted(CRC, crc.getValue());
    }

    /** Checks that a directory is the part that it is taken for. */
    void requireIndex(Path directory, int wanted) {
        if (index != wanted) {
            throw new StorageException(
                    "%s is part %d of the offload store %s, not part %d; name its paths in the order in which it was made: %s."
                            .formatted(directory, index, home(directory), wanted, nvmePaths));
        }
    }

    /**
     * Checks that the paths of a location hold the parts of one store, each its own.
     *
     * @return what the store is, at home; empty if it lies in one path
     * @throws StorageException if a part is missing, damaged, of another store, or in another's place
     */
    static Optional<PartsFile> require(StoreLocation location) {
        Path home = location.rankDirectory();
        int named = location.nvmePaths().size();
        Optional<PartsFile> found = read(home);
        if (found.isEmpty()) {
            if (named > 1) {
                throw new StorageException(
                        "The offload store %s lies in one path and this run names %d; a store keeps its paths, so give nvme_path instead of jvm.nvme_paths, or go by a checkpoint."
                                .formatted(home, named));
            }
            return found;
        }
        PartsFile parts = found.get();
        if (parts.index() == 0 && named != parts.nvmePaths().size()) {
            throw new StorageException(
                    "The offload store %s lies in %d paths and this run names %d; set jvm.nvme_paths to all of them, in this order: %s."
                            .formatted(home, parts.nvmePaths().size(), named, parts.nvmePaths()));
        }
        parts.requireAll(location.rankDirectories());
        return found;
    }

    /** Checks that directories are the parts of this store, home first. */
    void requireAll(List<Path> directories) {
        requireIndex(directories.getFirst(), 0);
        for (int path = 1; path < directories.size(); path++) {
            requirePart(directories.getFirst(), directories.get(path), path);
        }
    }

    private void requirePart(Path home, Path directory, int path) {
        PartsFile part =
                read(directory)
                        .orElseThrow(
                                () ->
                                        new StorageException(
                                                "Part %d of the offload store %s is not there: %s; mount its drive, or name its path in jvm.nvme_paths. The store was made in %s."
                                                        .formatted(
                                                                path,
                                                                home,
                                                                Files.isDirectory(
                                                                                directory,
                                                                                LinkOption
                                                                                        .NOFOLLOW_LINKS)
                                                                        ? "%s has no file '%s'"
                                                                                .formatted(
                                                                                        directory,
                                                                                        FILE)
                                                                        : "there is no directory "
                                                                                + directory,
                                                                nvmePaths)));
        if (part.set() != set || !part.stripes().equals(stripes)) {
            throw new StorageException(
                    "%s is a part of another offload store than %s; name the path of this one's part %d in jvm.nvme_paths. The store was made in %s."
                            .formatted(directory, home, path, nvmePaths));
        }
        part.requireIndex(directory, path);
    }
}
