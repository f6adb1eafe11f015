package ds.cli;

import ds.config.CheckOptions;
import ds.config.ConfigCheck;
import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.core.Diagnostic;
import ds.core.MemoryKind;
import ds.engine.LossScaler;
import ds.engine.StepReport;
import ds.engine.plan.TrainingPlan;
import ds.offload.RestingPlace;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/** What a trial shows of the keys it was set with. */
final class Observed {
    private Observed() {}

    static Object parameters(Trial trial) {
        return trial.train(1, 2, (engine, _) -> engine.parameterHash());
    }

    static Object parametersOfTwoRanks(Trial trial) {
        return trial.train(2, 2, (engine, _) -> engine.parameterHash());
    }

    /** Two ranks, long enough for compressed exchanges. */
    static Object steps(Trial trial) {
        return trial.train(2, 6, (engine, _) -> engine.parameterHash());
    }

    static Object samples(Trial trial) {
        return trial.train(1, 1, (_, reports) -> reports.getFirst().samples());
    }

    static Object rates(Trial trial) {
        return trial.train(1, 8, (_, reports) -> reports.stream().map(StepReport::lr).toList());
    }

    /** The plan's own schedule, which the engine asks before every step. */
    static Object momenta(Trial trial) {
        return trial.plan(
                plan ->
                        IntStream.range(0, 8)
                                .mapToObj(t -> plan.schedule().at(t, plan.optimizer().base()))
                                .toList());
    }

    static Object scales(Trial trial) {
        return trial.train(
                1,
                4,
                (_, reports) ->
                        reports.stream()
                                .map(r -> r.lossScale() + (r.skipped() ? " skipped" : ""))
                                .toList());
    }

    /** The plan's own scaler, which the engine takes: an overflow, a good step, an overflow. */
    static Object scaleAfterTwoOverflows(Trial trial) {
        return trial.plan(
                plan -> {
                    LossScaler scaler = plan.scaler();
                    for (boolean overflow : new boolean[] {true, false, true}) {
                        scaler.update(overflow);
                    }
                    return scaler.scale();
                });
    }

    /** The three batch numbers that {@code ranks} ranks train with, or why they cannot. */
    static Function<Trial, Object> sizes(int ranks) {
        return trial -> {
            ConfigCheck check =
                    DsConfig.check(trial.config(), CheckOptions.none().worldSize(ranks));
            return check.isOk()
                    ? trial.plan(ranks, TrainingPlan::batch)
                    : check.diagnostics().stream().map(Diagnostic::message).toList();
        };
    }

    static Function<Trial, Object> bytes(int ranks, MemoryKind kind) {
        return trial -> trial.train(ranks, 1, (engine, _) -> engine.usage(0).bytes().get(kind));
    }

    static Object everyByte(Trial trial) {
        return trial.train(2, 1, (engine, _) -> Map.copyOf(engine.usage(0).bytes()));
    }

    static Object bytesAtRest(Trial trial) {
        return trial.train(1, 1, (engine, _) -> engine.usage(0).storedBytes());
    }

    /** What is to be locked; where this machine does not allow it, the run says so. */
    static Object lockedBytes(Trial trial) {
        return trial.plan(TrainingPlan::lockedBytes);
    }

    static Object places(Trial trial) {
        return trial.plan(
                plan ->
                        List.of(
                                plan.zero().optimizer() instanceof RestingPlace.InHost,
                                plan.zero().parameters().place() instanceof RestingPlace.InHost));
    }

    /** What files are opened with; what a backend does with it is in its contract's tests. */
    static Object requests(Trial trial) {
        return trial.plan(
                plan ->
                        List.of(
                                plan.storage().orElseThrow().provider().name(),
                                plan.pipeline().aio()));
    }

    /** What keeps the journal; a name that nobody has is refused. */
    static Object journal(Trial trial) {
        try {
            return trial.plan(plan -> plan.journal().orElseThrow().provider().name());
        } catch (ConfigException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** What computes; where OpenBLAS is not installed, naming it is refused. */
    static Object kernels(Trial trial) {
        try {
            return trial.plan(plan -> List.of(plan.kernels().name(), plan.irreproducible()));
        } catch (ConfigException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
