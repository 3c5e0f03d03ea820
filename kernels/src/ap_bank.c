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

void ap_bank_process(ap_bank *bank, double hertz, double samplerate, double jump, const float *levels, float *out,
                     uint64_t frames) {
    if (!frames) return; /* a glide over no frames has no slope */
    if (!(hertz > 0.0)) hertz = bank->hertz;
    double begin = bank->hertz;
    if (!(begin > 0.0) || hertz > begin * jump || hertz * jump < begin) begin = hertz;
    uint64_t harmonics = AP_BANK_HARMONICS;
    while (harmonics && levels[harmonics - 1] == 0.0f && bank->levels[harmonics - 1] == 0.0f) harmonics--;
    const double slope = (hertz - begin) / ((double)frames * samplerate), step = begin / samplerate;
    double phase = bank->phase;
    for (uint64_t done = 0; done < frames; done += STRIP) {
        float sine[STRIP], cosine[STRIP], way[STRIP], sound[STRIP];
        const uint64_t count = ap_min(STRIP, frames - done);
        for (uint64_t i = 0; i < STRIP; i++) {
            /* Frame n (from 1) has frequency begin + slope n: the phase is the sum of all so far. */
            const double n = (double)(done + i + 1);
            phase = bank->phase + step * n + slope * (n * (n + 1.0) / 2.0);
            const float angle = (float)((phase - floor(phase)) * 6.283185307179586);
            sine[i] = sinf(angle);
            cosine[i] = cosf(angle);
            way[i] = (float)(n / (double)frames);
        }
        strip(bank->levels, levels, harmonics, sine, cosine, way, sound);
        memcpy(out + done, sound, count * sizeof *out);
    }
    const double n = (double)frames;
    phase = bank->phase + step * n + slope * (n * (n + 1.0) / 2.0);
    bank->phase = phase - floor(phase);
    bank->hertz = hertz;
    memcpy(bank->levels, levels, sizeof bank->levels);
}
