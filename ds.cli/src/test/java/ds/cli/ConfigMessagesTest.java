package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What somebody writes who does not know the format yet is said with the way out. */
class ConfigMessagesTest {
    @TempDir private Path directory = Path.of("");

    private void assertSaid(String document, String... lines) throws IOException {
        Path file = Files.writeString(directory.resolve("ds_config.json"), document);
        Ran ran = Ran.ds("config", "check", file);
        assertEquals(2, ran.status(), ran.results());
        for (String line : lines) {
            assertTrue(ran.results().contains(line), ran.results());
        }
    }

    @Test
    void anEmptyFileIsCalledSo() throws IOException {
        for (String nothing : new String[] {"", " \n", "// only a comment\n"}) {
            assertSaid(
                    nothing,
                    "error: There is nothing in this document: none of train_batch_size and train_micro_batch_size_per_gpu is given. [batch]",
                    "Begin with {\"train_batch_size\": 32}; 'ds init' writes a whole one.");
        }
        assertSaid("{}", "None of train_batch_size and train_micro_batch_size_per_gpu is given.");
    }

    @Test
    void nullIsNoNumber() throws IOException {
        assertSaid(
                "{\"train_batch_size\": null}",
                "error: 'train_batch_size' is null, which is no number, and nothing else says how large a step is. [batch]",
                "ds_config.json:1:22  /train_batch_size",
                "Write a number instead, such as 32.");
        assertSaid(
                "{\"train_micro_batch_size_per_gpu\": null, \"gradient_accumulation_steps\": 2}",
                "error: 'train_micro_batch_size_per_gpu' is null, which is no number");
    }

    @Test
    void aNumberBeyond64BitsIsShownAsWritten() throws IOException {
        assertSaid(
                "{\"train_batch_size\": 99999999999999999999}",
                "error: 'train_batch_size' is 99999999999999999999, more than this runtime can number (2,147,483,647). [batch]");
        assertSaid(
                "{\"train_micro_batch_size_per_gpu\": 1e20, \"gradient_accumulation_steps\": 99999999999999999999}",
                "'train_micro_batch_size_per_gpu' is 1E+20, more",
                "'gradient_accumulation_steps' is 99999999999999999999, more");
    }

    @Test
    void settingsWithoutATypeAskForOne() throws IOException {
        assertSaid(
                "{\"train_batch_size\": 8, \"optimizer\": {\"params\": {\"lr\": 1}}}",
                "error: 'params' is read by nobody without 'optimizer.type'. [unread-key]",
                "Name one, such as \"type\": \"AdamW\", or remove 'params'.");
        assertSaid(
                "{\"train_batch_size\": 8, \"scheduler\": {\"params\": {\"warmup_num_steps\": 1}}}",
                "Name one, such as \"type\": \"WarmupLR\", or remove 'params'.");
    }

    @Test
    void aFileWhereADirectoryIsWantedIsRefused() throws IOException {
        Path file = Files.writeString(directory.resolve("drive"), "a file");
        String offload =
                "{\"train_batch_size\": 8, \"optimizer\": {\"type\": \"AdamW\"}, \"zero_optimization\": {\"stage\": %d, \"%s\": {\"device\": \"nvme\", \"nvme_path\": \"%s\"}}}";
        assertSaid(
                offload.formatted(1, "offload_optimizer", file),
                "error: nvme_path '%s' cannot be used: it is no directory. [nvme-path]"
                        .formatted(file),
                "/zero_optimization/offload_optimizer/nvme_path",
                "Name a directory that this user can write to.",
                "sound, but cannot run here");
        assertSaid(
                offload.formatted(3, "offload_param", file.resolve("inner")),
                "cannot be used: '%s' is no directory. [nvme-path]".formatted(file),
                "/zero_optimization/offload_param/nvme_path");
        assertSaid(
                "{\"train_batch_size\": 8, \"optimizer\": {\"type\": \"AdamW\"}, \"zero_optimization\": {\"stage\": 1, \"offload_optimizer\": {\"device\": \"nvme\"}}, \"jvm\": {\"nvme_paths\": [\"%s\", \"%s\"]}}"
                        .formatted(directory, file),
                "nvme_paths '%s' cannot be used: it is no directory.".formatted(file),
                "/jvm/nvme_paths/1");
    }

    @Test
    void aDirectoryThatIsNotThereYetIsNoProblem() throws IOException {
        Path file =
                Files.writeString(
                        directory.resolve("ds_config.json"),
                        "{\"train_batch_size\": 8, \"optimizer\": {\"type\": \"AdamW\"}, \"zero_optimization\": {\"stage\": 1, \"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"%s\"}}}"
                                .formatted(directory.resolve("a/b")));
        Ran ran = Ran.ds("config", "check", file);
        assertEquals(0, ran.status(), ran.results());
        assertTrue(Files.notExists(directory.resolve("a")));
    }
}
