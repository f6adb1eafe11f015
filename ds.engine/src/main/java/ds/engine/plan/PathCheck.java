package ds.engine.plan;

import ds.config.ConfigCheck;
import ds.config.DsConfig;
import ds.config.OffloadDevice;
import ds.core.Diagnostic;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Whether something that is no directory lies where a configuration wants one. Nothing is created,
 * and a path that is not there yet is no problem: a run makes it.
 */
public final class PathCheck {
    private static final String WAY = "Name a directory that this user can write to.";

    private PathCheck() {}

    /** Returns {@code check} with what lies in the way, at the place of the path. */
    public static ConfigCheck of(ConfigCheck check) {
        Optional<DsConfig> config = check.config().filter(_ -> check.isRunnable());
        if (config.isEmpty()) {
            return check;
        }
        List<Diagnostic> problems = new ArrayList<>();
        List<Path> several = config.get().jvm().nvmePaths();
        for (int i = 0; i < several.size(); i++) {
            refuse("nvme_paths", several.get(i), "/jvm/nvme_paths/" + i, problems);
        }
        var optimizer = config.get().zero().offloadOptimizer();
        var parameters = config.get().zero().offloadParam();
        if (several.isEmpty()) {
            path(optimizer.device(), optimizer.nvmePath(), "offload_optimizer", problems);
            path(parameters.device(), parameters.nvmePath(), "offload_param", problems);
        }
        return check.and(problems.stream().map(config.get()::locate).toList());
    }

    private static void path(
            OffloadDevice device, Optional<Path> path, String section, List<Diagnostic> problems) {
        if (device == OffloadDevice.NVME && path.isPresent()) {
            refuse(
                    "nvme_path",
                    path.get(),
                    "/zero_optimization/" + section + "/nvme_path",
                    problems);
        }
    }

    private static void refuse(String key, Path path, String pointer, List<Diagnostic> problems) {
        inTheWay(path).ifPresent(why -> problems.add(unusable(key, path, pointer, why)));
    }

    /** Says that a path cannot be used, as a run would. */
    static Diagnostic unusable(String key, Path path, String pointer, String why) {
        return Diagnostic.refused(
                "nvme-path", pointer, "%s '%s' cannot be used: %s.".formatted(key, path, why), WAY);
    }

    /** Returns what of {@code path} exists and is no directory, if any is. */
    static Optional<String> inTheWay(Path path) {
        for (Path part = path; part != null; part = part.getParent()) {
            if (Files.exists(part)) {
                return Files.isDirectory(part)
                        ? Optional.empty()
                        : Optional.of(
                                part.equals(path)
                                        ? "it is no directory"
                                        : "'%s' is no directory".formatted(part));
            }
            if (Files.exists(part, LinkOption.NOFOLLOW_LINKS)) {
                return Optional.of("'%s' is a link to nothing".formatted(part));
            }
        }
        return Optional.empty();
    }
}
