/* ap_timbre.h - what the codec's networks are told: features of a hop heard, and of a hop to be sounded.
 *
 * A hop has two control frames. Pitches are MIDI semitones, 0 where unvoiced; levels are dB. The trainer computes the same
 * from the same formulas (antiphon.train.network). Model process.
 */
#ifndef AP_TIMBRE_H
#define AP_TIMBRE_H
#include "ap_base.h"

enum {
    AP_TIMBRE_LINES = 1025,     /* of the spectrum of 2048 frames */
    AP_TIMBRE_SHORT_LINES = 257,
    AP_TIMBRE_HARMONICS = 40,
    AP_TIMBRE_PITCH = 5,        /* features of one pitch */
    AP_TIMBRE_LATENT = 32
};

/* Weighted sums over neighbouring lines of a spectrum. */
typedef struct ap_timbre_bands {
    uint32_t bands;
    const uint32_t *first, *count; /* lines of each band */
    const float *weights;          /* of each band's lines, band after band */
} ap_timbre_bands;

/* Features of a hop heard, levels relative to its own: of each control frame the log of `mel` of its spectrum and of
 * `attack` of its short spectrum, log amplitudes of 40 harmonics and its pitch; then the level. */
void ap_timbre_heard(const ap_timbre_bands *mel, const ap_timbre_bands *attack, const float *spectra, const float *shorts,
                     float pitch_first, float pitch_last, float loudness_db, float *features);
/* Features of a hop to be sounded. hop: latent, both pitches, level and its change (32 + 10 + 2); pitches: 10; timbre:
 * the latent once at the first place and once at the second of two rows of 64, zeros elsewhere. */
void ap_timbre_planned(const float *latent, float pitch_first, float pitch_last, float level_db, float before_db, float *hop,
                       float *pitches, float *timbre);

#endif
