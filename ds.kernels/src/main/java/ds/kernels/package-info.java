/** The math: the kernel contract, its host implementation and the worker pool. */
@NullMarked
package ds.kernels;

import org.jspecify.annotations.NullMarked;
