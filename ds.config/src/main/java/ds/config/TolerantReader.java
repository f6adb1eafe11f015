package ds.config;

import ds.core.Diagnostic;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
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
    /** Most slips said: behind that many the text is something else than JSON. */
    static final int MOST_SLIPS = 20;

    private static final Object UNREAD = DocumentDraft.UNREAD;

    /** Offset of the opener of a document that is read on behind its end. */
    private static final int NOWHERE = -1;

    private record Opener(int offset, char close) {}

    private final TextCursor cursor;
    private final Lines lines;
    private final DocumentDraft draft;
    private final String text;
    private final boolean braces;
    private final Deque<Opener> open = new ArrayDeque<>();
    private int slips;
    private int lastSlip = -1;
    private String member = "";

    private TolerantReader(String text, Lines lines, DocumentDraft draft, boolean braces) {
        this.text = text;
        this.cursor = new TextCursor(text);
        this.lines = lines;
        this.draft = draft;
        this.braces = braces;
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
        while (!isStopped() && !cursor.isEnded()) {
            behind(root);
            blank();
        }
        return root;
    }

    /** Reads a document without its outer braces, if nothing else is wrong with it. */
    private Map<String, Object> braceless() {
        slip(
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
            strayCloser();
            return;
        }
        slip(
                cursor.at(),
                "There is more text after the closing brace of the document.",
                "Remove it, or the brace that ends the document too early.");
        if (c == ',' || c == '"') {
            cursor.skip(c == ',' ? 1 : 0);
            open.push(new Opener(NOWHERE, '}')); // perhaps the brace was the slip
            members("", root);
            open.pop();
        } else {
            cursor.to(text.length());
        }
    }

    private void container(String at, Map<String, Object> into) {
        open.push(new Opener(cursor.at(), '}'));
        cursor.skip(1);
        members(at, into);
        open.pop();
    }

    private void members(String at, Map<String, Object> into) {
        boolean separated = true;
        boolean first = true;
        while (!isStopped()) {
            blank();
            member = at;
            char c = cursor.peek();
            if (cursor.isEnded()) {
                unclosed();
                return;
            }
            if (isCloser(c)) {
                if (closes(c, '}')) {
                    return;
                }
            } else if (isComma(c)) {
                comma(separated, first);
                separated = true;
            } else {
                if (!separated && braces) {
                    missingComma();
                }
                member(at, into);
                separated = false;
            }
            first = false;
        }
    }

    private void items(String at, List<Object> into, char close) {
        boolean separated = true;
        boolean first = true;
        while (!isStopped()) {
            blank();
            member = at;
            char c = cursor.peek();
            if (cursor.isEnded()) {
                unclosed();
                return;
            }
            if (isCloser(c)) {
                if (closes(c, close)) {
                    return;
                }
            } else if (isComma(c)) {
                comma(separated, first);
                separated = true;
            } else {
                if (!separated && braces) {
                    missingComma();
                }
                Object item = value(at + "/" + into.size());
                into.add(item == UNREAD ? null : item);
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
        member = pointer;
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
            slip(start, SyntaxAdvice.placeholder(placeholder.get()), SyntaxAdvice.FILL_IN);
            return placeholder;
        }
        if (c == '{' || c == '[' || c == '(') {
            slip(
                    start,
                    "A value stands where the name of a key belongs.",
                    "Write \"name\": first.");
            cursor.skipBalanced();
            return Optional.empty();
        }
        if (c == ':' || c == '=') {
            slip(start, "The name of a key is missing before this.", "Write \"name\": value.");
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
            slip(start, SyntaxAdvice.stray(c), "Remove it.");
            return Optional.empty();
        }
        if (!word.chars().allMatch(TolerantReader::mayBeBare)) {
            boolean nameLike = word.chars().anyMatch(Character::isLetterOrDigit);
            slip(
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
            slip(
                    here,
                    "A colon stands between name and value, was %s.".formatted(c),
                    "Write \":\".");
            cursor.skip(cursor.startsWith("=>") ? 2 : 1);
            return true;
        }
        slip(here, "A colon is missing after the name of a key.", "Write \"name\": value.");
        return !cursor.isEnded() && !isCloser(c) && !isComma(c);
    }

    private @Nullable Object value(String pointer) {
        member = pointer;
        draft.value(pointer, lines.place(cursor.at()));
        char c = cursor.peek();
        int start = cursor.at();
        Optional<String> placeholder = cursor.placeholder();
        if (placeholder.isPresent()) {
            slip(start, SyntaxAdvice.placeholder(placeholder.get()), SyntaxAdvice.FILL_IN);
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
            slip(cursor.at(), "A list stands in [ ], not in ( ).", "Write [ and ].");
        }
        char close = opener == '(' ? ')' : ']';
        open.push(new Opener(cursor.at(), close));
        cursor.skip(1);
        List<Object> items = new ArrayList<>();
        items(pointer, items, close);
        open.pop();
        return items;
    }

    private boolean isTooDeep() {
        if (open.size() < DocumentParser.MOST_DEPTH) {
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
        QuotedText quoted = new QuotedText(cursor, this::slip);
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
        slip(
                start,
                "Text in ''' is not read here.",
                "Write one \"quoted\" string with \\n for a new line.");
        cursor.to(end < 0 ? text.length() : end + 3);
        return text.substring(start + 3, end < 0 ? text.length() : end).strip();
    }

    /** Reads a number, a literal, or a text that lacks its quotes, which stands at {@code pointer}. */
    private @Nullable Object bare(String pointer) {
        int start = cursor.at();
        boolean named = !open.isEmpty() && open.element().close() == '}';
        Optional<String> thousands = named ? cursor.thousands() : Optional.empty();
        if (thousands.isPresent()) {
            String plain = thousands.get().replace(",", "");
            slip(
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
                slip(start, SyntaxAdvice.FAR_EXPONENT, "Write a finite number.");
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
        slip(start, guess.message(), guess.way());
        Object meant = guess.value().orElse(UNREAD);
        return meant == SyntaxAdvice.NULL ? null : meant;
    }

    private Object missingValue(int start) {
        char c = cursor.peek();
        boolean ends = cursor.isEnded() || isCloser(c) || isComma(c);
        slip(
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
            slip(here, "Members are separated by commas, was %s.".formatted(c), "Write \",\".");
        } else if (separated) {
            slip(
                    here,
                    first ? "Nothing stands before this comma." : "Two commas follow each other.",
                    first ? "Remove it." : "Remove one.");
        }
        cursor.skip(1);
    }

    private void missingComma() {
        slip(
                cursor.at(),
                "A comma is missing before this.",
                "Separate members with commas; a new line does not.");
    }

    /** Takes a closer; true if the container that wants {@code wanted} ends with it. */
    private boolean closes(char c, char wanted) {
        if (c == wanted && !open.isEmpty()) {
            cursor.skip(1);
            return true;
        }
        long objects = open.stream().filter(opener -> opener.close() == '}').count();
        boolean outer = open.stream().skip(1).anyMatch(opener -> opener.close() == c);
        boolean spare = c != '}' || objects >= cursor.surplusBraces();
        if (outer && spare) {
            Opener opener = open.element();
            slip(
                    cursor.at(),
                    "The %c of %s is not closed before this %c."
                            .formatted(text.charAt(opener.offset()), place(opener), c),
                    "Write %c before it.".formatted(opener.close()),
                    List.of(related(opener)));
            return true;
        }
        boolean lacking = c == '}' ? outer : objects > cursor.surplusBraces();
        if (!open.isEmpty() && !isReopened() && lacking) {
            Opener opener = open.element();
            slip(
                    cursor.at(),
                    "The %c of %s is closed by %c."
                            .formatted(text.charAt(opener.offset()), place(opener), c),
                    "Write %c.".formatted(opener.close()),
                    List.of(related(opener)));
            cursor.skip(1);
            return true;
        }
        strayCloser();
        return false;
    }

    private void strayCloser() {
        slip(
                cursor.at(),
                "This closing brace or bracket has no partner.",
                "Remove it, or add the opening one.");
        cursor.skip(1);
    }

    private void unclosed() {
        if (open.isEmpty() || isReopened()) {
            return;
        }
        Opener opener = open.element();
        slip(
                cursor.at(),
                "The text ends, but the %c of %s is still open."
                        .formatted(text.charAt(opener.offset()), place(opener)),
                "Close it with %c.".formatted(opener.close()),
                List.of(related(opener)));
    }

    /** Returns whether the innermost object is the document, read on behind its end. */
    private boolean isReopened() {
        return open.element().offset() == NOWHERE;
    }

    private Place place(Opener opener) {
        return lines.place(opener.offset());
    }

    private Diagnostic.Related related(Opener opener) {
        Place start = place(opener);
        return new Diagnostic.Related(member, start.line(), start.column(), "opened here");
    }

    private void blank() {
        cursor.skipBlank(
                (offset, what) -> {
                    if (what.equals("comment")) {
                        slip(offset, "This comment has no end.", "Write */ behind it.");
                    } else {
                        slip(offset, SyntaxAdvice.oddBlank(text.charAt(offset)), "Write a space.");
                    }
                });
    }

    private boolean isStopped() {
        return slips >= MOST_SLIPS || draft.isFull();
    }

    private void slip(int offset, String message, String way) {
        slip(offset, message, way, List.of());
    }

    private void slip(int offset, String message, String way, List<Diagnostic.Related> alongside) {
        if (offset == lastSlip || isStopped()) {
            return; // one thing at a time about one place
        }
        lastSlip = offset;
        slips++;
        Place place = lines.place(Math.min(offset, text.length()));
        draft.broken(
                Diagnostic.error("syntax", member, message, way)
                        .at(place.line(), place.column())
                        .alongside(alongside));
        if (slips == MOST_SLIPS) {
            draft.broken(
                    Diagnostic.error(
                                    "syntax",
                                    "",
                                    "Behind this place the document was not read any further.",
                                    "Correct what was found so far.")
                            .at(place.line(), place.column()));
        }
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
