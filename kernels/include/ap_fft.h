/* ap_fft.h - the discrete Fourier transform of real frames, forward and inverse, single precision.
 *
 * Lengths are even, 2 to AP_FFT_MAX, with no prime factor but 2, 3 and 5. Errors are about 2e-7 of the largest value. The
 * memory holds tables and room to work in, so one thread uses it at a time; nothing is remembered from call to call.
 */
#ifndef AP_FFT_H
#define AP_FFT_H
#include "ap_base.h"

enum { AP_FFT_MAX = 1 << 20 };

typedef struct ap_fft ap_fft;

/* Bytes for transforms of `frames`; 0 if it is not such a length. */
uint64_t ap_fft_sizeof(uint64_t frames);
/* Fill the memory. AP_OK, AP_ERR_ALIGN, AP_ERR_VALUE or AP_ERR_SIZE. */
int ap_fft_init(ap_fft *fft, uint64_t bytes, uint64_t frames);
/* out: frames / 2 + 1 complex numbers, real and imaginary part by turns, sum over n of in[n] e^(-2 pi i k n / frames). */
void ap_fft_forward(ap_fft *fft, const float *in, float *out);
/* out: magnitudes of the frames / 2 + 1 numbers that `count` frames times `window`, zeros behind them, transform to. */
void ap_fft_magnitudes(ap_fft *fft, const float *in, const float *window, uint64_t count, float *out);
/* The frames whose forward transform is `in`. The imaginary parts of its first and last number count as zero. */
void ap_fft_inverse(ap_fft *fft, const float *in, float *out);

#endif
