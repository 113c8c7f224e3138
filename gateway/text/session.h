/* session: one client of the text protocol (gateway/PROTOCOL.md): what it sent, what it is still
 * to be told, in the order of its commands, and its limits.
 *
 * It knows no socket. Whoever owns the connection hands in bytes and answers, takes output out,
 * and asks what to do next: read on, write, or close.
 *
 * Replies stand in one buffer. A WHATSAT whose look-up is in flight leaves a mark there; nothing
 * behind the first mark may leave yet, so a slow look-up delays only what follows it, and its AT
 * line goes out together with its JSON.
 *
 * Invariant: every command gets one reply, in the order of the commands, and a client that does
 * not read costs at most SESSION_OUTPUT_SOFT_BYTES and the replies under way. */
#ifndef ZHERD_GATEWAY_TEXT_SESSION_H
#define ZHERD_GATEWAY_TEXT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/flood.h"
#include "gateway/text/lines.h"
#include "gateway/text/logline.h"
#include "gateway/text/requests.h"

/* Output waiting from which on no further command of this client is looked at, until it has read
 * some of it. */
#define SESSION_OUTPUT_SOFT_BYTES (256 * 1024)
/* Look-ups of one client in flight; further commands wait. */
#define SESSION_LOOKUPS_MAX 16

struct session_counters {
    uint64_t commands, iamats, whatsats, invalid;
};

/* What all sessions of a node share. The owner of the loop fills it in once, and sets the times
 * before every call below. */
struct session_node {
    struct flood *flood;
    struct requests *requests; /* NULL: the herd has no places service */
    struct logline *log;
    bool log_commands; /* note every command and reply there */
    /* Nanoseconds since 1970, never running backwards. Moves on by one behind each stamp from the
     * future, so that no two of those are accepted in the same nanosecond. */
    int64_t realtime_ns;
    int64_t now_ms;     /* as flood and places count */
    bool flood_changed; /* set here: the flood has something due */
    struct session_counters count;
};

/* A WHATSAT that waits: its AT line begins at `start`, its JSON will stand at `end`. */
struct session_mark {
    uint64_t ticket;
    size_t start, end;
};

/* All zero but the two numbers is a new connection; it owns no memory. */
struct session {
    uint64_t number;  /* of the connection, for the log */
    uint64_t address; /* what answers to its look-ups are sent to, never a pointer */
    struct lines lines;
    struct buffer out;
    struct session_mark *marks; /* SESSION_LOOKUPS_MAX of them while a look-up is in flight */
    uint8_t lookups;            /* marks in use, in the order of their commands */
    bool attached;              /* `out` is the shared buffer */
    bool leaving;               /* by QUIT or as a browser: no further command is looked at */
    bool replies_in_crlf;       /* of the command at work: its client speaks TELNET */
};

/* Around any of the calls that produce output: lends the loop's output buffer to a session that
 * holds none, and takes it back; what could not be written is then kept in a copy. A session at
 * rest owns nothing. */
void session_attach_output(struct session *session, struct buffer *shared);
void session_detach_output(struct session *session, struct buffer *shared);

/* A ref: what was read of several clients and is to be handed to session_read in turn (at most
 * FLOOD_PREFETCH_MAX). Has what is known of the first client that each is about fetched from
 * memory, all at once. Changes no answer. */
void session_prefetch(const struct session_node *node, const struct span *inputs, size_t count);

/* One read: `bytes` is changed in place. Only while session_wants_input. IAC EOF in it is the end
 * of input, though the connection may bring more. */
void session_read(struct session *session, struct session_node *node, char *bytes, size_t count);

/* The client will send no more. */
void session_end_input(struct session *session, struct session_node *node);

/* The answer to one of its look-ups: a JSON text. A ticket that is not its own does nothing. */
void session_answer(struct session *session, struct session_node *node,
                    const struct requests_answer *answer);

/* What may be written now; borrowed until the next call. */
struct span session_output(const struct session *session);
/* So much of it was written; goes on with commands that had to wait for that. */
void session_wrote(struct session *session, struct session_node *node, size_t bytes);

/* True while the connection should be read. */
bool session_wants_input(const struct session *session);

/* True when everything is said: the connection can be closed. */
bool session_is_over(const struct session *session);

/* Bytes of memory it holds. */
size_t session_holds(const struct session *session);

void session_free(struct session *session);

#endif
