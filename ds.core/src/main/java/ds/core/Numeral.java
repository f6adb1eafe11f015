package ds.core;

import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;

/** Numbers as documents and maps have them, read exactly and not expanded. */
final class Numeral {
    /** Integers of more digits are a slip, and expanding them could exhaust memory. */
    private static final int MOST_DIGITS = 400;

    private Numeral() {}

    /** Returns a number; {@code true} is 1 and {@code false} 0, as in Python. */
    static Optional<BigDecimal> of(KeyDeclaration key, Object value) {
        return value instanceof Boolean b && !key.has(Trait.NO_BOOLEAN)
                ? Optional.of(b ? BigDecimal.ONE : BigDecimal.ZERO)
                : decimal(value);
    }

    /** Reads what DeepSpeed takes for a number in quotes: {@code " 500 "}, {@code "5_000"}. */
    static Optional<BigDecimal> quoted(KeyDeclaration key, String text) {
        String digits = text.strip();
        boolean exponent = digits.indexOf('e') >= 0 || digits.indexOf('E') >= 0;
        if (key.has(Trait.UNQUOTED)
                || (exponent && key.type() == Type.INTEGER)
                || digits.length() > MOST_DIGITS
                || !digits.matches("[+-]?(\\d+(_\\d+)*)?(\\.\\d*)?([eE][+-]?\\d{1,9})?")
                || !digits.matches("[+-]?\\.?\\d.*")) {
            return Optional.empty();
        }
        return Optional.of(new BigDecimal(digits.replace("_", "")));
    }

    /** Returns whether a number has no fraction. */
    static boolean isWhole(BigDecimal number) {
        return number.signum() == 0 || number.stripTrailingZeros().scale() <= 0;
    }

    /** Returns whether a number is beyond what 64 bits hold. */
    static boolean isBeyond(BigDecimal number) {
        return number.signum() != 0
                && (Math.abs((long) number.precision() - number.scale()) > MOST_DIGITS
                        || Double.isInfinite(number.doubleValue()));
    }

    /** Returns a number as settings hold it. */
    static Object stored(boolean integer, BigDecimal number) {
        if (!integer) {
            return number.doubleValue();
        }
        BigInteger exact = number.toBigIntegerExact();
        return exact.bitLength() < Long.SIZE ? (Object) exact.longValue() : exact;
    }

    private static Optional<BigDecimal> decimal(Object value) {
        return switch (value) {
            case BigDecimal n -> Optional.of(n);
            case BigInteger n -> Optional.of(new BigDecimal(n));
            case Double n ->
                    Double.isFinite(n) ? Optional.of(BigDecimal.valueOf(n)) : Optional.empty();
            case Float n ->
                    Float.isFinite(n)
                            ? Optional.of(new BigDecimal(Float.toString(n)))
                            : Optional.empty();
            case Long n -> Optional.of(BigDecimal.valueOf(n));
            case Integer n -> Optional.of(BigDecimal.valueOf(n));
            case Short n -> Optional.of(BigDecimal.valueOf(n));
            case Byte n -> Optional.of(BigDecimal.valueOf(n));
            default -> Optional.empty();
        };
    }
}
