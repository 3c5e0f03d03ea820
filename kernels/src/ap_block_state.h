/* ap_block_state.h - what a block remembers, for ap_block.c (voice and block) and ap_block_commands.c (gains and filters). */
#ifndef AP_BLOCK_STATE_H
#define AP_BLOCK_STATE_H
#include "ap_block.h"
#include "ap_filter.h"
#include "ap_mix.h"
#include "ap_smooth.h"
#include "ap_tail.h"

enum { AP_BLOCK_GAINS = AP_TARGET_MUTE + 1 }; /* the first targets: gains that every frame is multiplied by */

struct ap_block {
    ap_block_config config;
    ap_segment *segment;
    ap_ring *mic, *voice_ring;
    ap_command_queue *commands;
    uint32_t in_channels, out_channels;
    float *fade;             /* fade_frames + 1 gains from 0 to 1, raised cosine */
    float *input, *voice, *voice_taped; /* one slice each; the last is the voice before filters */
    float *gains[AP_BLOCK_GAINS];
    float *send_gains[AP_SENDS];      /* for as many sends as there are outputs; filled while a send is not at rest at 1 */
    const float *voice_gains[AP_CHANNELS_MAX]; /* for each output: gains[AP_TARGET_VOICE], or its send's */
    ap_smooth smooths[AP_BLOCK_GAINS], sends[AP_SENDS];
    ap_filter lowpass, highpass;
    ap_limiter limiter;
    ap_meter meter_in, meter_voice, meter_out;
    ap_tail tail;
    ap_counters counters;
    ap_command pending[AP_BLOCK_PENDING]; /* latest first, so that the next one due is popped off the end */
    uint32_t pending_count;
    uint32_t voice_state;
    uint32_t fade_at;        /* index into `fade`: where the voice's own gain is */
    uint32_t gap_counted;    /* 1 once the present gap is in `underflows` */
    uint64_t released;       /* epoch last released; odd = none */
    uint64_t taping;         /* epoch of the tape that is being written, 0 none, and whether it was broken off */
    uint32_t tape_broken;
};

/* Sends that some output hears. */
static inline uint32_t ap_block_sends(uint32_t out_channels) { return out_channels < AP_SENDS ? out_channels : AP_SENDS; }
static inline int ap_block_gain_ok(double gain) { return gain >= 0.0 && gain <= 100.0; }

/* Move what has been sent, AP_BLOCK_COMMANDS at most, from the queue to `pending`; refuse what is unusable. */
void ap_block_take_commands(ap_block *block);
/* Fill every gain for this slice and filter its voice, each command at its own frame. */
void ap_block_fill_slice(ap_block *block, uint64_t frames);

#endif
