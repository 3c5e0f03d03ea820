/* ap_bank.c - see ap_bank.h. */
#include "ap_bank.h"

#include <math.h>

#include "ap_internal.h"

/* Frames are worked on in strips that stay in registers and the first cache, harmonic by harmonic: each is the one below
 * turned by the fundamental's angle (four products), which in single precision stays within 1e-5 over 128 harmonics. */
enum { STRIP = 32 };

void ap_bank_reset(ap_bank *bank) { memset(bank, 0, sizeof *bank); }

EACH_WIDTH static void strip(const float *from, const float *to, uint64_t harmonics, const float *sine, const float *cosine,
                  const float *way, float *out) {
    float s[STRIP], c[STRIP], sum[STRIP];
    for (int i = 0; i < STRIP; i++) {
        s[i] = sine[i];
        c[i] = cosine[i];
        sum[i] = 0.0f;
    }
    for (uint64_t k = 0; k < harmonics; k++) {
        const float begin = from[k], change = to[k] - from[k];
        for (int i = 0; i < STRIP; i++) {
            sum[i] += (begin + change * way[i]) * s[i];
            const float turned = s[i] * cosine[i] + c[i] * sine[i];
            c[i] = c[i] * cosine[i] - s[i] * sine[i];
            s[i] = turned;
        }
    }
    memcpy(out, sum, sizeof sum);
}

/* Sine of v turns, v within a quarter: Taylor's series to the eleventh power, off by 6e-8 at most. Not sinf: a call a frame. */
static inline float sine_of(float v) {
    const float x = 6.2831853f * v, q = x * x;
    return x * (1.0f + q * (-1.6666667e-1f + q * (8.3333333e-3f + q * (-1.9841270e-4f + q * (2.7557319e-6f - q * 2.5052108e-8f)))));
}

/* Sines and cosines of the fundamental at a strip's frames. Frame n, from 1, has frequency begin + slope n: the phase is the
 * sum of all so far. */
EACH_WIDTH static void turn(double phase, double step, double slope, uint64_t done, float *sine, float *cosine) {
    for (int i = 0; i < STRIP; i++) {
        const double n = (double)(done + (uint64_t)i + 1), turns = phase + step * n + slope * (n * (n + 1.0) / 2.0);
        const float u = (float)(turns - floor(turns) - 0.5), size = u < 0.0f ? -u : u; /* half a turn ahead: both change sign */
        sine[i] = -sine_of(size > 0.25f ? (u < 0.0f ? -0.5f : 0.5f) - u : u);
        cosine[i] = -sine_of(0.25f - size);
    }
}

/* Add to out a bank that starts at `phase` and goes from frequency `begin` to `end`, from levels `from` to `to`; gives its last phase. */
static double sweep(double phase, double begin, double end, double samplerate, const float *from, const float *to, float *out,
                    uint64_t frames) {
    uint64_t harmonics = AP_BANK_HARMONICS;
    while (harmonics && to[harmonics - 1] == 0.0f && from[harmonics - 1] == 0.0f) harmonics--;
    const double slope = (end - begin) / ((double)frames * samplerate), step = begin / samplerate;
    for (uint64_t done = 0; done < frames; done += STRIP) {
        float sine[STRIP], cosine[STRIP], way[STRIP], sound[STRIP];
        const uint64_t count = ap_min(STRIP, frames - done);
        turn(phase, step, slope, done, sine, cosine);
        for (int i = 0; i < STRIP; i++) way[i] = (float)(done + (uint64_t)i + 1) / (float)frames;
        strip(from, to, harmonics, sine, cosine, way, sound);
        for (uint64_t i = 0; i < count; i++) out[done + i] += sound[i];
    }
    const double n = (double)frames, last = phase + step * n + slope * (n * (n + 1.0) / 2.0);
    return last - floor(last);
}

void ap_bank_process(ap_bank *bank, double hertz, double samplerate, double jump, const float *levels, float *out,
                     uint64_t frames) {
    static const float silent[AP_BANK_HARMONICS];
    if (!frames) return; /* a glide over no frames has no slope */
    memset(out, 0, frames * sizeof *out);
    if (!(hertz > 0.0)) hertz = bank->hertz;
    const double before = bank->hertz;
    if (before > 0.0 && (hertz > before * jump || hertz * jump < before)) {
        const double phase = bank->phase;
        sweep(phase, before, before, samplerate, bank->levels, silent, out, frames);
        bank->phase = sweep(phase, hertz, hertz, samplerate, silent, levels, out, frames);
    } else {
        bank->phase = sweep(bank->phase, before > 0.0 ? before : hertz, hertz, samplerate, bank->levels, levels, out, frames);
    }
    bank->hertz = hertz;
    memcpy(bank->levels, levels, sizeof bank->levels);
}
