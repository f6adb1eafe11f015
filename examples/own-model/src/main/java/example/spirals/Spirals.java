package example.spirals;

import java.util.Locale;
import java.util.Random;

/** Makes {@code spirals.csv}: the points of three interlocking spiral arms. Always the same file. */
final class Spirals {
    private static final String[] ARMS = {"amber", "blue", "crimson"};
    private static final int POINTS = 150;
    private static final double TURNS = 1.25;
    private static final double NOISE = 0.03;

    private Spirals() {}

    /** Prints the table. */
    public static void main(String[] args) {
        System.out.print(csv());
    }

    static String csv() {
        Random random = new Random(1); // its sequence is part of Java's specification
        StringBuilder text = new StringBuilder("x,y,arm\n");
        for (int point = 0; point < POINTS; point++) {
            for (int arm = 0; arm < ARMS.length; arm++) {
                double radius = 0.1 + 0.9 * point / POINTS;
                double angle = 2 * Math.PI * (TURNS * radius + (double) arm / ARMS.length);
                double x = radius * StrictMath.cos(angle) + noise(random);
                double y = radius * StrictMath.sin(angle) + noise(random);
                text.append(String.format(Locale.ROOT, "%.4f,%.4f,%s\n", x, y, ARMS[arm]));
            }
        }
        return text.toString();
    }

    /** Uniform in ±NOISE. */
    private static double noise(Random random) {
        return NOISE * (2 * random.nextDouble() - 1);
    }
}
