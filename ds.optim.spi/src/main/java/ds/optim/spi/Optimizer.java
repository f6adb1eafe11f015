package ds.optim.spi;

import ds.core.FlatBuffer;
import java.util.List;

/** An update rule. It owns no memory and knows nothing of stages, ranks or resting places. */
public interface Optimizer {
    /** Returns the hyper-parameters before any schedule. */
    Hyper base();

    /**
     * Returns the hyper-parameters of one parameter before any schedule, where they are others. What
     * a step is given in {@link StepContext#hyper} has been made from these. A pure function.
     */
    default Hyper base(ParameterSpec parameter) {
        return base();
    }

    /** Returns all state arrays; at most 8. */
    List<StateSlot> slots();

    /**
     * Returns which of {@link #slots} one parameter has, in their order: what its shard then holds.
     * Fewer than all only where its kind is {@link Matrix}: others share their shards. A pure
     * function.
     */
    default List<StateSlot> slots(ParameterSpec parameter) {
        return slots();
    }

    /** Returns how {@code parameter} is stepped. A pure function. */
    Kind kind(ParameterSpec parameter);

    /** How much of a parameter one call must see. */
    sealed interface Kind permits Element, Norm, Matrix, Replica {}

    /** Steps any contiguous range: Adam, SGD, Lion. */
    non-sealed interface Element extends Kind {
        /** Updates every element of the shard in place. */
        void step(Shard shard, StepContext context);
    }

    /** Needs norms over whole parameters: LAMB. Two passes with one exact reduction between. */
    non-sealed interface Norm extends Kind {
        /** Returns how many squared sums per parameter {@link #measure} delivers. */
        int norms();

        /**
         * Updates slots and writes, per norm, the vector whose norm is wanted.
         *
         * @param measured {@link #norms} fp32 buffers as long as the shard
         */
        void measure(Shard shard, StepContext context, List<FlatBuffer> measured);

        /**
         * Updates the master.
         *
         * @param norms for every range of the shard, the 2-norms over its whole parameter
         */
        void apply(Shard shard, StepContext context, List<double[]> norms);
    }

    /** Needs whole matrices: Muon. One owner rank per matrix. */
    non-sealed interface Matrix extends Kind {
        /** Returns how many fp32 elements a step needs beside the shard; a pure function. */
        default long scratchElements(ParameterSpec parameter) {
            return 0;
        }

        /**
         * Updates one whole parameter; the shard holds exactly it.
         *
         * @param scratch at least {@link #scratchElements} fp32 elements of any content, lent for
         *     the call
         */
        void step(Shard wholeMatrix, StepContext context, FlatBuffer scratch);
    }

    /** Keeps a replica per rank and exchanges by itself: the 1-bit family; stage 0 only. */
    non-sealed interface Replica extends Kind {
        /** Whether the next step wants this rank's own gradients or the reduced ones. */
        enum Gradients {
            /** This rank's sum over its own micro-batches. */
            LOCAL,
            /** The sum over all ranks. */
            REDUCED
        }

        /** Returns which gradients the step after {@code appliedSteps} steps wants. */
        Gradients gradients(long appliedSteps);

        /**
         * Returns how many fp32 elements of its own a rank keeps from step to step beside the slots:
         * what a compressed exchange carries over. They are zero at first and in no checkpoint.
         *
         * @param parameters those that are stepped together, in order
         * @param ranks the group's size
         */
        default long keptElements(List<ParameterSpec> parameters, int ranks) {
            return 0;
        }

        /**
         * Updates this rank's replica of all parameters of this kind.
         *
         * @param replicas one shard for each parameter, whole, in layout order
         * @param kept {@link #keptElements} elements, as the last step left them
         */
        void step(List<Shard> replicas, StepContext context, Exchange exchange, FlatBuffer kept);
    }

    /** The only communication an optimizer may ask for. */
    interface Exchange {
        /** Returns the group's size. */
        int ranks();

        /** Replaces the buffer by its mean over ranks. */
        void allReduceMean(FlatBuffer buffer);

        /**
         * Replaces the buffer by the 1-bit compressed mean over ranks with error feedback.
         *
         * @param workerError fp32, this rank's carried error, as long as the buffer
         * @param serverError fp32, this rank's carried error of its own part
         */
        void compressedAllReduce(FlatBuffer buffer, FlatBuffer workerError, FlatBuffer serverError);
    }
}
