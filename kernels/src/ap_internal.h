/* ap_internal.h - small things the kernels' sources share; not part of any contract. */
#ifndef AP_INTERNAL_H
#define AP_INTERNAL_H
#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "ap_base.h"

/* The same code for wider vectors too, chosen when the library is loaded; elsewhere the compiler's own choice. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define EACH_WIDTH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif
#ifndef EACH_WIDTH
#define EACH_WIDTH
#endif

/* Shared memory needs atomics that are plain words: a lock inside them would be private to one process. */
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics must be lock free");
static_assert(sizeof(_Atomic uint64_t) == 8 && sizeof(_Atomic int64_t) == 8, "atomic words must be 8 bytes");
static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE sizes");

static inline bool ap_aligned(const void *memory) { return ((uintptr_t)memory & (AP_ALIGN - 1)) == 0; }
static inline bool ap_power_of_two(uint64_t n) { return n && !(n & (n - 1)); }
static inline uint64_t ap_min(uint64_t a, uint64_t b) { return a < b ? a : b; }
/* Not fmax and fmin: those are calls, and say more about NaN than is needed here. */
static inline double ap_larger(double a, double b) { return a > b ? a : b; }
static inline double ap_smaller(double a, double b) { return a < b ? a : b; }

#endif
