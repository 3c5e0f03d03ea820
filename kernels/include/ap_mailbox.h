/* ap_mailbox.h - newest values only: a sequence-locked array of doubles, usable across processes.
 *
 * One writer, any number of readers. The writer never waits. A reader copies, and tries again if the writer was busy
 * meanwhile, at most AP_MAILBOX_TRIES times; then it gives up and the caller keeps what it had. A writer killed in the
 * middle leaves the mailbox unreadable only until the next publish.
 */
#ifndef AP_MAILBOX_H
#define AP_MAILBOX_H
#include "ap_base.h"

enum { AP_MAILBOX_MAX = 4096, AP_MAILBOX_TRIES = 64 };

typedef struct ap_mailbox ap_mailbox;

/* Bytes for a mailbox of `count` doubles; 0 unless 1 <= count <= AP_MAILBOX_MAX. */
uint64_t ap_mailbox_sizeof(uint32_t count);
/* All values 0.0, version 0. AP_OK or AP_ERR_*. */
int ap_mailbox_init(ap_mailbox *box, uint64_t bytes, uint32_t count);
int ap_mailbox_check(const ap_mailbox *box, uint64_t bytes);
AP_RT uint32_t ap_mailbox_count(const ap_mailbox *box);

/* Number of publishes so far. Any thread. */
AP_RT uint64_t ap_mailbox_version(const ap_mailbox *box);

/* Writer: replace all values; `values` has ap_mailbox_count() doubles. */
AP_RT void ap_mailbox_publish(ap_mailbox *box, const double *values);

/* Writer: replace one value, the others stay. Returns 1, or 0 if there is no such index. */
AP_RT int ap_mailbox_set(ap_mailbox *box, uint32_t index, double value);

/* Reader: copy one consistent snapshot into `values`. Returns 1, or 0 after AP_MAILBOX_TRIES torn tries (then the
 * contents of `values` are undefined). */
AP_RT int ap_mailbox_read(const ap_mailbox *box, double *values);

#endif
