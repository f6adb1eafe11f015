package ds.cli;

import static ds.cli.Ran.ds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What {@code ds bench adam} takes and says; no timing. */
class BenchAdamTest {
    private static Ran steps(Object... more) {
        Object[] words = {"bench", "adam", "--elements", "2048", "--warm-up", 0, "--workers", 1};
        Object[] all = new Object[words.length + more.length];
        System.arraycopy(words, 0, all, 0, words.length);
        System.arraycopy(more, 0, all, words.length, more.length);
        return ds(all);
    }

    @Test
    void everyElementWiseOptimizerIsMeasuredWithAndWithoutCopy() {
        Ran ran = steps("--optimizer", "all", "--copy", "none,bf16,fp16");
        assertEquals(0, ran.status(), ran.messages());
        assertEquals(30, ran.results().lines().count(), ran.results());
        for (String name :
                new String[] {
                    "adam:amsgrad=true ", "adagrad ", "lion ", "sgd ", "musgd:momentum"
                }) {
            assertEquals(
                    3,
                    ran.results().lines().filter(line -> line.startsWith(name)).count(),
                    ran.results());
        }
        assertTrue(
                ran.results()
                        .lines()
                        .allMatch(
                                line ->
                                        line.contains("of separate passes")
                                                != line.contains("copy none")),
                ran.results());
    }

    @Test
    void theDocumentHasEveryFigure() {
        Ran ran = steps("--optimizer", "sgd:momentum=0.9,nesterov=true", "--format", "json");
        assertEquals(0, ran.status(), ran.messages());
        for (String key : new String[] {"streams_ns_per_parameter", "share", "repeats"}) {
            assertTrue(ran.results().contains("\"" + key + "\": "), ran.results());
        }
    }

    @Test
    void mistakesAreNamed() {
        mistake("sgdd", "named 'sgdd'");
        mistake("sgd:momentm=0.9", "'momentum'");
        mistake("sgd:momentum", "write sgd:momentum=0.9.");
        mistake("adamw:betas=0.9", "betas");
        mistake("lamb", "does not step elements by themselves");
        Ran none = steps("--elements", "0");
        assertEquals(2, none.status());
    }

    private static void mistake(String optimizer, String says) {
        Ran ran = steps("--optimizer", optimizer);
        assertEquals(2, ran.status(), optimizer + ": " + ran.messages());
        assertTrue(ran.messages().contains(says), ran.messages());
    }
}
