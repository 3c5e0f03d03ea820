/* ap_mix.h - from input and voice to output: scrub, mix, limit, meter, with denormals flushed.
 *
 * All interleaved float; channels 1..AP_CHANNELS_MAX. Every function works in place where in and out are of one shape.
 */
#ifndef AP_MIX_H
#define AP_MIX_H
#include "ap_base.h"

/* Flush denormals to zero on this thread until the matching leave; returns the mode to restore. x86-64 and aarch64 set
 * the processor's flag; elsewhere it does nothing and the recursive kernels flush by hand. */
AP_RT uint64_t ap_denormals_enter(void);
AP_RT void ap_denormals_leave(uint64_t mode);

/* Copy, with every NaN, infinity and magnitude above 1000 replaced by 0. in == NULL writes zeros. Returns samples replaced. */
AP_RT uint64_t ap_mix_scrub(const float *in, float *out, uint64_t samples);

/* out = (in spread over out_channels * dry + voice * voice_gains[output channel]) * master, gains one float a frame.
 * in has in_channels, voice is mono; outputs may share one array of voice gains. One input channel goes to all outputs;
 * as many as there are outputs go straight across; fewer repeat; more are averaged onto output k modulo out_channels.
 * in == NULL: no dry. */
AP_RT void ap_mix_process(const float *in, uint32_t in_channels, const float *voice, const float *dry,
                          const float *const *voice_gains, const float *master, float *out, uint32_t out_channels,
                          uint64_t frames);

/* Limiter without look-ahead: adds no frame of delay, leaves what is within the ceiling bit for bit alone, never lets a
 * sample past the ceiling. Attack is at once, release exponential. One gain for all channels. */
typedef struct ap_limiter {
    double envelope;   /* what the peak is taken to be, linear */
    double release;    /* share of the envelope left after a frame */
    float ceiling;     /* linear, <= 1.0 */
    float gain;        /* gain at the frame last produced, for display */
    uint64_t limited;  /* frames turned down so far */
} ap_limiter;

/* ceiling in (0, 1]; release_frames to fall by 1/e. AP_OK or AP_ERR_VALUE. */
int ap_limiter_init(ap_limiter *limiter, float ceiling, double release_frames);
AP_RT void ap_limiter_reset(ap_limiter *limiter);
AP_RT void ap_limiter_process(ap_limiter *limiter, float *data, uint32_t channels, uint64_t frames);

/* Meter: peak that falls by 20 dB in 1.5 s, RMS over about 0.3 s, highest peak since reset; all linear, all channels. */
typedef struct ap_meter {
    double peak;
    double square;      /* mean square */
    double peak_max;
    double fall;        /* share of the peak left after a frame */
    double keep;        /* share of the mean square left after a frame */
} ap_meter;

int ap_meter_init(ap_meter *meter, double rate);
AP_RT void ap_meter_reset(ap_meter *meter);
AP_RT void ap_meter_process(ap_meter *meter, const float *data, uint32_t channels, uint64_t frames);
AP_RT double ap_meter_rms(const ap_meter *meter);

#endif
