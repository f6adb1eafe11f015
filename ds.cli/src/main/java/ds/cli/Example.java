package ds.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the example that {@code ds train} trains without options. */
final class Example {
    private static final String CONFIG = "examples/gpt-text/ds_config.json";
    private static final String TEXT = "examples/gpt-text/devils-dictionary.txt";

    private Example() {}

    static Path config() {
        return find(CONFIG, "--config");
    }

    static Path text() {
        return find(TEXT, "--data");
    }

    private static Path find(String name, String option) {
        String home = System.getProperty("ds.home", "");
        for (Path folder :
                new Path[] {
                    Path.of(home), Path.of(""), Path.of(System.getProperty("java.home", ""))
                }) {
            Path file = folder.resolve(name);
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        throw new UserMistakeException(
                "There is no %s here; give %s a file of your own.".formatted(name, option));
    }
}
