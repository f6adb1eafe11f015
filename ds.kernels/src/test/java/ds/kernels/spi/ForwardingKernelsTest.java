package ds.kernels.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.AttentionShape;
import ds.kernels.Kernels.Transpose;
import ds.kernels.Philox;
import ds.kernels.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Every kernel is handed on with its operands in their order, and its result back. */
class ForwardingKernelsTest {
    /** What the kernels behind were called with last. */
    private Optional<Method> called = Optional.empty();

    private Object[] operands = {};
    private int given;

    @Test
    void everyCallIsHandedOn() throws ReflectiveOperationException {
        try (Workers workers = new Workers("forwarded", 1)) {
            Kernels behind =
                    (Kernels)
                            Proxy.newProxyInstance(
                                    Kernels.class.getClassLoader(),
                                    new Class<?>[] {Kernels.class},
                                    (_, method, values) -> {
                                        called = Optional.of(method);
                                        operands = values == null ? new Object[0] : values;
                                        return result(method, workers);
                                    });
            Kernels kernels =
                    new ForwardingKernels(behind) {
                        @Override
                        public String name() {
                            return "own";
                        }
                    };
            assertEquals("own", kernels.name());
            int methods = 0;
            for (Method method : Kernels.class.getMethods()) {
                if (Modifier.isAbstract(method.getModifiers())
                        && !method.getName().equals("name")) {
                    Object[] values = values(method);
                    Object result = method.invoke(kernels, values);
                    assertEquals(Optional.of(method), called);
                    assertEquals(values.length, operands.length);
                    for (int i = 0; i < values.length; i++) {
                        if (values[i] instanceof Integer
                                || values[i] instanceof Long
                                || values[i] instanceof Float
                                || values[i] instanceof Double
                                || values[i] instanceof Boolean) {
                            assertEquals(values[i], operands[i], method.getName());
                        } else {
                            assertSame(values[i], operands[i], method.getName());
                        }
                    }
                    assertEquals(result(method, workers), result, method.getName());
                    methods++;
                }
            }
            assertTrue(methods > 30, "only " + methods);
        }
    }

    private static Object result(Method method, Workers workers) {
        Class<?> type = method.getReturnType();
        if (type == int.class) {
            return 7;
        }
        if (type == long.class) {
            return 8L;
        }
        if (type == double.class) {
            return 9.5;
        }
        if (type == boolean.class) {
            return true;
        }
        return type == Workers.class ? workers : null;
    }

    /** Returns operands of which no two of one type are equal, but for flags. */
    private Object[] values(Method method) {
        List<Object> values = new ArrayList<>();
        for (Class<?> type : method.getParameterTypes()) {
            values.add(value(type));
        }
        return values.toArray();
    }

    private Object value(Class<?> type) {
        given++;
        if (type == int.class) {
            return given;
        }
        if (type == long.class) {
            return (long) given;
        }
        if (type == float.class) {
            return (float) given;
        }
        if (type == double.class) {
            return (double) given;
        }
        if (type == boolean.class) {
            return given % 2 == 0;
        }
        if (type.isEnum()) {
            return type == Transpose.class ? Transpose.values()[given % 2] : Activation.SILU;
        }
        if (type == FlatBuffer.class) {
            return FlatBuffer.of(MemorySegment.ofArray(new float[1]), DType.FP32);
        }
        if (type == MemorySegment.class) {
            return MemorySegment.ofArray(new int[1]);
        }
        if (type == Optional.class) {
            return Optional.of(given);
        }
        if (type == List.class) {
            return new ArrayList<>();
        }
        if (type == AttentionShape.class) {
            return new AttentionShape(given, 1, 1, 1);
        }
        if (type == Philox.class) {
            return new Philox(given, 1);
        }
        if (type == ExactNorm.class) {
            return new ExactNorm();
        }
        throw new AssertionError("no value of " + type);
    }
}
