package ds.foreign.aio;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageSettings;
import ds.offload.spi.StorageProvider;
import ds.testkit.StorageContract;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Nested;

/** Asynchronous I/O keeps the storage contract, with the library and without it. */
class LibaioStorageTest {
    private abstract static class Direct extends StorageContract {
        @Override
        protected StorageProvider provider() {
            StorageProvider provider = new LibaioProvider();
            Optional<String> why = provider.unavailable().or(() -> provider.unavailable(directory));
            assumeTrue(why.isEmpty(), () -> "libaio cannot run here: " + why);
            return provider;
        }

        @Override
        protected int unitBytes() {
            return AioSettings.BLOCK_UNIT_BYTES;
        }
    }

    @Nested
    class ByTheLibrary extends Direct {
        @Override
        protected StorageProvider provider() {
            StorageProvider provider = super.provider();
            assumeTrue(LibaioCalls.installed(), "libaio.so.1 is not installed");
            return provider;
        }
    }

    @Nested
    class BySystemCalls extends Direct {
        @Override
        protected StorageProvider provider() {
            var unused = super.provider();
            return new WithCalls(LibaioProvider::kernelCalls);
        }
    }

    /** The provider with calls of the test's choice. */
    record WithCalls(Function<Arena, AioCalls> calls) implements StorageProvider {
        @Override
        public String name() {
            return "libaio";
        }

        @Override
        public int priority() {
            return 0;
        }

        @Override
        public StorageBackend open(Path file, StorageSettings settings, FileOperations files) {
            return LibaioProvider.open(file, settings, files, calls);
        }
    }
}
