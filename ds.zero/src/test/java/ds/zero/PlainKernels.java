package ds.zero;

import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Workers;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;

final class PlainKernels {
    private PlainKernels() {}

    @SuppressWarnings("unchecked")
    static Kernels create() {
        Workers workers = new Workers("test", 1);
        return (Kernels)
                Proxy.newProxyInstance(
                        Kernels.class.getClassLoader(),
                        new Class<?>[] {Kernels.class},
                        (_, method, a) -> {
                            switch (method.getName()) {
                                case "workers" -> {
                                    return workers;
                                }
                                case "convert" -> {
                                    FlatBuffer x = (FlatBuffer) a[0];
                                    FlatBuffer y = (FlatBuffer) a[1];
                                    for (long i = 0; i < x.lengthElements(); i++) {
                                        y.set(i, x.get(i));
                                    }
                                    return null;
                                }
                                case "add" -> {
                                    FlatBuffer x = (FlatBuffer) a[0];
                                    for (long i = 0; i < x.lengthElements(); i++) {
                                        ((FlatBuffer) a[2])
                                                .set(i, x.get(i) + ((FlatBuffer) a[1]).get(i));
                                    }
                                    return null;
                                }
                                case "scale" -> {
                                    FlatBuffer x = (FlatBuffer) a[1];
                                    for (long i = 0; i < x.lengthElements(); i++) {
                                        ((FlatBuffer) a[2]).set(i, (float) a[0] * x.get(i));
                                    }
                                    return null;
                                }
                                case "fold" -> {
                                    FlatBuffer acc = (FlatBuffer) a[0];
                                    List<FlatBuffer> c = (List<FlatBuffer>) a[1];
                                    for (long i = 0; i < acc.lengthElements(); i++) {
                                        float v =
                                                (boolean) a[2]
                                                        ? c.get(0).get(i)
                                                        : acc.get(i) + c.get(0).get(i);
                                        for (int j = 1; j < c.size(); j++) {
                                            v += c.get(j).get(i);
                                        }
                                        acc.set(i, v);
                                    }
                                    ((Optional<ExactNorm>) a[3]).ifPresent(n -> squares(acc, n));
                                    return null;
                                }
                                case "addSquares" -> {
                                    squares((FlatBuffer) a[0], (ExactNorm) a[1]);
                                    return null;
                                }
                                case "allFinite" -> {
                                    FlatBuffer x = (FlatBuffer) a[0];
                                    for (long i = 0; i < x.lengthElements(); i++) {
                                        if (!Float.isFinite(x.get(i))) {
                                            return false;
                                        }
                                    }
                                    return true;
                                }
                                default -> throw new UnsupportedOperationException(method.getName());
                            }
                        });
    }

    private static void squares(FlatBuffer x, ExactNorm norm) {
        for (long at = 0; at < x.lengthElements(); at += 1024) {
            double sum = 0;
            for (long i = at; i < Math.min(at + 1024, x.lengthElements()); i++) {
                sum += (double) x.get(i) * x.get(i);
            }
            norm.add(sum);
        }
    }
}
