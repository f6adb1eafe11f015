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
#define WIDTH ((int) (VECTOR_BYTES / sizeof(float)))
#define DEPTH 256
#define ROWS 4

typedef float vec __attribute__((vector_size(VECTOR_BYTES)));
typedef float vec_at __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

/* Floating-point operations of one round of ds_products. */
int64_t ds_operations_per_round(void) {
    return 2 * ROWS * 2 * WIDTH * DEPTH;
}

/* Multiplies 4 rows by two vectors, depth 256, both packed and in the nearest cache. */
static void product(const float *restrict a, const float *restrict b, float *restrict c) {
    vec c00 = {0}, c01 = {0}, c10 = {0}, c11 = {0}, c20 = {0}, c21 = {0}, c30 = {0}, c31 = {0};
    for (int k = 0; k < DEPTH; k++, a += ROWS, b += 2 * WIDTH) {
        vec b0 = *(const vec_at *) b;
        vec b1 = *(const vec_at *) (b + WIDTH);
        c00 = a[0] * b0 + c00;
        c01 = a[0] * b1 + c01;
        c10 = a[1] * b0 + c10;
        c11 = a[1] * b1 + c11;
        c20 = a[2] * b0 + c20;
        c21 = a[2] * b1 + c21;
        c30 = a[3] * b0 + c30;
        c31 = a[3] * b1 + c31;
    }
    vec sums[] = {c00, c01, c10, c11, c20, c21, c30, c31};
    memcpy(c, sums, sizeof sums);
}

float ds_products(int64_t rounds) {
    static _Thread_local float a[DEPTH * ROWS], b[DEPTH * 2 * WIDTH], c[ROWS * 2 * WIDTH];
    for (int i = 0; i < DEPTH * ROWS; i++) a[i] = 0.5f;
    for (int i = 0; i < DEPTH * 2 * WIDTH; i++) b[i] = 0.25f;
    for (int64_t round = 0; round < rounds; round++) {
        product(a, b, c);
        __asm__ volatile("" ::: "memory"); /* every round is done */
    }
    return c[0];
}

void ds_copy(const void *restrict from, void *restrict to, int64_t bytes) {
    memcpy(to, from, (size_t) bytes);
}

/* What a step of n states moves: reads weights, gradient and states, writes weights and states, and
 * with ds_halves_n the upper halves of the new weights. States that are not there are NULL. */
#define MOVE(state) state[i] = state[i] * 0.5f + d
#define NOTHING
#define STREAMS(n, states)                                                                        \
    void ds_streams_##n(float *restrict p, const float *restrict g, float *restrict m,            \
            float *restrict v, float *restrict w, int64_t elements) {                             \
        (void) m, (void) v, (void) w;                                                             \
        for (int64_t i = 0; i < elements; i++) {                                                  \
            float d = g[i];                                                                       \
            states;                                                                               \
            p[i] = p[i] * 0.5f + d;                                                               \
        }                                                                                         \
    }                                                                                             \
    void ds_halves_##n(float *restrict p, const float *restrict g, float *restrict m,             \
            float *restrict v, float *restrict w, uint16_t *restrict halves, int64_t elements) {  \
        (void) m, (void) v, (void) w;                                                             \
        for (int64_t i = 0; i < elements; i++) {                                                  \
            float d = g[i];                                                                       \
            states;                                                                               \
            float next = p[i] * 0.5f + d;                                                         \
            uint32_t bits;                                                                        \
            memcpy(&bits, &next, sizeof bits);                                                    \
            p[i] = next;                                                                          \
            halves[i] = (uint16_t) (bits >> 16);                                                  \
        }                                                                                         \
    }

STREAMS(0, NOTHING)
STREAMS(1, MOVE(m))
STREAMS(2, MOVE(m); MOVE(v))
STREAMS(3, MOVE(m); MOVE(v); MOVE(w))
