/* upload: one request of a tracker becomes IAMATs, or the sentence that says why not.
 *
 * Five forms of four paths are read: OwnTracks' messages, the query of OsmAnd, GPSLogger and
 * Traccar Client with the latter's two other forms, Overland's batches, and a form of our own. What
 * makes a request good or bad depends on what its app does with the answer: some repeat a refused
 * message without end and all later ones wait, others throw it away. So what an app sends and is no
 * position is taken and counted, and refused is only what no app sends (gateway/web/PROTOCOL.md).
 *
 * It knows no HTTP: method, path, query and headers are bytes that somebody else has found. It
 * knows no persons: whose position it is comes as an argument where a token says so, and who may be
 * whom is gateway/web/parse/admit.h's. The time of arrival means nothing to it.
 *
 * Invariant: a request is taken as a whole or not at all, and every line is an IAMAT by the grammar
 * of gateway/PROTOCOL.md, but that its time may be beyond what a node can count. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_UPLOAD_H
#define ZHERD_GATEWAY_WEB_PARSE_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"
#include "gateway/web/parse/moment.h"

/* A batch of Overland's has 1,000 places in 600 kB; a message of OwnTracks for iOS may carry a
 * picture. Who gets 413 throws it away. */
#define UPLOAD_BODY_BYTES_MAX ((size_t)4 * 1024 * 1024)
/* Of all IAMATs of a request. Only exponents make them longer than what they were read from. */
#define UPLOAD_LINES_BYTES_MAX UPLOAD_BODY_BYTES_MAX
/* Of a request: more a relay has no room for, whenever they come. */
#define UPLOAD_POSITIONS_MAX ((size_t)100 * 1000)
/* A client's id; a topic of MQTT has up to 65,535 bytes, but nobody types that into a phone. */
#define UPLOAD_CLIENT_BYTES_MAX 1024
#define UPLOAD_WHY_BYTES_MAX    160

enum upload_kind {
    UPLOAD_NONE, /* no path for uploads */
    UPLOAD_OWNTRACKS,
    UPLOAD_OSMAND,
    UPLOAD_OVERLAND,
    UPLOAD_IAMAT,
};

/* Spans without bytes, or of NULL, stand for what is not there. */
struct upload_request {
    enum upload_kind kind;
    struct span query;                    /* after the question mark, as sent */
    struct span body;                     /* at most UPLOAD_BODY_BYTES_MAX */
    struct span limit_user, limit_device; /* headers X-Limit-U and X-Limit-D */
    struct span
        client; /* whom the person's token stands for; empty: the request names the client */
};

/* All zero before the first request. */
struct upload {
    struct buffer lines;            /* "IAMAT client position time\n", one after the other */
    size_t accepted;                /* how many */
    size_t skipped;                 /* what its app sends and is no position */
    bool is_too_large;              /* refused for that, whatever else is wrong with it */
    char why[UPLOAD_WHY_BYTES_MAX]; /* empty, or why the request was refused: a sentence in ASCII */
};

/* By a path without its query, which may end in a slash. */
enum upload_kind upload_kind_of(struct span path);

/* The path without a slash at its end. */
const char *upload_path(enum upload_kind kind);
/* The methods of a path's requests, as the header Allow has them: "POST" or "GET, POST". */
const char *upload_methods(enum upload_kind kind);

/* Reads a request of a path for uploads; what was in `upload` is forgotten. False where it is
 * refused: then there are no lines, and `why` says what is wrong. */
bool upload_read(const struct upload_request *request, struct upload *upload);

/* Appends the body of the answer that the app needs. Not empty, and JSON, but for a request of
 * /osmand that was taken, whose answer nobody reads. */
void upload_answer(enum upload_kind kind, const struct upload *upload, struct buffer *out);

void upload_free(struct upload *upload);

/* ---- for the files of the forms ---- */

/* One position as it was sent, or what seems to be one. `.data` is NULL for what is not there. */
struct upload_fix {
    struct span client;                    /* as it is */
    struct span latitude, longitude, time; /* as sent, without quotes */
    enum moment_form form;                 /* of `time` */
};

/* Sets `why`, and says false. */
bool upload_refuse(struct upload *upload, const char *why);

/* Appends an IAMAT; of `client` where that is not empty, else of fix->client. False where something
 * is missing or wrong, or the IAMATs are too many: refused. */
bool upload_put(struct upload *upload, struct span client, const struct upload_fix *fix);

/* A JSON number, or a string with a number in it, as its bytes; any other value as itself, which is
 * no number. `.data` is NULL for null and for a member that is not there. */
struct span upload_number(struct span value);

/* The same of a string with an id in it: its characters, in `room`. What is no string, or is
 * longer, is refused: false. */
bool upload_id(struct upload *upload, struct span value, char room[UPLOAD_CLIENT_BYTES_MAX],
               struct span *id);

/* Whether the body is an object with each of these members once at most: else refused, and false.
 */
struct json_member;
bool upload_object(struct upload *upload, struct span text, struct json_member *members,
                   size_t count);

/* The same of an array. */
bool upload_array(struct upload *upload, struct span text);

/* Of a body, the first byte that is no white space: the form shows in it. NUL where there is
 * none. */
char upload_first_byte(struct span body);

bool upload_owntracks(const struct upload_request *request, struct upload *upload);
bool upload_osmand(const struct upload_request *request, struct upload *upload);
bool upload_overland(const struct upload_request *request, struct upload *upload);
bool upload_iamat(const struct upload_request *request, struct upload *upload);

#endif
