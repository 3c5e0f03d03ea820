/* ap_mix.c - see ap_mix.h. */
#include "ap_mix.h"

#include <math.h>

#include "ap_internal.h"
#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#define FLUSH 0x8040u /* flush results to zero, take inputs as zero */
#elif defined(__aarch64__)
#define FLUSH (UINT64_C(1) << 24) /* FPCR.FZ: both */
#endif

#define ABSURD 1000.0f
#define TINY 1e-15

uint64_t ap_denormals_enter(void) {
#if defined(__x86_64__) || defined(__i386__)
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSH);
    return mode;
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | FLUSH));
    return mode;
#else
    return 0;
#endif
}

void ap_denormals_leave(uint64_t mode) {
#if defined(__x86_64__) || defined(__i386__)
    _mm_setcsr((unsigned)mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

uint64_t ap_mix_scrub(const float *in, float *out, uint64_t samples) {
    if (!in) {
        memset(out, 0, samples * sizeof(float));
        return 0;
    }
    uint64_t replaced = 0;
    for (uint64_t i = 0; i < samples; i++) {
        const float x = in[i];
        const int good = fabsf(x) <= ABSURD; /* false for NaN too */
        out[i] = good ? x : 0.0f;
        replaced += (uint64_t)!good;
    }
    return replaced;
}

static float dry_sum(const float *frame, uint32_t in_channels, uint32_t out_channels, uint32_t channel) {
    if (in_channels <= out_channels) return frame[channel % in_channels];
    float sum = 0.0f;
    uint32_t count = 0;
    for (uint32_t k = channel; k < in_channels; k += out_channels, count++) sum += frame[k];
    return sum / (float)count;
}

void ap_mix_process(const float *in, uint32_t in_channels, const float *voice, const float *dry,
                    const float *const *voice_gains, const float *master, float *out, uint32_t out_channels, uint64_t frames) {
    for (uint32_t c = 0; c < out_channels; c++, out++) { /* one channel after the other: each has gains of its own */
        const float *voice_gain = voice_gains[c];
        if (!in)
            for (uint64_t f = 0; f < frames; f++) out[f * out_channels] = voice[f] * voice_gain[f] * master[f];
        else if (in_channels == out_channels)
            for (uint64_t f = 0; f < frames; f++)
                out[f * out_channels] = (in[f * out_channels + c] * dry[f] + voice[f] * voice_gain[f]) * master[f];
        else
            for (uint64_t f = 0; f < frames; f++)
                out[f * out_channels] =
                    (dry_sum(in + f * in_channels, in_channels, out_channels, c) * dry[f] + voice[f] * voice_gain[f]) * master[f];
    }
}

int ap_limiter_init(ap_limiter *limiter, float ceiling, double release_frames) {
    if (!(ceiling > 0.0f && ceiling <= 1.0f) || !(release_frames >= 1.0 && release_frames <= 1e9)) return AP_ERR_VALUE;
    limiter->ceiling = ceiling;
    limiter->release = exp(-1.0 / release_frames);
    limiter->limited = 0;
    ap_limiter_reset(limiter);
    return AP_OK;
}

void ap_limiter_reset(ap_limiter *limiter) {
    limiter->envelope = 0.0;
    limiter->gain = 1.0f;
}

static float frame_peak(const float *frame, uint64_t samples) {
    float peak = 0.0f;
    for (uint64_t i = 0; i < samples; i++) peak = fabsf(frame[i]) > peak ? fabsf(frame[i]) : peak;
    return peak;
}

void ap_limiter_process(ap_limiter *limiter, float *data, uint32_t channels, uint64_t frames) {
    const float ceiling = limiter->ceiling;
    if (limiter->envelope <= ceiling && frame_peak(data, frames * channels) <= ceiling) {
        ap_limiter_reset(limiter); /* an envelope under the ceiling has no effect, so it need not be kept up */
        return;
    }
    for (uint64_t f = 0; f < frames; f++) {
        float *frame = data + f * channels;
        limiter->envelope = ap_larger(limiter->envelope * limiter->release, frame_peak(frame, channels));
        if (limiter->envelope <= ceiling) {
            limiter->gain = 1.0f;
            continue;
        }
        limiter->gain = (float)(ceiling / limiter->envelope);
        limiter->limited++;
        for (uint32_t c = 0; c < channels; c++) {
            const float x = frame[c] * limiter->gain;
            frame[c] = x > ceiling ? ceiling : x < -ceiling ? -ceiling : x; /* rounding may add half a bit */
        }
    }
}

int ap_meter_init(ap_meter *meter, double rate) {
    if (!(rate >= 1.0 && rate <= 1e9)) return AP_ERR_VALUE;
    meter->fall = exp(-2.302585092994046 / (1.5 * rate)); /* 20 dB in 1.5 s */
    meter->keep = exp(-1.0 / (0.3 * rate));
    ap_meter_reset(meter);
    return AP_OK;
}

void ap_meter_reset(ap_meter *meter) { meter->peak = meter->square = meter->peak_max = 0.0; }

/* base to a whole power: at most 64 turns. */
static double power(double base, uint64_t n) {
    double result = 1.0;
    for (; n; n >>= 1, base *= base)
        if (n & 1) result *= base;
    return result;
}

void ap_meter_process(ap_meter *meter, const float *data, uint32_t channels, uint64_t frames) {
    enum { LANES = 8 }; /* separate sums, because the compiler may not reorder one */
    float top[LANES] = {0}, sum[LANES] = {0};
    const uint64_t samples = frames * channels;
    if (!samples) return;
    uint64_t i = 0;
    for (; i + LANES <= samples; i += LANES)
        for (int k = 0; k < LANES; k++) {
            const float x = fabsf(data[i + (uint64_t)k]);
            top[k] = x > top[k] ? x : top[k];
            sum[k] += x * x;
        }
    for (; i < samples; i++) {
        const float x = fabsf(data[i]);
        top[0] = x > top[0] ? x : top[0];
        sum[0] += x * x;
    }
    double peak = 0.0, square = 0.0;
    for (int k = 0; k < LANES; k++) {
        peak = ap_larger(peak, top[k]);
        square += sum[k];
    }
    const double kept = power(meter->keep, frames);
    meter->peak = ap_larger(peak, meter->peak * power(meter->fall, frames));
    meter->square = kept * meter->square + (1.0 - kept) * square / (double)samples;
    meter->peak_max = ap_larger(meter->peak_max, peak);
    if (meter->peak < TINY) meter->peak = 0.0; /* by hand, for processors without the flush flag */
    if (meter->square < TINY * TINY) meter->square = 0.0;
}

double ap_meter_rms(const ap_meter *meter) { return sqrt(meter->square); }
