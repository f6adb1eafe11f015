package ds.zero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.comm.Communicator;
import ds.comm.Communicators;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.model.BackwardContext;
import ds.model.Workspace;
import ds.offload.RestingPlace;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.StateSlot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Norm, Matrix and Replica optimizers get what they were promised. */
class OptimizerKindsTest {
    private static final int MICRO_BATCHES = 12;

    private static RankThreads.Outcome train(
            int stage, int world, DType precision, RestingPlace place, Optimizer optimizer) {
        ZeroOptions options =
                new ZeroOptions(
                        Residency.ofStage(stage),
                        precision,
                        place,
                        new RestingPlace.OnDevice(),
                        Long.MAX_VALUE,
                        0,
                        16_384,
                        7);
        return train(world, options, optimizer);
    }

    private static RankThreads.Outcome train(int world, ZeroOptions options, Optimizer optimizer) {
        return RankThreads.train(RankThreads.Setup.of(world, options, optimizer), MICRO_BATCHES, 2);
    }

    private static void assertSame(
            RankThreads.Outcome expected, RankThreads.Outcome actual, String where) {
        expected.tensors()
                .forEach(
                        (name, bits) ->
                                assertArrayEquals(
                                        bits, actual.tensors().get(name), name + " at " + where));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FP32", "BF16"})
    void normsAndMatricesGiveTheSameBitsAtEveryStageAndWorld(
            DType precision, @TempDir Path directory) {
        RestingPlace device = new RestingPlace.OnDevice();
        RankThreads.Outcome expected = train(0, 1, precision, device, new MixedKinds());
        for (int stage = 0; stage <= 3; stage++) {
            for (int world : List.of(1, 2, 3)) {
                assertSame(
                        expected,
                        train(stage, world, precision, device, new MixedKinds()),
                        "stage %d, %d ranks".formatted(stage, world));
            }
        }
        RestingPlace nvme = new RestingPlace.OnNvme(directory, 2);
        assertSame(expected, train(2, 2, precision, nvme, new MixedKinds()), "stage 2 on files");
        for (long maxInMemory : List.of(0L, 5_000L)) {
            ZeroOptions gradientsToo =
                    new ZeroOptions(
                            Residency.ofStage(3),
                            precision,
                            nvme,
                            new ParameterStorage(nvme, maxInMemory),
                            Long.MAX_VALUE,
                            0,
                            16_384,
                            7,
                            GradientStorage.of(precision).at(nvme),
                            StateStorage.FP32,
                            precision,
                            false);
            assertSame(
                    expected,
                    train(2, gradientsToo, new MixedKinds()),
                    "gradients and all on files but %d parameters".formatted(maxInMemory));
        }
    }

    @Test
    void onlyMatricesHaveFewerSlots() {
        Optimizer lacking =
                new Optimizer() {
                    @Override
                    public Hyper base() {
                        return new Hyper(0.1, 0.9, 0);
                    }

                    @Override
                    public List<StateSlot> slots() {
                        return List.of(new StateSlot("momentum"), new StateSlot("other"));
                    }

                    @Override
                    public List<StateSlot> slots(ParameterSpec parameter) {
                        return slots().subList(0, parameter.name().equals("head.gain") ? 1 : 2);
                    }

                    @Override
                    public Kind kind(ParameterSpec parameter) {
                        return new Momentum();
                    }
                };
        assertEquals(
                "The optimizer keeps [momentum] of 'head.gain', which is no matrix that it steps whole; of such it keeps all of [momentum, other].",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> train(1, 2, DType.FP32, new RestingPlace.OnDevice(), lacking))
                        .getMessage());
    }

    @Test
    void aMatrixNeedsAPartitionThatKeepsItWhole() {
        IllegalArgumentException thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                RankThreads.run(
                                        new RankThreads.Setup(
                                                2,
                                                ZeroOptions.inMemory(1, DType.FP32, 7),
                                                new MixedKinds(),
                                                communicator -> communicator,
                                                new Momentum(),
                                                ds.core.HostDevice::new),
                                        (_, _) -> 0));
        assertEquals(
                "The optimizer steps 'block.weight' as a whole matrix, but the partition divides it; make the partition with ZeroRank.partition.",
                thrown.getMessage());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void replicasAreRefusedWhereStatesAreSharded(int stage) {
        IllegalArgumentException thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                train(
                                        stage,
                                        2,
                                        DType.FP32,
                                        new RestingPlace.OnDevice(),
                                        new LocalSteps()));
        assertEquals(
                "The optimizer keeps a replica per rank, which works at ZeRO stage 0 only; use stage 0 or another optimizer.",
                thrown.getMessage());
    }

    @Test
    void replicasGetReducedOrLocalGradientsAsTheyAsked() {
        RankThreads.Setup setup =
                RankThreads.Setup.of(2, ZeroOptions.inMemory(0, DType.FP32, 7), new LocalSteps());
        List<float[]> gains =
                RankThreads.run(
                        setup,
                        (rank, parts) -> {
                            rank.drawInitialValues();
                            float[] seen = new float[4];
                            Workspace workspace = new Workspace(parts.memory());
                            for (int step = 0; step < 2; step++) {
                                BackwardContext context =
                                        rank.backward(new MicroStep(0, 1, step), workspace);
                                float own = 1 + parts.communicator().rank();
                                context.gradient(SyntheticModel.GAIN)
                                        .accumulate(FlatBuffer.ofFloats(own));
                                SyntheticModel.LAYOUT.units().forEach(context::complete);
                                seen[2 + step] = (float) rank.boundary(new double[] {0}, 2).norm();
                                rank.step(
                                        new ZeroRank.StepInputs(
                                                step + 1,
                                                step + 1,
                                                step + 1,
                                                parts.optimizer().base(),
                                                0.5f));
                                var context2 = rank.forward(ds.model.Mode.EVAL, workspace);
                                try (var lease = context2.acquire(SyntheticModel.HEAD_UNIT)) {
                                    seen[step] = lease.parameter(SyntheticModel.GAIN).get(0);
                                }
                            }
                            return seen;
                        });
        // Reduced: the sum 3 on both ranks, half of it. Local: 1 and 2, whose mean is 1.5, all of
        // it. Norms: of that half, and the root of the mean square of 1 and 2.
        float first = 1 - 0.01f * 0.5f * 3;
        float[] expected = {first, first - 0.01f * 1.5f, 1.5f, (float) Math.sqrt(2.5)};
        assertArrayEquals(expected, gains.get(0));
        assertArrayEquals(expected, gains.get(1));
    }

    /** The recorded rounds of {@code testdata/golden/onebit.json}, at the padded lengths. */
    private record Recorded(String manifest, ByteBuffer values) {
        static Recorded open() throws IOException {
            Path golden = Path.of(System.getProperty("ds.fixtures", "../testdata"), "golden");
            return new Recorded(
                    Files.readString(golden.resolve("onebit.json")),
                    ByteBuffer.wrap(Files.readAllBytes(golden.resolve("onebit.bin")))
                            .order(ByteOrder.LITTLE_ENDIAN));
        }

        float[] tensor(String name) {
            Matcher found =
                    Pattern.compile("\"" + name + "\":\\{[^}]*\"offset\":(\\d+),\"nbytes\":(\\d+)")
                            .matcher(manifest);
            if (!found.find()) {
                throw new IllegalArgumentException("No tensor is named " + name);
            }
            float[] result = new float[Integer.parseInt(found.group(2)) / 4];
            values.slice(Integer.parseInt(found.group(1)), 4 * result.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(result);
            return result;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 64, 1031, 4000})
    void compressedSumsFollowTheRecordedRounds(int elements) throws IOException {
        Recorded recorded = Recorded.open();
        List<FutureTask<Integer>> tasks = new ArrayList<>();
        for (Communicator communicator : Communicators.local(2, Duration.ofSeconds(20))) {
            FutureTask<Integer> task =
                    new FutureTask<>(() -> rounds(communicator, recorded, elements));
            tasks.add(task);
            Thread.ofPlatform().name("ds-r" + communicator.rank()).start(task);
        }
        for (FutureTask<Integer> task : tasks) {
            try {
                assertEquals(0, task.get(), "elements off by more than 2e-6");
            } catch (InterruptedException | ExecutionException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static int rounds(Communicator communicator, Recorded recorded, int elements) {
        int wrong = 0;
        try (RankMemory memory = new RankMemory(HostMemories.portable());
                Workers workers = new Workers("test", 1);
                communicator) {
            Kernels kernels =
                    KernelsProviders.in(ModuleLayer.boot())
                            .require(KernelsProviders.HOST)
                            .create(workers);
            RankExchange exchange = new RankExchange(communicator, kernels, memory);
            int padded = recorded.tensor("car/%d/0/r0/worker_error".formatted(elements)).length;
            FlatBuffer x = memory.allocate(MemoryKind.STAGING, DType.FP32, padded);
            FlatBuffer worker = memory.allocate(MemoryKind.STAGING, DType.FP32, padded);
            FlatBuffer server = memory.allocate(MemoryKind.STAGING, DType.FP32, padded);
            for (int round = 0; round < 3; round++) {
                String at = "car/%d/%d/r%d/".formatted(elements, round, communicator.rank());
                x.zero();
                fill(x, recorded.tensor(at + "x"));
                exchange.compressedAllReduce(x, worker, server);
                wrong += differing(x, recorded.tensor(at + "y"));
                wrong += differing(worker, recorded.tensor(at + "worker_error"));
                wrong += differing(server, recorded.tensor(at + "server_error"));
            }
        }
        return wrong;
    }

    private static void fill(FlatBuffer to, float[] values) {
        for (int i = 0; i < values.length; i++) {
            to.set(i, values[i]);
        }
    }

    private static int differing(FlatBuffer actual, float[] expected) {
        int count = 0;
        for (int i = 0; i < expected.length; i++) {
            count += Math.abs(actual.get(i) - expected[i]) > 2e-6f ? 1 : 0;
        }
        return count;
    }
}
