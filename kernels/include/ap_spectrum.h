/* ap_spectrum.h - magnitudes of windowed frames, and of bands of them.
 *
 * frames x window -> zeros behind, to `points` -> transform -> magnitudes [-> weighted sums over bands -> logs].
 * One thread uses the memory at a time; nothing is remembered from call to call.
 */
#ifndef AP_SPECTRUM_H
#define AP_SPECTRUM_H
#include "ap_base.h"

/* All arrays are read by sizeof and init only. */
typedef struct ap_spectrum_config {
    uint32_t frames;        /* length of the window */
    uint32_t points;        /* length of the transform, as ap_fft takes it; at least `frames` */
    uint32_t bands;         /* 0: magnitudes as they are */
    float floor;            /* above 1e-37; of each band's sum is given offset + gain x natural log(sum + floor) */
    float gain;
    float offset;
    const float *window;    /* `frames` */
    const uint32_t *first;  /* of each band: its first line */
    const uint32_t *count;  /* and how many lines it has, within points / 2 + 1 */
    const float *weights;   /* of each band's lines, band after band */
} ap_spectrum_config;

typedef struct ap_spectrum ap_spectrum;

/* Bytes for one; 0 if the config is out of range. */
uint64_t ap_spectrum_sizeof(const ap_spectrum_config *config);
/* Fill the memory. AP_OK, AP_ERR_ALIGN, AP_ERR_VALUE or AP_ERR_SIZE. */
int ap_spectrum_init(ap_spectrum *spectrum, uint64_t bytes, const ap_spectrum_config *config);
/* Values of one spectrum: `bands`, or points / 2 + 1. */
uint64_t ap_spectrum_width(const ap_spectrum *spectrum);
/* `count` spectra, one behind the other into `out`; each window begins `hop` frames after the one before. */
void ap_spectrum_process(ap_spectrum *spectrum, const float *in, uint64_t hop, uint64_t count, float *out);

#endif
