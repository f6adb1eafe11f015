package ds.core;

import ds.core.spi.HostMemoryProvider;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;

/** Chooses the host memory of this machine. */
public final class HostMemories {
    private HostMemories() {}

    /** Returns the portable provider: page-aligned memory of a shared arena, never page-locked. */
    public static HostMemoryProvider portable() {
        return new PortableMemory();
    }

    /** Returns the provider with the highest priority that can run here. */
    public static HostMemoryProvider best(ModuleLayer layer) {
        ServiceLoader<HostMemoryProvider> loader =
                HostMemories.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, HostMemoryProvider.class)
                        : ServiceLoader.load(
                                HostMemoryProvider.class, HostMemories.class.getClassLoader());
        return new ProviderTable<>("host memory", loader)
                .all().stream()
                        .filter(provider -> provider.unavailable().isEmpty())
                        .max(Comparator.comparingInt(HostMemoryProvider::priority))
                        .orElseGet(HostMemories::portable);
    }

    private static final class PortableMemory implements HostMemoryProvider {
        @Override
        public String name() {
            return "portable";
        }

        @Override
        public Optional<String> unavailable() {
            return Optional.empty();
        }

        @Override
        public int priority() {
            return 0;
        }

        @Override
        public MemorySegment allocate(Arena arena, long sizeBytes, long alignmentBytes) {
            return arena.allocate(sizeBytes, alignmentBytes);
        }

        @Override
        public Optional<String> lock(MemorySegment memory) {
            return Optional.of(
                    "portable memory cannot be locked; that takes module ds.foreign on Linux, with native access");
        }

        @Override
        public OptionalLong lockableBytes() {
            return OptionalLong.of(0);
        }
    }
}
