package ds.offload;

import ds.core.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * The files of a store of states: one per array, extra ones last.
 *
 * @param layout what they hold
 * @param blockBytes the bytes under one checksum
 * @param slots how often each extent is there
 */
record StoreShape(StateLayout layout, int blockBytes, int slots) {
    private static final long FP32 = DType.FP32.sizeBytes();

    /** Returns the shapes of the files, in order of the arrays. */
    List<ExtentFile.Shape> files() {
        List<Long> extents = extents(layout.runLengths());
        List<ExtentFile.Shape> shapes = new ArrayList<>();
        for (String array : layout.arrays()) {
            shapes.add(new ExtentFile.Shape(array, shapes.size(), extents, blockBytes, slots));
        }
        for (StateLayout.Extra extra : layout.extras()) {
            shapes.add(
                    new ExtentFile.Shape(
                            extra.name(),
                            shapes.size(),
                            extents(extra.runLengths()),
                            blockBytes,
                            slots));
        }
        return List.copyOf(shapes);
    }

    private static List<Long> extents(List<Long> runLengths) {
        return runLengths.stream().map(length -> length * FP32).toList();
    }

    /** Returns the bytes of all files. */
    long fileBytes() {
        return files().stream().mapToLong(ExtentFile.Shape::fileBytes).sum();
    }

    /** Returns new tables for all files. */
    List<ExtentTable> tables() {
        return files().stream()
                .map(file -> new ExtentTable(Math.toIntExact(file.blocks()), slots))
                .toList();
    }
}
