/* ap_timbre.c - see ap_timbre.h. */
#include "ap_timbre.h"

#include <math.h>

#include "ap_internal.h"

enum { LINES = AP_TIMBRE_LINES, LATENT = AP_TIMBRE_LATENT, PITCH = AP_TIMBRE_PITCH };

static const float NEPER = 0.11512925465f; /* ln(10) / 20: dB to the log of an amplitude */

static float *of_pitch(float pitch, float *out) {
    const float height = (pitch - 60.0f) / 24.0f, turn = 0.52359877560f * pitch;
    const bool voiced = pitch > 0.0f;
    out[0] = voiced;
    out[1] = voiced ? height : 0.0f;
    out[2] = voiced ? sinf(turn) : 0.0f;
    out[3] = voiced ? cosf(turn) : 0.0f;
    out[4] = voiced ? height * height : 0.0f;
    return out + PITCH;
}

static float *of_bands(const ap_timbre_bands *bands, const float *spectrum, float quiet, float floor, float *out) {
    const float *weight = bands->weights;
    for (uint32_t b = 0; b < bands->bands; b++) {
        const float *line = spectrum + bands->first[b];
        float sum = 0.0f;
        for (uint32_t i = 0; i < bands->count[b]; i++) sum += *weight++ * line[i];
        *out++ = (logf(sum + quiet) - floor + 6.0f) / 3.0f;
    }
    return out;
}

static float *of_harmonics(const float *spectrum, float pitch, float floor, float *out) {
    const float first = pitch > 0.0f ? 440.0f * expf((pitch - 69.0f) * 0.05776226505f) * (2048.0f / 48000.0f) : 0.0f;
    for (int h = 1; h <= AP_TIMBRE_HARMONICS; h++) {
        const float place = first * (float)h;
        if (!(pitch > 0.0f) || place >= LINES - 3) {
            *out++ = -1.5f;
            continue;
        }
        const float *line = spectrum + (int)rintf(place < 1.0f ? 1.0f : place);
        const float side = line[-1] > line[1] ? line[-1] : line[1], peak = line[0] > side ? line[0] : side;
        const float level = logf(2.0f * peak + 1e-6f) - floor + 5.0f;
        *out++ = (level > -4.0f ? level : -4.0f) / 3.0f;
    }
    return out;
}

void ap_timbre_heard(const ap_timbre_bands *mel, const ap_timbre_bands *attack, const float *spectra, const float *shorts,
                     float pitch_first, float pitch_last, float loudness_db, float *features) {
    const float level = loudness_db < -72.0f ? -72.0f : loudness_db > 0.0f ? 0.0f : loudness_db, floor = level * NEPER;
    const float quiet = expf(floor) * 1e-4f;
    for (int frame = 0; frame < 2; frame++) {
        const float pitch = frame ? pitch_last : pitch_first, *spectrum = spectra + frame * LINES;
        features = of_bands(mel, spectrum, quiet, floor, features);
        features = of_bands(attack, shorts + frame * AP_TIMBRE_SHORT_LINES, quiet, floor, features);
        features = of_harmonics(spectrum, pitch, floor, features);
        features = of_pitch(pitch, features);
    }
    *features = level / 36.0f + 1.0f;
}

void ap_timbre_planned(const float *latent, float pitch_first, float pitch_last, float level_db, float before_db, float *hop,
                       float *pitches, float *timbre) {
    of_pitch(pitch_last, of_pitch(pitch_first, pitches));
    memcpy(hop, latent, LATENT * sizeof *hop);
    memcpy(hop + LATENT, pitches, 2 * PITCH * sizeof *hop);
    hop[LATENT + 2 * PITCH] = level_db / 36.0f + 1.0f;
    hop[LATENT + 2 * PITCH + 1] = (level_db - before_db) / 12.0f;
    memset(timbre, 0, 4 * LATENT * sizeof *timbre);
    memcpy(timbre, latent, LATENT * sizeof *timbre);
    memcpy(timbre + 3 * LATENT, latent, LATENT * sizeof *timbre);
}
