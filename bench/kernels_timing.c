/* kernels_timing.c - time single kernel calls in C: writes one line of nanoseconds for each thing timed.
 *
 * usage: kernels_timing BLOCK_FRAMES CHANNELS COUNT
 * The things are taken in turn, COUNT times round, so that all of them meet the same disturbances; the first is the control.
 * Linked with the library that the instrument uses, so what is timed is what plays.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ap_portaudio.h"
#include "ap_resample.h"

enum { EMPTY, IDLE, BUSY, UP, DOWN, ODD, RING, THINGS };
static const char *names[THINGS] = {"empty_callback", "block_idle", "block_with_a_voice", "resample_44100_to_48000",
                                    "resample_48000_to_44100", "resample_44101_to_48000", "ring_write_and_read"};

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *room(uint64_t bytes) { return aligned_alloc(AP_ALIGN, ap_align_up(bytes)); }

static ap_resample *resampler(uint32_t from, uint32_t to, uint32_t channels) {
    const ap_resample_config config = {.rate_in = from, .rate_out = to, .channels = channels};
    const uint64_t bytes = ap_resample_sizeof(&config);
    ap_resample *r = room(bytes);
    return ap_resample_init(r, bytes, &config) == AP_OK ? r : NULL;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const uint32_t frames = (uint32_t)atoi(argv[1]), channels = (uint32_t)atoi(argv[2]);
    const int count = atoi(argv[3]);
    const ap_segment_config shape = {.samplerate = 48000, .in_channels = channels, .out_channels = channels, .params = 16,
                                     .status = 16, .commands = 256, .mic_frames = 1 << 20, .voice_frames = 1 << 17,
                                     .tape_frames = 1 << 17, .journal_words = 1 << 16};
    const ap_block_config config = {frames, 240, 1.0, 1.0, 1.0, 1.0, 4800.0, 20000.0, 20.0, 0.0, {1, 1, 1, 1, 1, 1, 1, 1}};
    const uint64_t bytes = ap_segment_sizeof(&shape);
    ap_segment *segment = room(bytes), *playing = room(bytes);
    if (ap_segment_init(segment, bytes, &shape, 1) || ap_segment_init(playing, bytes, &shape, 1)) return 1;
    const uint64_t size = ap_block_sizeof(&config, segment);
    ap_block *idle = room(size), *busy = room(size);
    if (ap_block_init(idle, size, &config, segment) || ap_block_init(busy, size, &config, playing)) return 1;
    ap_segment_voice_open(playing, 0);
    ap_portaudio_counts counts = {0, 0, {0}, channels};
    ap_resample *up = resampler(44100, 48000, channels), *down = resampler(48000, 44100, channels),
                *odd = resampler(44101, 48000, channels);
    if (!up || !down || !odd) return 1;
    ap_ring *ring = room(ap_ring_sizeof(channels, 1 << 15));
    if (ap_ring_init(ring, ap_ring_sizeof(channels, 1 << 15), channels, 1 << 15)) return 1;
    float *in = room(frames * channels * 4), *out = room(frames * channels * 4), *wide = room((2 * frames + 64) * channels * 4);
    for (uint32_t i = 0; i < frames * channels; i++) in[i] = 0.5f * (float)sin(0.05 * i);

    int64_t *took[THINGS];
    for (int t = 0; t < THINGS; t++) took[t] = malloc(sizeof(int64_t) * (size_t)count);
    for (int n = 0; n < count; n++) {
        ap_ring_skip(ap_segment_mic(segment), frames);
        ap_ring_skip(ap_segment_mic(playing), frames);
        ap_ring_write(ap_segment_voice(playing), in, frames); /* mono: the first of `in` will do */
        int64_t begin = now();
        ap_portaudio_empty(in, out, frames, NULL, 0, &counts);
        took[EMPTY][n] = now() - begin;
        begin = now();
        ap_portaudio(in, out, frames, NULL, 0, idle);
        took[IDLE][n] = now() - begin;
        begin = now();
        ap_portaudio(in, out, frames, NULL, 0, busy);
        took[BUSY][n] = now() - begin;
        begin = now();
        ap_resample_process(up, in, frames, wide, 2 * frames + 64);
        took[UP][n] = now() - begin;
        begin = now();
        ap_resample_process(down, in, frames, wide, 2 * frames + 64);
        took[DOWN][n] = now() - begin;
        begin = now();
        ap_resample_process(odd, in, frames, wide, 2 * frames + 64);
        took[ODD][n] = now() - begin;
        begin = now();
        ap_ring_write(ring, in, frames);
        ap_ring_read(ring, out, frames);
        took[RING][n] = now() - begin;
    }
    ap_counters seen;
    if (!ap_segment_counters(playing, &seen) || seen.underflows || seen.voice_frames != (uint64_t)count * frames) {
        fprintf(stderr, "the voice did not play throughout\n");
        return 1;
    }
    for (int t = 0; t < THINGS; t++) {
        printf("%s", names[t]);
        for (int n = 0; n < count; n++) printf(" %lld", (long long)took[t][n]);
        printf("\n");
    }
    return 0;
}
