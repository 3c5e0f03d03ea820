/* ap_ring.h - one-writer one-reader queue of interleaved float frames, usable across processes.
 *
 * Positions are 64-bit frame counts that only wrap after millions of years, so "how much" is always a subtraction.
 * Frame p lies at index p modulo capacity. Frames already read stay in memory until overwritten: the reader may seek
 * back to them (`rewind`), up to capacity - guard frames behind the write position. The guard keeps a seek clear of the
 * one write that may be under way: a single copy never exceeds it.
 *
 * One thread writes, one thread reads; the positions may be read by anyone. No call waits.
 */
#ifndef AP_RING_H
#define AP_RING_H
#include "ap_base.h"

enum {
    AP_RING_MIN = 16,           /* smallest capacity, frames */
    AP_RING_GUARD_MAX = 4096    /* guard = min(this, capacity / 4), frames */
};

typedef struct ap_ring ap_ring;

/* Bytes for a ring; 0 unless 1 <= channels <= AP_CHANNELS_MAX and capacity is a power of two in [AP_RING_MIN, 2^32]. */
uint64_t ap_ring_sizeof(uint32_t channels, uint64_t capacity);

/* Make an empty, zeroed ring in `bytes` of memory. Before anyone else looks at it. AP_OK or AP_ERR_*. */
int ap_ring_init(ap_ring *ring, uint64_t bytes, uint32_t channels, uint64_t capacity);

/* Is this a ring that fits in `bytes`? For the side that attaches. AP_OK or AP_ERR_*. */
int ap_ring_check(const ap_ring *ring, uint64_t bytes);

/* Both positions back to 0 and the memory zeroed. Only while neither side is running. */
void ap_ring_reset(ap_ring *ring);

AP_RT uint32_t ap_ring_channels(const ap_ring *ring);
AP_RT uint64_t ap_ring_capacity(const ap_ring *ring);
AP_RT uint64_t ap_ring_guard(const ap_ring *ring);

/* Position of the next frame to be written, and of the next to be read. Any thread. */
AP_RT uint64_t ap_ring_written(const ap_ring *ring);
AP_RT uint64_t ap_ring_position(const ap_ring *ring);

/* Frames that can be read, and that can be written, now. Any thread; only its own side may rely on the figure growing. */
AP_RT uint64_t ap_ring_readable(const ap_ring *ring);
AP_RT uint64_t ap_ring_writable(const ap_ring *ring);

/* Writer: copy in up to `frames` interleaved frames; frames == NULL data writes silence. Returns frames written. */
AP_RT uint64_t ap_ring_write(ap_ring *ring, const float *data, uint64_t frames);

/* Reader: copy out up to `frames` and move on. Returns frames read. */
AP_RT uint64_t ap_ring_read(ap_ring *ring, float *data, uint64_t frames);

/* Reader: copy out up to `frames` and stay. Returns frames copied. */
AP_RT uint64_t ap_ring_peek(const ap_ring *ring, float *data, uint64_t frames);

/* Reader: drop up to `frames` unread frames. Returns frames dropped. */
AP_RT uint64_t ap_ring_skip(ap_ring *ring, uint64_t frames);

/* Reader: go to `position`, or to the nearest one still held: never past the write position, never more than
 * capacity - guard behind it. Returns the position it is now at. */
AP_RT uint64_t ap_ring_seek(ap_ring *ring, uint64_t position);

/* Reader: go back by up to `frames`. Returns frames gone back, which may be fewer. */
AP_RT uint64_t ap_ring_rewind(ap_ring *ring, uint64_t frames);

#endif
