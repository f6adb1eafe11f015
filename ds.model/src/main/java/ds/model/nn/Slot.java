package ds.model.nn;

import ds.model.Parameter;

/**
 * Where a parameter lives.
 *
 * @param parameter as declared
 * @param unit position of the unit that declares it
 * @param storageUnit position of the unit whose storage it uses: another one if it is tied
 */
record Slot(Parameter parameter, int unit, int storageUnit) {
    int rows() {
        return parameter.shape().get(0);
    }

    int width() {
        return parameter.shape().getLast();
    }
}
