package ds.engine;

import ds.model.Parameter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;

/** The SHA-256 over names and fp32 bits of parameters. */
final class ParameterHash {
    private ParameterHash() {}

    static String of(List<Parameter> parameters, Function<String, float[]> values) {
        MessageDigest digest = sha256();
        for (Parameter parameter : parameters) {
            digest.update(parameter.name().getBytes(StandardCharsets.UTF_8));
            float[] elements = values.apply(parameter.name());
            ByteBuffer bytes =
                    ByteBuffer.allocate(elements.length * Float.BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(elements);
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("Every Java runtime has SHA-256.", e);
        }
    }
}
