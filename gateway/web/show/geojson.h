/* geojson: a client and its position as JSON: a Feature of GeoJSON (RFC 7946), and what an event
 * says of it.
 *
 * It takes locations as the table has them, and finds none. Numbers are exact: they are written
 * from billionths and never are binary.
 *
 * Invariant: whatever bytes an id has, what is appended is JSON in UTF-8 on one line, without
 * control characters. */
#ifndef ZHERD_GATEWAY_WEB_SHOW_GEOJSON_H
#define ZHERD_GATEWAY_WEB_SHOW_GEOJSON_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/degrees.h"
#include "bus/flood.h"
#include "bus/table/location.h"

/* Whom somebody may see. `may_see` NULL: everybody. */
struct sight {
    bool (*may_see)(const void *whom, struct span client);
    const void *whom; /* borrowed; two with the same one see the same */
    int64_t from_ns;  /* who has an order before it is over; 0: whom the table shows is not */
};

/* The time of `from_ns`. An observer has no floor in its first minute (bus/PROTOCOL.md, V7), and
 * its table shows all that expires then; it frees nothing by a clock of its own, but need not show
 * what is over by the herd's as soon as one votes. `expire_ms` 0: nothing expires. */
int64_t sight_from_ns(const struct flood_time *time, int64_t expire_ms);

static inline bool sight_has(const struct sight *sight, struct span client)
{
    return sight->may_see == NULL || sight->may_see(sight->whom, client);
}

static inline bool sight_has_location(const struct sight *sight, const struct location *location)
{
    return (sight->from_ns == 0 || location->order_ns >= sight->from_ns) &&
           sight_has(sight, location->client);
}

/* A location and its place on the globe. */
struct geojson_feature {
    struct location location;
    struct degrees place;
};

/* Reads the place of the location: false where it is none on the globe, as a tombstone has none. */
bool geojson_read(struct geojson_feature *feature);

/* Appends a Feature. `now_ns` is the herd's time, from which its age is reckoned; `mm` is how far
 * away it is, or NULL. */
void geojson_put(struct buffer *out, const struct geojson_feature *feature, int64_t now_ns,
                 const int64_t *mm);

/* Appends what the event `move` says of one client. */
void geojson_put_move(struct buffer *out, const struct geojson_feature *feature);

/* Appends latitude or longitude as a JSON number. */
void geojson_put_degrees(struct buffer *out, int64_t nano);

/* Appends a JSON string: bytes that are not UTF-8 as U+FFFD. */
void geojson_put_text(struct buffer *out, struct span bytes);

/* "-118.445127,34.06893": longitude and latitude. */
void geojson_put_place(struct buffer *out, struct degrees place);

#endif
