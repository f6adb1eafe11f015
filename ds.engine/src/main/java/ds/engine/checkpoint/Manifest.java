package ds.engine.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * {@code MANIFEST.json}: what a checkpoint consists of, with a checksum over the text itself as its
 * last member.
 *
 * @param header what the checkpoint says about itself
 * @param sequence counts the checkpoints of one directory, so that the newest is known
 * @param files one per rank, in order
 */
record Manifest(CheckpointHeader header, long sequence, List<RankFile> files) {
    static final String FILE = "MANIFEST.json";
    static final int LIMIT_BYTES = 1 << 30;
    private static final long FORMAT = 1;
    private static final String SEAL = "\"sha256\":\"";
    private static final int SEAL_BYTES = SEAL.length() + 64 + 3; // digest, quote, brace, newline

    static String write(CheckpointHeader header, long sequence, List<RankFile> files) {
        RunState state = header.state();
        JsonText json = new JsonText();
        json.open('{').key("format").value(FORMAT).key("sequence").value(sequence).line();
        json.key("world_size").value(header.worldSize()).line();
        json.key("state").open('{');
        json.key("global_step").value(state.globalStep());
        json.key("applied_steps").value(state.appliedSteps());
        json.key("micro_steps").value(state.microSteps());
        json.key("sample_cursor").value(state.sampleCursor());
        json.key("seed").value(state.seed());
        strings(json.key("loss_scaler"), state.lossScaler()).close('}').line();
        json.key("model").value(header.model()).line();
        strings(json.key("data"), header.data()).line();
        json.key("config").value(header.config()).line();
        json.key("config_sha256").value(header.configHash()).line();
        json.key("layout").open('[');
        for (TensorShape tensor : header.layout()) {
            json.line().open('{').key("name").value(tensor.name()).key("shape").open('[');
            tensor.shape().forEach(json::value);
            json.close(']').key("trainable").value(tensor.trainable()).close('}');
        }
        json.close(']').line().key("block_bytes").value(Checksums.BLOCK_BYTES).line();
        json.key("files").open('[');
        for (RankFile file : files) {
            json.line().open('{').key("name").value(file.name());
            json.key("size").value(file.sizeBytes()).key("sha256").value(file.sha256());
            StringBuilder crcs = new StringBuilder();
            file.blockCrcs().forEach(crc -> crcs.append(Checksums.hex(crc)));
            json.key("crc32c").value(crcs.toString()).close('}');
        }
        String sealed = json.close(']').line().text();
        return sealed + SEAL + Checksums.sha256(sealed) + "\"}\n";
    }

    private static JsonText strings(JsonText json, Map<String, String> map) {
        json.open('{');
        new TreeMap<>(map).forEach((name, value) -> json.key(name).value(value));
        return json.close('}');
    }

    /** Checks the seal and parses. */
    static Manifest read(byte[] bytes) throws JsonTree.Malformed {
        int sealed = bytes.length - SEAL_BYTES;
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (sealed < 1
                || !text.endsWith(
                        SEAL
                                + Checksums.sha256(
                                        new String(bytes, 0, sealed, StandardCharsets.UTF_8))
                                + "\"}\n")) {
            throw new JsonTree.Malformed("its text does not match its own SHA-256");
        }
        JsonTree root = JsonTree.parse(bytes);
        if (root.get("format").number() != FORMAT) {
            throw new JsonTree.Malformed(
                    "its format is %d, this runtime reads %d"
                            .formatted(root.get("format").number(), FORMAT));
        }
        if (root.get("block_bytes").number() != Checksums.BLOCK_BYTES) {
            throw new JsonTree.Malformed("its checksum blocks are not of 1 MiB");
        }
        List<RankFile> files = new ArrayList<>();
        for (JsonTree file : root.get("files").list()) {
            files.add(file(file));
        }
        return new Manifest(header(root), root.get("sequence").number(), List.copyOf(files));
    }

    /** Returns the sequence number of a manifest's text; empty if it is corrupt. */
    static OptionalLong sequence(byte[] bytes) {
        try {
            return OptionalLong.of(read(bytes).sequence());
        } catch (JsonTree.Malformed e) {
            System.getLogger(Manifest.class.getName())
                    .log(System.Logger.Level.WARNING, "A manifest is corrupt: {0}", e.getMessage());
            return OptionalLong.empty();
        }
    }

    private static CheckpointHeader header(JsonTree root) throws JsonTree.Malformed {
        JsonTree state = root.get("state");
        List<TensorShape> layout = new ArrayList<>();
        for (JsonTree tensor : root.get("layout").list()) {
            List<Integer> shape = new ArrayList<>();
            for (JsonTree size : tensor.get("shape").list()) {
                shape.add(Math.toIntExact(size.number()));
            }
            layout.add(
                    new TensorShape(
                            tensor.get("name").string(), shape, tensor.get("trainable").flag()));
        }
        return new CheckpointHeader(
                new RunState(
                        state.get("global_step").number(),
                        state.get("applied_steps").number(),
                        state.get("micro_steps").number(),
                        state.get("sample_cursor").number(),
                        state.get("seed").number(),
                        state.get("loss_scaler").strings()),
                Math.toIntExact(root.get("world_size").number()),
                layout,
                root.get("model").string(),
                root.get("data").strings(),
                root.get("config").string());
    }

    private static RankFile file(JsonTree file) throws JsonTree.Malformed {
        String crcs = file.get("crc32c").string();
        List<Integer> blocks = new ArrayList<>();
        for (int i = 0; i + 8 <= crcs.length(); i += 8) {
            blocks.add(HexFormat.fromHexDigits(crcs, i, i + 8));
        }
        String name = file.get("name").string();
        if (name.indexOf('/') >= 0 || name.indexOf('\\') >= 0 || name.startsWith(".")) {
            throw new JsonTree.Malformed("it names the file '" + name + "'");
        }
        return new RankFile(name, file.get("size").number(), file.get("sha256").string(), blocks);
    }
}
