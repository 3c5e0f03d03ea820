/* ap_block_commands.c - commands, and the gains and filters they move; see ap_block.h. */
#include "ap_block_state.h"
#include "ap_internal.h"

#define SILENCE_MAX 1e12             /* frames; years */
#define TARGET_REOPEN AP_TARGETS     /* our own command: the end of AP_TARGET_SILENCE */

/* Keep it in order of frame; among equals the one that came first is applied first. At most AP_BLOCK_PENDING moves. */
static void hold(ap_block *block, ap_command command) {
    uint32_t at = block->pending_count++;
    for (; at && block->pending[at - 1].frame <= command.frame; at--) block->pending[at] = block->pending[at - 1];
    block->pending[at] = command;
}

static bool acceptable(const ap_command *c) {
    switch (c->target) {
    case AP_TARGET_DRY:
    case AP_TARGET_VOICE:
    case AP_TARGET_MASTER: return ap_block_gain_ok(c->value);
    case AP_TARGET_MUTE: return c->value == 0.0 || c->value == 1.0;
    case AP_TARGET_SILENCE: return c->value >= 0.0 && c->value <= SILENCE_MAX;
    case AP_TARGET_LOWPASS: return ap_filter_takes(AP_FILTER_LOWPASS, c->value);
    case AP_TARGET_HIGHPASS: return ap_filter_takes(AP_FILTER_HIGHPASS, c->value);
    case AP_TARGET_RESONANCE: return ap_filter_takes_resonance(c->value);
    default: return c->target >= AP_TARGET_SEND && c->target < AP_TARGETS && ap_block_gain_ok(c->value);
    }
}

void ap_block_take_commands(ap_block *block) {
    ap_command command;
    /* One place stays free for TARGET_REOPEN. */
    for (int n = 0; n < AP_BLOCK_COMMANDS && block->pending_count < AP_BLOCK_PENDING - 1; n++) {
        if (!ap_command_pop(block->commands, &command)) return;
        if (!acceptable(&command)) {
            block->counters.commands_refused++;
            continue;
        }
        if (command.frame < block->counters.frames) {
            block->counters.commands_late += command.frame != 0;
            command.frame = block->counters.frames;
        }
        hold(block, command);
    }
}

static void apply_silence(ap_block *block, const ap_command *c) {
    uint32_t kept = 0; /* this silence replaces one under way */
    for (uint32_t i = 0; i < block->pending_count; i++)
        if (block->pending[i].target != TARGET_REOPEN) block->pending[kept++] = block->pending[i];
    block->pending_count = kept;
    const ap_command reopen = {c->frame + (uint64_t)c->value, TARGET_REOPEN, block->config.fade_frames, 1.0};
    hold(block, reopen);
    ap_smooth_ramp(&block->smooths[AP_TARGET_SILENCE], 0.0, c->ramp_frames);
}

static void apply(ap_block *block, const ap_command *c) {
    ap_smooth *smooth;
    block->counters.commands += c->target != TARGET_REOPEN;
    switch (c->target) {
    case AP_TARGET_SILENCE: apply_silence(block, c); break;
    case TARGET_REOPEN: ap_smooth_ramp(&block->smooths[AP_TARGET_SILENCE], 1.0, c->ramp_frames); break;
    case AP_TARGET_MUTE: ap_smooth_ramp(&block->smooths[AP_TARGET_MUTE], 1.0 - c->value, c->ramp_frames); break;
    case AP_TARGET_LOWPASS: ap_filter_cutoff(&block->lowpass, c->value, c->ramp_frames); break;
    case AP_TARGET_HIGHPASS: ap_filter_cutoff(&block->highpass, c->value, c->ramp_frames); break;
    case AP_TARGET_RESONANCE:
        ap_filter_resonate(&block->lowpass, c->value, c->ramp_frames);
        ap_filter_resonate(&block->highpass, c->value, c->ramp_frames);
        break;
    default: /* a gain or a send */
        smooth = c->target < AP_BLOCK_GAINS ? &block->smooths[c->target] : &block->sends[c->target - AP_TARGET_SEND];
        ap_smooth_ramp(smooth, c->value, c->ramp_frames);
    }
}

/* How far this slice is filled. */
typedef struct filled {
    uint64_t gains[AP_BLOCK_GAINS], sends[AP_SENDS], lowpass, highpass;
} filled;

static void fill(ap_smooth *smooth, float *gains, uint64_t *done, uint64_t to) {
    ap_smooth_process(smooth, gains + *done, to - *done);
    *done = to;
}

static void filter(ap_filter *f, float *voice, uint64_t *done, uint64_t to) {
    ap_filter_process(f, voice + *done, to - *done);
    *done = to;
}

/* Fill what this target moves up to this frame of the slice, before a command moves it on. */
static void fill_target(ap_block *block, uint32_t target, filled *done, uint64_t to) {
    /* The high-pass hears what the low-pass has done: the low-pass is always as far or further. */
    const bool low = target == AP_TARGET_LOWPASS || target == AP_TARGET_RESONANCE;
    const bool high = target == AP_TARGET_HIGHPASS || target == AP_TARGET_RESONANCE;
    if (low || high) filter(&block->lowpass, block->voice, &done->lowpass, to);
    if (high) filter(&block->highpass, block->voice, &done->highpass, to);
    if (target == TARGET_REOPEN) target = AP_TARGET_SILENCE;
    if (target < AP_BLOCK_GAINS) fill(&block->smooths[target], block->gains[target], &done->gains[target], to);
    const uint32_t send = target - AP_TARGET_SEND;
    if (target >= AP_TARGET_SEND && send < ap_block_sends(block->out_channels))
        fill(&block->sends[send], block->send_gains[send], &done->sends[send], to);
}

/* The rest of the sends' gains, and where each output's are to be found. A send at rest at 1 costs nothing. */
static void finish_sends(ap_block *block, filled *done, uint64_t frames) {
    const float *voice = block->gains[AP_TARGET_VOICE];
    for (uint32_t k = 0; k < ap_block_sends(block->out_channels); k++) {
        ap_smooth *send = &block->sends[k];
        block->voice_gains[k] = voice;
        if (!done->sends[k] && !ap_smooth_moving(send) && send->value == 1.0) continue;
        float *gains = block->send_gains[k];
        fill(send, gains, &done->sends[k], frames);
        for (uint64_t f = 0; f < frames; f++) gains[f] *= voice[f];
        block->voice_gains[k] = gains;
    }
}

void ap_block_fill_slice(ap_block *block, uint64_t frames) {
    const uint64_t now = block->counters.frames;
    filled done = {0};
    /* Each turn takes one pending command away; a silence may add one, once for each silence. */
    while (block->pending_count && block->pending[block->pending_count - 1].frame < now + frames) {
        const ap_command c = block->pending[--block->pending_count];
        fill_target(block, c.target, &done, c.frame > now ? c.frame - now : 0);
        apply(block, &c);
    }
    for (uint32_t t = 0; t < AP_BLOCK_GAINS; t++) fill_target(block, t, &done, frames);
    fill_target(block, AP_TARGET_RESONANCE, &done, frames);
    for (uint64_t f = 0; f < frames; f++) {
        block->gains[AP_TARGET_VOICE][f] *= block->gains[AP_TARGET_SILENCE][f];
        block->gains[AP_TARGET_MASTER][f] *= block->gains[AP_TARGET_MUTE][f];
    }
    finish_sends(block, &done, frames);
}
