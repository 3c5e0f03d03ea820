/* ap_command.c - see ap_command.h. */
#include "ap_command.h"

#include "ap_internal.h"

#define COMMAND_MAGIC UINT64_C(0x31646d43705f4150) /* "PA_pCmd1" */

static_assert(sizeof(ap_command) == 24 && offsetof(ap_command, value) == 16, "command layout");

struct ap_command_queue {
    uint64_t magic;
    uint32_t capacity;
    uint32_t reserved;
    alignas(AP_ALIGN) _Atomic uint64_t pushed;
    alignas(AP_ALIGN) _Atomic uint64_t popped;
    alignas(AP_ALIGN) ap_command commands[];
};
static_assert(sizeof(struct ap_command_queue) == 3 * AP_ALIGN, "queue header");

uint64_t ap_command_sizeof(uint32_t capacity) {
    if (!ap_power_of_two(capacity) || capacity < AP_COMMAND_CAPACITY_MIN || capacity > AP_COMMAND_CAPACITY_MAX) return 0;
    return sizeof(ap_command_queue) + (uint64_t)capacity * sizeof(ap_command);
}

int ap_command_init(ap_command_queue *queue, uint64_t bytes, uint32_t capacity) {
    const uint64_t need = ap_command_sizeof(capacity);
    if (!ap_aligned(queue)) return AP_ERR_ALIGN;
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    memset(queue, 0, need);
    queue->magic = COMMAND_MAGIC;
    queue->capacity = capacity;
    atomic_store(&queue->pushed, 0);
    atomic_store(&queue->popped, 0);
    return AP_OK;
}

int ap_command_check(const ap_command_queue *queue, uint64_t bytes) {
    if (!ap_aligned(queue)) return AP_ERR_ALIGN;
    if (bytes < sizeof(ap_command_queue)) return AP_ERR_SIZE;
    if (queue->magic != COMMAND_MAGIC) return AP_ERR_MAGIC;
    const uint64_t need = ap_command_sizeof(queue->capacity);
    if (!need) return AP_ERR_LAYOUT;
    return bytes < need ? AP_ERR_SIZE : AP_OK;
}

uint32_t ap_command_capacity(const ap_command_queue *queue) { return queue->capacity; }

uint32_t ap_command_waiting(const ap_command_queue *queue) {
    const uint64_t popped = atomic_load_explicit(&queue->popped, memory_order_acquire);
    return (uint32_t)(atomic_load_explicit(&queue->pushed, memory_order_acquire) - popped);
}

int ap_command_push(ap_command_queue *queue, const ap_command *command) {
    const uint64_t pushed = atomic_load_explicit(&queue->pushed, memory_order_relaxed); /* ours alone to change */
    /* Acquire: the callback has copied a slot out before we fill it again. */
    const uint64_t popped = atomic_load_explicit(&queue->popped, memory_order_acquire);
    if (pushed - popped >= queue->capacity) return 0;
    queue->commands[pushed & (queue->capacity - 1)] = *command;
    /* Release: the command is whole before the callback can see it. */
    atomic_store_explicit(&queue->pushed, pushed + 1, memory_order_release);
    return 1;
}

int ap_command_pop(ap_command_queue *queue, ap_command *command) {
    const uint64_t popped = atomic_load_explicit(&queue->popped, memory_order_relaxed); /* ours alone to change */
    /* Acquire: see ap_command_push. */
    if (popped == atomic_load_explicit(&queue->pushed, memory_order_acquire)) return 0;
    *command = queue->commands[popped & (queue->capacity - 1)];
    /* Release: copied out before the slot may be filled again. */
    atomic_store_explicit(&queue->popped, popped + 1, memory_order_release);
    return 1;
}
