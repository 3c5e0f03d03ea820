/* ap_timed.c - see ap_timed.h. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime: C11's own clock can be set back */
#include "ap_timed.h"

#include <time.h>

#include "ap_internal.h"

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int ap_timed(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times, unsigned long flags,
             void *user_data) {
    ap_timing *timing = user_data;
    const int64_t begun = now_ns();
    const int result = timing->inner(input, output, frames, times, flags, timing->user_data);
    const int64_t took = now_ns() - begun;
    const int64_t spacing = timing->begun_ns ? begun - timing->begun_ns : 0;
    const float record[AP_TIMED_WORDS] = {(float)((double)spacing * 1e-3), (float)((double)took * 1e-3)};
    timing->begun_ns = begun;
    ap_ring_write(timing->log, record, 1);
    return result;
}
