/* ap_block.c - see ap_block.h. */
#include "ap_block.h"

#include <math.h>

#include "ap_block_state.h"
#include "ap_internal.h"

/* What the voice is doing. FALLING is entered when frames have run out or may no longer be used, and always ends in SILENT. */
enum { VOICE_SILENT, VOICE_PLAYING, VOICE_FALLING };

static uint64_t floats_needed(const ap_block_config *c, const ap_segment_config *shape) {
    const uint32_t slices = shape->in_channels + 2u + AP_BLOCK_GAINS + ap_block_sends(shape->out_channels);
    return (uint64_t)c->fade_frames + 1 + (uint64_t)c->slice_frames * slices;
}

uint64_t ap_block_sizeof(const ap_block_config *c, const ap_segment *segment) {
    if (c->slice_frames < 1 || c->slice_frames > AP_BLOCK_FRAMES_MAX) return 0;
    if (c->fade_frames < 1 || c->fade_frames > AP_BLOCK_FRAMES_MAX) return 0;
    if (!ap_block_gain_ok(c->dry_gain) || !ap_block_gain_ok(c->voice_gain) || !ap_block_gain_ok(c->master_gain)) return 0;
    for (int k = 0; k < AP_SENDS; k++)
        if (!ap_block_gain_ok(c->send_gain[k])) return 0;
    ap_segment_config shape;
    ap_segment_read_config(segment, &shape);
    return ap_align_up(sizeof(ap_block)) + ap_align_up(floats_needed(c, &shape) * sizeof(float));
}

int ap_block_init(ap_block *block, uint64_t bytes, const ap_block_config *config, ap_segment *segment) {
    if (!ap_aligned(block)) return AP_ERR_ALIGN;
    const uint64_t need = ap_block_sizeof(config, segment);
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    memset(block, 0, need);
    ap_segment_config shape;
    ap_segment_read_config(segment, &shape);
    block->config = *config;
    block->segment = segment;
    block->mic = ap_segment_mic(segment);
    block->voice_ring = ap_segment_voice(segment);
    block->commands = ap_segment_commands(segment);
    block->in_channels = shape.in_channels;
    block->out_channels = shape.out_channels;
    float *memory = (float *)((char *)block + ap_align_up(sizeof(ap_block)));
    const uint64_t slice = config->slice_frames;
    block->input = memory;
    block->voice = (memory += slice * shape.in_channels);
    block->voice_taped = (memory += slice);
    memory += slice;
    for (int t = 0; t < AP_BLOCK_GAINS; t++, memory += slice) block->gains[t] = memory;
    for (uint32_t k = 0; k < ap_block_sends(shape.out_channels); k++, memory += slice) block->send_gains[k] = memory;
    for (uint32_t c = 0; c < shape.out_channels; c++) block->voice_gains[c] = block->gains[AP_TARGET_VOICE];
    block->fade = memory;
    for (uint32_t i = 0; i <= config->fade_frames; i++)
        block->fade[i] = (float)(0.5 - 0.5 * cos(3.14159265358979323846 * i / config->fade_frames));
    const int limiter = ap_limiter_init(&block->limiter, (float)config->ceiling, config->release_frames);
    if (limiter != AP_OK) return limiter;
    const double rate = shape.samplerate, resonance = config->resonance;
    const uint32_t fade = config->fade_frames;
    if (ap_filter_init(&block->lowpass, AP_FILTER_LOWPASS, rate, config->lowpass_hz, resonance, fade)) return AP_ERR_VALUE;
    if (ap_filter_init(&block->highpass, AP_FILTER_HIGHPASS, rate, config->highpass_hz, resonance, fade)) return AP_ERR_VALUE;
    ap_meter_init(&block->meter_in, shape.samplerate);
    ap_meter_init(&block->meter_voice, shape.samplerate);
    ap_meter_init(&block->meter_out, shape.samplerate);
    ap_smooth_init(&block->smooths[AP_TARGET_DRY], config->dry_gain);
    ap_smooth_init(&block->smooths[AP_TARGET_VOICE], config->voice_gain);
    ap_smooth_init(&block->smooths[AP_TARGET_MASTER], config->master_gain);
    ap_smooth_init(&block->smooths[AP_TARGET_SILENCE], 1.0);
    ap_smooth_init(&block->smooths[AP_TARGET_MUTE], 1.0);
    for (int k = 0; k < AP_SENDS; k++) ap_smooth_init(&block->sends[k], config->send_gain[k]);
    if (!ap_segment_counters(segment, &block->counters)) memset(&block->counters, 0, sizeof block->counters);
    block->limiter.limited = block->counters.limited_frames;
    ap_block_reset(block);
    return AP_OK;
}

void ap_block_reset(ap_block *block) {
    for (int t = 0; t < AP_BLOCK_GAINS; t++) ap_smooth_reset(&block->smooths[t], block->smooths[t].target);
    for (int k = 0; k < AP_SENDS; k++) ap_smooth_reset(&block->sends[k], block->sends[k].target);
    ap_filter_reset(&block->lowpass);
    ap_filter_reset(&block->highpass);
    ap_smooth_reset(&block->smooths[AP_TARGET_SILENCE], 1.0);
    ap_limiter_reset(&block->limiter);
    ap_meter_reset(&block->meter_in);
    ap_meter_reset(&block->meter_voice);
    ap_meter_reset(&block->meter_out);
    ap_tail_reset(&block->tail);
    block->pending_count = 0;
    block->voice_state = VOICE_SILENT;
    block->fade_at = 0;
    block->gap_counted = 0;
    block->released = 1;
}

void ap_block_times(ap_block *block, double callback, double adc, double dac) {
    block->counters.time_callback = callback;
    block->counters.time_adc = adc;
    block->counters.time_dac = dac;
}

/* ---- voice ---- */

static void take_frames(ap_block *block, float *to, uint64_t frames) {
    ap_ring_read(block->voice_ring, to, frames);
    block->counters.scrubbed += ap_mix_scrub(to, to, frames);
    block->counters.voice_frames += frames;
    ap_tail_hear(&block->tail, to, frames); /* before any fade: the tail carries on the sound, its gain is ours */
}

static void rise(ap_block *block, float *data, uint64_t frames) {
    for (uint64_t i = 0; i < frames && block->fade_at < block->config.fade_frames; i++) data[i] *= block->fade[++block->fade_at];
}

static void fall(ap_block *block, float *data, uint64_t frames) {
    for (uint64_t i = 0; i < frames; i++) data[i] *= block->fade[block->fade_at ? --block->fade_at : 0];
}

static void silence(float *data, uint64_t frames) { memset(data, 0, frames * sizeof(float)); }

/* One state's part of the voice for this slice, from `to`; returns frames written, at least one unless the state changes. */
static uint64_t voice_silent(ap_block *block, bool open, int64_t owed, float *to, uint64_t frames) {
    const uint64_t readable = ap_ring_readable(block->voice_ring);
    if (!open) {
        ap_ring_skip(block->voice_ring, readable);
        silence(to, frames);
        return frames;
    }
    if (owed < 0) { /* not due yet */
        const uint64_t wait = ap_min(frames, (uint64_t)-owed);
        silence(to, wait);
        return wait;
    }
    const uint64_t skipped = ap_ring_skip(block->voice_ring, ap_min((uint64_t)owed, readable));
    block->counters.skipped_frames += skipped;
    if (skipped == (uint64_t)owed && readable - skipped >= frames) {
        block->voice_state = VOICE_PLAYING;
        block->gap_counted = 0;
        return 0;
    }
    /* Come back only with a whole slice: frames in drips would be fade upon fade. */
    block->counters.underflow_frames += frames;
    block->counters.underflows += !block->gap_counted;
    block->gap_counted = 1;
    silence(to, frames);
    return frames;
}

static uint64_t voice_playing(ap_block *block, bool open, int64_t owed, float *to, uint64_t frames) {
    uint64_t there = ap_min(frames, ap_ring_readable(block->voice_ring));
    const bool in_time = open && owed == 0;
    if (in_time && there == frames) {
        take_frames(block, to, frames);
        rise(block, to, frames);
        return frames;
    }
    if (in_time) {
        block->counters.underflows++;
        block->gap_counted = 1;
    } else {
        there = ap_min(there, block->fade_at); /* closed, or the clock stood still: only what the fade needs */
    }
    const uint64_t faded = ap_min(there, block->config.fade_frames);
    take_frames(block, to, there);
    rise(block, to, there - faded);
    fall(block, to + (there - faded), faded);
    block->voice_state = VOICE_FALLING;
    return there;
}

static uint64_t voice_falling(ap_block *block, bool open, float *to, uint64_t frames) {
    const uint64_t left = ap_min(frames, block->fade_at);
    ap_tail_process(&block->tail, to, left);
    fall(block, to, left);
    if (open) block->counters.underflow_frames += left;
    if (!block->fade_at) block->voice_state = VOICE_SILENT;
    return left;
}

static void fill_voice(ap_block *block, uint64_t clock, uint64_t frames) {
    int64_t origin;
    const uint64_t epoch = ap_segment_voice_epoch(block->segment, &origin);
    const bool open = epoch & 1;
    const int64_t due_at = origin + ap_segment_delay_frames(block->segment);
    uint64_t done = 0;
    /* At worst: finish a fall, wait until due, play. Eight turns are more than there are states to pass through. */
    for (int turn = 0; turn < 8 && done < frames; turn++) {
        float *to = block->voice + done;
        const uint64_t left = frames - done;
        const int64_t owed = (int64_t)(clock + done) - due_at - (int64_t)ap_ring_position(block->voice_ring);
        switch (block->voice_state) {
        case VOICE_SILENT: done += voice_silent(block, open, owed, to, left); break;
        case VOICE_PLAYING: done += voice_playing(block, open, owed, to, left); break;
        default: done += voice_falling(block, open, to, left); break;
        }
    }
    silence(block->voice + done, frames - done);
    if (!open && block->voice_state == VOICE_SILENT && block->released != epoch) {
        ap_ring_skip(block->voice_ring, ap_ring_readable(block->voice_ring));
        ap_segment_voice_release(block->segment, epoch);
        block->released = epoch;
        block->gap_counted = 0;
    }
}

/* ---- the tape ---- */

/* Write down a slice: what came in, the voice as it came from its ring, what goes out. */
static void tape_slice(ap_block *block, const float *out, uint64_t clock, uint64_t frames, bool whole) {
    const uint64_t epoch = ap_segment_tape_epoch(block->segment);
    if (!(epoch & 1)) {
        block->taping = 0;
        return;
    }
    ap_ring *dry = ap_segment_tape_dry(block->segment), *voice = ap_segment_tape_voice(block->segment);
    ap_ring *mix = ap_segment_tape_mix(block->segment);
    if (block->taping != epoch) {
        block->taping = epoch;
        /* Broken off already: by the block before this one, on a device that was lost. */
        block->tape_broken = (uint32_t)ap_segment_tape_broken(block->segment);
        if (!block->tape_broken) ap_segment_tape_begin(block->segment, epoch, clock, ap_ring_written(mix));
    }
    if (block->tape_broken) return;
    const uint64_t room = ap_min(ap_min(ap_ring_writable(dry), ap_ring_writable(voice)), ap_ring_writable(mix));
    if (!whole || room < frames) {
        block->tape_broken = 1;
        ap_segment_tape_break(block->segment, epoch);
        return;
    }
    ap_ring_write(dry, block->input, frames);
    ap_ring_write(voice, block->voice_taped, frames);
    ap_ring_write(mix, out, frames); /* last: what the reader finds here is in the other two */
}

/* ---- the block ---- */

static void process_slice(ap_block *block, const float *in, float *out, uint64_t frames) {
    ap_counters *n = &block->counters;
    n->scrubbed += ap_mix_scrub(in, block->input, frames * block->in_channels);
    const uint64_t clock = ap_ring_written(block->mic);
    const uint64_t written = ap_ring_write(block->mic, block->input, frames);
    n->mic_overflow_frames += frames - written;
    n->mic_overflows += written < frames;
    fill_voice(block, clock, frames);
    memcpy(block->voice_taped, block->voice, frames * sizeof(float)); /* before it is filtered in place */
    ap_meter_process(&block->meter_in, block->input, block->in_channels, frames);
    ap_meter_process(&block->meter_voice, block->voice, 1, frames);
    ap_block_fill_slice(block, frames);
    if (out) {
        ap_mix_process(block->input, block->in_channels, block->voice, block->gains[AP_TARGET_DRY],
                       block->voice_gains, block->gains[AP_TARGET_MASTER], out, block->out_channels, frames);
        ap_limiter_process(&block->limiter, out, block->out_channels, frames);
        ap_meter_process(&block->meter_out, out, block->out_channels, frames);
    }
    n->frames += frames;
    tape_slice(block, out, clock, frames, written == frames);
}

static void publish(ap_block *block) {
    ap_counters *n = &block->counters;
    n->commands_pending = block->pending_count;
    n->limited_frames = block->limiter.limited;
    n->in_peak = block->meter_in.peak;
    n->in_rms = ap_meter_rms(&block->meter_in);
    n->voice_peak = block->meter_voice.peak;
    n->voice_rms = ap_meter_rms(&block->meter_voice);
    n->out_peak = block->meter_out.peak;
    n->out_rms = ap_meter_rms(&block->meter_out);
    n->out_peak_max = block->meter_out.peak_max;
    n->limiter_gain = block->limiter.gain;
    n->dry_gain = block->smooths[AP_TARGET_DRY].value;
    n->voice_gain = block->smooths[AP_TARGET_VOICE].value;
    n->master_gain = block->smooths[AP_TARGET_MASTER].value;
    ap_segment_publish_counters(block->segment, n);
}

void ap_block_process(ap_block *block, const float *in, float *out, uint64_t frames, uint32_t flags) {
    const uint64_t mode = ap_denormals_enter();
    ap_counters *n = &block->counters;
    n->blocks++;
    n->input_underflows += (flags & AP_FLAG_INPUT_UNDERFLOW) != 0;
    n->input_overflows += (flags & AP_FLAG_INPUT_OVERFLOW) != 0;
    n->output_underflows += (flags & AP_FLAG_OUTPUT_UNDERFLOW) != 0;
    n->output_overflows += (flags & AP_FLAG_OUTPUT_OVERFLOW) != 0;
    n->primings += (flags & AP_FLAG_PRIMING) != 0;
    n->inputs_missing += in == NULL;
    ap_block_take_commands(block);
    for (uint64_t done = 0; done < frames;) { /* one slice, unless the device sends more than it said */
        const uint64_t slice = ap_min(frames - done, block->config.slice_frames);
        process_slice(block, in ? in + done * block->in_channels : NULL, out ? out + done * block->out_channels : NULL, slice);
        done += slice;
    }
    publish(block);
    ap_denormals_leave(mode);
}
