/* What the machine can do, said in C: rivals of the Java ceilings, not a part of the runtime. */
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#define CHAINS 10

typedef float vec __attribute__((vector_size(VECTOR_BYTES)));

/* Floating-point operations of one round of ds_multiply_add. */
int64_t ds_operations_per_round(void) {
    return 2 * CHAINS * (VECTOR_BYTES / sizeof(float));
}

/* Chains of multiply-adds in registers. */
float ds_multiply_add(int64_t rounds) {
    vec factor, term, a, b, c, d, e, f, g, h, i, j;
    factor = (vec){0} + 0.999f;
    term = (vec){0} + 0.001f;
    a = (vec){0} + 1;
    b = a + 1; c = b + 1; d = c + 1; e = d + 1; f = e + 1; g = f + 1; h = g + 1; i = h + 1; j = i + 1;
    for (int64_t round = 0; round < rounds; round++) {
        a = a * factor + term;
        b = b * factor + term;
        c = c * factor + term;
        d = d * factor + term;
        e = e * factor + term;
        f = f * factor + term;
        g = g * factor + term;
        h = h * factor + term;
        i = i * factor + term;
        j = j * factor + term;
    }
    vec sum = (a + b) + (c + d) + (e + f) + (g + h) + (i + j);
    return sum[0];
}

void ds_copy(const void *restrict from, void *restrict to, int64_t bytes) {
    memcpy(to, from, (size_t) bytes);
}

/* Reads four streams and writes three back: the traffic of an Adam step. */
void ds_streams(float *restrict p, const float *restrict g, float *restrict m, float *restrict v,
        int64_t elements) {
    for (int64_t i = 0; i < elements; i++) {
        float d = g[i];
        m[i] = m[i] * 0.5f + d;
        v[i] = v[i] * 0.5f + d;
        p[i] = p[i] * 0.5f + d;
    }
}

/* The same, and the upper halves of the new weights as a fifth stream. */
void ds_streams_halves(float *restrict p, const float *restrict g, float *restrict m,
        float *restrict v, uint16_t *restrict halves, int64_t elements) {
    for (int64_t i = 0; i < elements; i++) {
        float d = g[i];
        m[i] = m[i] * 0.5f + d;
        v[i] = v[i] * 0.5f + d;
        float w = p[i] * 0.5f + d;
        uint32_t bits;
        memcpy(&bits, &w, sizeof bits);
        p[i] = w;
        halves[i] = (uint16_t) (bits >> 16);
    }
}
