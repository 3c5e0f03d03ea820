/* ap_resample.h - streaming polyphase windowed-sinc resampler, any whole-number rates in [AP_RATE_MIN, AP_RATE_MAX].
 *
 * Kaiser-windowed sinc, linear phase. Time is kept as an exact fraction, so there is no drift. Output frame m is the
 * input's value at time (m - delay_frames) / rate_out, exactly: delay_frames is a whole number of output frames, reached
 * by starting the filter at the right phase. After n input frames, ceil(n * rate_out / rate_in) output frames have
 * been produced, whatever the block sizes; chunked and one-shot are bit for bit equal because every output frame is one
 * dot product over the same numbers in the same order.
 *
 * Ratios whose reduced numerator is small use one table row per phase. The others (44101 -> 48000) use a table fine
 * enough for straight-line interpolation between rows to stay below the stop band.
 *
 * Passband to 0.907 of the lower Nyquist (20.0 kHz for 44.1 kHz), stop band from the lower Nyquist. Equal rates: a copy, delay 0.
 * One thread at a time; state is private to a process. Kaiser, "Nonrecursive digital filter design using the I0-sinh
 * window function", ISCAS 1974; Crochiere and Rabiner, "Multirate Digital Signal Processing", 1983, ch. 4.
 */
#ifndef AP_RESAMPLE_H
#define AP_RESAMPLE_H
#include "ap_base.h"

typedef struct ap_resample ap_resample;

typedef struct ap_resample_config {
    uint32_t rate_in;           /* Hz */
    uint32_t rate_out;          /* Hz */
    uint32_t channels;          /* interleaved */
    uint32_t delay_frames_min;  /* output frames; 0 = the least possible */
} ap_resample_config;

/* Bytes for this resampler; 0 if the config is out of range. */
uint64_t ap_resample_sizeof(const ap_resample_config *config);
/* Design the filter and start in silence. Slow (milliseconds); not for the callback. AP_OK or AP_ERR_*. */
int ap_resample_init(ap_resample *state, uint64_t bytes, const ap_resample_config *config);
/* Back to silence, as after init. */
AP_RT void ap_resample_reset(ap_resample *state);
/* The delay, in output frames, and the filter's length, in input frames. */
AP_RT uint32_t ap_resample_delay_frames(const ap_resample *state);
AP_RT uint32_t ap_resample_taps(const ap_resample *state);
/* Output frames that the next `frames_in` input frames will produce. */
AP_RT uint64_t ap_resample_ready(const ap_resample *state, uint64_t frames_in);
/* Take all of `in`, write every output frame that can now be known. `out` must have room for ap_resample_ready()
 * frames; if `frames_out_max` is less than that, nothing is done and 0 is returned. Returns frames written. */
AP_RT uint64_t ap_resample_process(ap_resample *state, const float *in, uint64_t frames_in, float *out,
                                   uint64_t frames_out_max);

/* What it remembers, as a value: where the next output frame lies, and the input frames it still needs, channel by channel
 * (ap_resample_kept of each). Load into one of the same rates and channels: AP_OK, or AP_ERR_VALUE for what no such state is. */
AP_RT uint64_t ap_resample_kept(const ap_resample *resample);
AP_RT void ap_resample_save(const ap_resample *resample, uint64_t position[2], float *frames);
AP_RT int ap_resample_load(ap_resample *resample, const uint64_t position[2], const float *frames);

#endif
