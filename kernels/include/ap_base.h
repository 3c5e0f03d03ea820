/* ap_base.h - what every kernel shares: the real-time mark, status codes, limits.
 *
 * These headers are the only description of the kernels. C includes them; cffi reads these very files after dropping the
 * preprocessor lines and the word AP_RT, so nothing here may need a macro to parse.
 *
 * AP_RT marks a function the audio callback may reach: it does not allocate, lock, log, enter the kernel or loop without
 * a bound. tests/kernels/test_realtime_guard.py reads the mark and checks the compiled objects against ALLOWED_SYMBOLS.
 *
 * Every kernel keeps its state in memory the caller owns: ap_noun_sizeof() says how many bytes, ap_noun_init() fills
 * them, and nothing is ever freed here. State that may lie in shared memory holds sizes and offsets, never pointers.
 * Memory handed to an init must be aligned to AP_ALIGN bytes.
 */
#ifndef AP_BASE_H
#define AP_BASE_H

#include <stddef.h>
#include <stdint.h>

#define AP_RT

enum {
    AP_ALIGN = 64,         /* bytes; a cache line, so that the two ends of a ring never share one */
    AP_CHANNELS_MAX = 64,  /* channels of one ring or one device */
    AP_RATE_MIN = 8000,    /* Hz */
    AP_RATE_MAX = 192000   /* Hz */
};

/* What an init or a check returns. ap_status_text() has the words. */
enum {
    AP_OK = 0,
    AP_ERR_ALIGN = -1,     /* memory not aligned to AP_ALIGN */
    AP_ERR_SIZE = -2,      /* memory too small for what was asked, or for what its header says */
    AP_ERR_VALUE = -3,     /* an argument out of range */
    AP_ERR_MAGIC = -4,     /* not this kind of memory */
    AP_ERR_VERSION = -5,   /* made by another version of these kernels */
    AP_ERR_LAYOUT = -6,    /* header and offsets contradict each other */
    AP_ERR_BUSY = -7       /* the other side has not finished with it yet */
};

/* The words for a status code; a constant string. Any thread. */
const char *ap_status_text(int status);

/* Round a byte count up to AP_ALIGN; 0 if that overflows. Any thread. */
uint64_t ap_align_up(uint64_t bytes);

#endif
