/* ap_ring.c - see ap_ring.h. */
#include "ap_ring.h"

#include "ap_internal.h"

#define RING_MAGIC UINT64_C(0x31676e6952705f41) /* "A_pRing1" */
#define CAPACITY_MAX (UINT64_C(1) << 32)

struct ap_ring {
    uint64_t magic;
    uint64_t capacity;  /* frames, a power of two */
    uint64_t guard;     /* frames */
    uint32_t channels;
    uint32_t reserved;
    /* A line each, so that the two sides do not fight over one. */
    alignas(AP_ALIGN) _Atomic uint64_t written;
    alignas(AP_ALIGN) _Atomic uint64_t position;
    alignas(AP_ALIGN) float frames[];
};
static_assert(sizeof(struct ap_ring) == 3 * AP_ALIGN, "ring header");
static_assert(offsetof(struct ap_ring, written) == 64 && offsetof(struct ap_ring, position) == 128, "ring offsets");

uint64_t ap_ring_sizeof(uint32_t channels, uint64_t capacity) {
    if (channels < 1 || channels > AP_CHANNELS_MAX) return 0;
    if (!ap_power_of_two(capacity) || capacity < AP_RING_MIN || capacity > CAPACITY_MAX) return 0;
    return sizeof(ap_ring) + capacity * channels * sizeof(float);
}

int ap_ring_init(ap_ring *ring, uint64_t bytes, uint32_t channels, uint64_t capacity) {
    const uint64_t need = ap_ring_sizeof(channels, capacity);
    if (!ap_aligned(ring)) return AP_ERR_ALIGN;
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    ring->magic = RING_MAGIC;
    ring->capacity = capacity;
    ring->guard = ap_min(AP_RING_GUARD_MAX, capacity / 4);
    ring->channels = channels;
    ring->reserved = 0;
    ap_ring_reset(ring);
    return AP_OK;
}

int ap_ring_check(const ap_ring *ring, uint64_t bytes) {
    if (!ap_aligned(ring)) return AP_ERR_ALIGN;
    if (bytes < sizeof(ap_ring)) return AP_ERR_SIZE;
    if (ring->magic != RING_MAGIC) return AP_ERR_MAGIC;
    const uint64_t need = ap_ring_sizeof(ring->channels, ring->capacity);
    if (!need || ring->guard != ap_min(AP_RING_GUARD_MAX, ring->capacity / 4)) return AP_ERR_LAYOUT;
    return bytes < need ? AP_ERR_SIZE : AP_OK;
}

void ap_ring_reset(ap_ring *ring) {
    memset(ring->frames, 0, ring->capacity * ring->channels * sizeof(float));
    atomic_store(&ring->written, 0);
    atomic_store(&ring->position, 0);
}

uint32_t ap_ring_channels(const ap_ring *ring) { return ring->channels; }
uint64_t ap_ring_capacity(const ap_ring *ring) { return ring->capacity; }
uint64_t ap_ring_guard(const ap_ring *ring) { return ring->guard; }

/* Acquire: frames before `written` are in memory for whoever saw it. */
uint64_t ap_ring_written(const ap_ring *ring) { return atomic_load_explicit(&ring->written, memory_order_acquire); }
/* Acquire: the reader has finished with frames before `position` for whoever saw it. */
uint64_t ap_ring_position(const ap_ring *ring) { return atomic_load_explicit(&ring->position, memory_order_acquire); }

static uint64_t room(uint64_t capacity, uint64_t written, uint64_t position) {
    const uint64_t used = written - position;
    /* A reader that seeks back may for a moment ask for more than is held: then there is no room, not a lot of it. */
    return used >= capacity ? 0 : capacity - used;
}

uint64_t ap_ring_readable(const ap_ring *ring) {
    /* Position first: a `written` loaded later can only be larger, so the difference never goes below nothing. */
    const uint64_t position = ap_ring_position(ring);
    return ap_ring_written(ring) - position;
}

uint64_t ap_ring_writable(const ap_ring *ring) {
    const uint64_t position = ap_ring_position(ring);
    return room(ring->capacity, ap_ring_written(ring), position);
}

static void copy_in(ap_ring *ring, uint64_t position, const float *data, uint64_t frames) {
    const uint64_t channels = ring->channels, at = position & (ring->capacity - 1);
    const uint64_t first = ap_min(frames, ring->capacity - at);
    if (data) {
        memcpy(ring->frames + at * channels, data, first * channels * sizeof(float));
        memcpy(ring->frames, data + first * channels, (frames - first) * channels * sizeof(float));
    } else {
        memset(ring->frames + at * channels, 0, first * channels * sizeof(float));
        memset(ring->frames, 0, (frames - first) * channels * sizeof(float));
    }
}

static void copy_out(const ap_ring *ring, uint64_t position, float *data, uint64_t frames) {
    const uint64_t channels = ring->channels, at = position & (ring->capacity - 1);
    const uint64_t first = ap_min(frames, ring->capacity - at);
    memcpy(data, ring->frames + at * channels, first * channels * sizeof(float));
    memcpy(data + first * channels, ring->frames, (frames - first) * channels * sizeof(float));
}

uint64_t ap_ring_write(ap_ring *ring, const float *data, uint64_t frames) {
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed); /* ours alone to change */
    uint64_t done = 0;
    while (done < frames) { /* at most frames / guard turns */
        /* Sequentially consistent, with the store below: closes the race with a reader that seeks back. Either it sees
         * our newest `written`, or we see its new position; so at most one copy, of at most guard frames, is under way on
         * an old position, and the seek stays a guard clear of it. */
        const uint64_t position = atomic_load(&ring->position);
        const uint64_t turn = ap_min(ap_min(frames - done, ring->guard), room(ring->capacity, written, position));
        if (!turn) break;
        copy_in(ring, written, data ? data + done * ring->channels : NULL, turn);
        written += turn;
        done += turn;
        atomic_store(&ring->written, written); /* release: frames before the position that announces them */
    }
    return done;
}

uint64_t ap_ring_peek(const ap_ring *ring, float *data, uint64_t frames) {
    const uint64_t position = atomic_load_explicit(&ring->position, memory_order_relaxed); /* ours alone to change */
    const uint64_t turn = ap_min(frames, ap_ring_written(ring) - position);
    if (turn) copy_out(ring, position, data, turn);
    return turn;
}

uint64_t ap_ring_read(ap_ring *ring, float *data, uint64_t frames) {
    const uint64_t turn = ap_ring_peek(ring, data, frames);
    const uint64_t position = atomic_load_explicit(&ring->position, memory_order_relaxed);
    /* Release: our copying is over before the writer may think the room is free. */
    atomic_store_explicit(&ring->position, position + turn, memory_order_release);
    return turn;
}

uint64_t ap_ring_skip(ap_ring *ring, uint64_t frames) {
    const uint64_t position = atomic_load_explicit(&ring->position, memory_order_relaxed);
    const uint64_t turn = ap_min(frames, ap_ring_written(ring) - position);
    atomic_store_explicit(&ring->position, position + turn, memory_order_release);
    return turn;
}

uint64_t ap_ring_seek(ap_ring *ring, uint64_t position) {
    const uint64_t held = ring->capacity - ring->guard;
    const uint64_t now = atomic_load_explicit(&ring->position, memory_order_relaxed);
    if (position >= now) {
        ap_ring_skip(ring, position - now);
        return ap_ring_position(ring);
    }
    for (int tries = 0;; tries++) {
        const uint64_t written = atomic_load(&ring->written);
        if (written > held && position < written - held) position = written - held;
        if (position >= now || tries == 8) position = now; /* nothing older is held any more, or the writer outruns us */
        atomic_store(&ring->position, position);
        /* Look again: copies made on the old position may have finished meanwhile. See ap_ring_write. */
        const uint64_t after = atomic_load(&ring->written);
        if (position == now || after <= held || position >= after - held) return position;
        position = after - held + ring->guard; /* keep clear by more */
    }
}

uint64_t ap_ring_rewind(ap_ring *ring, uint64_t frames) {
    const uint64_t now = atomic_load_explicit(&ring->position, memory_order_relaxed);
    return now - ap_ring_seek(ring, now - ap_min(frames, now));
}
