/* ap_portaudio.c - see ap_portaudio.h. */
#include "ap_portaudio.h"

#include "ap_internal.h"

int ap_portaudio(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times, unsigned long flags,
                 void *user_data) {
    ap_block *block = user_data;
    if (times) ap_block_times(block, times->current, times->input_adc, times->output_dac);
    ap_block_process(block, input, output, frames, (uint32_t)flags);
    return 0;
}

static void count(ap_portaudio_counts *counts, unsigned long frames, unsigned long flags) {
    counts->blocks++;
    counts->frames += frames;
    for (int i = 0; i < 5; i++) counts->flagged[i] += (flags >> i) & 1;
}

int ap_portaudio_empty(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                       unsigned long flags, void *user_data) {
    ap_portaudio_counts *counts = user_data;
    (void)input, (void)times;
    count(counts, frames, flags);
    if (output) memset(output, 0, frames * counts->out_channels * sizeof(float));
    return 0;
}

/* A word of its own to both threads, and nothing hangs on it: no order is needed. The header cannot say _Atomic, cffi reads it. */
static_assert(sizeof(_Atomic uint32_t) == 4 && ATOMIC_INT_LOCK_FREE == 2, "the gain is one atomic word");

void ap_copy_set_gain(ap_copy *copy, float gain) {
    uint32_t bits;
    memcpy(&bits, &gain, sizeof bits);
    atomic_store_explicit((_Atomic uint32_t *)&copy->gain_bits, bits, memory_order_relaxed);
}

float ap_copy_gain(const ap_copy *copy) {
    const uint32_t bits = atomic_load_explicit((const _Atomic uint32_t *)&copy->gain_bits, memory_order_relaxed);
    float gain;
    memcpy(&gain, &bits, sizeof gain);
    return gain;
}

int ap_portaudio_copy(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                      unsigned long flags, void *user_data) {
    ap_copy *copy = user_data;
    const uint64_t ins = copy->in_channels, outs = copy->counts.out_channels;
    const float *in = input, gain = ap_copy_gain(copy);
    float *out = output;
    (void)times;
    count(&copy->counts, frames, flags);
    if (!out) return 0;
    if (!in || !ins) {
        memset(out, 0, frames * outs * sizeof(float));
        return 0;
    }
    for (unsigned long n = 0; n < frames; n++)
        for (uint64_t c = 0; c < outs; c++) out[n * outs + c] = gain * in[n * ins + ap_min(c, ins - 1)];
    return 0;
}
