package ds.model.nn;

import java.util.ArrayList;
import java.util.List;

/** The tapes of one rank, kept from step to step: a forward pass takes one that nobody holds. */
final class Tapes {
    private final List<Tape> tapes = new ArrayList<>();

    Tape free(Network network) {
        for (Tape tape : tapes) {
            if (tape.network() == network && !tape.inUse()) {
                return tape;
            }
        }
        Tape made = new Tape(network);
        tapes.add(made);
        return made;
    }
}
