/* ap_block.h - one block of sound: what every driver calls, on the audio thread.
 *
 *   1. note the device's flags; 2. take at most AP_BLOCK_COMMANDS commands, set ramps at their frame offset;
 *   3. input, scrubbed, into the mic ring (no room: count); 4. voice from the voice ring;
 *   5. ramp gains, filter the voice (ap_filter: low-pass, then high-pass; the dry sound is never filtered), mix dry and voice,
 *   limit, meter (the voice's meter shows it as it came from the ring); 6. publish counters and meters.
 *
 * The voice, frame by frame. Ring position p is heard at the output frame that stands beside input frame
 * p + origin + delay_frames, the first input frame of a block being the clock before the block (ap_segment.h). Frames whose time has
 * passed are skipped, frames whose time has not come wait. When the ring runs short the voice fades to nothing over fade_frames:
 * over the frames that are left, then over a continuation predicted from them (ap_tail), so no frame need be held in
 * reserve and the fade costs no latency. It comes back, faded in over fade_frames, at the first block whose frames are all there.
 * A fade once begun is finished. A closed voice is silence, and counts nothing. Where frames that sounded are due later than they
 * were (delay_frames was raised) the voice fades over the next of them, waits, and comes back with those that follow, none lost.
 */
#ifndef AP_BLOCK_H
#define AP_BLOCK_H
#include "ap_base.h"
#include "ap_segment.h"

enum {
    AP_BLOCK_COMMANDS = 64,   /* commands taken from the queue in one block */
    AP_BLOCK_PENDING = 256,   /* commands held for a later frame */
    AP_BLOCK_FRAMES_MAX = 8192
};

enum { AP_SENDS = 8 };        /* outputs whose share of the voice has a gain of its own; those beyond have 1 */

/* What a command may be aimed at. Gains are linear, 0..100; a cutoff moves evenly in octaves. */
enum {
    AP_TARGET_DRY = 0,      /* gain of the input in the output */
    AP_TARGET_VOICE = 1,    /* gain of the voice */
    AP_TARGET_MASTER = 2,   /* gain of both */
    AP_TARGET_SILENCE = 3,  /* panic: voice faded out over ramp_frames, silent until `value` frames after the command, faded in */
    AP_TARGET_MUTE = 4,     /* 1: nothing goes out; 0: it does again */
    AP_TARGET_LOWPASS = 5,  /* cutoff of the voice's low-pass, Hz, 20 or more; from 20000 it is off */
    AP_TARGET_HIGHPASS = 6, /* cutoff of the voice's high-pass, Hz, 0..20000; up to 20 it is off */
    AP_TARGET_RESONANCE = 7, /* of both, 0..1: Q 0.707 to 8 */
    AP_TARGET_SEND = 8,     /* + k: gain of the voice in output channel k, k < AP_SENDS; where there is no such output, nothing */
    AP_TARGETS = AP_TARGET_SEND + AP_SENDS
};

/* PortAudio's callback flags, by value. */
enum {
    AP_FLAG_INPUT_UNDERFLOW = 1,
    AP_FLAG_INPUT_OVERFLOW = 2,
    AP_FLAG_OUTPUT_UNDERFLOW = 4,
    AP_FLAG_OUTPUT_OVERFLOW = 8,
    AP_FLAG_PRIMING = 16
};

typedef struct ap_block ap_block;

typedef struct ap_block_config {
    uint32_t slice_frames;   /* longest stretch processed at once, 1..AP_BLOCK_FRAMES_MAX; a longer block is cut up */
    uint32_t fade_frames;    /* 1..AP_BLOCK_FRAMES_MAX; of the voice, and of a filter that comes on or goes off */
    double dry_gain;         /* linear, to begin with */
    double voice_gain;
    double master_gain;
    double ceiling;          /* of the limiter, linear, <= 1.0 */
    double release_frames;   /* of the limiter */
    double lowpass_hz;       /* to begin with, each as its target takes it */
    double highpass_hz;
    double resonance;
    double send_gain[AP_SENDS];
} ap_block_config;

/* Bytes for a block's private state; 0 if the config is out of range. Channels come from the segment. */
uint64_t ap_block_sizeof(const ap_block_config *config, const ap_segment *segment);
/* Bind to a segment in this process's memory. Before the callback runs. Counters already in the segment go on. */
int ap_block_init(ap_block *block, uint64_t bytes, const ap_block_config *config, ap_segment *segment);
/* Voice silent, ramps at their targets, limiter and meters at rest, pending commands dropped. While no callback runs. */
void ap_block_reset(ap_block *block);
/* Audio thread: one block. `in` has in_channels (NULL: no input, silence), `out` has out_channels (NULL: nobody listens);
 * they may be the same buffer when the channel counts agree. `flags` are AP_FLAG_*. */
AP_RT void ap_block_process(ap_block *block, const float *in, float *out, uint64_t frames, uint32_t flags);
/* Audio thread, before ap_block_process: the device's times of this block, in seconds. */
AP_RT void ap_block_times(ap_block *block, double callback, double adc, double dac);

#endif
