/* ap_hearing.h - what the tokenizer's network is told, and what its answers mean. Nothing is remembered. Model process. */
#ifndef AP_HEARING_H
#define AP_HEARING_H
#include "ap_base.h"

/* stack: two parts of `count`; the second goes to the first, and then holds spectra[lines[i]]. */
void ap_hearing_stack(const float *spectra, const int32_t *lines, uint32_t count, float *stack);
/* out[i] = mean of the i-th `width` values. */
void ap_hearing_colour(const float *spectrum, uint32_t count, uint32_t width, float *out);
/* Level of frames, dB rms, full scale square 0; -120 where all are 0. */
double ap_hearing_level_db(const float *in, uint64_t frames);
/* Probabilities from logits. heads: notes, rest and, where `strokes` is not 0, the stroke; notes and unvoiced once more, for
 * pitch; onset. local: of each of `bins` bins of each note, what its pitch has beside its note's; then in as many places what
 * a note has, read at its middle bin. note_post: notes + 2, the stroke 0 where there is none; pitch_post: notes x bins + 1.
 * Returns the onset's probability. */
double ap_hearing_posts(const float *heads, const float *local, uint32_t notes, uint32_t bins, int strokes, float *note_post,
                        float *pitch_post);
/* Where among `count` bins the pitch is, as the mean over the best and two bins either side; -1 where post[count], that of
 * no pitch, is above one half. */
double ap_hearing_pitch(const float *post, uint32_t count);

#endif
