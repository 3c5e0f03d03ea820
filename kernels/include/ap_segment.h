/* ap_segment.h - the one piece of shared memory between the engine process and the model process.
 *
 * A header and parts at offsets the header names, each aligned to AP_ALIGN:
 *   mic       ring, in_channels      callback writes, worker reads; its older frames are the worker's history
 *   voice     ring, mono             worker writes, callback reads; device rate
 *   params    mailbox                control thread writes, worker reads
 *   status    mailbox                worker writes, control thread reads
 *   commands  queue                  control thread writes, callback reads
 *   counters  mailbox of raw words   callback writes (ap_block), control thread reads with ap_segment_counters
 *   tape      three rings: dry (in_channels), voice (mono), mix (out_channels)   callback writes while a take runs, recorder reads
 *   journal   ring of 32-bit words   worker writes while a take runs, recorder reads
 *   trace     two rings: a record of AP_TRACE_BLOCK_WORDS floats a block (ap_timed), callback writes; of AP_TRACE_STEP_WORDS a step,
 *             worker writes. Whoever measures reads; where nobody does they are full after a while, and what comes then is dropped.
 *
 * Time. The clock is the mic ring's write position: the frames the device has delivered. Voice position p is due in
 * the output at clock p + origin + delay_frames. There is no other clock, so nothing can drift.
 *
 * The voice is opened and closed by handshake, because a new origin must never meet old frames:
 *   closed -> worker calls voice_open(origin), then writes.
 *   open   -> worker or supervisor calls voice_close(); the callback fades, drops what is left, and acknowledges;
 *             voice_closed() is then true and the voice may be opened again.
 *
 * The tape runs from the block after tape_open until tape_close, each epoch of it without a gap: where the rings are full, or
 * a block found no room in the mic ring, the callback breaks it off, and the recorder, having read what is there, opens it anew.
 */
#ifndef AP_SEGMENT_H
#define AP_SEGMENT_H
#include "ap_base.h"
#include "ap_command.h"
#include "ap_mailbox.h"
#include "ap_ring.h"

enum { AP_SEGMENT_VERSION = 3 };

enum {
    AP_TRACE_BLOCKS = 16384,  /* records of blocks that are kept for a reader: 43 s of 128 frames at 48 kHz */
    AP_TRACE_STEPS = 2048,    /* of steps: 41 s */
    AP_TRACE_BLOCK_WORDS = 2, /* as ap_timed writes them */
    AP_TRACE_STEP_WORDS = 8   /* what they are: STEP_FIELDS in engine/antiphon/layout.py */
};

typedef struct ap_segment ap_segment;

typedef struct ap_segment_config {
    uint32_t samplerate;     /* Hz, of the device */
    uint32_t in_channels;
    uint32_t out_channels;
    uint32_t params;         /* doubles in the parameter mailbox */
    uint32_t status;         /* doubles in the status mailbox */
    uint32_t commands;       /* capacity of the command queue, a power of two */
    uint64_t mic_frames;     /* capacity of the mic ring, a power of two */
    uint64_t voice_frames;   /* capacity of the voice ring, a power of two */
    uint64_t tape_frames;    /* capacity of each of the tape's rings, a power of two */
    uint64_t journal_words;  /* capacity of the journal, a power of two */
} ap_segment_config;

/* What the callback publishes once a block. 64-bit words only. */
typedef struct ap_counters {
    uint64_t blocks;
    uint64_t frames;             /* device frames since the segment was made */
    uint64_t input_underflows;   /* blocks the device flagged, one counter a flag (PortAudio's five) */
    uint64_t input_overflows;
    uint64_t output_underflows;
    uint64_t output_overflows;
    uint64_t primings;
    uint64_t inputs_missing;     /* blocks that came without an input buffer */
    uint64_t mic_overflows;      /* blocks whose frames did not fit into the mic ring */
    uint64_t mic_overflow_frames;
    uint64_t underflows;         /* times the open voice ran short */
    uint64_t underflow_frames;   /* frames of it that were missing */
    uint64_t skipped_frames;     /* late voice frames dropped to be in time again */
    uint64_t voice_frames;       /* voice frames heard */
    uint64_t commands;           /* commands applied */
    uint64_t commands_late;      /* of those, applied after the frame they asked for */
    uint64_t commands_refused;   /* unknown target or unusable value */
    uint64_t commands_pending;   /* waiting in the callback for their frame */
    uint64_t scrubbed;           /* samples that were NaN, infinite or absurd */
    uint64_t limited_frames;
    double in_peak;              /* linear, see ap_meter */
    double in_rms;
    double voice_peak;
    double voice_rms;
    double out_peak;
    double out_rms;
    double out_peak_max;
    double limiter_gain;
    double dry_gain;             /* linear, as at the end of the block */
    double voice_gain;
    double master_gain;
    double time_callback;        /* PortAudio's three times of the last block, seconds on its clock; 0 if none */
    double time_adc;
    double time_dac;
} ap_counters;

/* Bytes for a segment; 0 if the config is out of range. */
uint64_t ap_segment_sizeof(const ap_segment_config *config);
/* Lay it out, zeroed, voice closed, generation 1. The engine process, before anyone attaches. AP_OK or AP_ERR_*. */
int ap_segment_init(ap_segment *segment, uint64_t bytes, const ap_segment_config *config, int64_t engine_pid);
/* Is this a whole segment of this version? Both sides call it before anything else. AP_OK or AP_ERR_*. */
int ap_segment_check(const ap_segment *segment, uint64_t bytes);
/* The config it was made with, and its size in bytes. */
void ap_segment_read_config(const ap_segment *segment, ap_segment_config *config);
uint64_t ap_segment_bytes(const ap_segment *segment);

AP_RT ap_ring *ap_segment_mic(ap_segment *segment);
AP_RT ap_ring *ap_segment_voice(ap_segment *segment);
AP_RT ap_mailbox *ap_segment_params(ap_segment *segment);
AP_RT ap_mailbox *ap_segment_status(ap_segment *segment);
AP_RT ap_command_queue *ap_segment_commands(ap_segment *segment);
AP_RT ap_ring *ap_segment_tape_dry(ap_segment *segment);
AP_RT ap_ring *ap_segment_tape_voice(ap_segment *segment);
AP_RT ap_ring *ap_segment_tape_mix(ap_segment *segment);
AP_RT ap_ring *ap_segment_journal(ap_segment *segment);
AP_RT ap_ring *ap_segment_trace_blocks(ap_segment *segment);
AP_RT ap_ring *ap_segment_trace_steps(ap_segment *segment);
/* Callback: publish. Control thread: read one consistent set; 1, or 0 if it could not (keep the old one). */
AP_RT void ap_segment_publish_counters(ap_segment *segment, const ap_counters *counters);
AP_RT int ap_segment_counters(ap_segment *segment, ap_counters *counters);

/* Who is alive. 0 = nobody. Generation counts workers, from 1; whoever starts a worker raises it, and a worker that sees
 * another generation than the one it was started with leaves. */
AP_RT int64_t ap_segment_engine_pid(const ap_segment *segment);
AP_RT int64_t ap_segment_worker_pid(const ap_segment *segment);
AP_RT uint64_t ap_segment_generation(const ap_segment *segment);
void ap_segment_set_engine_pid(ap_segment *segment, int64_t pid);
void ap_segment_set_worker_pid(ap_segment *segment, int64_t pid);
uint64_t ap_segment_next_generation(ap_segment *segment);

/* The clock, in frames: how many the mic ring has been given. */
AP_RT uint64_t ap_segment_clock(ap_segment *segment);
/* Device frames a voice position waits beyond its origin: hop + block + lead. The delay of resamplers is in the sound and
 * moves no position. Set by the engine before anyone attaches; the worker may raise it while the voice is open: the callback
 * then lets frames wait that much longer, and a voice that sounds is faded out and in (ap_block). */
AP_RT int64_t ap_segment_delay_frames(const ap_segment *segment);
void ap_segment_set_delay_frames(ap_segment *segment, int64_t frames);

/* Worker: voice position p will be due at clock p + origin + delay_frames. AP_OK, or AP_ERR_BUSY while not closed. */
AP_RT int ap_segment_voice_open(ap_segment *segment, int64_t origin);
/* Worker or supervisor: ask the callback to fade and drop the voice. */
AP_RT void ap_segment_voice_close(ap_segment *segment);
/* Has the callback let go of it? */
AP_RT int ap_segment_voice_closed(const ap_segment *segment);
AP_RT int64_t ap_segment_voice_origin(const ap_segment *segment);
/* Callback: the voice's epoch, odd while open (then *origin is its origin), even while closed; and: what was asked for
 * by this even epoch is done, nothing of the voice is left. */
AP_RT uint64_t ap_segment_voice_epoch(const ap_segment *segment, int64_t *origin);
AP_RT void ap_segment_voice_release(ap_segment *segment, uint64_t epoch);

/* Recorder: let the tape run from the next block on; stop it. Harmless when it is so already. */
void ap_segment_tape_open(ap_segment *segment);
void ap_segment_tape_close(ap_segment *segment);
/* Recorder and worker: has the callback begun what was opened last? Then the clock at its first frame, and the position of that
 * frame in the tape's rings. */
int ap_segment_tape_begun(const ap_segment *segment, uint64_t *clock, uint64_t *position);
/* Anyone: was it broken off? */
AP_RT int ap_segment_tape_broken(const ap_segment *segment);
/* Anyone: the tape's epoch, odd while it is to run. */
AP_RT uint64_t ap_segment_tape_epoch(const ap_segment *segment);
/* Callback: this odd epoch begins here; it is broken off. */
AP_RT void ap_segment_tape_begin(ap_segment *segment, uint64_t epoch, uint64_t clock, uint64_t position);
AP_RT void ap_segment_tape_break(ap_segment *segment, uint64_t epoch);

#endif
