package ds.it;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.syntax.elements.GivenClassesConjunction;
import ds.engine.Engine;
import java.io.FileReader;
import java.io.FileWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** What no line of the runtime may call, held over the compiled classes of every module. */
class LayoutTest {
    private static final JavaClasses CLASSES =
            new ClassFileImporter().importPaths(Reactor.classes().values());

    private static final Set<String> TRANSCENDENTAL =
            Set.of(
                    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
                    "exp", "expm1", "log", "log10", "log1p", "pow", "hypot", "cbrt");

    private static final String CHARSET = Charset.class.getName();
    private static final String LOCALE = Locale.class.getName();
    private static final Set<String> FLOATS =
            Set.of(
                    "jdk.incubator.vector.FloatVector",
                    "jdk.incubator.vector.DoubleVector",
                    "jdk.incubator.vector.Vector");

    @Test
    void onlyTheCommandPrints() {
        noClasses()
                .that()
                .resideOutsideOfPackages("ds.cli..", "ds.benchmarks..")
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err")
                .because("an embedded library has no terminal; use System.Logger")
                .check(CLASSES);
    }

    @Test
    void nobodyLooksUpClassesByName() {
        noClasses()
                .should()
                .callMethodWhere(calls("Class.forName", c -> is(c, Class.class, Set.of("forName"))))
                .because("providers are found by ServiceLoader")
                .check(CLASSES);
    }

    @Test
    void nobodyHidesStateInThreads() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .areAssignableTo(ThreadLocal.class)
                .because("every mutable object has one owner, and is handed over")
                .check(CLASSES);
    }

    @Test
    void theCommandVerifiesACheckpointOnce() {
        noClasses()
                .that()
                .resideInAPackage("ds.cli..")
                .should()
                .callMethod(Engine.class, "resume", Path.class)
                .orShould()
                .callMethod(Engine.class, "resumeIfPresent", Path.class)
                .because("it has opened the checkpoint already, to see what is in it")
                .check(CLASSES);
    }

    @Test
    void nobodyUsesUnsafe() {
        noClasses()
                .that()
                .resideOutsideOfPackage("ds.benchmarks.jmh_generated..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .orShould()
                .dependOnClassesThat()
                .resideInAPackage("jdk.internal..")
                .because("memory segments do all of it, and stay")
                .check(CLASSES);
    }

    @Test
    void nobodyReliesOnThePlatformCharsetOrLocale() {
        noClasses()
                .that()
                .resideOutsideOfPackage("ds.benchmarks.jmh_generated..")
                .should()
                .callCodeUnitWhere(calls("the platform's charset", LayoutTest::usesCharset))
                .orShould()
                .callCodeUnitWhere(calls("the platform's locale", LayoutTest::usesLocale))
                .because("the same inputs give the same bytes on every machine")
                .check(CLASSES);
    }

    @Test
    void kernelsComputeTheirOwnTranscendentals() {
        numeric()
                .should()
                .callMethodWhere(
                        calls("transcendental Math", c -> is(c, Math.class, TRANSCENDENTAL)))
                .because("Math's bits may differ between the interpreter and the compiler")
                .check(CLASSES);
    }

    @Test
    void kernelsUseNoTranscendentalLanes() {
        Set<String> operators =
                Set.copyOf(TRANSCENDENTAL.stream().map(n -> n.toUpperCase(Locale.ROOT)).toList());
        numeric()
                .should()
                .accessFieldWhere(
                        DescribedPredicate.describe(
                                "a transcendental lane operator",
                                access ->
                                        access.getTargetOwner()
                                                        .getFullName()
                                                        .equals(
                                                                "jdk.incubator.vector.VectorOperators")
                                                && operators.contains(
                                                        access.getTarget().getName())))
                .because("lane operators have other bits before the compiler is warm")
                .check(CLASSES);
    }

    @Test
    void kernelsSumLanesInTheirOwnOrder() {
        numeric()
                .should()
                .callMethodWhere(
                        calls(
                                "reduceLanes over floats",
                                c ->
                                        c.getName().equals("reduceLanes")
                                                && FLOATS.contains(c.getTargetOwner().getName())))
                .because("reduceLanes has no stated order; use a fixed tree")
                .check(CLASSES);
    }

    @Test
    void onlyTheForeignModuleCallsC() {
        noClasses()
                .that()
                .resideOutsideOfPackages("ds.foreign..", "ds.benchmarks..")
                .should()
                .dependOnClassesThat()
                .areAssignableTo(Linker.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(SymbolLookup.class)
                .orShould()
                .callMethodWhere(
                        calls(
                                "a restricted method",
                                c -> is(c, MemorySegment.class, Set.of("reinterpret"))))
                .orShould()
                .callMethodWhere(
                        calls(
                                "native loading",
                                c -> is(c, System.class, Set.of("load", "loadLibrary"))))
                .check(CLASSES);
    }

    @Test
    void theRulesSeeTheClasses() {
        for (String module : Reactor.REQUIRED) {
            assertTrue(
                    CLASSES.stream().anyMatch(c -> c.getPackageName().startsWith(module)),
                    "no class of " + module + " was read");
        }
    }

    private static GivenClassesConjunction numeric() {
        return noClasses().that().resideInAnyPackage("ds.kernels..", "ds.optim.builtin..");
    }

    private static DescribedPredicate<JavaCall<?>> calls(
            String description, Predicate<JavaCall<?>> predicate) {
        return DescribedPredicate.describe(description, predicate);
    }

    private static boolean is(JavaCall<?> call, Class<?> owner, Set<String> methods) {
        return call.getTargetOwner().getName().equals(owner.getName())
                && methods.contains(call.getName());
    }

    /** Whether {@code call} is one of {@code methods}, and names no charset or locale. */
    private static boolean isBare(JavaCall<?> call, Class<?> owner, Set<String> methods) {
        return is(call, owner, methods)
                && call.getTarget().getRawParameterTypes().stream()
                        .noneMatch(t -> Set.of(CHARSET, LOCALE).contains(t.getName()));
    }

    private static boolean usesCharset(JavaCall<?> call) {
        return isBare(call, String.class, Set.of("getBytes"))
                || isBare(call, FileReader.class, Set.of("<init>"))
                || isBare(call, FileWriter.class, Set.of("<init>"))
                || isBare(call, InputStreamReader.class, Set.of("<init>"))
                || isBare(call, OutputStreamWriter.class, Set.of("<init>"))
                || is(call, Charset.class, Set.of("defaultCharset"));
    }

    private static boolean usesLocale(JavaCall<?> call) {
        return isBare(call, String.class, Set.of("toLowerCase", "toUpperCase"))
                || is(call, Locale.class, Set.of("getDefault"));
    }
}
