/* status_json: what a process says of itself as JSON for programs, written as it is said: the same
 * for `zherd status --json`, which asks many, and for a monitor, whose page must cost its loop
 * little. A tree that is built first costs ten times as much.
 *
 * Numbers of 64 bits that are no counts are texts of 16 digits, because a reader's numbers may be
 * doubles. Texts are shown in printable ASCII, whoever they came from.
 *
 * Invariant: what is between status_json_begin and status_json_end is one object, in the form of
 * RFC 8259, indented by two blanks for each level. */
#ifndef ZHERD_TOPOLOGY_FORMAT_STATUS_JSON_H
#define ZHERD_TOPOLOGY_FORMAT_STATUS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/link/operate_status.h"

/* Objects and arrays within each other. */
#define STATUS_JSON_DEPTH_MAX 8

struct status_json {
    struct buffer *out;
    size_t depth;
    char ends[STATUS_JSON_DEPTH_MAX]; /* of what is open, the innermost last */
    bool is_empty;                    /* the innermost */
};

/* Begins an object in `out`, which is borrowed. */
struct status_json status_json_begin(struct buffer *out);
/* Ends it with an LF; all within it was closed. */
void status_json_end(struct status_json *json);

/* ---- members of an object, by a constant key without quotes; elements of an array, whose key is
 * NULL ---- */

void status_json_object(struct status_json *json, const char *key);
void status_json_array(struct status_json *json, const char *key);
void status_json_close(struct status_json *json);

void status_json_text(struct status_json *json, const char *key, struct span text);
/* null for a text without bytes. */
void status_json_text_or_null(struct status_json *json, const char *key, struct span text);
/* The greatest is INT64_MAX: JSON has no larger ones that everybody reads. */
void status_json_count(struct status_json *json, const char *key, uint64_t count);
void status_json_integer(struct status_json *json, const char *key, int64_t number);
/* null for 0. */
void status_json_count_or_null(struct status_json *json, const char *key, uint64_t count);
/* null for WIRE_NEVER. */
void status_json_age(struct status_json *json, const char *key, uint64_t age_ms);
void status_json_hex(struct status_json *json, const char *key, uint64_t number);
void status_json_flag(struct status_json *json, const char *key, bool flag);
void status_json_null(struct status_json *json, const char *key);

/* ---- parts: members that are added to the object that is open ---- */

/* Everything but its links and its places services. */
void status_json_node(struct status_json *json, const struct operate_status *said);
/* Everything but its name. */
void status_json_link(struct status_json *json, const struct operate_link *said);
/* What the service says of itself. */
void status_json_broker(struct status_json *json, const struct operate_broker *said);

#endif
