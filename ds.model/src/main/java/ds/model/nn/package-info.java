/**
 * Write a model by its forward pass only: parts that own parameters, and a tape over the kernels that
 * works out the backward pass.
 */
@NullMarked
package ds.model.nn;

import org.jspecify.annotations.NullMarked;
