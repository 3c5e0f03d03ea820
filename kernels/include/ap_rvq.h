/* ap_rvq.h - residual vector quantiser: a latent to codes, each level naming what the ones before it left over, and back.
 *
 * `books` holds level after level; a level is 1 + 32 rows of 256: minus the squared length of every entry, then twice each
 * coordinate of all entries, so that one pass over it finds the nearest. Model process.
 */
#ifndef AP_RVQ_H
#define AP_RVQ_H
#include "ap_base.h"

enum { AP_RVQ_LATENT = 32, AP_RVQ_CODES = 256, AP_RVQ_LEVEL = (1 + AP_RVQ_LATENT) * AP_RVQ_CODES };

/* The nearest entry of each level, the lowest where two are as near. codes: `levels`; total: the entries' sum, 32 values. */
void ap_rvq_encode(const float *books, uint64_t levels, const float *latent, int64_t *codes, float *total);
/* The sum of the entries. A code outside 0..255 counts as the nearer end. */
void ap_rvq_decode(const float *books, uint64_t levels, const int64_t *codes, float *total);

#endif
