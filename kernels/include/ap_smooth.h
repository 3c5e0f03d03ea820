/* ap_smooth.h - a parameter on its way to a target: a straight ramp of known length, or a one-pole approach.
 *
 * The struct is public and small; a caller keeps as many as it has parameters. Values do not depend on how the frames
 * are cut into blocks.
 */
#ifndef AP_SMOOTH_H
#define AP_SMOOTH_H
#include "ap_base.h"

typedef struct ap_smooth {
    double value;      /* value of the frame last produced */
    double target;
    double from;       /* where the present ramp began */
    double pole;       /* one-pole: share of the distance left after a frame; 0 while on a straight ramp */
    uint64_t length;   /* straight ramp: frames in all */
    uint64_t done;     /* straight ramp: frames produced */
} ap_smooth;

/* Stand still at `value`. */
AP_RT void ap_smooth_init(ap_smooth *smooth, double value);
/* Be at `value` from the next frame on: no ramp. */
AP_RT void ap_smooth_reset(ap_smooth *smooth, double value);
/* Go straight from the present value, arriving exactly at `target` on the ramp_frames-th frame from now. */
AP_RT void ap_smooth_ramp(ap_smooth *smooth, double target, uint64_t ramp_frames);
/* Approach `target` exponentially; time_frames to cover 1 - 1/e of the way. Arrives when nearer than 1e-6. */
void ap_smooth_approach(ap_smooth *smooth, double target, double time_frames);
/* Write the next `frames` values. */
AP_RT void ap_smooth_process(ap_smooth *smooth, float *out, uint64_t frames);
/* Is it still moving? */
AP_RT int ap_smooth_moving(const ap_smooth *smooth);

#endif
