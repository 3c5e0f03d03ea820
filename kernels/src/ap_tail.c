/* ap_tail.c - see ap_tail.h. */
#include "ap_tail.h"

#include <math.h>

#include "ap_internal.h"

static_assert(sizeof(((ap_tail *)0)->memory) == AP_TAIL_MEMORY * sizeof(float), "tail memory");
static_assert(sizeof(((ap_tail *)0)->predictor) == AP_TAIL_ORDER * sizeof(double), "tail predictor");

void ap_tail_reset(ap_tail *tail) { memset(tail, 0, sizeof *tail); }

void ap_tail_hear(ap_tail *tail, const float *frames, uint64_t count) {
    const uint64_t new = ap_min(count, AP_TAIL_MEMORY), kept = AP_TAIL_MEMORY - new;
    memmove(tail->memory, tail->memory + new, kept * sizeof(float));
    memcpy(tail->memory + kept, frames + (count - new), new * sizeof(float));
    tail->begun = 0;
}

/* Burg's recursion: no window, so it follows a tone it has heard little more than a period of; always stable. */
static void fit(ap_tail *tail) {
    double ahead[AP_TAIL_MEMORY], behind[AP_TAIL_MEMORY], a[AP_TAIL_ORDER + 1] = {1.0};
    tail->bound = 0.0;
    for (int n = 0; n < AP_TAIL_MEMORY; n++) {
        ahead[n] = behind[n] = tail->memory[n];
        tail->bound = ap_larger(tail->bound, fabs(ahead[n]));
    }
    for (int k = 0; k < AP_TAIL_ORDER; k++) {
        double cross = 0.0, power = 0.0;
        for (int n = 0; n < AP_TAIL_MEMORY - 1 - k; n++) {
            cross += ahead[n + k + 1] * behind[n];
            power += ahead[n + k + 1] * ahead[n + k + 1] + behind[n] * behind[n];
        }
        if (power < 1e-18) break; /* silence, or already foretold exactly */
        const double mu = -2.0 * cross / power;
        for (int i = 0; i <= (k + 1) / 2; i++) {
            const double low = a[i] + mu * a[k + 1 - i], high = a[k + 1 - i] + mu * a[i];
            a[i] = low;
            a[k + 1 - i] = high;
        }
        for (int n = 0; n < AP_TAIL_MEMORY - 1 - k; n++) {
            const double f = ahead[n + k + 1] + mu * behind[n], b = behind[n] + mu * ahead[n + k + 1];
            ahead[n + k + 1] = f;
            behind[n] = b;
        }
    }
    tail->bound *= 2.0; /* room for partials that were about to meet; clipping at once would be a corner */
    for (int i = 0; i < AP_TAIL_ORDER; i++) {
        tail->predictor[i] = -a[i + 1];
        tail->recent[i] = tail->memory[AP_TAIL_MEMORY - 1 - i];
    }
}

void ap_tail_process(ap_tail *tail, float *out, uint64_t count) {
    if (!tail->begun) {
        fit(tail);
        tail->begun = 1;
    }
    for (uint64_t i = 0; i < count; i++) {
        double next = 0.0;
        for (int k = 0; k < AP_TAIL_ORDER; k++) next += tail->predictor[k] * tail->recent[k];
        memmove(tail->recent + 1, tail->recent, (AP_TAIL_ORDER - 1) * sizeof(double));
        tail->recent[0] = next;
        /* Bounded on the way out, not in the recursion: there a clipped frame comes back through a predictor of high gain as
         * noise (measured on a 441 Hz sine: steps 30 times its own). */
        out[i] = (float)ap_smaller(ap_larger(next, -tail->bound), tail->bound);
    }
}
