/* ap_resample_state.h - what ap_resample.c (running) and ap_resample_design.c (setting up, with libm) share.
 *
 * They are two files so that the object the callback may reach needs no libm and no processor detection.
 */
#ifndef AP_RESAMPLE_STATE_H
#define AP_RESAMPLE_STATE_H
#include "ap_internal.h"
#include "ap_resample.h"

enum {
    RESAMPLE_CHUNK = 1024, /* input frames worked on at once */
    RESAMPLE_LANES = 16    /* taps are a multiple of this, the widest vector */
};
/* How wide a processor `level` may assume. */
enum { LEVEL_PLAIN, LEVEL_AVX2, LEVEL_AVX512 };

struct ap_resample {
    ap_resample_config config;
    uint64_t up, down;     /* reduced rates: out / in = up / down */
    uint64_t delay;        /* output frames */
    uint64_t lag_whole;    /* delay in input frames: lag_whole + lag_part / up */
    uint64_t lag_part;
    uint32_t taps;
    uint32_t rows;         /* table rows a unit of time; up of them, or RESAMPLE_FINE with interpolation */
    uint32_t interpolate;  /* 1: straight lines between rows (the table has rows + 1) */
    uint32_t level;        /* LEVEL_* */
    uint64_t kept;         /* input frames kept from before the chunk */
    uint64_t step;         /* input frames an output frame: step + step_part / up */
    uint64_t step_part;
    uint64_t table_at;     /* bytes from the start of the state */
    uint64_t buffer_at;
    /* running; frames are counted from the first of the chunk */
    uint64_t due;          /* the input frame whose arrival releases the next output frame is due + due_part / up, rounded down */
    uint64_t due_part;
    uint64_t window;       /* where in the buffer the next output frame's window begins */
    uint64_t part;         /* and how far after its middle tap the output frame lies: part / up */
};

#endif
