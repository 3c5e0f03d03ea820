/* ap_resample_design.c - filter design for ap_resample: see ap_resample.h. */
#include <math.h>

#include "ap_resample_state.h"

#define PI 3.14159265358979323846
#define PASS 0.907             /* of the lower Nyquist; the stop band begins at 1 */
#define ATTENUATION 102.0      /* dB, at least: 100 is asked for, and the taps round up */
#define FINE 1024.0            /* rows an input frame when interpolating: error (pi / FINE)^2 / 8 = -118 dB at worst */
#define EXACT_MAX (1u << 20)   /* floats; a larger exact table would not stay in the cache */

/* Modified Bessel function of the first kind, order 0, by its power series. */
static double bessel_i0(double x) {
    double sum = 1.0, term = 1.0;
    for (int k = 1; k < 200 && term > sum * 1e-17; k++) {
        term *= (x / (2.0 * k)) * (x / (2.0 * k));
        sum += term;
    }
    return sum;
}

static uint64_t divisor(uint64_t a, uint64_t b) {
    while (b) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Everything but the table. Returns bytes needed, or 0. */
static uint64_t plan(ap_resample *s, const ap_resample_config *c) {
    memset(s, 0, sizeof *s);
    if (c->rate_in < AP_RATE_MIN || c->rate_in > AP_RATE_MAX || c->rate_out < AP_RATE_MIN || c->rate_out > AP_RATE_MAX) return 0;
    if (c->channels < 1 || c->channels > AP_CHANNELS_MAX || c->delay_frames_min > 65536) return 0;
    const uint64_t common = divisor(c->rate_in, c->rate_out);
    s->config = *c;
    s->up = c->rate_out / common;
    s->down = c->rate_in / common;
    uint64_t floats = 0;
    if (s->up != s->down) {
        const double narrow = ap_smaller(1.0, (double)s->up / (double)s->down); /* lower Nyquist over the input's */
        const double transition = 0.5 * (1.0 - PASS) * narrow;            /* cycles an input frame */
        const double taps = (ATTENUATION - 7.95) / (14.36 * transition);  /* Kaiser's estimate */
        s->taps = (uint32_t)ceil(taps / RESAMPLE_LANES) * RESAMPLE_LANES;
        if (s->up * s->taps <= EXACT_MAX) {
            s->rows = (uint32_t)s->up;
            floats = s->up * s->taps;
        } else {
            s->interpolate = 1;
            s->rows = (uint32_t)ceil(FINE * narrow);
            floats = (uint64_t)(s->rows + 1) * s->taps;
        }
        /* The least whole number of output frames that covers half the filter. */
        s->delay = ((uint64_t)(s->taps / 2) * s->up + s->down - 1) / s->down;
    }
    if (s->delay < c->delay_frames_min) s->delay = c->delay_frames_min;
    s->step = s->down / s->up;
    s->step_part = s->down % s->up;
    s->lag_whole = s->delay * s->down / s->up;
    s->lag_part = s->delay * s->down % s->up;
    s->kept = s->lag_whole + 1 + s->taps / 2;
    s->table_at = ap_align_up(sizeof *s);
    s->buffer_at = ap_align_up(s->table_at + floats * sizeof(float));
    return ap_align_up(s->buffer_at + c->channels * (s->kept + RESAMPLE_CHUNK) * sizeof(float));
}

/* One row: the filter for an output frame that lies `part` (0..1) of an input frame after the middle tap. */
static void design_row(const ap_resample *s, double part, float *row) {
    const double narrow = ap_smaller(1.0, (double)s->up / (double)s->down);
    const double cutoff = 0.5 * (1.0 + PASS) * narrow; /* twice cycles an input frame; the middle of the transition */
    const double half = s->taps / 2.0;
    const double reached = 7.95 + 14.36 * 0.5 * (1.0 - PASS) * narrow * s->taps; /* dB this many taps give */
    const double beta = 0.1102 * (reached - 8.7), scale = bessel_i0(beta);
    double sum = 0.0;
    for (int pass = 0; pass < 2; pass++) /* first the sum, then the row scaled to pass a constant exactly */
        for (uint32_t k = 0; k < s->taps; k++) {
            const double t = (double)k - (half - 1.0) - part, x = PI * cutoff * t, edge = 1.0 - (t / half) * (t / half);
            const double window = edge > 0.0 ? bessel_i0(beta * sqrt(edge)) / scale : (edge > -1e-9 ? 1.0 / scale : 0.0);
            const double h = window * (fabs(x) < 1e-12 ? 1.0 : sin(x) / x);
            if (pass) row[k] = (float)(h / sum);
            else sum += h;
        }
}

static uint32_t processor(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma")) return LEVEL_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return LEVEL_AVX2;
#endif
    return LEVEL_PLAIN;
}

uint64_t ap_resample_sizeof(const ap_resample_config *config) {
    ap_resample s;
    return plan(&s, config);
}

int ap_resample_init(ap_resample *state, uint64_t bytes, const ap_resample_config *config) {
    ap_resample planned;
    if (!ap_aligned(state)) return AP_ERR_ALIGN;
    const uint64_t need = plan(&planned, config);
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    *state = planned;
    state->level = processor();
    float *table = (float *)((char *)state + state->table_at);
    if (state->taps)
        for (uint32_t r = 0; r < state->rows + state->interpolate; r++)
            design_row(state, (double)r / state->rows, table + (uint64_t)r * state->taps);
    ap_resample_reset(state);
    return AP_OK;
}
