/* strangers: routing ids under which messages came that no peer of ours would use.
 *
 * They help to find a wrongly configured or foreign node when nothing of what it sends arrives.
 * Each such id is reported once, as long as few others come in between; one that is due waits until
 * strangers_next takes it.
 *
 * Invariant: one id in STRANGERS_PAUSE_MS at most, whatever comes. */
#ifndef ZHERD_BUS_LINK_STRANGERS_H
#define ZHERD_BUS_LINK_STRANGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

#define STRANGERS_PAUSE_MS 5000
/* This number of reported ids is remembered, the last ones. */
#define STRANGERS_REPORTED_MAX 16
/* ZeroMQ's limit (zmq_setsockopt(3), ZMQ_ROUTING_ID). */
#define STRANGERS_ID_BYTES_MAX 255

/* All zero at first. */
struct strangers {
    uint64_t count; /* messages */
    struct {
        unsigned char bytes;
        char at[STRANGERS_ID_BYTES_MAX];
    } reported[STRANGERS_REPORTED_MAX]; /* a ring, the next to be replaced at `next` */
    size_t next;
    bool is_pausing;
    int64_t quiet_until;
    bool has_news; /* the one before `next` */
};

/* A message came under that id. */
void strangers_hear(struct strangers *strangers, struct span id, int64_t now_ms);

/* The id that is to be reported now, borrowed until the next strangers_hear; or false. */
bool strangers_next(struct strangers *strangers, struct span *id);

#endif
