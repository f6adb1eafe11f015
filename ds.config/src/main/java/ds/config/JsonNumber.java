package ds.config;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Pattern;

/** Numbers as JSON writes them, and as people do. */
final class JsonNumber {
    /** Most characters of a number. */
    static final int MOST_CHARACTERS = 400;

    private static final Pattern STRICT =
            Pattern.compile("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?");
    private static final Pattern HEXADECIMAL = Pattern.compile("[+-]?0[xX][0-9a-fA-F]{1,15}");
    private static final int MOST_EXPONENT_DIGITS = 9;
    private static final BigDecimal BEYOND = new BigDecimal("1E+999");

    private JsonNumber() {}

    /** Returns whether {@code word} is a number as JSON writes it. */
    static boolean isStrict(String word) {
        return STRICT.matcher(word).matches();
    }

    /**
     * Returns the exact value: {@link Integer}, {@link Long}, {@link BigInteger}, or {@link
     * BigDecimal} if there is a fraction or an exponent; empty if its exponent has more than nine
     * digits.
     *
     * @param word a number as JSON writes it, of at most {@value #MOST_CHARACTERS} characters
     */
    static Optional<Number> value(String word) {
        int exponent = Math.max(word.indexOf('e'), word.indexOf('E'));
        if (exponent < 0 && word.indexOf('.') < 0) {
            return Optional.of(narrow(new BigInteger(word)));
        }
        boolean far =
                exponent >= 0 && significant(word.substring(exponent + 1)) > MOST_EXPONENT_DIGITS;
        return far ? Optional.empty() : Optional.of(new BigDecimal(word));
    }

    /**
     * Returns a number near a longer one, so that the rules about it can be looked at all the same.
     *
     * @param word a number as JSON writes it, of any length
     */
    static BigDecimal near(String word) {
        double value = Double.parseDouble(word);
        return Double.isFinite(value)
                ? BigDecimal.valueOf(value)
                : BEYOND.multiply(BigDecimal.valueOf(Math.signum(value)));
    }

    /** Returns what a person meant who wrote {@code 08}, {@code +8}, {@code .5}, {@code 1_000}. */
    static Optional<String> meant(String word) {
        if (word.length() > MOST_CHARACTERS) {
            return Optional.empty();
        }
        if (HEXADECIMAL.matcher(word).matches()) {
            String digits = word.replaceFirst("0[xX]", "");
            return Optional.of(String.valueOf(Long.parseLong(digits, 16)));
        }
        String plain = word.replaceFirst("^\\+", "").replaceAll("(?<=\\d)_(?=\\d)", "");
        plain = plain.replaceFirst("^(-?)0+(?=\\d)", "$1").replaceFirst("^(-?)\\.", "$10.");
        plain = plain.replaceFirst("\\.(?=$|[eE])", ".0");
        return isStrict(plain) ? Optional.of(plain) : Optional.empty();
    }

    private static int significant(String exponent) {
        return exponent.replaceFirst("^[+-]?0*", "").length();
    }

    private static Number narrow(BigInteger value) {
        if (value.bitLength() < Integer.SIZE) {
            return value.intValue();
        }
        return value.bitLength() < Long.SIZE ? (Number) value.longValue() : value;
    }
}
