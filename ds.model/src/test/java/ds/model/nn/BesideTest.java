package ds.model.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.model.Batch;
import ds.model.Init;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import ds.model.builtin.Gpt;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A layout says which units are on loan at once: those around a unit, and those it borrows from. */
class BesideTest {
    /** A part with a weight, another's weight, and a unit inside, each if it is there. */
    private static final class Piece extends Part {
        private final Parameter weight = parameter("w", Init.ONE, 4);

        Piece(String name, List<Parameter> borrowed, List<Piece> units) {
            super(name);
            borrowed.forEach(this::borrow);
            units.forEach(this::addUnit);
        }
    }

    private static final class Nest extends Network {
        Nest(boolean ownParameter, Part... parts) {
            if (ownParameter) {
                parameter("own", Init.ONE, 2);
            }
            for (Part part : parts) {
                add(part);
            }
        }

        @Override
        protected Tensor forward(Tape t, Batch batch) {
            throw new AssertionError("only its layout is asked for");
        }
    }

    private static List<String> beside(ModelLayout layout) {
        return layout.units().stream().map(unit -> unit.name() + unit.beside()).toList();
    }

    @Test
    void unitsAroundAndLendersAreBeside() {
        Piece inner = new Piece("inner", List.of(), List.of());
        Piece outer = new Piece("outer", List.of(), List.of(inner));
        Piece last = new Piece("last", List.of(inner.weight, outer.weight), List.of());
        assertEquals(
                List.of("outer[]", "inner[outer]", "last[outer, inner]"),
                beside(new Nest(false, outer, last).layout()));
    }

    @Test
    void theNetworksOwnUnitIsBesideAll() {
        Piece piece = new Piece("piece", List.of(), List.of());
        Nest nest = new Nest(true, piece);
        String own = nest.layout().units().getFirst().name();
        assertEquals(List.of(own + "[]", "piece[" + own + "]"), beside(nest.layout()));
    }

    @Test
    void theHeadOfAGptBorrowsTheTable() {
        assertEquals(
                List.of("embed[]", "blocks.0[]", "final[embed]"),
                beside(Gpt.of(g -> g.layers(1).width(8).heads(1)).layout()));
        assertEquals(
                List.of("embed[]", "blocks.0[]", "final[]"),
                beside(Gpt.of(g -> g.layers(1).width(8).heads(1).tied(false)).layout()));
    }

    @Test
    void aUnitThatIsNotThereIsRefused() {
        var failure =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> new ModelLayout(List.of(new Unit("a", List.of(), List.of("b")))));
        assertEquals(
                "Unit 'a' is on loan beside [b], which are not all units of the model.",
                failure.getMessage());
    }
}
