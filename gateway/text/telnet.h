/* telnet: takes the TELNET protocol (RFC 854, RFC 855, RFC 1123 section 3, RFC 1184) out of a
 * client's bytes.
 *
 * A person at the real `telnet` sends more than text: option negotiations, sub-negotiations,
 * two-byte commands. They are taken out wherever they stand, also split over reads; IAC IAC becomes
 * the byte 0xff. Every option is refused each time: DO x is answered WONT x, WILL x is answered
 * DONT x. A client that was refused and asks again waits for the second answer (inetutils,
 * busybox), and after each Ctrl-C `telnet` shows nothing until its DO TIMING-MARK is answered (RFC
 * 860). WONT and DONT are never answered, so that two sides cannot answer each other for ever. A
 * client that never sends IAC never sees one.
 *
 * From the first IAC of a connection on, not before:
 * - CR NUL ends a line as CR LF does (RFC 1123, 3.3.1): the NUL becomes an LF.
 * - Control bytes of keys that end the input or discard a line are taken out before the first word
 *   of a line: `telnet` sends Ctrl-D as such a plain byte, and PuTTY Ctrl-C, Ctrl-U, Ctrl-Z and
 *   Ctrl-\ (each after IAC EL).
 * - IAC EOF (RFC 1184) is the end of input: PuTTY and plink send it and do not close. Nothing
 *   after it counts.
 *
 * Invariant: what remains is what a client without TELNET would have sent, however the bytes are
 * split over reads. */
#ifndef ZHERD_GATEWAY_TEXT_TELNET_H
#define ZHERD_GATEWAY_TEXT_TELNET_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* Interpret as command: the byte that begins every TELNET sequence. */
#define TELNET_BYTE_IAC 0xff

/* Where in a TELNET sequence the last read ended. */
enum telnet_state {
    TELNET_SILENT,  /* no IAC so far on this connection */
    TELNET_TEXT,    /* none of the following */
    TELNET_IAC,     /* IAC seen */
    TELNET_OPTION,  /* IAC and WILL, WONT, DO or DONT seen */
    TELNET_SUB,     /* within a sub-negotiation */
    TELNET_SUB_IAC, /* IAC seen within a sub-negotiation */
    TELNET_ENDED,   /* IAC EOF seen: there is no more input */
};

/* All zero is a new connection, at the start of a line. */
struct telnet {
    enum telnet_state state;
    uint8_t verb;     /* the WILL, WONT, DO or DONT that waits for its option */
    bool after_cr;    /* the last byte of text was a CR */
    bool within_line; /* this line has a byte that is neither white space nor such a key */
};

/* Filters `count` bytes in place; returns how many remain. While the state is TELNET_SILENT, bytes
 * without IAC need not come here: before the first that do, the caller sets `after_cr` and
 * `within_line`. `*interrupted` is set when an interrupt (IAC IP) dropped the line typed so far:
 * the bytes after the last LF here, and the part of that line that came before these bytes (it
 * stays false where an LF came between). Appends what must be answered: at most as many bytes as
 * came in. */
size_t telnet_filter(struct telnet *telnet, char *bytes, size_t count, bool *interrupted,
                     struct buffer *answers);

#endif
