/* session: one client of the text protocol (gateway/PROTOCOL.md): what it sent, which replies
 * it still waits for, in the order of its commands, and its limits.
 *
 * It knows no socket. Whoever owns the connection hands in bytes and answers, takes output out,
 * and asks what to do next: carry out commands, read on, write, or close. Commands are carried out
 * in session_work alone, never more than a budget of them (gateway/text/turns.h).
 *
 * Replies stand in one buffer. A WHATSAT whose look-up is in flight leaves a mark there; nothing
 * after the first mark may leave yet, so a slow look-up delays only what follows it, and its AT
 * line goes out together with its JSON. A reply that promises more than memory is held by a mark,
 * too: all of one epoch (bus/promises.h) that follow each other have one, and leave together. A
 * NEARBY among very many clients takes several turns, as does the reply to a WATCH, and what
 * follows it on its connection is looked at after it. Lines of watches stand before the first mark,
 * where all replies are complete. Where the node is not ready, a question about a client that it
 * does not know waits, with all that follows it on its connection: nothing is refused that a
 * neighbour knows.
 *
 * Invariant: every command gets one reply, in the order of the commands, with whole lines of
 * watches between two of them at most, and a client that does not read costs at most
 * SESSION_OUTPUT_SOFT_BYTES, SESSION_TOLD_BYTES and the replies under way. */
#ifndef ZHERD_GATEWAY_TEXT_SESSION_H
#define ZHERD_GATEWAY_TEXT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/hourly.h"
#include "bus/flood.h"
#include "gateway/text/admission.h"
#include "gateway/text/client_limits.h"
#include "gateway/text/lines.h"
#include "gateway/text/nearby.h"
#include "gateway/text/reasons.h"
#include "gateway/text/requests.h"
#include "gateway/text/turns.h"
#include "gateway/text/watchers.h"
#include "topology/format/logline.h"

/* Output waiting from which on no further command of this client is looked at, until it has read
 * some of it. */
#define SESSION_OUTPUT_SOFT_BYTES (256 * 1024)
/* Output that may leave, from which on no more lines of its watches are made, until the client has
 * read some: what it is told is the newest then. */
#define SESSION_TOLD_BYTES (64 * 1024)
/* Look-ups of one client in flight; further commands wait. */
#define SESSION_LOOKUPS_MAX 16
/* Looks at a client or a fork of the grid (bus/table/grid.h) that a session's turn has for
 * searches, less than half a millisecond also where all are equally far away, and how many count as
 * one command in what it used. */
#define SESSION_SEARCH_STEPS    2048
#define SESSION_STEPS_A_COMMAND 4

/* A stamp as much older than the client's newest one is no delay on the way: its clock was set
 * back, and it stays where it was for the herd. */
#define SESSION_BACKWARD_NS INT64_C(3600000000000)

struct session_counters {
    uint64_t commands, iamats, whatsats, forgets, invalid;
    uint64_t nearbys, watches;
    uint64_t auths; /* tokens that were shown */
    uint64_t
        backward; /* positions whose stamps were SESSION_BACKWARD_NS older than what is known */
};

/* What all sessions of a node share. The owner of the loop fills it in once, and sets the times
 * before every call below. */
struct session_node {
    struct flood *flood;
    struct requests *requests;    /* NULL: the herd has no places service */
    struct client_limits *limits; /* which the sessions' connections are in; NULL: no limits */
    struct watchers *watchers;    /* NULL: the herd has no WATCH */
    const struct access *access;  /* who may do what; NULL: anybody anything */
    struct logline *log;
    bool has_web;        /* a `web` of the file is at it, and shows a token where there are rules */
    bool holds_replies;  /* those that say that a position was taken (flood_hold) */
    bool log_commands;   /* note commands and replies there: one in `log_one_in` */
    bool log_refusals;   /* of those that are not noted, note why they were refused, if they were */
    uint32_t log_one_in; /* 0 is 1 */
    bool awaits_ready;   /* the node does not know yet what its neighbours know */
    uint32_t options;    /* the optional commands that are on (gateway/text/command.h) */
    size_t id_bytes_max; /* an IAMAT with a longer id is refused */
    /* Nanoseconds since 1970: by the node's wall, which AT lines and log go by, and the time of the
     * herd, which decides what is later (flood_accept_ns). Both move on by one after each stamp
     * from the future, so that no two of those are accepted in the same nanosecond. */
    int64_t realtime_ns, accept_ns;
    int64_t now_ms;       /* as flood and places count */
    int64_t search_steps; /* left for searches in the turn of the session at work */
    struct session_counters count;
    struct reasons_counters reasons;
    struct hourly expired_noted;  /* clients whose expired positions have had their line */
    struct hourly backward_noted; /* the same, of those whose stamps went back */
    /* Of the command at work, or whose reply goes on: whether it is noted, and its text while that
     * waits for the reply. */
    bool is_noted;
    struct span noted;
    uint32_t unnoted; /* commands since the last one that was */
};

/* A WHATSAT that waits: its AT line begins at `start`, its JSON will stand at `end`. Or replies
 * that are held: the first one begins at `start`, the last one ends at `end`. */
struct session_mark {
    uint64_t number; /* the look-up's ticket, or the epoch */
    size_t start, end;
    uint32_t held;       /* how many replies; 0: it is a look-up */
    size_t copied_bytes; /* of these in `copies` */
    bool is_noted;       /* a look-up's command is in the log */
};

/* What a session holds in memory, and whether part of a line came that only its client can end:
 * not while the session reads nothing from it. */
struct session_held {
    size_t line_bytes, reply_bytes;
    bool has_unfinished;
};

/* What a session waits for, as a set, before it looks at another command. */
#define SESSION_WAITS_READY    1u /* its next command is about a client that may be known soon */
#define SESSION_WAITS_PAUSED   2u /* wrong token, or too fast: see gateway/text/admission.h */
#define SESSION_WAITS_NEW_NAME 4u /* what was read ahead is read again as who it is now */

/* All zero but the two numbers, `person` and `limits` is a new connection; it owns no memory. Stays
 * where it is while it has watches. */
struct session {
    uint64_t number;    /* of the connection, for the log */
    uint64_t address;   /* what answers to its look-ups are sent to, never a pointer */
    const char *person; /* who its certificate says it is, from before its first command on;
                         * borrowed, NULL: it has none */
    struct client_limits_connection limits; /* its owner's, used here for look-ups and new ids */
    struct lines lines;
    struct buffer out;
    struct session_mark *marks; /* room for SESSION_LOOKUPS_MAX of them at least, while one waits */
    struct buffer copies;       /* of the commands whose replies are held, in their order */
    uint32_t marks_count;       /* in the order of their commands */
    uint32_t marks_room;
    uint8_t lookups;             /* those of them that are look-ups */
    struct admission *admission; /* NULL: of nobody, where the node has rules */
    struct nearby *nearby;       /* one that goes on next turn; or NULL */
    struct watchers_connection watches;
    bool searches;  /* a NEARBY or the reply to a WATCH goes on next turn, or took all that this one
                     * had, while what follows it waits */
    bool is_noted;  /* the command that searches is in the log */
    bool attached;  /* `out` is the shared buffer */
    bool lost;      /* memory was refused: see session_detach_output */
    bool has_lines; /* complete lines may wait in `lines`; where not, none does */
    bool leaving;   /* by QUIT, as a browser or dismissed: no further command is looked at */
    uint8_t waits;  /* SESSION_WAITS_READY and others */
    bool replies_in_crlf; /* of the command at work: its client speaks TELNET */
};

/* Around any of the calls that produce output: lends the loop's output buffer to a session, which
 * copies what it holds into it, and takes it back; what could not be written is then kept in a
 * copy. A session at rest owns nothing. Lending twice, and taking back what was not lent, do
 * nothing. False where memory was refused: what it was to keep is lost, and the connection must be
 * closed. */
void session_attach_output(struct session *session, struct buffer *shared);
bool session_detach_output(struct session *session, struct buffer *shared);

/* Of what was read of one client: the client that its first line seems to be about, and where the
 * table has that. */
struct session_hint {
    struct span client; /* borrowed from the read */
    struct table_ref ref;
};

/* `inputs` is what was read of some clients, at least one and at most FLOOD_PREFETCH_MAX, and is to
 * be handed to session_read in turn. Has what is known of the first client that each is about
 * fetched from memory, all at once, and gives a hint for session_work. Changes no answer. */
void session_prefetch(const struct session_node *node, const struct span *inputs,
                      struct session_hint *hints, size_t count);

/* One read: `bytes` is changed in place, and must stay valid until session_work, which is due next.
 * Only while session_wants_input. IAC EOF in it is the end of input, though the connection may
 * bring more. */
void session_read(struct session *session, char *bytes, size_t count);

/* The client will send no more. */
void session_end_input(struct session *session);

/* The answer to one of its look-ups: a JSON text. A ticket that is not its own does nothing. */
void session_answer(struct session *session, struct session_node *node,
                    const struct requests_answer *answer);

/* The epoch of the first reply that is held; 0: none is. */
uint64_t session_held_epoch(const struct session *session);
/* That epoch was settled: its replies may leave, or take back what they promise. The same for those
 * that follow. */
void session_settle(struct session *session, struct session_node *node);

/* The pause after a wrong token, or a command beyond the rate, is over. */
void session_resume(struct session *session);

/* The node is ready: what waits for that is carried out. True where something did. */
bool session_go_on(struct session *session);

/* What may be written now; borrowed until the next call. */
struct span session_output(const struct session *session);
/* So much of it was written. */
void session_wrote(struct session *session, size_t bytes);

/* True while there may be something for session_work to do: to be asked after each of the calls
 * above and below, as any of them may change it. */
bool session_has_work(const struct session *session);

/* Carries out commands until no complete line waits, or a limit or the budget says wait; the last
 * command may exceed `out_bytes`. Keeps what is left and lets go of memory that is done with.
 * Returns what it used, without bytes in, and with all bytes of output that wait: each turn copies
 * those that were not read before, too. `hint` is of what was read last, or NULL. */
struct turns_budget session_work(struct session *session, struct session_node *node,
                                 const struct turns_budget *budget,
                                 const struct session_hint *hint);

/* True while the connection should be read, which is never while session_has_work. */
bool session_wants_input(const struct session *session);

/* True when everything is said: the connection can be closed. */
bool session_is_over(const struct session *session);

struct session_held session_holds(const struct session *session);

/* Lines of its watches may be made, or it is lost by them: worth asking where watchers_next_due has
 * given it and nobody has told it all since, after each of the calls above. */
bool session_may_be_told(const struct session *session);

/* Makes lines of its watches, for about `*steps` looks at a client, which it takes off, and while
 * SESSION_TOLD_BYTES are not reached. Its output must be attached. */
void session_tell(struct session *session, struct session_node *node, int64_t *steps);

/* The connection is about to end, or to be told nothing more. */
void session_end_watches(struct session *session, const struct session_node *node);

/* What it was allowed ends: no further command is looked at, its watches and its search are over,
 * and it closes once its replies are written. Lines that were begun are whole. */
void session_dismiss(struct session *session, const struct session_node *node);

/* After session_end_watches. */
void session_free(struct session *session);

/* What the functions of a command (gateway/text/commands.c) call. They append replies to `out`. */

/* A reply of one line begins at `start` of the output and is complete: notes it in the log, and
 * gives it the line end that its client wants. */
void session_end_line(struct session *session, struct session_node *node, size_t start);
/* The same for some lines, of which the log has only what is `noted`. */
void session_end_lines(struct session *session, struct session_node *node, size_t start,
                       struct span noted);
/* Notes one line of a reply; no token of the access rules is in the log. */
void session_note_reply(const struct session *session, const struct session_node *node,
                        struct span reply);
/* A reply's JSON, of `bytes` bytes, is complete: notes what became of the look-up. */
void session_end_places(const struct session *session, const struct session_node *node,
                        enum lookup_code code, size_t bytes);
/* The whole reply to a command whose line is `text`: "? " and a copy. `why` is for the log. */
void session_refuse(struct session *session, struct session_node *node, struct span text,
                    enum refusal refusal, const char *why);
/* Carries out a NEARBY that has begun, and of whose reply nothing is written yet but the AT line.
 * What this turn has no time for, and what follows it, is done in later ones. */
void session_search(struct session *session, struct session_node *node, struct nearby *nearby);
/* Adds a watch and replies to the WATCH whose line is `text`, as session_search does. */
void session_watch(struct session *session, struct session_node *node, struct span text,
                   const struct watchers_wanted *wanted);
/* The reply that begins at `start`, and has its AT line, waits for the answer to this look-up
 * (session_answer). At most SESSION_LOOKUPS_MAX, which no command is carried out beyond. */
void session_await_places(struct session *session, uint64_t ticket, size_t start, bool is_noted);
/* The reply that begins at `start`, and is complete, says that a position or tombstone of `client`
 * was taken, in answer to a command whose line is `text`: holds it, where the herd wants that. */
void session_hold(struct session *session, struct session_node *node, struct span text,
                  struct span client, size_t start);

/* ---- Between session.c, session_held.c and session_watch.c -------------------------------- */

/* A mark for what begins at `start` and ends where the output does; NULL without memory, and then
 * the session is lost. */
struct session_mark *session_add_mark(struct session *session, uint64_t number, size_t start);
/* What is marked has grown by so many bytes, as a difference modulo 2^64, and waits no more. */
void session_remove_mark(struct session *session, uint32_t index, size_t grown);
/* What stands from offset `end` of the output on goes to `at`; what stood there makes way. */
void session_move_back(struct session *session, size_t at, size_t end);
/* Ends a search: the reply has the lines that it has; one to a WATCH is left out. */
void session_end_search(struct session *session);
/* Goes on with the reply to a WATCH. */
void session_watch_on(struct session *session, struct session_node *node);

#endif
