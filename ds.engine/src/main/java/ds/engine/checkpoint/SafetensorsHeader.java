package ds.engine.checkpoint;

import ds.core.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The head of a safetensors file: a little-endian 64-bit length, then a JSON object from tensor
 * names to type, shape and byte range, padded with blanks so that the data starts at a multiple of
 * 64 bytes. Source: the format's own description, github.com/huggingface/safetensors.
 */
final class SafetensorsHeader {
    static final int LENGTH_BYTES = 8;
    private static final int LIMIT_BYTES = 100_000_000; // the reference implementation's own limit
    private static final int ALIGNMENT_BYTES = 64;

    /**
     * A tensor in a file.
     *
     * @param piece what it is
     * @param startBytes its first byte in the file
     */
    record Entry(Piece piece, long startBytes) {}

    private SafetensorsHeader() {}

    static byte[] encode(int rank, List<Piece> pieces) {
        JsonText json = new JsonText();
        json.open('{').key("__metadata__").open('{');
        json.key("format").value("ds-checkpoint-1").key("rank").value(Integer.toString(rank));
        json.close('}');
        long start = 0;
        for (Piece piece : pieces) {
            json.key(piece.tensorName()).open('{');
            json.key("dtype").value(typeName(piece.type()));
            json.key("shape").open('[').value(piece.lengthElements()).close(']');
            json.key("data_offsets").open('[').value(start);
            start += piece.sizeBytes();
            json.value(start).close(']').close('}');
        }
        byte[] text = json.close('}').text().getBytes(StandardCharsets.UTF_8);
        int size = text.length;
        while ((LENGTH_BYTES + size) % ALIGNMENT_BYTES != 0) {
            size++;
        }
        byte[] all = new byte[LENGTH_BYTES + size];
        Arrays.fill(all, (byte) ' ');
        ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).putLong(size).put(text);
        return all;
    }

    private static String typeName(DType type) {
        return switch (type) {
            case FP32 -> "F32";
            case FP16 -> "F16";
            case BF16 -> "BF16";
        };
    }

    /** Returns the length of the JSON part, checked against the file's size. */
    static int length(ByteBuffer head, long fileBytes, String file) {
        long length = head.order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        if (length < 2 || length > LIMIT_BYTES || length + LENGTH_BYTES > fileBytes) {
            throw new CheckpointException(
                    "%s: the safetensors header claims %,d bytes; the file has %,d."
                            .formatted(file, length, fileBytes));
        }
        return (int) length;
    }

    /** Parses the JSON part and checks every range. */
    static List<Entry> decode(byte[] text, long fileBytes, String file) {
        List<Entry> entries = new ArrayList<>();
        long dataStart = LENGTH_BYTES + text.length;
        try {
            for (Map.Entry<String, JsonTree> member : JsonTree.parse(text).object().entrySet()) {
                if (!member.getKey().equals("__metadata__")) {
                    entries.add(entry(member.getKey(), member.getValue(), dataStart, fileBytes));
                }
            }
        } catch (JsonTree.Malformed e) {
            throw new CheckpointException(
                    "%s: the safetensors header is malformed: %s.".formatted(file, e.getMessage()),
                    e);
        }
        return entries;
    }

    private static Entry entry(String name, JsonTree tensor, long dataStart, long fileBytes)
            throws JsonTree.Malformed {
        int slash = name.indexOf('/');
        int at = name.lastIndexOf('@');
        if (slash < 1 || at < slash + 2) {
            throw new JsonTree.Malformed(
                    "tensor name '" + name + "' is not <kind>/<parameter>@<offset>");
        }
        DType type = type(tensor.get("dtype").string());
        long length = 1;
        for (JsonTree size : tensor.get("shape").list()) {
            length = Math.multiplyExact(length, size.number());
        }
        List<JsonTree> offsets = tensor.get("data_offsets").list();
        if (offsets.size() != 2) {
            throw new JsonTree.Malformed("tensor '" + name + "' needs two data_offsets");
        }
        long start = dataStart + offsets.get(0).number();
        long end = dataStart + offsets.get(1).number();
        long offset;
        try {
            offset = Long.parseLong(name.substring(at + 1));
        } catch (NumberFormatException e) {
            throw new JsonTree.Malformed("tensor name '" + name + "' has no offset");
        }
        if (start < dataStart || end > fileBytes || end - start != type.bytesOf(length)) {
            throw new JsonTree.Malformed(
                    "tensor '%s' of %,d %s elements at bytes %,d to %,d does not fit a file of %,d"
                            .formatted(name, length, type.jsonName(), start, end, fileBytes));
        }
        return new Entry(
                new Piece(
                        name.substring(0, slash),
                        name.substring(slash + 1, at),
                        offset,
                        length,
                        type),
                start);
    }

    private static DType type(String name) throws JsonTree.Malformed {
        return switch (name) {
            case "F32" -> DType.FP32;
            case "F16" -> DType.FP16;
            case "BF16" -> DType.BF16;
            default -> throw new JsonTree.Malformed("element type '" + name + "' is not known");
        };
    }
}
