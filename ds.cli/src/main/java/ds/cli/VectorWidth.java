package ds.cli;

import jdk.incubator.vector.FloatVector;

/** Touched only where the vector module is present. */
final class VectorWidth {
    private VectorWidth() {}

    static int bits() {
        return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
}
