/* ap_trellis.h - the search behind the segmenter: which note sounds, and how long it has, hop by hop (Viterbi).
 *
 * A place of the trellis is a note and its age in hops; at the last age notes stay, and only from there can they end, so
 * none is shorter than `ages`. The note after them is the rest, which may end at any age. Where `stroke_ages` is not 0, the
 * one after that is the stroke, sound without a pitch: it may end from that many hops on, and hardly begins without an onset.
 * Scores are natural logs. The memory holds no pointers: a copy of it is a state.
 */
#ifndef AP_TRELLIS_H
#define AP_TRELLIS_H
#include "ap_base.h"

enum { AP_TRELLIS_MAX = 256 }; /* of notes, ages and hops remembered */

typedef struct ap_trellis_config {
    uint32_t notes;       /* classes, rest and stroke among them; 2 .. AP_TRELLIS_MAX, from 3 with a stroke */
    uint32_t ages;        /* 2 .. AP_TRELLIS_MAX */
    uint32_t back;        /* hops that can be traced; 1 .. AP_TRELLIS_MAX */
    uint32_t stroke_ages; /* hops of the shortest stroke, 1 .. ages; 0: there are no strokes */
    double weight;        /* of log(probability + doubt) */
    double doubt;         /* a stroke is too short to be in doubt: it has none */
    double enter;         /* of beginning a note, beside log(onset) */
    double rest;          /* of beginning a rest */
    double repeat;        /* of beginning the same note again, beside `enter` */
    double stroke;        /* of beginning a stroke, also after another, beside log(onset) */
    double late;          /* how much of the last hop's onset counts in this one */
    double onset_floor;   /* least onset of another note */
    double repeat_floor;  /* least onset of the same note, and of a stroke */
    double trust;         /* staying costs log(1 - trust onset); below 1 */
} ap_trellis_config;

typedef struct ap_trellis ap_trellis;

/* Bytes for one; 0 if the config is out of range. */
uint64_t ap_trellis_sizeof(const ap_trellis_config *config);
/* Fill the memory, in a rest. AP_OK, AP_ERR_ALIGN, AP_ERR_VALUE or AP_ERR_SIZE. */
int ap_trellis_init(ap_trellis *trellis, uint64_t bytes, const ap_trellis_config *config);
/* One hop: post holds `notes` probabilities, onset is that of a note beginning here. A hop in which one of them is negative or
 * not finite, or onset is not within 0 .. 1, says nothing: every note is as likely as another and none begins. */
void ap_trellis_process(ap_trellis *trellis, const float *post, double onset);
/* The note of the best path, `back` hops before the newest: below the config's `back` + 1 and the hops so far. *entered:
 * whether it began there. */
uint32_t ap_trellis_trace(const ap_trellis *trellis, uint32_t back, int32_t *entered);
/* In a rest, and nothing before it. */
void ap_trellis_reset(ap_trellis *trellis);

#endif
