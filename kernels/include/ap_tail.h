/* ap_tail.h - go on for a few milliseconds when a mono signal stops without warning.
 *
 * Keeps the last frames heard. When the signal is cut off, a linear predictor fitted to them carries it on, so that a
 * fade-out has something to fade: going from the last value straight to zero is a click, holding the last value a kink.
 * Burg's method, which always gives a stable predictor and needs no window (Burg, "Maximum entropy spectral analysis",
 * SEG 1967). About 24,000 multiplications when it begins, 16 a frame after; no delay.
 */
#ifndef AP_TAIL_H
#define AP_TAIL_H
#include "ap_base.h"

enum { AP_TAIL_ORDER = 16, AP_TAIL_MEMORY = 256 };

typedef struct ap_tail {
    float memory[256];      /* AP_TAIL_MEMORY frames last heard, oldest first */
    double predictor[16];   /* AP_TAIL_ORDER; weight of the frame 1, 2, .. ago */
    double recent[16];      /* newest first, while carrying on */
    double bound;           /* twice the loudest frame in memory: nothing louder comes out */
    uint64_t begun;         /* 1 between the first ap_tail_process and the next ap_tail_hear */
} ap_tail;

AP_RT void ap_tail_reset(ap_tail *tail);
/* Remember what was heard. */
AP_RT void ap_tail_hear(ap_tail *tail, const float *frames, uint64_t count);
/* Carry on for `count` frames from where hearing stopped. */
AP_RT void ap_tail_process(ap_tail *tail, float *out, uint64_t count);

#endif
