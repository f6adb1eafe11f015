package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Gradient;
import ds.model.Parameter;
import org.jspecify.annotations.Nullable;

/**
 * Where a parameter lives, and how often the present pass uses it. As a gradient it is the fp32 sum
 * over the uses of a parameter without tie key: what is handed over is then rounded
 * once, however many uses there are.
 */
final class Slot implements Gradient {
    private final Pass pass;
    private final Parameter parameter;
    private final int unit;
    private final int storageUnit;
    private int uses;
    private Buffers.@Nullable Block sum; // from the first gradient until the unit's completion

    /**
     * Creates a slot.
     *
     * @param unit position of the unit that declares the parameter
     * @param storageUnit position of the unit whose storage it uses: another one if it is tied
     */
    Slot(Pass pass, Parameter parameter, int unit, int storageUnit) {
        this.pass = pass;
        this.parameter = parameter;
        this.unit = unit;
        this.storageUnit = storageUnit;
    }

    Parameter parameter() {
        return parameter;
    }

    int unit() {
        return unit;
    }

    int storageUnit() {
        return storageUnit;
    }

    int rows() {
        return parameter.shape().getFirst();
    }

    int width() {
        return parameter.shape().getLast();
    }

    void begin() {
        uses = 0;
        sum = null;
    }

    void use() {
        uses++;
    }

    /** Whether the gradients of this pass are added here first. */
    boolean addsUses() {
        return uses > 1 && parameter.tieKey().isEmpty();
    }

    /** Hands the sum over, if there is one. */
    void flush(Gradient place) {
        Buffers.Block block = sum;
        if (block != null) {
            sum = null;
            place.accumulate(view(block));
            pass.buffers.release(block);
        }
    }

    private FlatBuffer view(Buffers.Block block) {
        return block.view(DType.FP32, parameter.elements());
    }

    @Override
    public boolean wanted() {
        return parameter.trainable();
    }

    @Override
    public void accumulate(Writer writer) {
        Buffers.Block block = sum;
        boolean add = block != null;
        if (block == null) {
            block = pass.buffers.take(DType.FP32, parameter.elements());
            sum = block;
        }
        writer.write(view(block), add);
    }

    @Override
    public void accumulate(FlatBuffer contribution) {
        accumulate((target, add) -> pass.kernels().scale(1, contribution, target, add));
    }
}
