/* telnet: takes the TELNET protocol (RFC 854, RFC 855, RFC 860) out of a client's bytes.
 *
 * Whoever types into the real `telnet` sends more than text: option negotiations,
 * sub-negotiations, two-byte commands. They are taken out wherever they stand, also split over
 * reads; IAC IAC becomes the byte 0xff. Every option is declined, once: DO x is answered WONT x,
 * WILL x is answered DONT x. TIMING-MARK alone is declined each time it is asked for: it is no
 * option that stays off but a question of its own, and after each Ctrl-C `telnet` shows nothing
 * until it is answered (RFC 860). A client that never sends IAC never sees one.
 *
 * Invariant: what remains is what a client without TELNET would have sent. */
#ifndef ZHERD_GATEWAY_TELNET_H
#define ZHERD_GATEWAY_TELNET_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bytes.h"

/* Interpret as command: the byte that begins every TELNET sequence. */
#define TELNET_BYTE_IAC 0xff

/* Where in a TELNET sequence the last read ended. */
enum telnet_state {
    TELNET_TEXT,
    TELNET_IAC,     /* IAC seen */
    TELNET_OPTION,  /* IAC and WILL, WONT, DO or DONT seen */
    TELNET_SUB,     /* within a sub-negotiation */
    TELNET_SUB_IAC, /* IAC seen within a sub-negotiation */
};

/* All zero is a new connection. */
struct telnet {
    enum telnet_state state;
    uint8_t verb;            /* the WILL, WONT, DO or DONT that waits for its option */
    uint8_t answered[2][32]; /* options already declined, a bit each: WONT said, DONT said */
};

/* Filters `count` bytes in place; returns how many remain. `*interrupted` is set when an
 * interrupt (IAC IP) dropped the line typed so far: the bytes behind the last LF here, and
 * whatever of that line came before these bytes (it stays false where an LF came between).
 * Appends what must be answered: at most as many bytes as came in. */
size_t telnet_filter(struct telnet *telnet, char *bytes, size_t count, bool *interrupted,
                     struct buffer *answers);

#endif
