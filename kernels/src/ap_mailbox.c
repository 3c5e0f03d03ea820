/* ap_mailbox.c - see ap_mailbox.h. Seqlock after Boehm, "Can seqlocks get along with programming language memory
 * models?", MSPC 2012: the data are atomics too, so a torn read is discarded, never undefined. */
#include "ap_mailbox.h"

#include "ap_internal.h"

#define MAILBOX_MAGIC UINT64_C(0x31786f42705f4150) /* "PA_pBox1" */

struct ap_mailbox {
    uint64_t magic;
    uint32_t count;
    uint32_t reserved;
    alignas(AP_ALIGN) _Atomic uint64_t sequence; /* odd while the writer is at work */
    alignas(AP_ALIGN) _Atomic uint64_t words[];  /* the doubles' bits */
};
static_assert(sizeof(struct ap_mailbox) == 2 * AP_ALIGN, "mailbox header");

uint64_t ap_mailbox_sizeof(uint32_t count) {
    if (count < 1 || count > AP_MAILBOX_MAX) return 0;
    return sizeof(ap_mailbox) + (uint64_t)count * 8;
}

int ap_mailbox_init(ap_mailbox *box, uint64_t bytes, uint32_t count) {
    const uint64_t need = ap_mailbox_sizeof(count);
    if (!ap_aligned(box)) return AP_ERR_ALIGN;
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    box->magic = MAILBOX_MAGIC;
    box->count = count;
    box->reserved = 0;
    for (uint32_t i = 0; i < count; i++) atomic_store_explicit(&box->words[i], 0, memory_order_relaxed);
    atomic_store(&box->sequence, 0);
    return AP_OK;
}

int ap_mailbox_check(const ap_mailbox *box, uint64_t bytes) {
    if (!ap_aligned(box)) return AP_ERR_ALIGN;
    if (bytes < sizeof(ap_mailbox)) return AP_ERR_SIZE;
    if (box->magic != MAILBOX_MAGIC) return AP_ERR_MAGIC;
    const uint64_t need = ap_mailbox_sizeof(box->count);
    if (!need) return AP_ERR_LAYOUT;
    return bytes < need ? AP_ERR_SIZE : AP_OK;
}

uint32_t ap_mailbox_count(const ap_mailbox *box) { return box->count; }

uint64_t ap_mailbox_version(const ap_mailbox *box) {
    return atomic_load_explicit(&box->sequence, memory_order_acquire) / 2;
}

static uint64_t begin(ap_mailbox *box) {
    /* Or, not plus: a writer killed half-way left it odd, and the next one carries on from there. */
    const uint64_t odd = atomic_load_explicit(&box->sequence, memory_order_relaxed) | 1;
    atomic_store_explicit(&box->sequence, odd, memory_order_relaxed);
    return odd;
}

static void put(ap_mailbox *box, uint32_t i, double value) {
    uint64_t word;
    memcpy(&word, &value, 8);
    /* Release: whoever sees this word also sees that the sequence had turned odd. */
    atomic_store_explicit(&box->words[i], word, memory_order_release);
}

static void finish(ap_mailbox *box, uint64_t odd) {
    /* Release: the words are there for whoever sees the even number. */
    atomic_store_explicit(&box->sequence, odd + 1, memory_order_release);
}

void ap_mailbox_publish(ap_mailbox *box, const double *values) {
    const uint64_t odd = begin(box);
    for (uint32_t i = 0; i < box->count; i++) put(box, i, values[i]);
    finish(box, odd);
}

int ap_mailbox_set(ap_mailbox *box, uint32_t index, double value) {
    if (index >= box->count) return 0;
    const uint64_t odd = begin(box);
    put(box, index, value);
    finish(box, odd);
    return 1;
}

int ap_mailbox_read(const ap_mailbox *box, double *values) {
    for (int tries = 0; tries < AP_MAILBOX_TRIES; tries++) {
        /* Acquire: words loaded later are at least as new as this number. */
        const uint64_t before = atomic_load_explicit(&box->sequence, memory_order_acquire);
        if (before & 1) continue;
        for (uint32_t i = 0; i < box->count; i++) {
            /* Acquire: if this word is from a later publish, the second look at the sequence will tell. */
            const uint64_t word = atomic_load_explicit(&box->words[i], memory_order_acquire);
            memcpy(&values[i], &word, 8);
        }
        if (atomic_load_explicit(&box->sequence, memory_order_relaxed) == before) return 1;
    }
    return 0;
}
