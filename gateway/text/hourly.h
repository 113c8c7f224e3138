/* hourly: whose line is due, where a client may cause one line an hour.
 *
 * It keeps a hash of each id and a time, no id, and has room for a few at a time: a client for whom
 * there is none has no line. So hostile clients fill neither memory nor a disk; at worst they keep
 * others out of the log for an hour. The hash has no key, since whoever may choose ids can fill it
 * anyway.
 *
 * Invariant: in an hour at most HOURLY_CLIENTS_MAX lines are due. */
#ifndef ZHERD_GATEWAY_TEXT_HOURLY_H
#define ZHERD_GATEWAY_TEXT_HOURLY_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

#define HOURLY_MS          3600000
#define HOURLY_CLIENTS_MAX 256
/* Of those whose hashes begin alike. */
#define HOURLY_ROW_MAX 4

/* All zero is empty. */
struct hourly {
    struct {
        uint64_t client; /* the hash */
        int64_t until_ms;
    } rows[HOURLY_CLIENTS_MAX / HOURLY_ROW_MAX][HOURLY_ROW_MAX];
};

/* Whether the client's line is due at `now_ms`; if so, no other is for an hour. */
bool hourly_is_due(struct hourly *hourly, struct span client, int64_t now_ms);

#endif
