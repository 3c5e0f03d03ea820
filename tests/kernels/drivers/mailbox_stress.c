/* One writer and two readers on one mailbox, and a command queue beside it: no snapshot may mix two publishes. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ap_command.h"
#include "ap_mailbox.h"

#define COUNT 12
#define TOTAL 4000u

static ap_mailbox *box;
static ap_command_queue *queue;

static void *write_all(void *unused) {
    (void)unused;
    double values[COUNT];
    for (unsigned n = 1; n <= TOTAL; n++) {
        for (int i = 0; i < COUNT; i++) values[i] = n * 100.0 + i;
        ap_mailbox_publish(box, values);
        const ap_command command = {n, n % 3u, n / 2u, n * 0.5};
        while (!ap_command_push(queue, &command)) { }
    }
    return NULL;
}

static void *read_all(void *faults) {
    double values[COUNT], before = 0.0;
    for (unsigned tries = 0; before < TOTAL * 100.0 && tries < 100000000u; tries++) {
        if (!ap_mailbox_read(box, values) || values[0] == 0.0) continue;
        for (int i = 1; i < COUNT; i++) *(int *)faults += values[i] != values[0] + i;
        *(int *)faults += values[0] < before;
        before = values[0];
    }
    return NULL;
}

int main(void) {
    box = aligned_alloc(AP_ALIGN, 4096);
    queue = aligned_alloc(AP_ALIGN, 4096);
    if (!box || !queue || ap_mailbox_init(box, 4096, COUNT) || ap_command_init(queue, 4096, 16)) return 2;
    int faults[2] = {0, 0}, wrong = 0;
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, write_all, NULL);
    pthread_create(&threads[1], NULL, read_all, &faults[0]);
    pthread_create(&threads[2], NULL, read_all, &faults[1]);
    for (unsigned n = 1; n <= TOTAL;) {
        ap_command command;
        if (!ap_command_pop(queue, &command)) continue;
        wrong += command.frame != n || command.target != n % 3u || command.ramp_frames != n / 2u || command.value != n * 0.5;
        n++;
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    printf("%d torn, %d torn, %d commands wrong\n", faults[0], faults[1], wrong);
    free(box);
    free(queue);
    return faults[0] || faults[1] || wrong;
}
