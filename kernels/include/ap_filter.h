/* ap_filter.h - a two-pole low-pass or high-pass whose cutoff and resonance move, in place on a mono signal.
 *
 * A state-variable filter of two trapezoidal integrators, solved for the loop without a delay in it (V. Zavalishin, "The Art of
 * VA Filter Design", chapter 4). With g = tan(pi hz / rate) and k = 1 / Q its response at w = tan(pi f / rate) / g is
 * 1 / (1 - w^2 + i k w) as a low-pass, -w^2 times that as a high-pass. Q is 2^(3.5 resonance - 0.5): 0.707, no peak, to 8, a
 * peak of 18 dB, even in dB. The cutoff moves evenly in octaves, frame by frame. tan and exp2 are approximated: the cutoff
 * is within 0.02 cent.
 *
 * No movement makes it unstable: with silence going in, s1^2 + s2^2 of its integrators changes in a frame by -4 g k bandpass^2,
 * never upwards, whatever g and k were before. The cutoff is held at 0.45 of the rate.
 *
 * Off (low-pass: 20000 Hz or more, high-pass: 20 Hz or less) hands frames on bit for bit and costs next to nothing. The filter
 * is faded in, linearly over fade_frames, from the frame of the command that takes it out of there; and out, once its cutoff
 * has arrived there. Values do not depend on how the frames are cut into blocks. It takes no time: no frame of latency.
 *
 * Call it between ap_denormals_enter and leave. One thread at a time. 128 frames: 0.5 us, 1.1 while it moves.
 */
#ifndef AP_FILTER_H
#define AP_FILTER_H
#include "ap_base.h"
#include "ap_smooth.h"

enum { AP_FILTER_HZ_MIN = 20, AP_FILTER_HZ_MAX = 20000 };
enum { AP_FILTER_LOWPASS, AP_FILTER_HIGHPASS };

typedef struct ap_filter {
    ap_smooth octave;      /* log2 of the cutoff in Hz */
    ap_smooth resonance;   /* 0..1 */
    double s1, s2;         /* what the integrators hold */
    double off;            /* octave where it is off */
    float angle;           /* pi / rate */
    uint32_t kind;
    uint32_t fade_frames;
    uint32_t faded;        /* 0: off, fade_frames: wholly on */
} ap_filter;

/* kind AP_FILTER_*; rate AP_RATE_MIN..AP_RATE_MAX Hz; fade_frames 1 or more; values as below. AP_OK or AP_ERR_VALUE. */
int ap_filter_init(ap_filter *filter, uint32_t kind, double rate, double hz, double resonance, uint32_t fade_frames);
/* Ramps and fade arrived, silence heard so far. */
AP_RT void ap_filter_reset(ap_filter *filter);
/* Can it be set to this? Low-pass: 20 Hz or more; high-pass: 0..20000 Hz; resonance: 0..1. Nothing takes more than 1e6 Hz. */
AP_RT int ap_filter_takes(uint32_t kind, double hz);
AP_RT int ap_filter_takes_resonance(double resonance);
/* Go there in ramp_frames; 0 is a step, and may click. */
AP_RT void ap_filter_cutoff(ap_filter *filter, double hz, uint64_t ramp_frames);
AP_RT void ap_filter_resonate(ap_filter *filter, double resonance, uint64_t ramp_frames);
AP_RT void ap_filter_process(ap_filter *filter, float *data, uint64_t frames);

#endif
