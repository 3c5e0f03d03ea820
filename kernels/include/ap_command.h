/* ap_command.h - fixed-size commands with a frame time, from the control thread to the callback.
 *
 * A queue of one writer (control thread) and one reader (callback), first in first out. The frame time is obeyed by
 * ap_block, which keeps commands that are not due yet, so a command for later does not hold up one for now.
 */
#ifndef AP_COMMAND_H
#define AP_COMMAND_H
#include "ap_base.h"

enum { AP_COMMAND_CAPACITY_MIN = 2, AP_COMMAND_CAPACITY_MAX = 65536 };

typedef struct ap_command {
    uint64_t frame;        /* device frame at which it takes effect; 0, or one already past, means at once */
    uint32_t target;       /* AP_TARGET_* of ap_block.h */
    uint32_t ramp_frames;  /* frames to reach the value; 0 = at once */
    double value;
} ap_command;

typedef struct ap_command_queue ap_command_queue;

/* Bytes for a queue; 0 unless capacity is a power of two within the limits above. */
uint64_t ap_command_sizeof(uint32_t capacity);
int ap_command_init(ap_command_queue *queue, uint64_t bytes, uint32_t capacity);
int ap_command_check(const ap_command_queue *queue, uint64_t bytes);
AP_RT uint32_t ap_command_capacity(const ap_command_queue *queue);
/* Commands waiting. Any thread. */
AP_RT uint32_t ap_command_waiting(const ap_command_queue *queue);
/* Control thread: append one. Returns 1, or 0 if the queue is full (nothing is overwritten). */
AP_RT int ap_command_push(ap_command_queue *queue, const ap_command *command);
/* Callback: take the oldest. Returns 1, or 0 if there is none. */
AP_RT int ap_command_pop(ap_command_queue *queue, ap_command *command);

#endif
