/* ap_smooth.c - see ap_smooth.h. */
#include "ap_smooth.h"

#include <math.h>

#include "ap_internal.h"

#define NEAR 1e-6

void ap_smooth_init(ap_smooth *smooth, double value) {
    memset(smooth, 0, sizeof *smooth);
    ap_smooth_reset(smooth, value);
}

void ap_smooth_reset(ap_smooth *smooth, double value) {
    smooth->value = smooth->target = smooth->from = value;
    smooth->pole = 0.0;
    smooth->length = smooth->done = 0;
}

void ap_smooth_ramp(ap_smooth *smooth, double target, uint64_t ramp_frames) {
    if (!ramp_frames) {
        ap_smooth_reset(smooth, target);
        return;
    }
    smooth->from = smooth->value;
    smooth->target = target;
    smooth->pole = 0.0;
    smooth->length = ramp_frames;
    smooth->done = 0;
}

void ap_smooth_approach(ap_smooth *smooth, double target, double time_frames) {
    const double pole = time_frames > 0.0 ? exp(-1.0 / time_frames) : 0.0;
    if (!(pole > 0.0)) {
        ap_smooth_reset(smooth, target);
        return;
    }
    smooth->target = target;
    smooth->pole = pole;
    smooth->length = smooth->done = 0;
}

int ap_smooth_moving(const ap_smooth *smooth) { return smooth->pole > 0.0 || smooth->done < smooth->length; }

void ap_smooth_process(ap_smooth *smooth, float *out, uint64_t frames) {
    uint64_t i = 0;
    if (smooth->pole > 0.0) {
        for (; i < frames && smooth->pole > 0.0; i++) {
            smooth->value = smooth->target + (smooth->value - smooth->target) * smooth->pole;
            if (fabs(smooth->value - smooth->target) < NEAR) ap_smooth_reset(smooth, smooth->target);
            out[i] = (float)smooth->value;
        }
    } else if (smooth->done < smooth->length) {
        /* From where it began, not from frame to frame: no error piles up, and cutting into blocks changes nothing. */
        const uint64_t steps = ap_min(frames, smooth->length - smooth->done);
        const double from = smooth->from, way = smooth->target - smooth->from, length = (double)smooth->length;
        for (; i < steps; i++) out[i] = (float)(from + way * ((double)(smooth->done + i + 1) / length));
        smooth->done += steps;
        smooth->value = from + way * ((double)smooth->done / length);
        if (smooth->done == smooth->length) {
            ap_smooth_reset(smooth, smooth->target);
            out[i - 1] = (float)smooth->value;
        }
    }
    const float value = (float)smooth->value;
    for (; i < frames; i++) out[i] = value;
}
