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
        uint64_t channel = 0;                                                                                          \
        for (uint64_t done = 0; done < floats; done += BATCH) {                                                        \
            batch b;                                                                                                   \
            float low[BATCH], high[BATCH];                                                                             \
            const uint64_t count = ap_min(BATCH, floats - done);                                                       \
            channel = fill(s, &b, channel, count);                                                                     \
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

/* The next `count` dot products, frame by frame and channel by channel; `channel` is the first one's. Returns the channel
 * after the last. */
static inline uint64_t fill(ap_resample *s, batch *b, uint64_t channel, uint64_t count) {
    const float *table = (const float *)((const char *)s + s->table_at);
    const float *buffer = (const float *)((const char *)s + s->buffer_at);
    for (uint64_t j = 0; j < BATCH; j++) {
        if (j >= count) { /* whatever is safe to read */
            b->row[j] = b->row[0];
            b->window[j] = b->window[0];
            b->between[j] = 0.0f;
            continue;
        }
        b->window[j] = buffer + channel * (s->kept + RESAMPLE_CHUNK) + s->window;
        if (!s->interpolate) {
            b->row[j] = table + s->part * s->taps;
            b->between[j] = 0.0f;
        } else {
            const uint32_t scaled = (uint32_t)s->part * s->rows; /* below 2^28 */
            b->row[j] = table + (uint64_t)(scaled / (uint32_t)s->up) * s->taps;
            b->between[j] = (float)(scaled % (uint32_t)s->up) / (float)s->up;
        }
        if (++channel < s->config.channels) continue;
        channel = 0;
        s->window += s->step;
        s->part += s->step_part;
        if (s->part >= s->up) {
            s->part -= s->up;
            s->window++;
        }
    }
    return channel;
}

DEFINE_DOTS(4, )
#if defined(__x86_64__) && defined(__GNUC__)
DEFINE_DOTS(8, __attribute__((target("avx2,fma"))))
DEFINE_DOTS(16, __attribute__((target("avx512f,avx2,fma"))))
#endif

/* Equal rates: a delay line, of no frames at all unless a delay was asked for. */
static uint64_t run_copy(ap_resample *s, uint64_t frames, float *out) {
    const float *buffer = (const float *)((const char *)s + s->buffer_at);
    const uint64_t stride = s->kept + RESAMPLE_CHUNK, channels = s->config.channels;
    for (uint64_t c = 0; c < channels; c++)
        for (uint64_t f = 0; f < frames; f++) out[f * channels + c] = buffer[c * stride + s->window + f];
    s->window += frames;
    return frames;
}

/* The next output frame is released by input frame due + due_part / up; it lies lag_whole + lag_part / up before that, and input
 * frame 0 is buffer frame `kept`. */
static void place(ap_resample *s, uint64_t due, uint64_t due_part) {
    s->due = due;
    s->due_part = due_part;
    const bool borrow = due_part < s->lag_part;
    s->part = due_part + (borrow ? s->up : 0) - s->lag_part;
    s->window = s->kept + due - s->lag_whole - borrow;
    if (s->taps) s->window -= s->taps / 2 - 1;
}

void ap_resample_reset(ap_resample *s) {
    memset((char *)s + s->buffer_at, 0, s->config.channels * (s->kept + RESAMPLE_CHUNK) * sizeof(float));
    place(s, 0, 0);
}

uint64_t ap_resample_kept(const ap_resample *s) { return s->kept; }

void ap_resample_save(const ap_resample *s, uint64_t position[2], float *frames) {
    const float *buffer = (const float *)((const char *)s + s->buffer_at);
    position[0] = s->due;
    position[1] = s->due_part;
    for (uint64_t c = 0; c < s->config.channels; c++)
        memcpy(frames + c * s->kept, buffer + c * (s->kept + RESAMPLE_CHUNK), s->kept * sizeof(float));
}

int ap_resample_load(ap_resample *s, const uint64_t position[2], const float *frames) {
    if (position[0] > s->step + 1 || position[1] >= s->up) return AP_ERR_VALUE;
    ap_resample_reset(s);
    float *buffer = (float *)((char *)s + s->buffer_at);
    for (uint64_t c = 0; c < s->config.channels; c++)
        memcpy(buffer + c * (s->kept + RESAMPLE_CHUNK), frames + c * s->kept, s->kept * sizeof(float));
    place(s, position[0], position[1]);
    return AP_OK;
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
        const uint64_t before = done;
        if (!s->taps) done += run_copy(s, turn, to);
#if defined(__x86_64__) && defined(__GNUC__)
        else if (s->level == LEVEL_AVX512) done += run16(s, turn, to);
        else if (s->level == LEVEL_AVX2) done += run8(s, turn, to);
#endif
        else done += run4(s, turn, to);
        /* Exact: a fraction carried over, never rounded. */
        const uint64_t ups = s->due * s->up + s->due_part + (done - before) * s->down;
        s->due = ups / s->up - turn;
        s->due_part = ups % s->up;
        for (uint64_t c = 0; c < channels; c++)
            memmove(buffer + c * stride, buffer + c * stride + turn, s->kept * sizeof(float));
        s->window -= turn;
        in += turn * channels;
        frames_in -= turn;
    }
    return done;
}
