/* ap_voice.c - see ap_voice.h. */
#include "ap_voice.h"

#include <math.h>

#include "ap_fft.h"
#include "ap_internal.h"

enum { FRAME = AP_VOICE_FRAME, LINES = AP_VOICE_LINES, BANDS = AP_VOICE_BANDS, CORRECTED = AP_VOICE_CORRECTED };

static const double RATE = 48000.0, KNEE = 500.0, TOP = 23040.0; /* Hz; the last 4 % below half the rate stay empty */
static const double JUMP = 1.0905077326652577;                   /* 2^(1.5/12): beyond it a new note, not a glide, as in training */
static const float NEPER = 0.11512925465f;                       /* ln(10) / 20 */
static const double SILENT_DB = -90.0;
static const float OVER = 2.5f; /* times the level told that a control frame may be: 8 dB, which attacks need */

struct ap_voice {
    ap_voice_state state;
    float window[2 * FRAME], share[LINES]; /* of the band above, at each line */
    uint16_t band[LINES];
    ap_fft *fft;
};

static uint64_t fft_place(void) { return ap_align_up(sizeof(ap_voice)); }

uint64_t ap_voice_sizeof(void) { return fft_place() + ap_fft_sizeof(2 * FRAME); }

ap_voice_state *ap_voice_state_of(ap_voice *voice) { return &voice->state; }

static double bands_per_neper(void) { return (BANDS - 1) / log(1.0 + RATE / 2.0 / KNEE); }

int ap_voice_init(ap_voice *voice, uint64_t bytes) {
    if (!ap_aligned(voice)) return AP_ERR_ALIGN;
    if (bytes < ap_voice_sizeof()) return AP_ERR_SIZE;
    voice->fft = (ap_fft *)((char *)voice + fft_place());
    for (int i = 0; i < 2 * FRAME; i++) voice->window[i] = (float)sin((i + 0.5) * 3.14159265358979324 / (2 * FRAME));
    for (int i = 0; i < LINES; i++) {
        const double position = log(1.0 + i * RATE / (2 * FRAME) / KNEE) * bands_per_neper();
        voice->band[i] = (uint16_t)ap_min(BANDS - 2, (uint64_t)position);
        voice->share[i] = (float)(position - voice->band[i]);
    }
    ap_voice_reset(voice);
    ap_voice_seed(voice, 0);
    return ap_fft_init(voice->fft, bytes - fft_place(), 2 * FRAME);
}

void ap_voice_reset(ap_voice *voice) {
    ap_bank_reset(&voice->state.bank);
    memset(voice->state.tail, 0, sizeof voice->state.tail);
    voice->state.level_db = SILENT_DB;
}

void ap_voice_seed(ap_voice *voice, uint64_t seed) { voice->state.chance = seed * 0xD1342543DE82EF95u; }

static float clipped(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

static void amplitudes(const float *raw, double hertz, float gain, float *levels) {
    const float *corrections = raw + BANDS, tone = raw[BANDS + CORRECTED], scale = (float)bands_per_neper();
    for (int k = 0; k < AP_BANK_HARMONICS; k++) {
        const float place = (float)hertz * (float)(k + 1);
        levels[k] = 0.0f;
        if (!(place > 0.0f && place < TOP)) continue;
        const float position = clipped(logf(1.0f + place / (float)KNEE) * scale, 0.0f, BANDS - 1.001f);
        const int lower = (int)position;
        const float share = position - (float)lower;
        const float level = raw[lower] * (1.0f - share) + raw[lower + 1] * share + tone + (k < CORRECTED ? corrections[k] : 0.0f);
        levels[k] = expf(clipped(level, -14.0f, 3.0f)) * gain;
    }
}

/* Numbers of unit deviation, each the sum of four of 16 bits: a frame of noise adds up a thousand, which makes it normal.
 * The generator is splitmix64 (Steele, Lea and Flood 2014), whose numbers do not wait for one another. */
EACH_WIDTH static void draw(uint64_t chance, float *out) {
    for (uint64_t i = 0; i < 2 * LINES; i++) {
        uint64_t z = chance + (i + 1) * 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        z ^= z >> 31;
        const int32_t sum = (int32_t)((z & 0xFFFF) + (z >> 16 & 0xFFFF) + (z >> 32 & 0xFFFF) + (z >> 48));
        out[i] = (float)(sum - 131070) * (1.7320508f / 65536.0f);
    }
}

/* Magnitudes of the noise at all lines, for a unit of white noise. */
static void magnitudes(const ap_voice *voice, const float *raw, float gain, float *lines) {
    float bands[BANDS];
    for (int b = 0; b < BANDS; b++) bands[b] = expf(clipped(raw[b], -14.0f, 2.0f)) * gain;
    for (int i = 0; i < LINES; i++) {
        const float share = voice->share[i];
        lines[i] = bands[voice->band[i]] * (1.0f - share) + bands[voice->band[i] + 1] * share;
    }
}

/* The network was told a level and mostly keeps to it; where it does not, told of codes it never met, it has been 40 dB
 * above. What both parts together would be louder than OVER times the level is taken back here, as amplitudes, so that it
 * is a ramp and no clipping. */
static float held_back(const float *levels, const float *lines, float gain) {
    float tone = 0.0f, noise = 0.0f;
    for (int k = 0; k < AP_BANK_HARMONICS; k++) tone += levels[k] * levels[k];
    for (int i = 0; i < LINES; i++) noise += lines[i] * lines[i];
    const float rms = sqrtf(0.5f * tone + noise / LINES);
    return rms > OVER * gain ? OVER * gain / rms : 1.0f;
}

static void noise_frame(ap_voice *voice, const float *lines, float scale, const float *noise, float *out) {
    float spectrum[2 * LINES];
    if (noise) {
        memcpy(spectrum, noise, sizeof spectrum);
    } else {
        /* White noise of 960 frames has a spectrum of independent parts, each of variance 480. */
        draw(voice->state.chance, spectrum);
        voice->state.chance += 2 * LINES * 0x9E3779B97F4A7C15u;
        scale *= 21.9089023f;
        spectrum[0] *= 1.41421356f;
        spectrum[2 * LINES - 2] *= 1.41421356f;
    }
    for (int i = 0; i < LINES; i++) {
        spectrum[2 * i] *= lines[i] * scale;
        spectrum[2 * i + 1] *= lines[i] * scale;
    }
    ap_fft_inverse(voice->fft, spectrum, out);
    for (int i = 0; i < 2 * FRAME; i++) out[i] *= voice->window[i];
}

void ap_voice_process(ap_voice *voice, const float *raw, double pitch_first, double pitch_last, double level_db, int sounding,
                      const float *noise, float *out) {
    ap_voice_state *state = &voice->state;
    for (int frame = 0; frame < 2; frame++, raw += AP_VOICE_RAW, out += FRAME) {
        const double pitch = frame ? pitch_last : pitch_first, hertz = pitch > 0.0 ? 440.0 * exp2((pitch - 69.0) / 12.0) : 0.0;
        const double gain_db = frame ? level_db : 0.5 * (state->level_db + level_db);
        const float gain = sounding ? expf((float)gain_db * NEPER) : 0.0f;
        float levels[AP_BANK_HARMONICS], lines[LINES], piece[2 * FRAME];
        amplitudes(raw, hertz, gain, levels);
        magnitudes(voice, raw + BANDS + CORRECTED + 1, gain, lines);
        const float scale = held_back(levels, lines, gain);
        for (int k = 0; k < AP_BANK_HARMONICS; k++) levels[k] *= scale;
        ap_bank_process(&state->bank, hertz, RATE, JUMP, levels, out, FRAME);
        if (gain > 0.0f) {
            noise_frame(voice, lines, scale, noise ? noise + frame * 2 * LINES : noise, piece);
        } else {
            memset(piece, 0, sizeof piece);
        }
        for (int i = 0; i < FRAME; i++) out[i] += state->tail[i] + piece[i];
        memcpy(state->tail, piece + FRAME, sizeof state->tail);
    }
    state->level_db = level_db;
}
