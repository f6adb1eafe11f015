package example.check;

import ds.config.CheckOptions;
import ds.config.ConfigCheck;
import ds.config.DsConfig;
import java.nio.file.Path;

/** Says what is wrong with one configuration, and prints its canonical form if nothing is. */
public final class Check {
    private Check() {}

    /** Checks the file that is named first; exits 0 if it is sound, 2 if not. */
    public static void main(String[] arguments) {
        Path file = Path.of(arguments[0]);
        ConfigCheck check = DsConfig.check(file, CheckOptions.none());
        System.out.print(check.render(false));
        check.config().map(DsConfig::toJson).ifPresent(System.out::println);
        System.exit(check.isOk() ? 0 : 2);
    }
}
