/* ap_quotes.h - which notes would complete a run of notes that some melody has.
 *
 * Melodies lie end to end as provenance/quotes.py has them: `codes` are the intervals that lead to each note, 1 .. 31, and 0
 * where a melody begins and behind the last; every note's word holds the codes that lead there, the newest in its highest five
 * bits, and words are sorted. Read only. Model process; no allocation, no State, a few microseconds.
 */
#ifndef AP_QUOTES_H
#define AP_QUOTES_H
#include "ap_base.h"

enum {
    AP_QUOTES_DEPTH = 12,   /* intervals by which notes are sorted */
    AP_QUOTES_WIDEST = 15,  /* semitones; a wider leap is taken for one of this width */
    AP_QUOTES_CODES = 32,
    AP_QUOTES_FAMILIES = 8,
    AP_QUOTES_LINE = 65,    /* notes that are looked back on */
    AP_QUOTES_SAMPLE = 256,
    AP_QUOTES_MOST = 4096
};

typedef struct ap_quotes {
    const int64_t *words;    /* notes, sorted */
    const int64_t *sampled;  /* every AP_QUOTES_SAMPLE-th of these from the first on: a search begins in few pages */
    const int32_t *ends;     /* notes: which note each word is of */
    const uint8_t *nexts;    /* notes: the code that follows there, beside the word for the cache's sake */
    const uint8_t *codes;    /* notes + 1 */
    const int8_t *waits;     /* notes: to the next onset, in parts of a doubling */
    const uint16_t *of;      /* notes: number of the work */
    const int32_t *families; /* works */
    const uint8_t *own;      /* works: not 0 where it may be quoted */
    uint64_t learned;        /* notes before those of registered works, which are guarded however many others have the run */
    uint64_t notes;
} ap_quotes;

typedef struct ap_quotes_rules {
    uint32_t in_rhythm;   /* intervals before the next note's own that make a quotation, the rhythm being alike; 0: none do */
    uint32_t in_any;      /* and whatever the rhythm */
    uint32_t common;      /* families that a run may be found in and still be one melody's; below AP_QUOTES_FAMILIES */
    uint32_t commonplace; /* places of what came before at which all are looked at; of more, those of a longer run, and of
                           more than AP_QUOTES_MOST that agree in all that is sorted, none */
    float loose;          /* parts of a doubling by which two ratios of waits may differ, beside the slack of both */
    const float *waits;   /* bins: what a line's waits are, in parts of a doubling, */
    const float *slack;   /* and by how much each is uncertain */
    uint32_t bins;        /* a wait of any other bin is not known, and fits any */
} ap_quotes_rules;

typedef struct ap_quotes_found {
    uint32_t length;                 /* notes in a row that the line ends in and a melody has; 0: no two */
    int32_t nearest;                 /* work that has them, -1: none */
    uint32_t closed;                 /* how many ways to go on would complete a quotation, and of each: */
    int32_t interval[AP_QUOTES_CODES]; /* how far the next note is from the last, in semitones; 15: or further */
    int32_t work[AP_QUOTES_CODES];   /* the work */
    int32_t notes[AP_QUOTES_CODES];  /* notes in a row that it would be */
} ap_quotes_found;

/* A line of n notes, 1 .. AP_QUOTES_LINE, oldest first: pitches in semitones above any, the bins of the waits after them, and
 * who plays each. The wait from one player to another fits any; that after the last note is not read. */
void ap_quotes_find(const ap_quotes *quotes, const ap_quotes_rules *rules, const uint8_t *pitches, const uint8_t *bins,
                    const uint8_t *who, uint32_t n, ap_quotes_found *found);

#endif
