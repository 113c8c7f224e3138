/* place: one landmark, shop or city, and how a line of a table says it.
 *
 * Two tables are read, line by line: our landmarks.tsv and the zone.tab that comes with the
 * system's time zones. It opens no file and keeps nothing; a place owns its texts.
 *
 * Invariant: what a reader accepts is complete: a name, at least one type, a position on the
 * Earth, a rank within bounds, and valid UTF-8 up to each closing NUL. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_PLACE_H
#define ZHERD_PLACESD_LANDMARKS_DATA_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/sphere.h"

/* Room for 85 letters of three bytes each; OpenStreetMap allows more, which is cut. */
#define PLACE_NAME_BYTES_MAX     255
#define PLACE_TYPES_BYTES_MAX    127
#define PLACE_VICINITY_BYTES_MAX 255
/* How well a place is known: 1 is hardly, PLACE_RANK_MAX is world famous. */
#define PLACE_RANK_MAX 100
/* A city of the time zone table: it stands in where we know no landmark, and ranks below the
 * landmarks we know. */
#define PLACE_ZONE_RANK 20
/* "zherd-" and 16 hexadecimal digits. */
#define PLACE_ID_BYTES_MAX 22

struct place {
    char name[PLACE_NAME_BYTES_MAX + 1];
    char types[PLACE_TYPES_BYTES_MAX + 1];       /* Google's legacy types, "museum,library" */
    char vicinity[PLACE_VICINITY_BYTES_MAX + 1]; /* "Museum Island, Berlin"; may be empty */
    struct sphere_point position;
    uint32_t rank; /* 1 to PLACE_RANK_MAX */
};

/* A line of landmarks.tsv without its line end: rank, name, types, latitude, longitude and
 * vicinity, between tabs. False for anything else, and for a comment, which begins with '#'. */
bool place_read_landmark(struct span line, struct place *place);

/* A line of zone.tab or zone1970.tab (tzfile(5), "theory" of the tz database): country codes,
 * position after ISO 6709 as +DDMM+DDDMM or +DDMMSS+DDDMMSS, zone such as America/New_York, and
 * perhaps a comment. The city is the zone's last part. False for anything else. */
bool place_read_zone(struct span line, struct place *place);

/* True if `type` is one of the place's types. */
bool place_is(const struct place *place, const char *type);

/* A number made of the place's name and position (to a decimetre) alone. */
uint64_t place_key(const struct place *place);

/* Writes the place's id: made of its key alone, so that it stays the same when other places come
 * and go. */
void place_write_id(const struct place *place, char id[PLACE_ID_BYTES_MAX + 1]);

#endif
