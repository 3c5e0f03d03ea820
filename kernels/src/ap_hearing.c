/* ap_hearing.c - see ap_hearing.h. */
#include "ap_hearing.h"

#include <math.h>

#include "ap_internal.h"

void ap_hearing_stack(const float *spectra, const int32_t *lines, uint32_t count, float *stack) {
    memcpy(stack, stack + count, count * sizeof *stack);
    for (uint32_t i = 0; i < count; i++) stack[count + i] = spectra[lines[i]];
}

void ap_hearing_colour(const float *spectrum, uint32_t count, uint32_t width, float *out) {
    for (uint32_t i = 0; i < count; i++) {
        float sum = 0.0f;
        for (uint32_t k = 0; k < width; k++) sum += spectrum[i * width + k];
        out[i] = sum / (float)width;
    }
}

double ap_hearing_level_db(const float *in, uint64_t frames) {
    double squares = 0.0, parts[8] = {0.0}; /* one sum would wait for itself at every frame */
    for (uint64_t n = 0; n < frames / 8 * 8; n += 8)
        for (int i = 0; i < 8; i++) parts[i] += (double)in[n + i] * in[n + i];
    for (uint64_t n = frames / 8 * 8; n < frames; n++) squares += (double)in[n] * in[n];
    for (int i = 0; i < 8; i++) squares += parts[i];
    return 10.0 * log10(squares / (double)(frames ? frames : 1) + 1e-12);
}

static void softmax(float *values, uint32_t count) {
    float top = values[0], sum = 0.0f;
    for (uint32_t i = 1; i < count; i++) top = values[i] > top ? values[i] : top;
    for (uint32_t i = 0; i < count; i++) sum += values[i] = expf(values[i] - top);
    for (uint32_t i = 0; i < count; i++) values[i] /= sum;
}

double ap_hearing_posts(const float *heads, const float *local, uint32_t notes, uint32_t bins, int strokes, float *note_post,
                        float *pitch_post) {
    const uint32_t classes = notes + (strokes ? 2 : 1);
    const float *coarse = heads + classes, *middle = local + notes * bins + bins / 2;
    for (uint32_t n = 0; n < notes; n++) {
        note_post[n] = heads[n] + middle[n * bins];
        for (uint32_t k = 0; k < bins; k++) pitch_post[n * bins + k] = coarse[n] + local[n * bins + k];
    }
    note_post[notes + 1] = 0.0f;
    for (uint32_t n = notes; n < classes; n++) note_post[n] = heads[n];
    pitch_post[notes * bins] = coarse[notes];
    softmax(note_post, classes);
    softmax(pitch_post, notes * bins + 1);
    return 1.0 / (1.0 + exp(-(double)coarse[notes + 1]));
}

double ap_hearing_pitch(const float *post, uint32_t count) {
    if (post[count] > 0.5f) return -1.0;
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (post[i] > post[best]) best = i;
    double sum = 0.0, places = 0.0;
    for (uint32_t i = best < 2 ? 0 : best - 2; i < count && i <= best + 2; i++) {
        sum += post[i];
        places += post[i] * (double)i;
    }
    return places / sum;
}
