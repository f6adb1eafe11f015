package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.ProviderException;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedules;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Providers are found by name; a stranger's broken module is named, never passed over. */
class ProviderFailuresTest {
    private static final String PROVIDER =
            """
            package stranger;

            import ds.core.*;
            import ds.optim.spi.*;
            import java.util.List;

            final class Aid {
                static void help() {}
            }

            public final class Stranger implements OptimizerProvider {
                %s
                @Override public String name() { %s }
                @Override public List<KeyDeclaration> settings() { %s }
                @Override public Optimizer create(Settings params) { throw new AssertionError(); }
            }
            """;

    private static final String NAMED = "return \"lookahead\";";
    private static final String NONE = "return List.of();";

    private static final List<String> BUILT_IN =
            List.of(
                    "adagrad",
                    "adam",
                    "adamw",
                    "lamb",
                    "lion",
                    "muadam",
                    "muadamw",
                    "muon",
                    "musgd",
                    "onebitadam",
                    "onebitlamb",
                    "sgd",
                    "zerooneadam");

    @TempDir private Path directory = Path.of("");

    @Test
    void theBuiltInProvidersAreFoundInAnyCase() {
        assertEquals(BUILT_IN, Optimizers.in(ModuleLayer.boot()).names());
        assertEquals(
                List.of("LRRangeTest", "OneCycle", "WarmupCosineLR", "WarmupDecayLR", "WarmupLR"),
                Schedules.in(ModuleLayer.boot()).names());
        assertEquals("adamw", Optimizers.in(ModuleLayer.boot()).require("AdamW").name());
    }

    @Test
    void anUnknownNameSaysWhatThereIs() {
        var failure =
                assertThrows(
                        ProviderException.class,
                        () -> Optimizers.in(ModuleLayer.boot()).require("adamax"));
        assertEquals(
                "No optimizer provider is named 'adamax'; this runtime has "
                        + BUILT_IN
                        + ". Add its module to the module path.",
                failure.getMessage());
    }

    @Test
    void aStrangersModuleInItsOwnLayerIsFoundBesideTheBuiltInOnes() throws IOException {
        ModuleLayer layer = stranger("", "lookahead");
        List<String> all = new ArrayList<>(BUILT_IN);
        all.add("lookahead");
        all.sort(null);
        assertEquals(all, Optimizers.in(layer).names());
    }

    @Test
    void twoOfOneNameAreAnErrorThatNamesBothModules() throws IOException {
        ModuleLayer layer = stranger("", "AdamW");
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        assertEquals(
                "Two optimizer providers are named 'adamw', in any case: stranger.Stranger in module stranger"
                        + " and ds.optim.builtin.AdamWProvider in module ds.optim.builtin."
                        + " Remove one of the modules.",
                failure.getMessage());
    }

    @Test
    void oneThatThrowsInItsConstructorIsNamedWithItsModule() throws IOException {
        ModuleLayer layer =
                stranger("if (name() != null) throw new ArithmeticException(\"no\");", "x");
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        assertEquals(
                "The optimizer provider stranger.Stranger of module stranger cannot be created:"
                        + " java.lang.ArithmeticException: no. Remove or repair that module.",
                failure.getMessage());
    }

    @Test
    void oneWhoseModuleLacksADependencyIsNamedWithWhatIsMissing() throws IOException {
        ModuleLayer layer = stranger("Aid.help();", "x");
        Files.delete(directory.resolve("classes/stranger/Aid.class"));
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        assertEquals(
                "The optimizer provider stranger.Stranger of module stranger cannot be created:"
                        + " java.lang.NoClassDefFoundError: stranger/Aid. Add the module or jar that"
                        + " holds this class. Remove or repair that module.",
                failure.getMessage());
    }

    @Test
    void oneWhoseClassIsNotInItsModuleIsNamed() throws IOException {
        ModuleLayer layer = stranger("", "x");
        Files.delete(directory.resolve("classes/stranger/Stranger.class"));
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        String message = String.valueOf(failure.getMessage());
        assertTrue(message.contains("stranger.Stranger"), message);
        assertTrue(message.endsWith("Remove or repair that module."), message);
    }

    @Test
    void oneWhoseClassCannotBeInitializedIsNamedWithTheReason() throws IOException {
        ModuleLayer layer =
                stranger("static final int RATE = Integer.parseInt(\"fast\");", NAMED, NONE);
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        assertEquals(
                "The optimizer provider stranger.Stranger of module stranger cannot be created:"
                        + " java.lang.NumberFormatException: For input string: \"fast\"."
                        + " Remove or repair that module.",
                failure.getMessage());
    }

    @Test
    void oneThatSaysNothingIsNamedWithThePlace() throws IOException {
        ModuleLayer layer =
                stranger("{ if (name() != null) throw new IllegalStateException(); }", NAMED, NONE);
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        assertEquals(
                "The optimizer provider stranger.Stranger of module stranger cannot be created:"
                        + " java.lang.IllegalStateException at"
                        + " stranger/stranger.Stranger.<init>(Stranger.java:12)."
                        + " Remove or repair that module.",
                failure.getMessage());
    }

    @Test
    void oneOfANewerJavaIsNamedWithWhatWouldDo() throws IOException {
        ModuleLayer layer = stranger("", "x");
        Path file = directory.resolve("classes/stranger/Stranger.class");
        byte[] code = Files.readAllBytes(file);
        code[7] = 99; // the format's major version
        Files.write(file, code);
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        String message = String.valueOf(failure.getMessage());
        assertTrue(
                message.startsWith(
                        "Cannot read the optimizer providers: ds.optim.spi.OptimizerProvider: Unable to load"
                                + " stranger.Stranger: java.lang.UnsupportedClassVersionError: stranger/Stranger"),
                message);
        assertTrue(
                message.endsWith(
                        ". Compile it with --release %d or lower, or run a newer Java."
                                .formatted(Runtime.version().feature())),
                message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "return null; | returned null from name().",
                "return \" \"; | returned \" \" from name().",
                "throw new ArithmeticException(\"no\"); | failed in name(): java.lang.ArithmeticException: no.",
            })
    void oneWithoutANameIsNamedByItsClass(String body, String what) throws IOException {
        ModuleLayer layer = stranger("", body, NONE);
        var failure = assertThrows(ProviderException.class, () -> Optimizers.in(layer));
        assertEquals(
                "The optimizer provider stranger.Stranger of module stranger %s Remove or repair that module."
                        .formatted(what),
                failure.getMessage());
    }

    private void settingsFail(String body, String what) throws IOException {
        ModuleLayer layer = stranger("", NAMED, body);
        var failure =
                assertThrows(
                        ProviderException.class,
                        () -> Optimizers.settings(Optimizers.in(layer).require("lookahead")));
        assertEquals(
                "The optimizer 'lookahead' of module stranger %s. Repair that module."
                        .formatted(what),
                failure.getMessage());
    }

    @Test
    void oneWithoutSettingsIsNamed() throws IOException {
        settingsFail("return null;", "returned null from settings()");
    }

    @Test
    void oneWhoseSettingsThrowIsNamed() throws IOException {
        settingsFail(
                "throw new IllegalArgumentException(\"no\");",
                "failed in settings(): java.lang.IllegalArgumentException: no");
    }

    @Test
    void oneWithTwoSettingsOfOneNameIsNamed() throws IOException {
        settingsFail(
                "var lr = KeyDeclaration.number(\"lr\", 1).doc(\"x\"); return List.of(lr, lr);",
                "declares the setting 'lr' twice");
    }

    @Test
    void oneWithANullAmongItsSettingsIsNamed() throws IOException {
        settingsFail(
                "return java.util.Arrays.asList((KeyDeclaration) null);",
                "has a null among its settings()");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "number(\"momentum\", 2).atLeast(0).below(1) | 'momentum' as a number, 0 or more and below 1, with the default 2.0",
                "number(\"momentum\", Double.NaN) | 'momentum' as a number, with the default NaN",
                "choice(\"momentum\", \"none\", List.of(\"heavy\", \"light\")) | 'momentum' as one of heavy, light, with the default none",
                "numbers(\"momentum\", 0.9).items(2) | 'momentum' as a list of 2 numbers, with the default [0.9]",
            })
    void oneWhoseDefaultItWouldNotTakeIsNamed(String declaration, String what) throws IOException {
        settingsFail(
                "return List.of(KeyDeclaration.%s.doc(\"x\"));".formatted(declaration),
                "declares the setting " + what);
    }

    private ModuleLayer stranger(String constructor, String name) throws IOException {
        return stranger(
                "public Stranger() { %s }".formatted(constructor),
                "return \"%s\";".formatted(name),
                NONE);
    }

    private ModuleLayer stranger(String members, String name, String settings) throws IOException {
        Path source = Files.createDirectories(directory.resolve("src"));
        Files.writeString(
                source.resolve("Stranger.java"), PROVIDER.formatted(members, name, settings));
        Files.writeString(
                source.resolve("module-info.java"),
                "module stranger { requires ds.optim.spi;"
                        + " provides ds.optim.spi.OptimizerProvider with stranger.Stranger; }");
        Path classes = directory.resolve("classes");
        StringWriter errors = new StringWriter();
        int status =
                ToolProvider.findFirst("javac")
                        .orElseThrow()
                        .run(
                                new PrintWriter(errors),
                                new PrintWriter(errors),
                                "-proc:none",
                                "-d",
                                classes.toString(),
                                "-p",
                                String.join(java.io.File.pathSeparator, Modules.locations()),
                                source.resolve("Stranger.java").toString(),
                                source.resolve("module-info.java").toString());
        assertTrue(status == 0, errors::toString);
        Configuration configuration =
                ModuleLayer.boot()
                        .configuration()
                        .resolve(ModuleFinder.of(classes), ModuleFinder.of(), Set.of("stranger"));
        return ModuleLayer.boot()
                .defineModulesWithOneLoader(configuration, ClassLoader.getSystemClassLoader());
    }
}
