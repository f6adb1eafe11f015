package ds.core;

/** Element types of tensors. Names are the ones DeepSpeed's JSON uses. */
public enum DType {
    /** IEEE 754 binary32. */
    FP32("fp32", 4),
    /** IEEE 754 binary16. */
    FP16("fp16", 2),
    /** bfloat16: the upper half of a binary32. */
    BF16("bf16", 2);

    private final String jsonName;
    private final int sizeBytes;

    DType(String jsonName, int sizeBytes) {
        this.jsonName = jsonName;
        this.sizeBytes = sizeBytes;
    }

    /** Returns the name used in configuration files: fp32, fp16 or bf16. */
    public String jsonName() {
        return jsonName;
    }

    /** Returns the bytes of one element. */
    public int sizeBytes() {
        return sizeBytes;
    }

    /** Returns the bytes of {@code lengthElements} elements. */
    public long bytesOf(long lengthElements) {
        return Math.multiplyExact(lengthElements, (long) sizeBytes);
    }
}
