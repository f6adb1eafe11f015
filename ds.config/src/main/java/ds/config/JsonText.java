package ds.config;

import ds.core.JsonQuotes;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes JSON values as text that any reader takes: members on lines of their own, lists of plain
 * values on one line. Numbers keep their exact value, and whether they are integers.
 */
final class JsonText {
    private static final String INDENT = "  ";

    /** Decimal exponents from here to below {@link #MOST_PLAIN} are written without exponent. */
    private static final int LEAST_PLAIN = -4;

    private static final int MOST_PLAIN = 16;

    private final StringBuilder out = new StringBuilder();

    private JsonText() {}

    /** Returns the text of a value; no line feed at its end. */
    static String of(@Nullable Object value) {
        JsonText text = new JsonText();
        text.value(value, "\n");
        return text.out.toString();
    }

    private void value(@Nullable Object value, String line) {
        switch (value) {
            case null -> out.append("null");
            case Map<?, ?> map -> object(map, line);
            case List<?> list -> list(list, line);
            case Boolean flag -> out.append(flag.booleanValue());
            case Number number -> out.append(number(number));
            default -> JsonQuotes.append(out, value.toString());
        }
    }

    private void object(Map<?, ?> map, String line) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        String inner = line + INDENT;
        String separator = "{";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator).append(inner);
            JsonQuotes.append(out, String.valueOf(entry.getKey()));
            out.append(": ");
            value(entry.getValue(), inner);
            separator = ",";
        }
        out.append(line).append('}');
    }

    private void list(List<?> list, String line) {
        boolean nested =
                list.stream().anyMatch(item -> item instanceof Map || item instanceof List);
        String inner = nested ? line + INDENT : "";
        out.append('[');
        for (Iterator<?> items = list.iterator(); items.hasNext(); ) {
            out.append(inner);
            value(items.next(), inner);
            out.append(!items.hasNext() ? "" : nested ? "," : ", ");
        }
        out.append(nested ? line : "").append(']');
    }

    /** Returns a number as JSON writes it; one with a fraction or an exponent keeps one of them. */
    static String number(Number number) {
        return switch (number) {
            case Double n -> decimal(new BigDecimal(n.toString()));
            case Float n -> decimal(new BigDecimal(n.toString()));
            case BigDecimal n -> decimal(n);
            case BigInteger n -> n.toString();
            default -> String.valueOf(number.longValue());
        };
    }

    private static String decimal(BigDecimal number) {
        BigDecimal plain = number.stripTrailingZeros();
        int exponent = plain.precision() - plain.scale() - 1;
        if (plain.signum() == 0) {
            return "0.0";
        }
        if (exponent < LEAST_PLAIN || exponent >= MOST_PLAIN) {
            String digits = plain.unscaledValue().abs().toString();
            String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
            String sign = plain.signum() < 0 ? "-" : "";
            return sign + digits.charAt(0) + fraction + "e" + exponent;
        }
        return plain.scale() <= 0 ? plain.toPlainString() + ".0" : plain.toPlainString();
    }
}
