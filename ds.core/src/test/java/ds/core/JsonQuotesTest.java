package ds.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** A text in JSON's quotes reads back as it was, whatever it holds. */
class JsonQuotesTest {
    private static String quoted(String text) {
        StringBuilder out = new StringBuilder();
        JsonQuotes.append(out, text);
        return out.toString();
    }

    @Test
    void onlyWhatJsonAsksForIsEscaped() {
        assertEquals("\"\"", quoted(""));
        assertEquals("\"\u00e9 / \u4e2d\"", quoted("\u00e9 / \u4e2d"));
        assertEquals("\"a\\\"b\\\\c\"", quoted("a\"b\\c"));
        assertEquals("\"\\n\\t\\r\\u0000\\u001f\"", quoted("\n\t\r\0\u001f"));
    }

    @Test
    void halfASurrogatePairIsEscapedAndAWholeOneIsNot() {
        assertEquals("\"\ud83d\ude00\"", quoted("\ud83d\ude00"));
        assertEquals("\"\\ud83d\"", quoted("\ud83d"));
        assertEquals("\"\\ude00\\ud83d\"", quoted("\ude00\ud83d"));
    }
}
