package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Text becomes a located tree; what cannot be read is said with what to write instead. */
class DocumentParserTest {
    @Test
    void theUsualRelaxationsAreRead() {
        LocatedDocument document =
                DocumentParser.parse(
                        "\uFEFF{ // one\n # two\n /* three */ a: 1, 'b': [1, 2,], \"c\": 5e8,\n}");
        assertEquals(List.of(), document.problems());
        assertEquals(List.of("a", "b", "c"), List.copyOf(document.root().keySet()));
        assertEquals(List.of(1, 2), document.root().get("b"));
        assertEquals(new Place(3, 14), document.keys().get("/a"));
        assertEquals(new Place(3, 29), document.values().get("/b/1"));
    }

    @Test
    void anEmptyDocumentIsAnEmptyObject() {
        assertEquals(Map.of(), DocumentParser.parse(" \n# nothing\n").root());
    }

    @Test
    void aRepeatedKeyNamesBothPlaces() {
        assertEquals(
                "/z/stage (2:15): 'stage' appears twice: at 2:4 and again at 2:15. Keep one of"
                        + " them.",
                problem("{\"z\":\n  {\"stage\": 1,\"st\\u0061ge\": 2}}"));
    }

    @Test
    void otherFormsOfHjsonAreRefusedWithWhatToWrite() {
        assertEquals(
                "/type (1:11): The text Adam needs quotes. Write \"Adam\".",
                problem("{\"type\":  Adam}"));
        assertEquals("/a (1:7): JSON spells True otherwise. Write true.", problem("{\"a\": True}"));
        assertEquals(
                "/a (1:7): NaN is not a JSON number. Write a finite number.",
                problem("{\"a\": NaN}"));
        assertEquals(
                "document (1:1): The document must be an object in braces. Put { before the first"
                        + " key and } after the last, and commas between.",
                problem("train_batch_size: 8"));
        assertEquals(
                "document (3:1): A comma is missing before this. Separate members with commas; a"
                        + " new line does not.",
                problem("{\n\"a\": 1\n\"b\": 2}"));
        assertEquals(
                "/a (1:7): Text in ''' is not read here. Write one \"quoted\" string with \\n"
                        + " for a new line.",
                problem("{\"a\": '''x'''}"));
    }

    @Test
    void brokenTextIsLocated() {
        assertEquals(
                "document (1:8): The text ends, but the { of 1:1 is still open. Close it with }.",
                problem("{\"a\": 1"));
        assertTrue(problem("{\"a\": 1}}").contains("closing brace or bracket has no"));
        assertEquals(
                "document (1:9): Two commas follow each other. Remove one.",
                problem("{\"a\": 1,, \"b\": 2}"));
        assertTrue(problem("[1]").contains("must be an object, was a list"));
    }

    private static String problem(String text) {
        return DocumentParser.parse(text).problems().getFirst().toString();
    }
}
