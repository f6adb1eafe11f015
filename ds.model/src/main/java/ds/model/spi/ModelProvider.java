package ds.model.spi;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.core.spi.NamedProvider;
import ds.model.TrainableModel;
import java.util.List;

/** Makes models by name: {@code --model gpt:layers=4,width=128}. */
public interface ModelProvider extends NamedProvider {
    /**
     * What the data looks like, so that a model can fit its ends to it.
     *
     * @param inputElements elements of one input sample (the context length for tokens)
     * @param outputElements elements of one target sample; classes for labels; vocabulary for tokens
     * @param tokens whether inputs are token ids
     * @param labels whether targets are class labels (or token ids)
     */
    record DataShape(int inputElements, int outputElements, boolean tokens, boolean labels) {}

    /** Returns the settings this model understands, with their defaults. */
    List<KeyDeclaration> settings();

    /** Creates the model. */
    TrainableModel create(Settings settings, DataShape data);
}
