/* greet: whether a HELLO comes from the node we share the link with, and why not.
 *
 * It compares what a HELLO says of itself with what we are. It proves nothing: whoever lies in a
 * HELLO is stopped by the transport's keys or not at all. */
#ifndef ZHERD_BUS_LINK_GREET_H
#define ZHERD_BUS_LINK_GREET_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/link/wire.h"

struct greet_link {
    struct span herd;     /* ours */
    struct span peer;     /* the node at the other end */
    uint64_t incarnation; /* ours */
};

/* True when the HELLO must be refused: `code` and a sentence in `text`, which reads the same at
 * both ends and may hold a stranger's bytes. */
bool greet_refuses(const struct greet_link *link, const struct wire_message *hello,
                   enum wire_refusal *code, char text[WIRE_TEXT_BYTES_MAX + 1]);

#endif
