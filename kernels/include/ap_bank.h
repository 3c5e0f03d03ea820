/* ap_bank.h - the harmonics of one gliding fundamental, summed.
 *
 * out[i] = sum over k of a_k(i) sin(2 pi k phase(i)): the amplitudes go straight from where the last call left them to
 * `levels`, the frequency goes straight from the last one to `hertz`. Only the phase of the fundamental is kept, so
 * harmonics never drift apart. Model process.
 */
#ifndef AP_BANK_H
#define AP_BANK_H
#include "ap_base.h"

enum { AP_BANK_HARMONICS = 128 };

typedef struct ap_bank {
    double phase;                      /* turns of the fundamental, 0..1, of the frame last produced */
    double hertz;                      /* frequency of that frame; 0 before the first voiced call */
    float levels[AP_BANK_HARMONICS];   /* amplitudes of that frame */
} ap_bank;

/* Silence, phase 0. */
void ap_bank_reset(ap_bank *bank);
/* Write the next `frames` frames. hertz 0 keeps the last frequency, so that a tail fades in tune. A change of frequency of
 * more than `jump` (a ratio, such as 2^(1.5/12)) is another note and not a glide: the one before fades out as it comes in. levels: AP_BANK_HARMONICS amplitudes; the
 * caller leaves out what lies above half the rate. */
void ap_bank_process(ap_bank *bank, double hertz, double samplerate, double jump, const float *levels, float *out,
                     uint64_t frames);

#endif
