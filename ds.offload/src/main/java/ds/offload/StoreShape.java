package ds.offload;

import java.util.ArrayList;
import java.util.List;

/**
 * The files of a store of states: one per array, extra ones last.
 *
 * @param layout what they hold
 * @param blockBytes the bytes under one checksum of an array that rests in fp32
 * @param slots how often each extent is there
 */
record StoreShape(StateLayout layout, int blockBytes, int slots) {
    /** Returns the shapes of the files, in order of the arrays. */
    List<ExtentFile.Shape> files() {
        List<ExtentFile.Shape> shapes = new ArrayList<>();
        for (int array = 0; array < layout.arrays().size(); array++) {
            shapes.add(
                    file(
                            layout.arrays().get(array),
                            array,
                            layout.runLengths(array),
                            blocks(array)));
        }
        for (StateLayout.Extra extra : layout.extras()) {
            shapes.add(
                    file(extra.name(), shapes.size(), extra.runLengths(), blocks(shapes.size())));
        }
        return List.copyOf(shapes);
    }

    private ExtentFile.Shape file(
            String name, int number, List<Long> runLengths, EncodedBlocks blocks) {
        List<Long> extents = runLengths.stream().map(blocks::bytesOf).toList();
        return new ExtentFile.Shape(name, number, extents, blocks.blockBytes(), slots);
    }

    /** Returns how the elements of an array, extra ones included, lie in its file. */
    EncodedBlocks blocks(int array) {
        return EncodedBlocks.inFiles(layout.coding().form(array).granuleBytes(), blockBytes);
    }

    /** Returns the bytes of each file. */
    List<Long> fileSizes() {
        return files().stream().map(ExtentFile.Shape::fileBytes).toList();
    }

    /** Returns the bytes of all files. */
    long fileBytes() {
        return fileSizes().stream().mapToLong(Long::longValue).sum();
    }

    /** Returns new tables for all files. */
    List<ExtentTable> tables() {
        return files().stream()
                .map(file -> new ExtentTable(Math.toIntExact(file.blocks()), slots))
                .toList();
    }
}
