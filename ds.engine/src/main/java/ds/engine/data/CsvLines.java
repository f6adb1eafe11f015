package ds.engine.data;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Cells of comma-separated lines, quoted as in RFC 4180; blank lines are passed over. */
final class CsvLines {
    private CsvLines() {}

    static List<String[]> parse(Path file) {
        String text = new String(DataFiles.readAll(file), StandardCharsets.UTF_8);
        List<String[]> lines = new ArrayList<>();
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        int start = text.startsWith("\uFEFF") ? 1 : 0;
        for (int i = start; i <= text.length(); i++) {
            char c = i < text.length() ? text.charAt(i) : '\n';
            if (quoted && i == text.length()) {
                throw new DataException(
                        "%s: a quote is not closed after line %,d; close it or double it."
                                .formatted(file, lines.size() + 1));
            }
            if (c == '"') {
                if (quoted && i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    cell.append(c);
                    i++;
                } else {
                    quoted = !quoted;
                }
            } else if (quoted || c != ',' && c != '\n' && c != '\r') {
                cell.append(c);
            } else if (c != '\r') {
                cells.add(cell.toString().strip());
                cell.setLength(0);
                if (c == '\n') {
                    endLine(file, lines, cells);
                }
            }
        }
        if (lines.isEmpty()) {
            throw new DataException("%s has no rows; give a table.".formatted(file));
        }
        return lines;
    }

    private static void endLine(Path file, List<String[]> lines, List<String> cells) {
        if (cells.size() > 1 || !cells.getFirst().isEmpty()) {
            if (!lines.isEmpty() && lines.getFirst().length != cells.size()) {
                throw new DataException(
                        "%s line %,d has %,d columns, the first line has %,d; every line needs the same."
                                .formatted(
                                        file,
                                        lines.size() + 1,
                                        cells.size(),
                                        lines.getFirst().length));
            }
            lines.add(cells.toArray(String[]::new));
        }
        cells.clear();
    }
}
