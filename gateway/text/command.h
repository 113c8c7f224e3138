/* command: one line of a client into a command, or why it is none.
 *
 * gateway/PROTOCOL.md is the grammar. No locale, no floating point, no allocation: fields are
 * spans of the line, numbers are exact integers. It does not know whether a client exists. */
#ifndef ZHERD_GATEWAY_TEXT_COMMAND_H
#define ZHERD_GATEWAY_TEXT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/packed.h"

enum command_kind {
    COMMAND_IAMAT,
    COMMAND_WHATSAT,
    COMMAND_HELP,
    COMMAND_QUIT,
    COMMAND_BROWSER, /* a browser's method or Host header: answer as invalid, then close */
    COMMAND_INVALID,
};

struct command {
    enum command_kind kind;
    struct span text;     /* the line without leading and trailing white space */
    struct span client;   /* IAMAT and WHATSAT */
    struct span position; /* IAMAT, as sent; so is the stamp */
    struct span stamp;
    int64_t stamp_ns; /* never below 0 */
    bool has_digits;  /* IAMAT: `digits` are those of position and stamp; else of a rare form */
    struct packed packed;
    uint32_t radius_km; /* WHATSAT: 0 to LOOKUP_RADIUS_KM_MAX */
    uint32_t bound;     /* WHATSAT: 0 to LOOKUP_BOUND_MAX */
    const char *why;    /* COMMAND_INVALID: what is wrong, for the log; a constant text */
};

/* Any bytes at all. Only the members that the kind names are set, and `client`, which is empty for
 * all others. */
void command_parse(struct span line, struct command *command);

/* The client that the first line of these bytes seems to be about, or nothing: a guess, for whoever
 * wants to have what is known of it at hand soon. Looks at few bytes and judges none. */
struct span command_guess_client(struct span bytes);

/* "+34.068930-118.445127" into billionths of a degree; digits beyond the ninth are cut. False
 * unless it is a position of the grammar and on the globe. */
bool command_parse_position(struct span text, int64_t *latitude_nanodeg,
                            int64_t *longitude_nanodeg);

/* "1621464827.959498503" into nanoseconds; digits beyond the ninth are cut. False unless it is a
 * stamp of the grammar that fits. */
bool command_parse_stamp(struct span text, int64_t *stamp_ns);

#endif
