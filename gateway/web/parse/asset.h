/* asset: the live map's files: which path of zherd-web is which file, and what goes out with it.
 *
 * It opens nothing (gateway/web/server/http_asset.c does) and knows nothing of what the page shows.
 *
 * Invariant: no path leads to a file that does not stand in its table. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_ASSET_H
#define ZHERD_GATEWAY_WEB_PARSE_ASSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* An entity tag with its quotes and the NUL. */
#define ASSET_TAG_BYTES_MAX 48

/* Where a file is looked for. */
enum asset_place {
    ASSET_OF_OURS,    /* the folder of the page, gateway/web/page */
    ASSET_OF_LEAFLET, /* Debian's libjs-leaflet */
    ASSET_OF_COASTS,  /* Debian's libplplot-data */
    ASSET_OF_CITIES,  /* tzdata */
    ASSET_OF_NOBODY,  /* no file: asset_config writes it */
};

struct asset {
    const char *path; /* of the request */
    const char *name; /* in its place; "" where the place is a file */
    const char *type; /* Content-Type */
    enum asset_place place;
};

/* The file of a request's path, or NULL. Constant. */
const struct asset *asset_find(const char *path);

/* What the page may load and run (Content Security Policy Level 3): its own files, and pictures of
 * the tiles' host alone. `tiles` is a URL that topology_tiles_parse took, or "". Appends. */
void asset_policy(const char *tiles, struct buffer *text);

/* {"tiles":"https://...","places":true}, JSON for the page; `has_places`: there is a landmarks
 * server to ask. Appends. */
void asset_config(const char *tiles, bool has_places, struct buffer *text);

/* The entity tag of a file of that size and change time (RFC 9110, 8.8.3). */
void asset_tag(int64_t bytes, int64_t changed_ns, char tag[ASSET_TAG_BYTES_MAX]);

/* Whether a header If-None-Match names that tag (RFC 9110, 13.1.2): whoever asks has the file. */
bool asset_tag_is_known(struct span if_none_match, const char *tag);

#endif
