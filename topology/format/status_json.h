/* status_json: what a node says of itself (bus/link/operate_status.h) as JSON for programs, the
 * same for `zherd status --json`, which asks many, and for a node's own monitor.
 *
 * Numbers of 64 bits that are no counts are texts of 16 digits, because a reader's numbers may be
 * doubles. Names and reasons that came over the network are shown in printable ASCII.
 *
 * Invariant: memory that is refused ends the process (bytes_refused); nothing is left out. */
#ifndef ZHERD_TOPOLOGY_FORMAT_STATUS_JSON_H
#define ZHERD_TOPOLOGY_FORMAT_STATUS_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/link/operate_status.h"

/* ---- values: new references ---- */

/* Of a name, a reason or a version. */
json_t *status_json_text(struct span bytes);
json_t *status_json_count(uint64_t count);
/* null for WIRE_NEVER. */
json_t *status_json_age(uint64_t age_ms);
json_t *status_json_hex(uint64_t number);

/* Both take over the value, which may be NULL where memory was refused. */
void status_json_put(json_t *object, const char *key, json_t *value);
void status_json_push(json_t *array, json_t *value);

/* ---- parts: members that are added to an object ---- */

/* Everything but its links and its places services. */
void status_json_node(json_t *node, const struct operate_status *said);
/* Everything but its name. */
void status_json_link(json_t *link, const struct operate_link *said);
/* What the service says of itself. */
void status_json_broker(json_t *places, const struct operate_broker *said);

/* Appends the text and an LF; takes over the value. */
void status_json_write(json_t *whole, struct buffer *out);

#endif
