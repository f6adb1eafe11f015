package ds.offload;

import ds.core.ProviderTable;
import ds.offload.channel.ChannelProvider;
import ds.offload.spi.StorageProvider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Finds storage backends: by name, or the best that can run here. */
public final class StorageProviders {
    private StorageProviders() {}

    /** Returns the backend that runs everywhere: {@code channel}. */
    public static StorageProvider portable() {
        return new ChannelProvider();
    }

    /**
     * Returns all providers visible to {@code layer}.
     *
     * @throws ds.core.ProviderException if one throws, or two share a name
     */
    public static ProviderTable<StorageProvider> table(ModuleLayer layer) {
        ServiceLoader<StorageProvider> loader =
                StorageProviders.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, StorageProvider.class)
                        : ServiceLoader.load(
                                StorageProvider.class, StorageProviders.class.getClassLoader());
        return new ProviderTable<>("storage", loader);
    }

    /**
     * Returns a provider of files that lie in several directories: it is given the part in the first
     * one, and the others have parts of the same name. What one transfer moves is dealt out to them.
     *
     * @param parts opens each part; it gives its name
     * @param directories of the parts
     * @param stripes with as many weights
     */
    public static StorageProvider striped(
            StorageProvider parts, List<Path> directories, Stripes stripes) {
        return new StripedProvider(parts, directories, stripes);
    }

    /**
     * Returns the provider of that name, which can have files in all of these directories.
     *
     * @throws ds.core.ProviderException if there is none, or it cannot run here
     * @throws StorageException if it cannot have files in one of them
     */
    public static StorageChoice named(ModuleLayer layer, String name, List<Path> directories) {
        directories.forEach(directory -> named(layer, name, directory));
        return named(layer, name, directories.getFirst());
    }

    /** Returns the first in the order of {@link #best(ModuleLayer, Path)} for all directories. */
    public static StorageChoice best(ModuleLayer layer, List<Path> directories) {
        return directories.stream()
                .map(directory -> best(layer, directory))
                .min(Comparator.comparingInt(choice -> choice.provider().priority()))
                .orElseThrow();
    }

    /**
     * Returns the provider of that name.
     *
     * @param directory where its files will be; it, or the nearest parent that exists, is asked
     * @throws ds.core.ProviderException if there is none, or it cannot run here
     * @throws StorageException if it cannot have files in {@code directory}
     */
    public static StorageChoice named(ModuleLayer layer, String name, Path directory) {
        StorageProvider provider = table(layer).require(name);
        provider.unavailable(existing(directory))
                .ifPresent(
                        why -> {
                            throw new StorageException(
                                    "The storage backend '%s' cannot be used: %s."
                                            .formatted(provider.name(), why));
                        });
        return new StorageChoice(provider, "by name");
    }

    /**
     * Returns the first in the order of {@link StorageProvider#priority} that can have files in {@code
     * directory}, and why none before it.
     *
     * @param directory it, or the nearest parent that exists, is asked
     */
    public static StorageChoice best(ModuleLayer layer, Path directory) {
        Path place = existing(directory);
        List<StorageProvider> order =
                table(layer).all().stream()
                        .sorted(
                                Comparator.comparingInt(StorageProvider::priority)
                                        .reversed()
                                        .thenComparing(StorageProvider::name))
                        .toList();
        List<String> passed = new ArrayList<>();
        for (StorageProvider provider : order) {
            Optional<String> why = provider.unavailable().or(() -> provider.unavailable(place));
            if (why.isEmpty()) {
                return new StorageChoice(provider, reason(order, passed));
            }
            passed.add("%s: %s".formatted(provider.name(), why.get()));
        }
        return new StorageChoice(portable(), reason(order, passed));
    }

    private static String reason(List<StorageProvider> order, List<String> passed) {
        String first =
                "first of %s that can run here"
                        .formatted(
                                order.stream()
                                        .map(StorageProvider::name)
                                        .collect(Collectors.joining(", ")));
        return passed.isEmpty() ? first : first + "; not " + String.join(", not ", passed);
    }

    private static Path existing(Path directory) {
        Path place = directory.toAbsolutePath();
        while (!Files.exists(place)) {
            Path parent = place.getParent();
            if (parent == null) {
                return place;
            }
            place = parent;
        }
        return place;
    }
}
