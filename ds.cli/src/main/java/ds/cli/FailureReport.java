package ds.cli;

import ds.config.CheckReport;
import ds.config.ConfigCheck;
import ds.config.ConfigException;
import ds.core.Diagnostic;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The JSON document of a command that ends without its own: that of {@code ds config check}, so
 * that scripts read one form whatever went wrong.
 */
final class FailureReport {
    private FailureReport() {}

    /** Returns the document of a command that something else than a configuration stopped. */
    static Map<String, Object> of(String command, int status, String message) {
        Diagnostic stopped =
                status == Main.MISTAKE
                        ? Diagnostic.error("stopped", "", message, "")
                        : Diagnostic.refused("stopped", "", message, "");
        return about(command, List.of(stopped));
    }

    /**
     * Returns the document of a command that {@code cause} stopped.
     *
     * @param checks the configurations that it had read
     * @param command its name, such as {@code ds train}
     * @param status its exit status
     * @param message what was said
     */
    static Map<String, Object> of(
            List<ConfigCheck> checks, String command, int status, String message, Throwable cause) {
        if (checks.stream().anyMatch(check -> !check.isOk())) {
            return CheckReport.document(checks);
        }
        if (cause instanceof ConfigException refused && !refused.diagnostics().isEmpty()) {
            return checks.size() == 1
                    ? CheckReport.document(List.of(with(checks.getFirst(), refused)))
                    : about(command, refused.diagnostics());
        }
        return of(command, status, message);
    }

    /** Returns a check together with what planning the run found: each thing once, as the run says it. */
    private static ConfigCheck with(ConfigCheck check, ConfigException refused) {
        Set<Diagnostic> all = new LinkedHashSet<>(check.diagnostics());
        all.removeIf(
                remark ->
                        refused.diagnostics().stream()
                                .anyMatch(
                                        error ->
                                                error.code().equals(remark.code())
                                                        && error.pointer()
                                                                .equals(remark.pointer())));
        all.addAll(refused.diagnostics());
        return new ConfigCheck(
                check.origin(), check.config(), List.copyOf(all), check.resolved(), check.text());
    }

    private static Map<String, Object> about(String command, List<Diagnostic> found) {
        return CheckReport.document(
                List.of(new ConfigCheck(command, Optional.empty(), found, Map.of(), "")));
    }
}
