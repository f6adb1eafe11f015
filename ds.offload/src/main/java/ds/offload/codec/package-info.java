/** The codecs of optimizer state that are always there. */
@NullMarked
package ds.offload.codec;

import org.jspecify.annotations.NullMarked;
