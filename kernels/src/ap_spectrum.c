/* ap_spectrum.c - see ap_spectrum.h. */
#include "ap_spectrum.h"

#include "ap_fft.h"
#include "ap_internal.h"

/* A band's lines are filled up with weights of zero to whole vectors, so that its sum needs no remainder. */
enum { LANES = 8 };
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef float anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float quad __attribute__((vector_size(16)));

typedef struct band {
    uint32_t first, vectors;
} band;

struct ap_spectrum {
    uint64_t frames, points, bands;
    uint64_t fft, window, table, weights, lines; /* offsets */
    float floor, gain, offset;
};

static void *at(const ap_spectrum *s, uint64_t offset) { return (char *)s + offset; }

static uint64_t vectors(uint32_t count) { return ((uint64_t)count + LANES - 1) / LANES; }

/* Offsets of all parts; returns the bytes, or 0. */
static uint64_t lay_out(ap_spectrum *s, const ap_spectrum_config *c) {
    const uint64_t fft = ap_fft_sizeof(c->points), lines = c->points / 2 + 1;
    if (!fft || !c->frames || c->frames > c->points || c->bands > c->points || (c->bands && !(c->floor > 1e-37f))) return 0;
    uint64_t weights = 0;
    for (uint32_t b = 0; b < c->bands; b++) {
        if ((uint64_t)c->first[b] + c->count[b] > lines) return 0;
        weights += vectors(c->count[b]) * LANES;
    }
    s->frames = c->frames;
    s->points = c->points;
    s->bands = c->bands;
    s->floor = c->floor;
    s->gain = c->gain;
    s->offset = c->offset;
    s->fft = ap_align_up(sizeof *s);
    s->window = ap_align_up(s->fft + fft);
    s->table = ap_align_up(s->window + c->frames * sizeof(float));
    s->weights = ap_align_up(s->table + c->bands * sizeof(band));
    s->lines = ap_align_up(s->weights + weights * sizeof(float));
    return s->lines + (lines + LANES) * sizeof(float); /* the last band may look a vector too far */
}

uint64_t ap_spectrum_sizeof(const ap_spectrum_config *config) {
    ap_spectrum spectrum;
    return lay_out(&spectrum, config);
}

int ap_spectrum_init(ap_spectrum *s, uint64_t bytes, const ap_spectrum_config *config) {
    const uint64_t need = ap_spectrum_sizeof(config);
    if (!ap_aligned(s)) return AP_ERR_ALIGN;
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    memset(s, 0, need);
    lay_out(s, config);
    const int status = ap_fft_init(at(s, s->fft), s->window - s->fft, config->points);
    if (status != AP_OK) return status;
    memcpy(at(s, s->window), config->window, config->frames * sizeof(float));
    const float *from = config->weights;
    float *to = at(s, s->weights);
    for (uint32_t b = 0; b < config->bands; b++) {
        const band shape = {config->first[b], (uint32_t)vectors(config->count[b])};
        ((band *)at(s, s->table))[b] = shape;
        memcpy(to, from, config->count[b] * sizeof(float));
        from += config->count[b];
        to += shape.vectors * LANES;
    }
    return AP_OK;
}

uint64_t ap_spectrum_width(const ap_spectrum *s) { return s->bands ? s->bands : s->points / 2 + 1; }

/* Natural logarithm of a positive, normal number, within 2e-7 of its size or 1e-7: x = 2^e (1 + f), f about 0. */
static inline float natural_log(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t e = (int32_t)(bits - 0x3f3504f3u) >> 23; /* 1 + f from sqrt(1/2) to sqrt(2) */
    bits -= (uint32_t)e << 23;
    float f;
    memcpy(&f, &bits, sizeof f);
    f -= 1.0f;
    /* (log(1 + f) - f + f^2 / 2) / f^3, fitted at Chebyshev points: off by 6e-9 of the logarithm. */
    static const float c[] = {0.333333284f, -0.250008285f, 0.200014457f, -0.166232735f,
                              0.141976476f, -0.131569445f, 0.127855405f, -0.0767086968f};
    float p = c[7];
    for (int i = 6; i >= 0; i--) p = p * f + c[i];
    return (float)e * 0.693147181f + (f - f * f * (0.5f - f * p));
}

EACH_WIDTH static void sum_bands(const band *bands, uint64_t count, const float *weights, const float *lines, float *out) {
    for (uint64_t b = 0; b < count; b++) {
        lanes sum = {0};
        const float *line = lines + bands[b].first;
        for (uint32_t i = 0; i < bands[b].vectors; i++, weights += LANES)
            sum += *(const lanes *)weights * *(const anywhere *)(line + i * LANES);
        union {
            lanes all;
            quad half[2];
        } u = {sum};
        const quad q = u.half[0] + u.half[1];
        out[b] = (q[0] + q[2]) + (q[1] + q[3]);
    }
}

EACH_WIDTH static void logarithms(float *values, uint64_t count, float floor, float gain, float offset) {
    for (uint64_t b = 0; b < count; b++) values[b] = offset + gain * natural_log(values[b] + floor);
}

void ap_spectrum_process(ap_spectrum *s, const float *in, uint64_t hop, uint64_t count, float *out) {
    const uint64_t width = ap_spectrum_width(s);
    for (uint64_t i = 0; i < count; i++, in += hop, out += width) {
        float *lines = s->bands ? at(s, s->lines) : out;
        ap_fft_magnitudes(at(s, s->fft), in, at(s, s->window), s->frames, lines);
        if (!s->bands) continue;
        sum_bands(at(s, s->table), s->bands, at(s, s->weights), lines, out);
        logarithms(out, s->bands, s->floor, s->gain, s->offset);
    }
}
