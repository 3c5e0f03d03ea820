/* ap_rvq.c - see ap_rvq.h. */
#include "ap_rvq.h"

#include "ap_internal.h"

enum { LATENT = AP_RVQ_LATENT, CODES = AP_RVQ_CODES };

/* All entries at once, coordinate by coordinate: no sum runs across a vector. */
EACH_WIDTH static void nearness(const float *book, const float *rest, float *score) {
    memcpy(score, book, CODES * sizeof *score);
    for (int d = 0; d < LATENT; d++) {
        const float *row = book + (d + 1) * CODES, value = rest[d];
        for (int i = 0; i < CODES; i++) score[i] += row[i] * value;
    }
}

void ap_rvq_encode(const float *books, uint64_t levels, const float *latent, int64_t *codes, float *total) {
    float rest[LATENT], score[CODES];
    memcpy(rest, latent, sizeof rest);
    memset(total, 0, sizeof rest);
    for (uint64_t level = 0; level < levels; level++, books += AP_RVQ_LEVEL) {
        nearness(books, rest, score);
        int best = 0;
        for (int i = 1; i < CODES; i++)
            if (score[i] > score[best]) best = i;
        codes[level] = best;
        for (int d = 0; d < LATENT; d++) {
            const float part = 0.5f * books[(d + 1) * CODES + best];
            rest[d] -= part;
            total[d] += part;
        }
    }
}

void ap_rvq_decode(const float *books, uint64_t levels, const int64_t *codes, float *total) {
    memset(total, 0, LATENT * sizeof *total);
    for (uint64_t level = 0; level < levels; level++, books += AP_RVQ_LEVEL) {
        const int64_t code = codes[level] < 0 ? 0 : codes[level] < CODES ? codes[level] : CODES - 1;
        for (int d = 0; d < LATENT; d++) total[d] += 0.5f * books[(d + 1) * CODES + code];
    }
}
