/* ap_block.h - one block of sound: what every driver calls, on the audio thread.
 *
 *   1. note the device's flags; 2. take at most AP_BLOCK_COMMANDS commands, set ramps at their frame offset;
 *   3. input, scrubbed, into the mic ring (no room: count); 4. voice from the voice ring;
 *   5. ramp gains, mix dry and voice, limit, meter; 6. publish counters and meters.
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

/* What a command may be aimed at. Gains are linear, 0..100. */
enum {
    AP_TARGET_DRY = 0,      /* gain of the input in the output */
    AP_TARGET_VOICE = 1,    /* gain of the voice */
    AP_TARGET_MASTER = 2,   /* gain of both */
    AP_TARGET_SILENCE = 3,  /* panic: voice faded out over ramp_frames, silent until `value` frames after the command, faded in */
    AP_TARGET_MUTE = 4,     /* 1: nothing goes out; 0: it does again */
    AP_TARGETS = 5
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
    uint32_t fade_frames;    /* 1..AP_BLOCK_FRAMES_MAX */
    double dry_gain;         /* linear, to begin with */
    double voice_gain;
    double master_gain;
    double ceiling;          /* of the limiter, linear, <= 1.0 */
    double release_frames;   /* of the limiter */
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
