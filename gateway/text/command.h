/* command: parses one line of a client into a command, or the reason why it is none; and the table
 * of all commands.
 *
 * gateway/PROTOCOL.md is the grammar. No locale, no floating point, no allocation: fields are spans
 * of the line, numbers are exact integers. The parser does not know whether a client exists.
 *
 * A command is one row of command_rows and the functions that the row names
 * (gateway/text/commands.c). What HELP says, and what the log says of a line with too few or too
 * many fields, come from there. Where an optional command is off its word is like any other that is
 * none.
 *
 * Invariant: every line, also an invalid one, gets a kind that has a row, and the row can be
 * run. */
#ifndef ZHERD_GATEWAY_TEXT_COMMAND_H
#define ZHERD_GATEWAY_TEXT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/degrees.h"
#include "bus/base/packed.h"
#include "bus/table/location.h"
#include "bus/table/table.h"

struct session;
struct session_node;

/* HELP shows them in this order. */
enum command_kind {
    COMMAND_IAMAT,
    COMMAND_WHATSAT,
    COMMAND_NEARBY,       /* around a client */
    COMMAND_NEARBY_AT,    /* around a place */
    COMMAND_WATCH,        /* one client, or everybody */
    COMMAND_WATCH_AROUND, /* a circle around a client */
    COMMAND_WATCH_AT,     /* a circle around a place */
    COMMAND_UNWATCH,      /* all of the connection */
    COMMAND_UNWATCH_ONE,
    COMMAND_FORGET,
    COMMAND_AUTH,
    COMMAND_HELP,
    COMMAND_QUIT,
    COMMAND_BROWSER, /* a browser's method or Host header: answer as invalid, then close */
    COMMAND_INVALID,
    COMMAND_KINDS,
};

struct command {
    enum command_kind kind;
    struct span text;     /* the line without leading and trailing white space */
    struct span client;   /* IAMAT, WHATSAT, NEARBY, WATCH, WATCH_AROUND and FORGET */
    struct span position; /* IAMAT, as sent; so is the stamp */
    struct span stamp;
    int64_t stamp_ns; /* never below 0 */
    bool has_digits;  /* IAMAT: `digits` are those of position and stamp; else of a rare form */
    struct packed packed;
    uint32_t radius_km; /* WHATSAT: 0 to LOOKUP_RADIUS_KM_MAX */
    uint32_t bound;     /* WHATSAT: 0 to LOOKUP_BOUND_MAX; NEARBY, NEARBY_AT: 1 to GRID_BOUND_MAX */
    int64_t radius_mm;  /* both forms of NEARBY; WATCH_AROUND and WATCH_AT */
    struct degrees place; /* NEARBY_AT and WATCH_AT */
    uint32_t watch;       /* UNWATCH_ONE: its number */
    const char *why; /* what is wrong, for the log, a constant text: of COMMAND_INVALID, and of one
                      * that is secret; else NULL */
};

/* A set of optional commands, those that are on. */
#define COMMAND_OPTION(kind)  (1U << (kind))
#define COMMAND_OPTIONS_WATCH (COMMAND_OPTION(COMMAND_WATCH) | COMMAND_OPTION(COMMAND_UNWATCH))

/* The most fields that a row's `arguments` name. */
#define COMMAND_FIELDS_MAX 4

/* What access rules have to allow about its client (topology/format/access.h). */
enum command_needs { COMMAND_NEEDS_NOTHING, COMMAND_NEEDS_BE, COMMAND_NEEDS_SEE };

struct command_row {
    const char *word;          /* upper case; NULL: no line selects this row by a word */
    enum command_kind or_else; /* the kind of such a line with other fields; 0: it is invalid */
    bool is_any_case;          /* clients may write the word in lower case, too */
    bool is_optional;          /* a command only where it is on */
    bool is_of_known;          /* it needs a client that the node knows */
    bool is_secret; /* its line is never shown: its word is read where it is off, too, and whatever
                     * follows that, by `run` */
    bool is_for_everybody; /* whatever access rules say */
    enum command_needs needs;
    const char *arguments; /* a name for each of its fields, with a blank between two; NULL: any */
    const char *misfit;    /* why a line with more or fewer fields is invalid */
    /* Sets the members of its kind; NULL when all is right, else why not. The fields are as many as
     * `arguments` names, and none is empty. No function: there is nothing to be set. */
    const char *(*parse)(const struct span *fields, struct command *command);
    /* Carries it out, replies included; `ref` is of its client. */
    void (*run)(struct session *session, struct session_node *node, const struct command *command,
                struct table_ref ref);
    const char *help; /* its lines in what HELP says; NULL: none */
};

extern const struct command_row command_rows[COMMAND_KINDS];

/* Any bytes at all. `options` are the optional commands that are on. Only the members that the kind
 * names are set, and `client`, which is empty for all others. */
void command_parse(struct span line, uint32_t options, struct command *command);

/* The answer to HELP: a few lines that show each command by example, of optional ones those that
 * are on. */
void command_help(uint32_t options, struct buffer *out);

/* The client that the first line of these bytes seems to be about, or nothing. A guess from a few
 * bytes, without validation, so that the caller can prefetch that client's record. */
struct span command_guess_client(struct span bytes);

/* "1621464827.959498503" into nanoseconds; digits beyond the ninth are cut. False unless it is a
 * stamp of the grammar that fits. */
bool command_parse_stamp(struct span text, int64_t *stamp_ns);

/* "007": digits alone, up to `max` in value; false for anything else. */
bool command_parse_whole(struct span text, uint32_t max, uint32_t *value);

/* ---- AT lines, as a node that took the IAMAT would have them ---- */

/* The longest line of a client, and what an AT line has besides. */
#define COMMAND_AT_BYTES_MAX (LOCATION_TEXT_BYTES_MAX + LOCATION_ORIGIN_BYTES_MAX + 32)

struct command_at {
    struct location location; /* borrows from all that stands here, and from the line */
    struct command command;
    char iamat[COMMAND_AT_BYTES_MAX]; /* the client's command again */
};

/* An AT line (gateway/PROTOCOL.md), without its LF, into the location that it shows: what
 * at_line_write makes of that is the line again. The order time is not in the line: it is the
 * lesser of the stamp and 5 s after the moment at which the node took it, stamp and difference
 * together. NULL, or what is wrong with it, a constant text. */
const char *command_read_at(struct span line, struct command_at *at);

#endif
