package ds.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The {@code jvm.journal} object: where every boundary of a run is noted. That it needs a path is a
 * rule of the planner, not of the document.
 *
 * @param type the provider that keeps it; default {@code jsonl}
 * @param path the file
 */
public record Journal(String type, Optional<Path> path) {}
