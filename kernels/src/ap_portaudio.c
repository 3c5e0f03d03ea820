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

int ap_portaudio_empty(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                       unsigned long flags, void *user_data) {
    ap_portaudio_counts *counts = user_data;
    (void)input, (void)times;
    counts->blocks++;
    counts->frames += frames;
    for (int i = 0; i < 5; i++) counts->flagged[i] += (flags >> i) & 1;
    if (output) memset(output, 0, frames * counts->out_channels * sizeof(float));
    return 0;
}
