/* splitter: a stream of GeoJSON in, the bytes of one feature after the other out.
 *
 * It takes what exporters write: GeoJSON text sequences (RFC 8142), where a byte RS stands before
 * each feature; features one to a line; and plain GeoJSON (RFC 7946), where they lie in the array
 * `features` of one large object, which is never held as a whole. The bytes themselves show which
 * of the three it is. It looks only for strings and brackets: whether a record is JSON, and a
 * feature, is for placesd/landmarks/data/feature.h to say.
 *
 * A broken record ends where the next one certainly begins: at an RS, and in the other two forms at
 * a line that begins with an opening brace, even within an open string or bracket.
 *
 * Invariant: how the bytes are split over feeds makes no difference, and memory is bounded by the
 * longest record. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_SPLITTER_H
#define ZHERD_PLACESD_LANDMARKS_DATA_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"

/* A longer record is dropped. The outline of a country has some hundred thousand points of about
 * 25 bytes. */
#define SPLITTER_RECORD_BYTES_MAX ((size_t)8 * 1024 * 1024)

enum splitter_kind {
    SPLITTER_NONE,     /* nothing complete: feed more, or it is the end */
    SPLITTER_RECORD,   /* a record without RS and comma, perhaps with white space around it */
    SPLITTER_TOO_LONG, /* a record that was longer than the limit, without its bytes */
};

/* All zero is the beginning of a stream, and owns no memory. */
struct splitter {
    enum splitter_state {
        SPLITTER_OUTSIDE,  /* before, between and after whole texts */
        SPLITTER_TEXT,     /* in an object that is a record, or has records in it */
        SPLITTER_BETWEEN,  /* in the array, between two records */
        SPLITTER_FEATURE,  /* in a record of the array */
        SPLITTER_TAIL,     /* after the array, in the object that holds it */
        SPLITTER_STRAY,    /* in something that begins like no record */
        SPLITTER_SEQUENCE, /* RS stands before each record, and nothing else counts */
    } state;
    struct buffer record;
    const char *at, *end; /* what is not looked at yet of the last feed */
    size_t depth;         /* of open brackets */
    size_t name_bytes;    /* of the member's name that may become `features` */
    enum splitter_member {
        SPLITTER_MEMBER_OTHER,
        SPLITTER_MEMBER_NAME,     /* the last string was "features" */
        SPLITTER_MEMBER_FEATURES, /* and a colon followed */
    } member;
    char last; /* byte */
    bool in_string, escaped, name_matches;
    bool too_long; /* the record is longer than the limit: its bytes are gone */
    bool in_array; /* strays and the like stand in the array */
    bool array_open;
    bool given_out; /* the record's bytes were given out and are to be forgotten */
    bool ended;
    bool cut;
};

/* Takes more bytes, which stay the caller's and must stay valid until splitter_next says
 * SPLITTER_NONE. Call only at the beginning or after that. */
void splitter_feed(struct splitter *splitter, struct span bytes);

/* There are no more bytes: an unfinished record counts as a record. */
void splitter_end(struct splitter *splitter);

/* The next record, borrowed until the next call. */
enum splitter_kind splitter_next(struct splitter *splitter, struct span *record);

/* At the end, when splitter_next has said SPLITTER_NONE: true if the stream ended in the middle,
 * as that of a program that was killed: the array never closed, or the last record is
 * incomplete and no line end follows it. */
bool splitter_is_cut(const struct splitter *splitter);

void splitter_free(struct splitter *splitter);

#endif
