/* Every kernel once round under AddressSanitizer and UBSan: memory of exactly sizeof bytes, awkward sizes, bad input. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ap_bank.h"
#include "ap_fft.h"
#include "ap_filter.h"
#include "ap_hearing.h"
#include "ap_mix.h"
#include "ap_portaudio.h"
#include "ap_quotes.h"
#include "ap_resample.h"
#include "ap_rvq.h"
#include "ap_smooth.h"
#include "ap_spectrum.h"
#include "ap_tail.h"
#include "ap_timbre.h"
#include "ap_timed.h"
#include "ap_trellis.h"
#include "ap_voice.h"

#define REQUIRE(x) do { if (!(x)) { printf("line %d: %s\n", __LINE__, #x); return 1; } } while (0)

/* Exactly this many bytes, so that one too far is found; aligned_alloc would round up. */
static void *exactly(uint64_t bytes) {
    void *memory = NULL;
    return bytes && !posix_memalign(&memory, AP_ALIGN, bytes) ? memory : NULL;
}

static int resample(uint32_t from, uint32_t to, uint32_t channels) {
    const ap_resample_config config = {from, to, channels, 0};
    const uint64_t bytes = ap_resample_sizeof(&config);
    ap_resample *r = exactly(bytes);
    REQUIRE(r && ap_resample_init(r, bytes, &config) == AP_OK);
    const unsigned blocks[] = {1, 17, 128, 960, 1025, 3000, 0};
    for (int turn = 0; turn < 3; turn++)
        for (int b = 0; b < 7; b++) {
            const uint64_t ready = ap_resample_ready(r, blocks[b]);
            float *in = malloc(blocks[b] * channels * sizeof(float) + 1), *out = malloc(ready * channels * sizeof(float) + 1);
            for (unsigned i = 0; i < blocks[b] * channels; i++) in[i] = (float)sin(i * 0.1);
            REQUIRE(ap_resample_process(r, in, blocks[b], out, ready) == ready);
            free(in);
            free(out);
        }
    ap_resample_reset(r);
    free(r);
    return 0;
}

static int block(uint32_t in_channels, uint32_t out_channels) {
    const ap_segment_config shape = {48000, in_channels, out_channels, 3, 5, 8, 1024, 512, 256, 64};
    const ap_block_config config = {100, 50, 1.0, 1.0, 1.0, 1.0, 480.0, 300.0, 100.0, 0.5, {1, 0, 0.5, 2, 1, 1, 1, 1}};
    const uint64_t bytes = ap_segment_sizeof(&shape);
    ap_segment *segment = exactly(bytes);
    REQUIRE(segment && ap_segment_init(segment, bytes, &shape, 1) == AP_OK && ap_segment_check(segment, bytes) == AP_OK);
    ap_segment_set_delay_frames(segment, 30);
    const uint64_t size = ap_block_sizeof(&config, segment);
    ap_block *b = exactly(size);
    REQUIRE(b && ap_block_init(b, size, &config, segment) == AP_OK);
    REQUIRE(ap_segment_voice_open(segment, 0) == AP_OK);
    float *voice = malloc(512 * sizeof(float));
    for (int i = 0; i < 512; i++) voice[i] = i % 7 ? 0.3f : NAN;
    const ap_portaudio_times times = {1.0, 2.0, 3.0};
    ap_timing timing = {ap_portaudio, b, ap_segment_trace_blocks(segment), 0};
    for (unsigned turn = 0; turn < 200; turn++) {
        const unsigned frames = turn * 37 % 260;
        float *in = malloc(frames * in_channels * sizeof(float) + 1), *out = malloc(frames * out_channels * sizeof(float) + 1);
        for (unsigned i = 0; i < frames * in_channels; i++) in[i] = turn % 9 == 4 ? (i & 1 ? INFINITY : NAN) : (float)sin(i) * 3.0f;
        const ap_command command = {turn % 3 ? 0 : turn * 100u, turn % 7, turn % 50, turn % 11 ? 0.5 * (turn % 4) : NAN};
        const double value = turn % 12 == 5 ? NAN : turn % 3 * (turn % 7 < 2 ? 0.4 : 9000.0);
        const ap_command other = {turn * 50u, 5 + turn % 13, turn % 40, value};
        ap_command_push(ap_segment_commands(segment), &command);
        ap_command_push(ap_segment_commands(segment), &other);
        if (turn % 4) ap_ring_write(ap_segment_voice(segment), voice, turn * 53 % 300);
        if (turn > 30 && turn % 3) ap_ring_skip(ap_segment_mic(segment), 700);
        if (turn == 90) ap_segment_voice_close(segment);
        turn % 40 < 30 ? ap_segment_tape_open(segment) : ap_segment_tape_close(segment); /* full soon, and broken off */
        if (turn == 100) REQUIRE(ap_segment_voice_open(segment, (int64_t)ap_segment_clock(segment)) == AP_OK);
        ap_timed(turn % 8 == 7 ? NULL : in, turn % 16 == 15 ? NULL : out, frames, turn & 1 ? &times : NULL, turn % 32, &timing);
        if (turn % 16 != 15)
            for (unsigned i = 0; i < frames * out_channels; i++) REQUIRE(fabsf(out[i]) <= 1.0f);
        free(in);
        free(out);
    }
    ap_counters counters;
    REQUIRE(ap_segment_counters(segment, &counters) && counters.blocks == 200 && counters.underflows && counters.mic_overflows);
    REQUIRE(ap_ring_readable(ap_segment_trace_blocks(segment)) == 200 && ap_ring_writable(ap_segment_trace_steps(segment)));
    ap_block_reset(b);
    free(voice);
    free(b);
    free(segment);
    return 0;
}

static int copy(uint32_t in_channels, uint32_t out_channels) {
    ap_copy c = {in_channels, 0, {0, 0, {0}, out_channels}};
    for (unsigned frames = 0; frames < 40; frames += 13) {
        float *in = exactly(frames * in_channels * sizeof *in + 1), *out = exactly(frames * out_channels * sizeof *out + 1);
        for (unsigned i = 0; i < frames * in_channels; i++) in[i] = i % 3 ? 0.5f : NAN;
        ap_copy_set_gain(&c, (float)frames);
        REQUIRE(ap_copy_gain(&c) == (float)frames);
        ap_portaudio_copy(frames == 26 ? NULL : in, frames == 39 ? NULL : out, frames, NULL, 31, &c);
        free(out);
        free(in);
    }
    REQUIRE(c.counts.blocks == 4 && c.counts.flagged[4] == 4);
    return 0;
}

static float *noisy(uint64_t count, float reach) {
    float *values = exactly(count * sizeof *values);
    for (uint64_t i = 0; i < count; i++) values[i] = reach * (float)((int)(i * 7919 % 2001) - 1000) / 1000.0f;
    return values;
}

static int filter(uint32_t kind, double rate, uint32_t fade) {
    ap_filter *f = exactly(sizeof *f);
    REQUIRE(f && ap_filter_init(f, kind, rate, 1000.0, 0.0, 0) == AP_ERR_VALUE);
    REQUIRE(ap_filter_init(f, kind, NAN, 1000.0, 0.0, fade) == AP_ERR_VALUE);
    REQUIRE(ap_filter_init(f, kind, rate, NAN, 0.0, fade) == AP_ERR_VALUE);
    REQUIRE(ap_filter_init(f, kind, rate, 1000.0, 1.0, fade) == AP_OK);
    for (unsigned turn = 0; turn < 300; turn++) {
        const unsigned frames = turn * 37 % 200;
        float *data = noisy(frames + 1, 1000.0f);
        if (turn % 3 == 0) ap_filter_cutoff(f, turn % 4 ? 20000.0 / (1 + turn % 31) : kind ? 0.0 : 1e6, turn % 5 * 50);
        if (turn % 7 == 0) ap_filter_resonate(f, turn % 2, turn % 11 * 10);
        ap_filter_process(f, data, frames);
        for (unsigned i = 0; i < frames; i++) REQUIRE(fabsf(data[i]) < 1e5f);
        free(data);
    }
    ap_filter_reset(f);
    free(f);
    return 0;
}

static int transform(uint64_t frames) {
    const uint64_t bytes = ap_fft_sizeof(frames);
    ap_fft *fft = exactly(bytes);
    REQUIRE(fft && ap_fft_init(fft, bytes, frames) == AP_OK);
    float *in = malloc(frames * sizeof(float)), *out = malloc((frames + 2) * sizeof(float));
    for (uint64_t n = 0; n < frames; n++) in[n] = n % 5 ? 0.1f : NAN;
    ap_fft_forward(fft, in, out);
    ap_fft_inverse(fft, out, in);
    for (uint64_t count = frames > 9 ? frames - 9 : 0; count <= frames; count++) ap_fft_magnitudes(fft, in, in, count, out);
    free(out);
    free(in);
    free(fft);
    return 0;
}

static int spectrum(uint32_t frames, uint32_t points, uint32_t bands) {
    float *window = malloc(frames * sizeof(float)), *in = malloc((frames + 7) * sizeof(float));
    for (uint32_t n = 0; n < frames + 7; n++) in[n] = window[n % frames] = n % 11 ? 1.0f : INFINITY;
    const uint32_t first[] = {0, 3, points / 2}, count[] = {1, 9, 1};
    const float weights[11] = {1.0f, -1.0f};
    const ap_spectrum_config config = {frames, points, bands, 1e-5f, 0.4f, 2.0f, window, first, count, weights};
    const uint64_t bytes = ap_spectrum_sizeof(&config);
    ap_spectrum *s = exactly(bytes);
    REQUIRE(s && ap_spectrum_init(s, bytes, &config) == AP_OK);
    const uint64_t width = ap_spectrum_width(s);
    REQUIRE(width == (bands ? bands : points / 2 + 1));
    float *out = malloc(2 * width * sizeof(float));
    ap_spectrum_process(s, in, 7, 2, out);
    free(out);
    free(s);
    free(in);
    free(window);
    return 0;
}

static int trellis(uint32_t notes, uint32_t ages, uint32_t back, uint32_t stroke_ages) {
    const ap_trellis_config config = {notes, ages, back, stroke_ages, 0.5, 1e-4, -4.0, -3.0, 3.0, -1.0, 0.7, 0.02, 1e-4, 0.9};
    const uint64_t bytes = ap_trellis_sizeof(&config);
    ap_trellis *t = exactly(bytes);
    REQUIRE(t && ap_trellis_init(t, bytes, &config) == AP_OK);
    float *post = malloc(notes * sizeof(float));
    for (uint32_t hop = 0; hop < 40; hop++) {
        for (uint32_t n = 0; n < notes; n++) post[n] = hop == 30 && n == 1 ? NAN : (float)((n * 7 + hop / 9 * 5) % notes) / (float)notes;
        ap_trellis_process(t, post, hop % 9 ? 0.01 : 1.0);
        int32_t entered;
        for (uint32_t b = 0; b <= back && b <= hop; b++) REQUIRE(ap_trellis_trace(t, b, &entered) < notes);
    }
    ap_trellis_reset(t);
    free(post);
    free(t);
    return 0;
}

/* Melodies of 20 notes each, and lines of every length that quote one of them, or run past its beginning. */
static int quotes(uint64_t notes) {
    int64_t *words = exactly(notes * sizeof *words + 1);
    int32_t *ends = exactly(notes * sizeof *ends + 1), families[2] = {0, 1};
    uint8_t *codes = exactly(notes + 1), *nexts = exactly(notes + 1), own[2] = {0, 1};
    int8_t *waits = exactly(notes + 1);
    uint16_t *of = exactly(notes * sizeof *of + 1);
    for (uint64_t n = 0; n < notes; n++) {
        codes[n] = n % 20 ? (uint8_t)(10 + n * n % 13) : 0;
        waits[n] = (int8_t)(n % 3 * 16);
        of[n] = (uint16_t)(n / 20);
    }
    codes[notes] = 0;
    for (uint64_t n = 0; n < notes; n++) {
        int64_t word = 0;
        for (uint64_t back = 0; back < AP_QUOTES_DEPTH; back++) word = word << 5 | (back <= n ? codes[n - back] : 0);
        uint64_t at = n;
        for (; at && words[at - 1] > word; at--) words[at] = words[at - 1], ends[at] = ends[at - 1];
        words[at] = word;
        ends[at] = (int32_t)n;
    }
    for (uint64_t n = 0; n < notes; n++) nexts[n] = codes[ends[n] + 1];
    const ap_quotes q = {words, notes ? words : NULL, ends, nexts, codes, waits, of, families, own, notes / 2, notes};
    const float bins[3] = {0.0f, 16.0f, 32.0f}, slack[3] = {1.0f, 1.0f, 1.0f};
    uint8_t pitches[AP_QUOTES_LINE + 1], line[AP_QUOTES_LINE + 1], who[AP_QUOTES_LINE + 1];
    ap_quotes_found found;
    for (uint32_t from = 0; from < 20; from++)
        for (uint32_t n = 0; n <= AP_QUOTES_LINE + 1; n++) {
            for (uint32_t i = 0; i < n; i++) {
                const uint64_t note = notes ? (from + i) % notes : 0;
                pitches[i] = (uint8_t)(i ? pitches[i - 1] + codes[note] - 16 : 60);
                line[i] = (uint8_t)(note % 3 + (i == 9 ? 40 : i == 11 ? 253 : 0));
                who[i] = i > 4;
            }
            for (uint32_t depth = 0; depth < 70; depth += 3) {
                const ap_quotes_rules rules = {depth, 69 - depth, 2, 100, 4.0f, bins, slack, 3};
                ap_quotes_find(&q, &rules, pitches, line, who, n, &found);
                REQUIRE(found.closed < AP_QUOTES_CODES && found.length <= AP_QUOTES_LINE && found.nearest < 2);
            }
        }
    free(words), free(ends), free(codes), free(nexts), free(waits), free(of);
    return 0;
}

/* A hop through the codec's kernels, at sane values and at others. */
static int codec(float reach, float pitch) {
    float *books = noisy(2 * AP_RVQ_LEVEL, reach), *latent = noisy(AP_RVQ_LATENT, reach), *total = noisy(AP_RVQ_LATENT, 0.0f);
    int64_t *codes = exactly(2 * sizeof *codes);
    ap_rvq_encode(books, 2, latent, codes, total);
    REQUIRE(codes[0] >= 0 && codes[0] < AP_RVQ_CODES && codes[1] >= 0 && codes[1] < AP_RVQ_CODES);
    codes[0] = -5;
    codes[1] = 1 << 20;
    ap_rvq_decode(books, 2, codes, total);
    float *hop = noisy(AP_TIMBRE_LATENT + 2 * AP_TIMBRE_PITCH + 2, 0.0f), *pitches = noisy(2 * AP_TIMBRE_PITCH, 0.0f);
    float *timbre = noisy(4 * AP_TIMBRE_LATENT, 0.0f);
    ap_timbre_planned(total, pitch, -pitch, -20.0f, -90.0f, hop, pitches, timbre);
    const uint32_t first[] = {0, AP_TIMBRE_SHORT_LINES - 3}, count[] = {4, 3};
    const ap_timbre_bands bands = {2, first, count, latent};
    float *spectra = noisy(2 * AP_TIMBRE_LINES, reach), *shorts = noisy(2 * AP_TIMBRE_SHORT_LINES, reach);
    float *features = noisy(2 * (2 + 2 + AP_TIMBRE_HARMONICS + AP_TIMBRE_PITCH) + 1, 0.0f);
    ap_timbre_heard(&bands, &bands, spectra, shorts, pitch, 0.5f * pitch, -20.0f, features);
    ap_voice *voice = exactly(ap_voice_sizeof());
    REQUIRE(voice && ap_voice_init(voice, ap_voice_sizeof()) == AP_OK);
    float *raw = noisy(2 * AP_VOICE_RAW, reach), *out = noisy(2 * AP_VOICE_FRAME, 0.0f), *noise = noisy(4 * AP_VOICE_LINES, 1.0f);
    ap_voice_process(voice, raw, pitch, -pitch, -10.0, 1, NULL, out);
    ap_voice_process(voice, raw, 0.0, pitch, -10.0, 1, noise, out);
    ap_voice_process(voice, raw, pitch, pitch, -90.0, 0, NULL, out);
    float *all[] = {books, latent, total, hop, pitches, timbre, spectra, shorts, features, raw, out, noise};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(codes);
    free(voice);
    return 0;
}

static int hearing(uint32_t notes, uint32_t bins, int strokes) {
    const int32_t lines[3] = {6, 0, 2};
    float spectra[7] = {1, 2, 3, 4, 5, 6, NAN}, stack[6] = {0}, colour[2];
    ap_hearing_stack(spectra, lines, 3, stack);
    ap_hearing_stack(spectra, lines, 3, stack);
    ap_hearing_colour(spectra, 2, 3, colour);
    REQUIRE(ap_hearing_level_db(spectra, 1) > -1e-9 && ap_hearing_level_db(spectra, 0) < -119.0);
    REQUIRE(stack[1] == 1.0f && stack[5] == 3.0f && colour[1] == 5.0f);
    float *heads = calloc(2 * notes + (strokes ? 4 : 3), sizeof(float)), *local = calloc(2 * notes * bins, sizeof(float));
    float *note = malloc((notes + 2) * sizeof(float)), *pitch = malloc((notes * bins + 1) * sizeof(float));
    REQUIRE(ap_hearing_posts(heads, local, notes, bins, strokes, note, pitch) == 0.5);
    REQUIRE(strokes ? note[notes + 1] == note[0] : note[notes + 1] == 0.0f);
    for (uint32_t best = 0; best < notes * bins; best++) {
        pitch[notes * bins] = 0.0f;
        pitch[best] += 1.0f + (float)best;
        const double place = ap_hearing_pitch(pitch, notes * bins);
        REQUIRE(place >= 0 && place < notes * bins);
    }
    free(pitch);
    free(note);
    free(local);
    free(heads);
    return 0;
}

int main(void) {
    if (codec(1.0f, 60.0f) || codec(40.0f, 200.0f) || codec(INFINITY, INFINITY) || codec(1.0f, NAN) || codec(0.0f, 1e30f)) return 1;
    if (resample(44100, 48000, 1) || resample(48000, 44100, 3) || resample(44101, 48000, 2) || resample(192000, 8000, 1) ||
        resample(8000, 192000, 2) || resample(48000, 48000, 2)) return 1;
    if (copy(1, 1) || copy(1, 5) || copy(3, 2)) return 1;
    if (block(1, 1) || block(1, 2) || block(2, 1) || block(8, 2) || block(3, 5) || block(1, 11)) return 1;
    if (filter(AP_FILTER_LOWPASS, 8000.0, 1) || filter(AP_FILTER_HIGHPASS, 8000.0, 50)) return 1;
    if (filter(AP_FILTER_LOWPASS, 192000.0, 50) || filter(AP_FILTER_HIGHPASS, 192000.0, 300)) return 1;
    if (hearing(1, 1, 0) || hearing(5, 3, 0) || hearing(5, 3, 1)) return 1;
    if (trellis(2, 2, 1, 0) || trellis(3, 2, 1, 1) || trellis(78, 5, 5, 2)) return 1;
    if (trellis(AP_TRELLIS_MAX, AP_TRELLIS_MAX, AP_TRELLIS_MAX, AP_TRELLIS_MAX)) return 1;
    if (transform(2) || transform(30) || transform(960) || transform(1250) || transform(8192)) return 1;
    if (spectrum(1, 30, 0) || spectrum(700, 960, 3) || spectrum(2048, 2048, 0)) return 1;
    ap_smooth smooth;
    float values[33];
    ap_smooth_init(&smooth, 1.0);
    ap_smooth_ramp(&smooth, 0.0, 20);
    ap_smooth_process(&smooth, values, 33);
    ap_smooth_approach(&smooth, 1.0, 5.0);
    ap_smooth_process(&smooth, values, 33);
    ap_tail *tail = exactly(sizeof *tail);
    ap_tail_reset(tail);
    for (int n = 0; n < 600; n += 37) {
        ap_tail_hear(tail, values, (uint64_t)(n % 33));
        ap_tail_process(tail, values, 33);
    }
    free(tail);
    ap_bank *bank = exactly(sizeof *bank);
    float *levels = exactly(AP_BANK_HARMONICS * sizeof(float));
    for (int k = 0; k < AP_BANK_HARMONICS; k++) levels[k] = 1.0f / AP_BANK_HARMONICS;
    ap_bank_reset(bank);
    for (unsigned frames = 0; frames < 33; frames++) {
        ap_bank_process(bank, frames % 3 ? 200.0 + frames * 30.0 : 0.0, 48000.0, 1.09, levels, values, frames);
        for (unsigned i = 0; i < frames; i++) REQUIRE(fabsf(values[i]) <= 1.01f);
    }
    free(levels);
    free(bank);
    ap_portaudio_counts counts = {0, 0, {0}, 2};
    ap_portaudio_empty(NULL, values, 16, NULL, 31, &counts);
    REQUIRE(counts.blocks == 1 && counts.flagged[4] == 1 && values[31] == 0.0f);
    REQUIRE(!quotes(0) && !quotes(1) && !quotes(40));
    puts("every kernel ran");
    return 0;
}
