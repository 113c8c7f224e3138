/* reasons: one word each for why a command was refused, a connection ended and a link went down: in
 * the log's lines, and as what is counted.
 *
 * The sentences that people read stand where the refusing is done; the words are for programs, and
 * stay the same from version to version (topology/OPERATING.md has what each means).
 *
 * Invariant: every reason has a word, of lower case letters and _, and no two of a kind share one.
 */
#ifndef ZHERD_GATEWAY_TEXT_REASONS_H
#define ZHERD_GATEWAY_TEXT_REASONS_H

#include <stdint.h>

#include "gateway/text/client_limits.h"

/* Why a command was answered "? ". */
enum refusal {
    REFUSAL_MALFORMED,      /* no command, or not in its form */
    REFUSAL_BROWSER,        /* a browser's, which is turned away */
    REFUSAL_UNKNOWN_CLIENT, /* nobody has heard of the client */
    REFUSAL_ID_TOO_LONG,    /* beyond max_id_bytes */
    REFUSAL_ADDRESS_FULL,   /* its address has brought too many clients */
    REFUSAL_TABLE_FULL,
    REFUSAL_NO_CLOCK,   /* of a FORGET: no other node's clock is known yet */
    REFUSAL_NO_NEARBY,  /* of a WATCH: the herd has no NEARBY */
    REFUSAL_WATCHES,    /* too many, or no memory for one more */
    REFUSAL_FORBIDDEN,  /* its access rules have no such client for it */
    REFUSAL_TOKEN,      /* of an AUTH: nobody's token */
    REFUSAL_TOO_FAST,   /* beyond the rate of its access rules */
    REFUSAL_UNPROMISED, /* stored, but not promised in time */
    REFUSALS
};

/* Why a connection ended. */
enum ending {
    ENDING_CLOSED,    /* by the client */
    ENDING_QUIT,      /* told to go: by QUIT, as a browser, by its access rules */
    ENDING_BROKEN,    /* reset, or another error of the network or of TLS */
    ENDING_HANDSHAKE, /* it has finished none of TLS */
    ENDING_STOPS,     /* the node stops */
    ENDING_STUCK,     /* did not read its replies */
    ENDING_LATE,      /* did not finish its line */
    ENDING_LINES,     /* all unfinished lines take too much memory */
    ENDING_REPLIES,   /* all unread replies do */
    ENDING_SILENT,    /* nearly all connections are taken, and it said nothing */
    ENDING_WATCHES,   /* its watches take too much memory */
    ENDING_MEMORY,    /* the system gives none */
    ENDINGS
};

/* Why a link that was up is down. */
enum parting {
    PARTING_SILENCE,   /* nothing was heard for too long */
    PARTING_GOODBYE,   /* the other end stops */
    PARTING_RESTARTED, /* it is another process now */
    PARTING_REFUSED,   /* the other end wants no link with us */
    PARTING_STUCK,     /* what was sent is not acknowledged */
    PARTING_UNTAKEN,   /* the connection takes no message */
    PARTING_OTHER,     /* none of these: the own node stops */
    PARTINGS
};

/* How often each came, since the start. */
struct reasons_counters {
    uint64_t refusals[REFUSALS], endings[ENDINGS], partings[PARTINGS];
};

/* "malformed". Constant texts, as are all below. */
const char *reasons_refusal(enum refusal refusal);
const char *reasons_ending(enum ending ending);
const char *reasons_parting(enum parting parting);

/* How a limit ended a connection. */
enum ending reasons_of_limit(enum client_limits_reason reason);

/* What a LINK_DOWN says (bus/link/events.h). */
enum parting reasons_of_link(const char *said);

#endif
