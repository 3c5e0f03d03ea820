/* ap_portaudio.h - ap_block behind PortAudio's callback signature, without portaudio.h.
 *
 * Give the address of ap_portaudio and an ap_block* as user data to Pa_OpenStream (paFloat32, interleaved), for example
 * through sounddevice. It always asks to go on; a stream is stopped from the control thread.
 */
#ifndef AP_PORTAUDIO_H
#define AP_PORTAUDIO_H
#include "ap_base.h"
#include "ap_block.h"

/* PaStreamCallbackTimeInfo, seconds. */
typedef struct ap_portaudio_times {
    double input_adc;
    double current;
    double output_dac;
} ap_portaudio_times;

/* What ap_portaudio_empty counts; 64-bit words, read them whenever you like. */
typedef struct ap_portaudio_counts {
    uint64_t blocks;
    uint64_t frames;
    uint64_t flagged[5];    /* blocks with each flag, in the order of AP_FLAG_* */
    uint64_t out_channels;  /* set by the caller: how much silence a frame is */
} ap_portaudio_counts;

/* PaStreamCallback; user_data is an ap_block. Returns 0 (paContinue). */
AP_RT int ap_portaudio(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                       unsigned long flags, void *user_data);

/* PaStreamCallback that writes silence and counts; user_data is an ap_portaudio_counts. The control for benchmarks. */
AP_RT int ap_portaudio_empty(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                             unsigned long flags, void *user_data);

/* What ap_portaudio_copy needs: the least an audio program can be. Zeroed, channels set and the gain told before the stream starts. */
typedef struct ap_copy {
    uint32_t in_channels;
    uint32_t gain_bits;          /* of a float; read and written by ap_copy_gain and ap_copy_set_gain only */
    ap_portaudio_counts counts;  /* out_channels of it, too, is set by the caller */
} ap_copy;

/* Linear gain from the next block on, at once and without a ramp. Any thread, while the callback runs. */
AP_RT void ap_copy_set_gain(ap_copy *copy, float gain);
AP_RT float ap_copy_gain(const ap_copy *copy);

/* PaStreamCallback that puts out what came in times the gain, and counts; user_data is an ap_copy. Output channel c is input
 * channel c, or the last one where there are fewer; silence where there is no input. Nothing is limited or scrubbed. */
AP_RT int ap_portaudio_copy(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                            unsigned long flags, void *user_data);

#endif
