package ds.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads a text that is not JSON as far as its author's meaning can be guessed, so that one slip
 * does not hide the next. It says at each place what is wrong and what to write, and goes on behind
 * it. One pass; each turn of a loop consumes a character or returns.
 *
 * <p>Only texts that the strict reader refused come here: what is accepted is never up to a guess.
 */
final class TolerantReader {
    private static final Object UNREAD = DocumentDraft.UNREAD;

    private final TextCursor cursor;
    private final Lines lines;
    private final DocumentDraft draft;
    private final String text;
    private final boolean braces;
    private final SlipReport slips;
    private final Brackets brackets;

    private TolerantReader(String text, Lines lines, DocumentDraft draft, boolean braces) {
        this.text = text;
        this.cursor = new TextCursor(text);
        this.lines = lines;
        this.draft = draft;
        this.braces = braces;
        this.slips = new SlipReport(lines, text.length(), draft);
        this.brackets = new Brackets(cursor, text, lines, slips);
    }

    /** Reads {@code text} into {@code draft} and returns the members that could be read. */
    static Map<String, Object> read(String text, DocumentDraft draft) {
        return new TolerantReader(text, new Lines(text), draft, true).document();
    }

    private Map<String, Object> document() {
        Map<String, Object> root = new LinkedHashMap<>();
        draft.value("", new Place(1, 1));
        blank();
        if (cursor.isEnded()) {
            return root;
        }
        if (cursor.peek() != '{') {
            return braceless();
        }
        container("", root);
        while (!slips.isStopped() && !cursor.isEnded()) {
            behind(root);
            blank();
        }
        return root;
    }

    /** Reads a document without its outer braces, if nothing else is wrong with it. */
    private Map<String, Object> braceless() {
        slips.add(
                cursor.at(),
                "The document must be an object in braces.",
                "Put { before the first key and } after the last, and commas between.");
        DocumentDraft attempt = new DocumentDraft();
        TolerantReader inner = new TolerantReader(text, lines, attempt, false);
        Map<String, Object> root = new LinkedHashMap<>();
        inner.members("", root);
        inner.blank();
        if (attempt.isBroken() || !inner.cursor.isEnded()) {
            return Map.of();
        }
        draft.adopt(attempt);
        return root;
    }

    /** Reads what stands behind the closing brace of the document. */
    private void behind(Map<String, Object> root) {
        blank();
        char c = cursor.peek();
        if (cursor.isEnded()) {
            return;
        }
        if (c == '}' || c == ']' || c == ')') {
            brackets.stray();
            return;
        }
        slips.add(
                cursor.at(),
                "There is more text after the closing brace of the document.",
                "Remove it, or the brace that ends the document too early.");
        if (c == ',' || c == '"') {
            cursor.skip(c == ',' ? 1 : 0);
            brackets.reopen(); // perhaps the brace was the slip
            members("", root);
            brackets.leave();
        } else {
            cursor.to(text.length());
        }
    }

    private void container(String at, Map<String, Object> into) {
        brackets.open('}');
        members(at, into);
        brackets.leave();
    }

    private void members(String at, Map<String, Object> into) {
        elements(at, '}', () -> member(at, into));
    }

    private void item(String at, List<Object> into) {
        Object item = value(at + "/" + into.size());
        into.add(item == UNREAD ? null : item);
    }

    /** Reads what stands between commas, up to the closer. */
    private void elements(String at, char close, Runnable element) {
        boolean separated = true;
        boolean first = true;
        while (!slips.isStopped()) {
            blank();
            slips.about(at);
            char c = cursor.peek();
            if (cursor.isEnded()) {
                brackets.unclosed();
                return;
            }
            if (isCloser(c)) {
                if (brackets.closes(c, close)) {
                    return;
                }
            } else if (isComma(c)) {
                comma(separated, first);
                separated = true;
            } else {
                if (!separated && braces) {
                    missingComma();
                }
                element.run();
                separated = false;
            }
            first = false;
        }
    }

    private void member(String at, Map<String, Object> into) {
        int start = cursor.at();
        Optional<String> name = name();
        if (name.isEmpty()) {
            return;
        }
        if (name.get().length() > DocumentDraft.MOST_NAME) {
            draft.longName(lines.place(start));
            return;
        }
        String pointer = Pointers.child(at, name.get());
        slips.about(pointer);
        blank();
        if (!colon()) {
            return;
        }
        blank();
        boolean repeated = into.containsKey(name.get());
        if (repeated) {
            draft.duplicate(name.get(), pointer, lines.place(start));
        } else {
            draft.member(pointer, lines.place(start), lines.place(cursor.at()));
        }
        Object value = value(pointer);
        if (!repeated && value != UNREAD) {
            into.put(name.get(), value);
        }
    }

    /** Reads a name; empty if there is none here, and something else was skipped. */
    private Optional<String> name() {
        char c = cursor.peek();
        if (isQuote(c)) {
            return Optional.of(quoted());
        }
        int start = cursor.at();
        Optional<String> placeholder = cursor.placeholder();
        if (placeholder.isPresent()) {
            slips.add(start, SyntaxAdvice.placeholder(placeholder.get()), SyntaxAdvice.FILL_IN);
            return placeholder;
        }
        if (c == '{' || c == '[' || c == '(') {
            slips.add(
                    start,
                    "A value stands where the name of a key belongs.",
                    "Write \"name\": first.");
            cursor.skipBalanced();
            return Optional.empty();
        }
        if (c == ':' || c == '=') {
            slips.add(start, "The name of a key is missing before this.", "Write \"name\": value.");
            cursor.skip(1);
            blank();
            if (!isCloser(cursor.peek()) && !isComma(cursor.peek())) {
                skipValue();
            }
            return Optional.empty();
        }
        String word = cursor.word();
        if (word.isEmpty()) {
            cursor.skip(1);
            slips.add(start, SyntaxAdvice.stray(c), "Remove it.");
            return Optional.empty();
        }
        if (!word.chars().allMatch(TolerantReader::mayBeBare)) {
            boolean nameLike = word.chars().anyMatch(Character::isLetterOrDigit);
            slips.add(
                    start,
                    nameLike
                            ? "The name %s needs quotes.".formatted(Pointers.cut(word))
                            : SyntaxAdvice.stray(c),
                    nameLike ? "Write \"%s\".".formatted(Pointers.cut(word)) : "Remove it.");
            return nameLike ? Optional.of(word) : Optional.empty();
        }
        return Optional.of(word);
    }

    private void skipValue() {
        if (cursor.peek() == '{' || cursor.peek() == '[') {
            cursor.skipBalanced();
        } else if (isQuote(cursor.peek())) {
            quoted();
        } else {
            cursor.rest(cursor.at());
        }
    }

    /** What the strict reader takes in a name without quotes. */
    private static boolean mayBeBare(int c) {
        return Character.isJavaIdentifierPart(c) || "@#*-+".indexOf(c) >= 0;
    }

    /** Reads the colon between name and value; false if no value follows. */
    private boolean colon() {
        char c = cursor.peek();
        int here = cursor.at();
        if (c == ':') {
            cursor.skip(1);
            return true;
        }
        if (c == '=' || c == '\uff1a') {
            slips.add(
                    here,
                    "A colon stands between name and value, was %s.".formatted(c),
                    "Write \":\".");
            cursor.skip(cursor.startsWith("=>") ? 2 : 1);
            return true;
        }
        slips.add(here, "A colon is missing after the name of a key.", "Write \"name\": value.");
        return !cursor.isEnded() && !isCloser(c) && !isComma(c);
    }

    private @Nullable Object value(String pointer) {
        slips.about(pointer);
        draft.value(pointer, lines.place(cursor.at()));
        char c = cursor.peek();
        int start = cursor.at();
        Optional<String> placeholder = cursor.placeholder();
        if (placeholder.isPresent()) {
            slips.add(start, SyntaxAdvice.placeholder(placeholder.get()), SyntaxAdvice.FILL_IN);
            return UNREAD;
        }
        if (c == '{') {
            if (isTooDeep()) {
                return UNREAD;
            }
            Map<String, Object> inner = new LinkedHashMap<>();
            container(pointer, inner);
            return inner;
        }
        if (c == '[' || c == '(') {
            return isTooDeep() ? UNREAD : list(pointer, c);
        }
        return isQuote(c) ? quoted() : bare(pointer);
    }

    private Object list(String pointer, char opener) {
        if (opener == '(') {
            slips.add(cursor.at(), "A list stands in [ ], not in ( ).", "Write [ and ].");
        }
        char close = opener == '(' ? ')' : ']';
        brackets.open(close);
        List<Object> items = new ArrayList<>();
        elements(pointer, close, () -> item(pointer, items));
        brackets.leave();
        return items;
    }

    private boolean isTooDeep() {
        if (brackets.depth() < DocumentParser.MOST_DEPTH) {
            return false;
        }
        draft.limit(
                lines.place(cursor.at()),
                "The document nests deeper than %d.".formatted(DocumentParser.MOST_DEPTH));
        return true;
    }

    private String quoted() {
        if (cursor.startsWith("'''")) {
            return tripled();
        }
        QuotedText quoted = new QuotedText(cursor, slips::add);
        String read = quoted.read();
        if (read.length() > DocumentParser.MOST_STRING) {
            draft.limit(
                    lines.place(cursor.at()),
                    "A string has more than %,d characters.".formatted(DocumentParser.MOST_STRING));
        }
        return read;
    }

    private String tripled() {
        int start = cursor.at();
        int end = text.indexOf("'''", start + 3);
        slips.add(
                start,
                "Text in ''' is not read here.",
                "Write one \"quoted\" string with \\n for a new line.");
        cursor.to(end < 0 ? text.length() : end + 3);
        return text.substring(start + 3, end < 0 ? text.length() : end).strip();
    }

    /** Reads a number, a literal, or a text that lacks its quotes, which stands at {@code pointer}. */
    private @Nullable Object bare(String pointer) {
        int start = cursor.at();
        Optional<String> thousands = brackets.isInObject() ? cursor.thousands() : Optional.empty();
        if (thousands.isPresent()) {
            String plain = thousands.get().replace(",", "");
            slips.add(
                    start,
                    "'%s' is not a JSON number.".formatted(Pointers.cut(thousands.get())),
                    "Write %s.".formatted(Pointers.cut(plain)));
            return plain.length() > JsonNumber.MOST_CHARACTERS
                    ? UNREAD
                    : JsonNumber.value(plain).<Object>map(number -> number).orElse(UNREAD);
        }
        String word = cursor.word();
        if (word.length() > JsonNumber.MOST_CHARACTERS && JsonNumber.isStrict(word)) {
            draft.longNumber(pointer, lines.place(start), word.length());
            return JsonNumber.near(word);
        }
        if (JsonNumber.isStrict(word)) {
            Optional<Number> value = JsonNumber.value(word);
            if (value.isEmpty()) {
                slips.add(start, SyntaxAdvice.FAR_EXPONENT, "Write a finite number.");
            }
            return value.<Object>map(number -> number).orElse(UNREAD);
        }
        Optional<Object> literal = SyntaxAdvice.literal(word);
        if (literal.isPresent()) {
            return literal.get() == SyntaxAdvice.NULL ? null : literal.get();
        }
        boolean numeric = SyntaxAdvice.looksNumeric(word);
        String written = numeric ? word : cursor.rest(start);
        if (written.isEmpty()) {
            return missingValue(start);
        }
        SyntaxAdvice.Guess guess = SyntaxAdvice.guess(written);
        slips.add(start, guess.message(), guess.way());
        Object meant = guess.value().orElse(UNREAD);
        return meant == SyntaxAdvice.NULL ? null : meant;
    }

    private Object missingValue(int start) {
        char c = cursor.peek();
        boolean ends = cursor.isEnded() || isCloser(c) || isComma(c);
        slips.add(
                start,
                ends ? "A value is missing here." : SyntaxAdvice.stray(c),
                ends ? "Write one, or remove the key." : "Remove it.");
        cursor.skip(ends ? 0 : 1);
        return UNREAD;
    }

    private void comma(boolean separated, boolean first) {
        int here = cursor.at();
        char c = cursor.peek();
        if (c != ',') {
            slips.add(
                    here, "Members are separated by commas, was %s.".formatted(c), "Write \",\".");
        } else if (separated) {
            slips.add(
                    here,
                    first ? "Nothing stands before this comma." : "Two commas follow each other.",
                    first ? "Remove it." : "Remove one.");
        }
        cursor.skip(1);
    }

    private void missingComma() {
        slips.add(
                cursor.at(),
                "A comma is missing before this.",
                "Separate members with commas; a new line does not.");
    }

    private void blank() {
        cursor.skipBlank(
                (offset, what) -> {
                    if (what.equals("comment")) {
                        slips.add(offset, "This comment has no end.", "Write */ behind it.");
                    } else {
                        slips.add(
                                offset,
                                SyntaxAdvice.oddBlank(text.charAt(offset)),
                                "Write a space.");
                    }
                });
    }

    private static boolean isCloser(char c) {
        return c == '}' || c == ']' || c == ')';
    }

    private static boolean isComma(char c) {
        return c == ',' || c == ';' || c == '\uff0c';
    }

    private static boolean isQuote(char c) {
        return c == '"' || c == '\'' || QuotedText.isTypographic(c);
    }
}
