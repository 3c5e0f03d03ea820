/* Writer and reader threads on one ring, the reader seeking back now and then; every frame checked. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ap_ring.h"

#define TOTAL 60000u

static void *write_all(void *ring) {
    float block[64];
    unsigned at = 0, turn = 1;
    while (at < TOTAL) {
        turn = turn * 1103515245u + 12345u;
        unsigned n = turn / 65536u % 64u + 1u;
        if (n > TOTAL - at) n = TOTAL - at;
        for (unsigned i = 0; i < n; i++) block[i] = (float)(at + i);
        at += (unsigned)ap_ring_write(ring, block, n);
    }
    return NULL;
}

int main(void) {
    const uint64_t bytes = ap_ring_sizeof(1, 256);
    ap_ring *ring = aligned_alloc(AP_ALIGN, (bytes + 63) / 64 * 64);
    if (!ring || ap_ring_init(ring, bytes, 1, 256) != AP_OK) return 2;
    pthread_t writer;
    pthread_create(&writer, NULL, write_all, ring);
    float block[96];
    uint64_t at = 0, turns = 0, again = 0;
    while (at < TOTAL) {
        const uint64_t n = ap_ring_read(ring, block, 96);
        for (uint64_t i = 0; i < n; i++)
            if (block[i] != (float)(at + i)) {
                printf("frame %llu reads %g\n", (unsigned long long)(at + i), (double)block[i]);
                return 1;
            }
        at += n;
        if (n && ++turns % 5 == 0 && turns < 2000) {
            const uint64_t back = ap_ring_rewind(ring, 40 + turns % 150);
            at -= back;
            again += back;
        }
    }
    pthread_join(writer, NULL);
    printf("%llu frames, %llu of them heard again\n", (unsigned long long)at, (unsigned long long)again);
    free(ring);
    return again ? 0 : 3;
}
