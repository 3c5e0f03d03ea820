/* ap_filter.c - see ap_filter.h. */
#include "ap_filter.h"

#include <math.h>

#include "ap_internal.h"

#define HZ_SANE 1e6
#define ANGLE_MAX 1.41371669f /* 0.45 pi */

enum { CHUNK = 64 }; /* frames whose coefficients are made at once, in a loop that vectors can take */

int ap_filter_takes(uint32_t kind, double hz) {
    if (kind == AP_FILTER_LOWPASS) return hz >= AP_FILTER_HZ_MIN && hz <= HZ_SANE;
    return kind == AP_FILTER_HIGHPASS && hz >= 0.0 && hz <= AP_FILTER_HZ_MAX;
}

int ap_filter_takes_resonance(double resonance) { return resonance >= 0.0 && resonance <= 1.0; }

/* Within the octaves it can be at; log2 from the library, because it is once a command. */
static double octave_of(double hz) { return log2(ap_smaller(ap_larger(hz, AP_FILTER_HZ_MIN), AP_FILTER_HZ_MAX)); }

int ap_filter_init(ap_filter *filter, uint32_t kind, double rate, double hz, double resonance, uint32_t fade_frames) {
    if (!ap_filter_takes(kind, hz) || !ap_filter_takes_resonance(resonance) || !fade_frames) return AP_ERR_VALUE;
    if (!(rate >= AP_RATE_MIN && rate <= AP_RATE_MAX)) return AP_ERR_VALUE;
    memset(filter, 0, sizeof *filter);
    filter->kind = kind;
    filter->off = octave_of(kind == AP_FILTER_LOWPASS ? AP_FILTER_HZ_MAX : AP_FILTER_HZ_MIN);
    filter->angle = (float)(3.14159265358979323846 / rate);
    filter->fade_frames = fade_frames;
    ap_smooth_init(&filter->octave, octave_of(hz));
    ap_smooth_init(&filter->resonance, resonance);
    ap_filter_reset(filter);
    return AP_OK;
}

void ap_filter_reset(ap_filter *filter) {
    ap_smooth_reset(&filter->octave, filter->octave.target);
    ap_smooth_reset(&filter->resonance, filter->resonance.target);
    filter->s1 = filter->s2 = 0.0;
    filter->faded = filter->octave.target == filter->off ? 0 : filter->fade_frames;
}

void ap_filter_cutoff(ap_filter *filter, double hz, uint64_t ramp_frames) {
    const double octave = octave_of(hz);
    /* From off to off is no movement, and must not fade in a filter that would have nothing to do. */
    const bool stays_off = octave == filter->off && filter->octave.value == filter->off;
    ap_smooth_ramp(&filter->octave, octave, stays_off ? 0 : ramp_frames);
}

void ap_filter_resonate(ap_filter *filter, double resonance, uint64_t ramp_frames) {
    ap_smooth_ramp(&filter->resonance, resonance, ramp_frames);
}

/* 2^x for x of -16 or more, within 3e-6: 0.005 cent. */
static inline float exp2_near(float x) {
    const int32_t whole = (int32_t)(x + 16.0f) - 16;
    const float part = x - (float)whole;
    const union { int32_t word; float value; } scale = {(whole + 127) * (1 << 23)};
    const float upper = 0.241442757f + part * (0.0520114612f + part * 0.0135341676f);
    return scale.value * (1.00000259f + part * (0.693003835f + part * upper));
}

/* tan as its continued fraction, five deep: 0.005 cent out at ANGLE_MAX, less below. */
static inline float tan_near(float x) {
    const float z = x * x;
    return x * (945.0f + z * (z - 105.0f)) / (945.0f + z * (15.0f * z - 420.0f));
}

/* The two-pole itself, from x to y. g and k move with the frames where step is 1 and stand where it is 0: one loop for both, so
 * that a frame's bits cannot depend on which of two loops the compiler rounded for. What takes time is the way from state to
 * state: so the new states are written out in the old ones and x, one multiplication and two additions deep (128 frames in
 * 0.5 us; by way of `band` it was 0.8), and the division lies beside that way. */
static void run(ap_filter *filter, const float *x, float *y, uint64_t frames, const float *g, const float *k, uint64_t step) {
    const double low = filter->kind == AP_FILTER_LOWPASS, high = 1.0 - low;
    double s1 = filter->s1, s2 = filter->s2;
    for (uint64_t i = 0; i < frames; i++) {
        const double gi = g[i * step], ki = k[i * step], in = x[i];
        const double solved = 1.0 / (1.0 + gi * (gi + ki)), once = gi * solved, twice = gi * once;
        const double band = solved * s1 - once * s2 + once * in;
        const double lowpass = s2 + gi * band;
        y[i] = (float)(low * lowpass + high * (in - ki * band - lowpass));
        const double next1 = (2.0 * solved - 1.0) * s1 - 2.0 * once * s2 + 2.0 * once * in; /* 2 band - s1 */
        s2 = 2.0 * once * s1 + (1.0 - 2.0 * twice) * s2 + 2.0 * twice * in;                 /* s2 + 2 g band */
        s1 = next1;
    }
    filter->s1 = s1;
    filter->s2 = s2;
}

/* Frames from now, counting the next, for which the filter is wanted. */
static uint64_t frames_wanted(const ap_filter *filter, uint64_t frames) {
    const ap_smooth *octave = &filter->octave;
    if (octave->target != filter->off) return frames;
    const uint64_t left = octave->length - octave->done; /* the last of these arrives */
    return left ? ap_min(left - 1, frames) : 0;
}

/* x gives way to y, or takes its place back. */
static void fade(ap_filter *filter, float *x, const float *y, uint64_t frames, uint64_t wanted) {
    for (uint64_t i = 0; i < frames; i++) {
        if (i < wanted)
            filter->faded += filter->faded < filter->fade_frames;
        else
            filter->faded -= filter->faded > 0;
        const float share = (float)filter->faded / (float)filter->fade_frames;
        x[i] = filter->faded == filter->fade_frames ? y[i] : x[i] + share * (y[i] - x[i]);
    }
}

void ap_filter_process(ap_filter *filter, float *data, uint64_t frames) {
    float g[CHUNK], k[CHUNK], y[CHUNK];
    for (uint64_t done = 0; done < frames;) {
        const uint64_t n = ap_min(frames - done, CHUNK), wanted = frames_wanted(filter, n);
        const uint64_t step = ap_smooth_moving(&filter->octave) || ap_smooth_moving(&filter->resonance);
        if (!wanted && !filter->faded && !step) return;
        const uint64_t made = step ? n : 1;
        ap_smooth_process(&filter->octave, g, made);
        ap_smooth_process(&filter->resonance, k, made);
        if (!filter->faded) filter->s1 = filter->s2 = 0.0; /* a filter that comes on has heard silence */
        if (wanted || filter->faded) {
            for (uint64_t i = 0; i < made; i++) {
                const float angle = filter->angle * exp2_near(g[i]);
                g[i] = tan_near(angle < ANGLE_MAX ? angle : ANGLE_MAX);
                k[i] = exp2_near(0.5f - 3.5f * k[i]);
            }
            run(filter, data + done, y, n, g, k, step);
            if (wanted == n && filter->faded == filter->fade_frames)
                memcpy(data + done, y, n * sizeof(float));
            else
                fade(filter, data + done, y, n, wanted);
        }
        done += n;
    }
}
