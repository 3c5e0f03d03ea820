/* ap_voice.h - sound from what the decoder's network says: harmonics of the pitch and shaped noise, a hop of 960 frames at
 * 48 kHz (two control frames) at a time.
 *
 * Of each control frame the network says 193 numbers: a log envelope at 72 frequencies, corrections of the first 48
 * harmonics, the level of all harmonics, log levels of 72 bands of noise. The noise overlaps by half under a sine window and
 * begins with its frame: no look-ahead. Model process; not for the callback.
 */
#ifndef AP_VOICE_H
#define AP_VOICE_H
#include "ap_bank.h"
#include "ap_base.h"

enum {
    AP_VOICE_FRAME = 480,
    AP_VOICE_BANDS = 72,     /* of the envelope and of the noise, even on log(1 + f / 500) */
    AP_VOICE_CORRECTED = 48,
    AP_VOICE_RAW = 2 * AP_VOICE_BANDS + AP_VOICE_CORRECTED + 1,
    AP_VOICE_LINES = AP_VOICE_FRAME + 1
};

/* All that is remembered from hop to hop. */
typedef struct ap_voice_state {
    ap_bank bank;
    float tail[AP_VOICE_FRAME]; /* second half of the last window of noise */
    uint64_t chance;            /* the noise generator */
    double level_db;            /* of the last hop */
} ap_voice_state;

typedef struct ap_voice ap_voice;

/* Bytes for a voice. */
uint64_t ap_voice_sizeof(void);
/* Silence, noise of seed 0. AP_OK, AP_ERR_ALIGN or AP_ERR_SIZE. */
int ap_voice_init(ap_voice *voice, uint64_t bytes);
/* To read and write between hops. */
ap_voice_state *ap_voice_state_of(ap_voice *voice);
/* Silence; the generator stays where it is. */
void ap_voice_reset(ap_voice *voice);
/* Start the noise anew. */
void ap_voice_seed(ap_voice *voice, uint64_t seed);
/* A control frame is held to 8 dB above level_db at most.
 * Write a hop. raw: 2 x AP_VOICE_RAW; pitches in MIDI semitones, 0 unvoiced; level_db of the hop, the gain goes there from
 * the last one's over both control frames; sounding 0: fade to exact silence. noise: 2 x AP_VOICE_LINES complex numbers,
 * the spectra of 960 frames of unit deviation, or NULL to draw them. */
void ap_voice_process(ap_voice *voice, const float *raw, double pitch_first, double pitch_last, double level_db, int sounding,
                      const float *noise, float *out);

#endif
