/** The host implementation of the kernels, on the Vector API with a scalar twin of the same bits. */
@NullMarked
package ds.kernels.host;

import org.jspecify.annotations.NullMarked;
