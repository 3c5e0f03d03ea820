/* ap_segment.c - see ap_segment.h. */
#include "ap_segment.h"

#include "ap_internal.h"
#include "ap_timed.h"

#define SEGMENT_MAGIC UINT64_C(0x6e6f687069746e41) /* "Antiphon" */

enum { PART_MIC, PART_VOICE, PART_PARAMS, PART_STATUS, PART_COMMANDS, PART_COUNTERS,
       PART_TAPE_DRY, PART_TAPE_VOICE, PART_TAPE_MIX, PART_JOURNAL, PART_TRACE_BLOCKS, PART_TRACE_STEPS, PARTS };

struct ap_segment {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t bytes;              /* of the whole segment */
    uint64_t offsets[PARTS];     /* bytes from the start of the header */
    ap_segment_config config;
    _Atomic int64_t engine_pid;
    _Atomic int64_t worker_pid;
    _Atomic uint64_t generation;
    _Atomic int64_t delay_frames;
    alignas(AP_ALIGN) _Atomic int64_t voice_origin;
    _Atomic uint64_t voice_epoch; /* odd: open, even: closed; worker and supervisor write */
    alignas(AP_ALIGN) _Atomic uint64_t voice_released; /* the even epoch the callback last finished with */
    _Atomic uint64_t tape_clock, tape_position; /* of the first frame of the epoch in tape_begun; callback writes */
    _Atomic uint64_t tape_begun, tape_broken;   /* odd epochs; callback writes */
    alignas(AP_ALIGN) _Atomic uint64_t tape_epoch; /* odd: let it run; recorder writes */
};
static_assert(sizeof(ap_segment_config) == 56, "segment config layout");
static_assert(sizeof(ap_counters) % 8 == 0, "counters are 64-bit words");
static_assert(sizeof(ap_counters) / 8 == 34, "counters layout: change AP_SEGMENT_VERSION with it");
static_assert((int)AP_TRACE_BLOCK_WORDS == (int)AP_TIMED_WORDS, "ap_timed writes the trace of blocks");
static_assert(sizeof(struct ap_segment) == 7 * AP_ALIGN, "segment header");

enum { COUNTER_WORDS = sizeof(ap_counters) / 8 };

/* Offsets of all parts for a config; returns the total, or 0. */
static uint64_t lay_out(const ap_segment_config *c, uint64_t offsets[PARTS]) {
    if (c->samplerate < AP_RATE_MIN || c->samplerate > AP_RATE_MAX) return 0;
    if (c->out_channels < 1 || c->out_channels > AP_CHANNELS_MAX) return 0;
    const uint64_t sizes[PARTS] = {
        [PART_MIC] = ap_ring_sizeof(c->in_channels, c->mic_frames),
        [PART_VOICE] = ap_ring_sizeof(1, c->voice_frames),
        [PART_PARAMS] = ap_mailbox_sizeof(c->params),
        [PART_STATUS] = ap_mailbox_sizeof(c->status),
        [PART_COMMANDS] = ap_command_sizeof(c->commands),
        [PART_COUNTERS] = ap_mailbox_sizeof(COUNTER_WORDS),
        [PART_TAPE_DRY] = ap_ring_sizeof(c->in_channels, c->tape_frames),
        [PART_TAPE_VOICE] = ap_ring_sizeof(1, c->tape_frames),
        [PART_TAPE_MIX] = ap_ring_sizeof(c->out_channels, c->tape_frames),
        [PART_JOURNAL] = ap_ring_sizeof(1, c->journal_words),
        [PART_TRACE_BLOCKS] = ap_ring_sizeof(AP_TRACE_BLOCK_WORDS, AP_TRACE_BLOCKS),
        [PART_TRACE_STEPS] = ap_ring_sizeof(AP_TRACE_STEP_WORDS, AP_TRACE_STEPS),
    };
    uint64_t at = sizeof(ap_segment);
    for (int i = 0; i < PARTS; i++) {
        if (!sizes[i]) return 0;
        offsets[i] = at;
        at = ap_align_up(at + sizes[i]); /* cannot overflow: the largest ring is 2^40 bytes */
    }
    return at;
}

uint64_t ap_segment_sizeof(const ap_segment_config *config) {
    uint64_t offsets[PARTS];
    return lay_out(config, offsets);
}

static void *part(const ap_segment *segment, int which) { return (char *)segment + segment->offsets[which]; }

int ap_segment_init(ap_segment *segment, uint64_t bytes, const ap_segment_config *config, int64_t engine_pid) {
    uint64_t offsets[PARTS];
    const uint64_t need = lay_out(config, offsets);
    if (!ap_aligned(segment)) return AP_ERR_ALIGN;
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    memset(segment, 0, sizeof *segment);
    segment->version = AP_SEGMENT_VERSION;
    segment->header_bytes = sizeof *segment;
    segment->bytes = need;
    memcpy(segment->offsets, offsets, sizeof offsets);
    segment->config = *config;
    atomic_store(&segment->engine_pid, engine_pid);
    atomic_store(&segment->generation, 1);
    ap_ring_init(part(segment, PART_MIC), offsets[PART_VOICE] - offsets[PART_MIC], config->in_channels, config->mic_frames);
    ap_ring_init(part(segment, PART_VOICE), offsets[PART_PARAMS] - offsets[PART_VOICE], 1, config->voice_frames);
    ap_mailbox_init(part(segment, PART_PARAMS), offsets[PART_STATUS] - offsets[PART_PARAMS], config->params);
    ap_mailbox_init(part(segment, PART_STATUS), offsets[PART_COMMANDS] - offsets[PART_STATUS], config->status);
    ap_command_init(part(segment, PART_COMMANDS), offsets[PART_COUNTERS] - offsets[PART_COMMANDS], config->commands);
    ap_mailbox_init(part(segment, PART_COUNTERS), offsets[PART_TAPE_DRY] - offsets[PART_COUNTERS], COUNTER_WORDS);
    ap_ring_init(part(segment, PART_TAPE_DRY), offsets[PART_TAPE_VOICE] - offsets[PART_TAPE_DRY], config->in_channels, config->tape_frames);
    ap_ring_init(part(segment, PART_TAPE_VOICE), offsets[PART_TAPE_MIX] - offsets[PART_TAPE_VOICE], 1, config->tape_frames);
    ap_ring_init(part(segment, PART_TAPE_MIX), offsets[PART_JOURNAL] - offsets[PART_TAPE_MIX], config->out_channels, config->tape_frames);
    ap_ring_init(part(segment, PART_JOURNAL), offsets[PART_TRACE_BLOCKS] - offsets[PART_JOURNAL], 1, config->journal_words);
    ap_ring_init(part(segment, PART_TRACE_BLOCKS), offsets[PART_TRACE_STEPS] - offsets[PART_TRACE_BLOCKS], AP_TRACE_BLOCK_WORDS,
                 AP_TRACE_BLOCKS);
    ap_ring_init(part(segment, PART_TRACE_STEPS), need - offsets[PART_TRACE_STEPS], AP_TRACE_STEP_WORDS, AP_TRACE_STEPS);
    segment->magic = SEGMENT_MAGIC; /* last: a half-made segment is not one */
    return AP_OK;
}

int ap_segment_check(const ap_segment *segment, uint64_t bytes) {
    uint64_t offsets[PARTS];
    if (!ap_aligned(segment)) return AP_ERR_ALIGN;
    if (bytes < sizeof *segment) return AP_ERR_SIZE;
    if (segment->magic != SEGMENT_MAGIC) return AP_ERR_MAGIC;
    if (segment->version != AP_SEGMENT_VERSION || segment->header_bytes != sizeof *segment) return AP_ERR_VERSION;
    const uint64_t need = lay_out(&segment->config, offsets);
    if (!need || segment->bytes != need || memcmp(offsets, segment->offsets, sizeof offsets)) return AP_ERR_LAYOUT;
    if (bytes < need) return AP_ERR_SIZE;
    const int parts[PARTS] = {
        ap_ring_check(part(segment, PART_MIC), offsets[PART_VOICE] - offsets[PART_MIC]),
        ap_ring_check(part(segment, PART_VOICE), offsets[PART_PARAMS] - offsets[PART_VOICE]),
        ap_mailbox_check(part(segment, PART_PARAMS), offsets[PART_STATUS] - offsets[PART_PARAMS]),
        ap_mailbox_check(part(segment, PART_STATUS), offsets[PART_COMMANDS] - offsets[PART_STATUS]),
        ap_command_check(part(segment, PART_COMMANDS), offsets[PART_COUNTERS] - offsets[PART_COMMANDS]),
        ap_mailbox_check(part(segment, PART_COUNTERS), offsets[PART_TAPE_DRY] - offsets[PART_COUNTERS]),
        ap_ring_check(part(segment, PART_TAPE_DRY), offsets[PART_TAPE_VOICE] - offsets[PART_TAPE_DRY]),
        ap_ring_check(part(segment, PART_TAPE_VOICE), offsets[PART_TAPE_MIX] - offsets[PART_TAPE_VOICE]),
        ap_ring_check(part(segment, PART_TAPE_MIX), offsets[PART_JOURNAL] - offsets[PART_TAPE_MIX]),
        ap_ring_check(part(segment, PART_JOURNAL), offsets[PART_TRACE_BLOCKS] - offsets[PART_JOURNAL]),
        ap_ring_check(part(segment, PART_TRACE_BLOCKS), offsets[PART_TRACE_STEPS] - offsets[PART_TRACE_BLOCKS]),
        ap_ring_check(part(segment, PART_TRACE_STEPS), need - offsets[PART_TRACE_STEPS]),
    };
    for (int i = 0; i < PARTS; i++)
        if (parts[i] != AP_OK) return AP_ERR_LAYOUT;
    return AP_OK;
}

void ap_segment_read_config(const ap_segment *segment, ap_segment_config *config) { *config = segment->config; }
uint64_t ap_segment_bytes(const ap_segment *segment) { return segment->bytes; }

ap_ring *ap_segment_mic(ap_segment *segment) { return part(segment, PART_MIC); }
ap_ring *ap_segment_voice(ap_segment *segment) { return part(segment, PART_VOICE); }
ap_mailbox *ap_segment_params(ap_segment *segment) { return part(segment, PART_PARAMS); }
ap_mailbox *ap_segment_status(ap_segment *segment) { return part(segment, PART_STATUS); }
ap_command_queue *ap_segment_commands(ap_segment *segment) { return part(segment, PART_COMMANDS); }

ap_ring *ap_segment_tape_dry(ap_segment *segment) { return part(segment, PART_TAPE_DRY); }
ap_ring *ap_segment_tape_voice(ap_segment *segment) { return part(segment, PART_TAPE_VOICE); }
ap_ring *ap_segment_tape_mix(ap_segment *segment) { return part(segment, PART_TAPE_MIX); }
ap_ring *ap_segment_journal(ap_segment *segment) { return part(segment, PART_JOURNAL); }
ap_ring *ap_segment_trace_blocks(ap_segment *segment) { return part(segment, PART_TRACE_BLOCKS); }
ap_ring *ap_segment_trace_steps(ap_segment *segment) { return part(segment, PART_TRACE_STEPS); }

void ap_segment_publish_counters(ap_segment *segment, const ap_counters *counters) {
    double words[COUNTER_WORDS]; /* only carried: the mailbox moves bits, it does not compute */
    memcpy(words, counters, sizeof words);
    ap_mailbox_publish(part(segment, PART_COUNTERS), words);
}

int ap_segment_counters(ap_segment *segment, ap_counters *counters) {
    double words[COUNTER_WORDS];
    if (!ap_mailbox_read(part(segment, PART_COUNTERS), words)) return 0;
    memcpy(counters, words, sizeof words);
    return 1;
}

int64_t ap_segment_engine_pid(const ap_segment *segment) { return atomic_load(&segment->engine_pid); }
int64_t ap_segment_worker_pid(const ap_segment *segment) { return atomic_load(&segment->worker_pid); }
uint64_t ap_segment_generation(const ap_segment *segment) { return atomic_load(&segment->generation); }
void ap_segment_set_engine_pid(ap_segment *segment, int64_t pid) { atomic_store(&segment->engine_pid, pid); }
void ap_segment_set_worker_pid(ap_segment *segment, int64_t pid) { atomic_store(&segment->worker_pid, pid); }
uint64_t ap_segment_next_generation(ap_segment *segment) { return atomic_fetch_add(&segment->generation, 1) + 1; }

uint64_t ap_segment_clock(ap_segment *segment) { return ap_ring_written(ap_segment_mic(segment)); }
int64_t ap_segment_delay_frames(const ap_segment *segment) { return atomic_load(&segment->delay_frames); }
void ap_segment_set_delay_frames(ap_segment *segment, int64_t frames) { atomic_store(&segment->delay_frames, frames); }

int ap_segment_voice_open(ap_segment *segment, int64_t origin) {
    const uint64_t epoch = atomic_load(&segment->voice_epoch);
    if (epoch & 1 || atomic_load(&segment->voice_released) != epoch) return AP_ERR_BUSY;
    atomic_store(&segment->voice_origin, origin);
    /* Last: the callback that sees it open also sees the origin. */
    atomic_store(&segment->voice_epoch, epoch + 1);
    return AP_OK;
}

void ap_segment_voice_close(ap_segment *segment) {
    uint64_t epoch = atomic_load(&segment->voice_epoch);
    /* Compare and swap: worker and supervisor may both close, but one opening is closed once. One try suffices: if it
     * fails, the other has closed it. */
    if (epoch & 1) atomic_compare_exchange_strong(&segment->voice_epoch, &epoch, epoch + 1);
}

int ap_segment_voice_closed(const ap_segment *segment) {
    const uint64_t epoch = atomic_load(&segment->voice_epoch);
    return !(epoch & 1) && atomic_load(&segment->voice_released) == epoch;
}

int64_t ap_segment_voice_origin(const ap_segment *segment) { return atomic_load(&segment->voice_origin); }

uint64_t ap_segment_voice_epoch(const ap_segment *segment, int64_t *origin) {
    const uint64_t epoch = atomic_load(&segment->voice_epoch);
    *origin = atomic_load(&segment->voice_origin);
    return epoch;
}

void ap_segment_voice_release(ap_segment *segment, uint64_t epoch) {
    /* The number seen, not a flag: if the voice was opened again meanwhile this says nothing about the new opening. */
    atomic_store(&segment->voice_released, epoch);
}

void ap_segment_tape_open(ap_segment *segment) {
    const uint64_t epoch = atomic_load(&segment->tape_epoch);
    if (!(epoch & 1)) atomic_store(&segment->tape_epoch, epoch + 1);
}

void ap_segment_tape_close(ap_segment *segment) {
    const uint64_t epoch = atomic_load(&segment->tape_epoch);
    if (epoch & 1) atomic_store(&segment->tape_epoch, epoch + 1);
}

int ap_segment_tape_begun(const ap_segment *segment, uint64_t *clock, uint64_t *position) {
    const uint64_t epoch = atomic_load(&segment->tape_epoch);
    if (!(epoch & 1) || atomic_load(&segment->tape_begun) != epoch) return 0;
    *clock = atomic_load(&segment->tape_clock);
    *position = atomic_load(&segment->tape_position);
    return 1;
}

int ap_segment_tape_broken(const ap_segment *segment) {
    const uint64_t epoch = atomic_load(&segment->tape_epoch);
    return (epoch & 1) && atomic_load(&segment->tape_broken) == epoch;
}

uint64_t ap_segment_tape_epoch(const ap_segment *segment) { return atomic_load(&segment->tape_epoch); }

void ap_segment_tape_begin(ap_segment *segment, uint64_t epoch, uint64_t clock, uint64_t position) {
    atomic_store(&segment->tape_clock, clock);
    atomic_store(&segment->tape_position, position);
    /* Last: whoever sees it begun also sees where. */
    atomic_store(&segment->tape_begun, epoch);
}

void ap_segment_tape_break(ap_segment *segment, uint64_t epoch) { atomic_store(&segment->tape_broken, epoch); }
