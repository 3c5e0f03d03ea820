/* ap_timed.h - any callback of PortAudio's signature, timed: how long it took, and how long after the one before it began.
 *
 * Give the address of ap_timed and an ap_timing* as user data to whatever calls blocks. Each block leaves one record of
 * AP_TIMED_WORDS floats in the ring `log` (ap_ring, that many channels): microseconds since the begin of the block before,
 * 0 for the first, and microseconds that `inner` took. CLOCK_MONOTONIC, of the whole machine. A record that finds no room is
 * dropped: nobody reads, so nobody misses it, and the next one is measured from the true begin of the block before all the same.
 * Two looks at the clock and eight bytes a block: some tens of nanoseconds where the machine can tell the time without its kernel.
 */
#ifndef AP_TIMED_H
#define AP_TIMED_H
#include "ap_base.h"
#include "ap_portaudio.h"
#include "ap_ring.h"

enum { AP_TIMED_WORDS = 2 }; /* spacing_us, took_us */

/* A PaStreamCallback. */
typedef int (*ap_callback)(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                           unsigned long flags, void *user_data);

/* What ap_timed is given. Set up before the first block; `inner`, its user data and the ring must outlive the stream. What `inner`
 * calls in turn is seen by no guard: it has to be fit for the audio thread itself. */
typedef struct ap_timing {
    ap_callback inner;
    void *user_data;     /* of `inner` */
    ap_ring *log;        /* AP_TIMED_WORDS channels; this callback is its writer */
    int64_t begun_ns;    /* of the block before; 0 to begin with */
} ap_timing;

/* PaStreamCallback; user_data is an ap_timing. Returns what `inner` returned. */
AP_RT int ap_timed(const void *input, void *output, unsigned long frames, const ap_portaudio_times *times,
                   unsigned long flags, void *user_data);

#endif
