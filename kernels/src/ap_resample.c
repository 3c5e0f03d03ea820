/* ap_resample.c - the running half of ap_resample; see ap_resample.h. */
#include "ap_resample_state.h"

/* Dot products are made four at a time, one vector of partial sums each: enough independent sums to keep the multiplier busy,
 * and no vector leaves the registers. The order of additions is written out and a short batch is filled up rather
 * than treated differently, so no result depends on where a block was cut. */
enum { BATCH = 4 };
typedef struct batch {
    const float *row[BATCH];
    const float *window[BATCH];
    float between[BATCH]; /* how far towards the next row, when interpolating */
} batch;

typedef float quad __attribute__((vector_size(16), may_alias));
#define quarter(vector, i) (((const quad *)&(vector))[i])

/* One dots() for each width of vector; gcc makes slow code of vectors wider than the processor's. */
#define DEFINE_DOTS(WIDTH, TARGET)                                                                                     \
    typedef float lanes##WIDTH __attribute__((vector_size(4 * WIDTH)));                                                \
    typedef float anywhere##WIDTH __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));                      \
    TARGET static inline void dots##WIDTH(const batch *b, uint64_t next_row, uint64_t taps, float *out) {              \
        lanes##WIDTH sums[BATCH] = {{0}};                                                                              \
        for (uint64_t k = 0; k < taps; k += WIDTH)                                                                     \
            for (int j = 0; j < BATCH; j++)                                                                            \
                sums[j] += *(const lanes##WIDTH *)(b->row[j] + next_row + k) *                                         \
                           *(const anywhere##WIDTH *)(b->window[j] + k);                                               \
        for (int j = 0; j < BATCH; j++) {                                                                              \
            quad q = quarter(sums[j], 0);                                                                              \
            for (int i = 1; i < WIDTH / 4; i++) q += quarter(sums[j], i);                                              \
            out[j] = (q[0] + q[2]) + (q[1] + q[3]);                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    /* Write every output frame that the chunk's `frames` new input frames release. Returns how many. */               \
    TARGET static uint64_t run##WIDTH(ap_resample *s, uint64_t frames, float *out) {                                   \
        const uint64_t floats = released(s, frames) * s->config.channels;                                              \
        cursor at = {0};                                                                                               \
        for (uint64_t done = 0; done < floats; done += BATCH) {                                                        \
            batch b;                                                                                                   \
            float low[BATCH], high[BATCH];                                                                             \
            const uint64_t count = ap_min(BATCH, floats - done);                                                       \
            fill(s, &at, &b, count);                                                                                   \
            dots##WIDTH(&b, 0, s->taps, low);                                                                          \
            if (s->interpolate) {                                                                                      \
                dots##WIDTH(&b, s->taps, s->taps, high);                                                               \
                for (int j = 0; j < BATCH; j++) low[j] += b.between[j] * (high[j] - low[j]);                           \
            }                                                                                                          \
            for (uint64_t j = 0; j < count; j++) out[done + j] = low[j];                                               \
        }                                                                                                              \
        return floats / s->config.channels;                                                                            \
    }

/* Output frames that the next `frames` input frames release: those whose position, due + due_part / up and then every
 * down / up, is before `frames`. */
static uint64_t released(const ap_resample *s, uint64_t frames) {
    if (s->due >= frames) return 0;
    const uint64_t left = (frames - s->due) * s->up - s->due_part;
    return (left + s->down - 1) / s->down;
}

typedef struct cursor {
    uint64_t channel;
} cursor;

/* The next `count` dot products, channel by channel, frame by frame. */
static inline void fill(ap_resample *s, cursor *at, batch *b, uint64_t count) {
    const float *table = (const float *)((const char *)s + s->table_at);
    const float *buffer = (const float *)((const char *)s + s->buffer_at);
    for (uint64_t j = 0; j < BATCH; j++) {
        if (j >= count) { /* whatever is safe to read */
            b->row[j] = b->row[0];
            b->window[j] = b->window[0];
            b->between[j] = 0.0f;
            continue;
        }
        uint64_t behind, part;
        resample_lagged(s, &behind, &part);
        b->window[j] = buffer + at->channel * (s->kept + RESAMPLE_CHUNK) + (s->kept + s->due - behind - s->taps / 2 + 1);
        b->row[j] = table + part * s->taps;
        b->between[j] = 0.0f;
        if (s->interpolate) {
            const uint64_t scaled = part * s->rows;
            b->row[j] = table + scaled / s->up * s->taps;
            b->between[j] = (float)(scaled % s->up) / (float)s->up;
        }
        if (++at->channel < s->config.channels) continue;
        at->channel = 0;
        s->due += s->step;
        s->due_part += s->step_part;
        if (s->due_part >= s->up) {
            s->due_part -= s->up;
            s->due++;
        }
    }
}

DEFINE_DOTS(4, )
#if defined(__x86_64__) && defined(__GNUC__)
DEFINE_DOTS(8, __attribute__((target("avx2,fma"))))
DEFINE_DOTS(16, __attribute__((target("avx512f,avx2,fma"))))
#endif

/* Equal rates: a delay line, of no frames at all unless a delay was asked for. */
static uint64_t run_copy(ap_resample *s, uint64_t frames, float *out) {
    const float *buffer = (const float *)((const char *)s + s->buffer_at);
    const uint64_t stride = s->kept + RESAMPLE_CHUNK, channels = s->config.channels, from = s->kept - s->lag_whole;
    for (uint64_t c = 0; c < channels; c++)
        for (uint64_t f = 0; f < frames; f++) out[f * channels + c] = buffer[c * stride + from + f];
    s->due += frames;
    return frames;
}

void ap_resample_reset(ap_resample *s) {
    memset((char *)s + s->buffer_at, 0, s->config.channels * (s->kept + RESAMPLE_CHUNK) * sizeof(float));
    s->due = 0;
    s->due_part = 0;
}

uint32_t ap_resample_delay_frames(const ap_resample *s) { return (uint32_t)s->delay; }
uint32_t ap_resample_taps(const ap_resample *s) { return s->taps; }

uint64_t ap_resample_ready(const ap_resample *s, uint64_t frames_in) {
    return released(s, frames_in);
}

uint64_t ap_resample_process(ap_resample *s, const float *in, uint64_t frames_in, float *out, uint64_t frames_out_max) {
    const uint64_t channels = s->config.channels, stride = s->kept + RESAMPLE_CHUNK;
    float *buffer = (float *)((char *)s + s->buffer_at);
    uint64_t done = 0;
    if (ap_resample_ready(s, frames_in) > frames_out_max) return 0;
    while (frames_in) {
        const uint64_t turn = ap_min(frames_in, RESAMPLE_CHUNK);
        for (uint64_t c = 0; c < channels; c++)
            for (uint64_t f = 0; f < turn; f++) buffer[c * stride + s->kept + f] = in[f * channels + c];
        float *to = out + done * channels;
        if (!s->taps) done += run_copy(s, turn, to);
#if defined(__x86_64__) && defined(__GNUC__)
        else if (s->level == LEVEL_AVX512) done += run16(s, turn, to);
        else if (s->level == LEVEL_AVX2) done += run8(s, turn, to);
#endif
        else done += run4(s, turn, to);
        for (uint64_t c = 0; c < channels; c++)
            memmove(buffer + c * stride, buffer + c * stride + turn, s->kept * sizeof(float));
        s->due -= turn;
        in += turn * channels;
        frames_in -= turn;
    }
    return done;
}
