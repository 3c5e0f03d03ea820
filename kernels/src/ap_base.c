/* ap_base.c - see ap_base.h. */
#include "ap_base.h"

const char *ap_status_text(int status) {
    switch (status) {
    case AP_OK: return "ok";
    case AP_ERR_ALIGN: return "memory is not aligned to 64 bytes";
    case AP_ERR_SIZE: return "memory is too small";
    case AP_ERR_VALUE: return "an argument is out of range";
    case AP_ERR_MAGIC: return "this memory holds something else";
    case AP_ERR_VERSION: return "made by another version of the kernels";
    case AP_ERR_LAYOUT: return "header and offsets contradict each other";
    case AP_ERR_BUSY: return "the other side has not let go of it yet";
    default: return "unknown status";
    }
}

uint64_t ap_align_up(uint64_t bytes) {
    const uint64_t up = (bytes + (AP_ALIGN - 1)) & ~(uint64_t)(AP_ALIGN - 1);
    return up < bytes ? 0 : up;
}
