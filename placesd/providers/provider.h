/* provider: how one kind of places service is asked, and how its answer is understood.
 *
 * A provider is a few functions on bytes: a look-up becomes an HTTP request, an HTTP answer
 * becomes Nearby Search JSON. It opens no connection (placesd/service/transfer.h does) and reads no
 * key file. Another provider is another file with another such struct, and a row in
 * topology/format/providers.h.
 *
 * Invariant: of what an asker chooses, only numbers reach a request; the key reaches nothing but a
 * request. */
#ifndef ZHERD_PLACESD_PROVIDERS_PROVIDER_H
#define ZHERD_PLACESD_PROVIDERS_PROVIDER_H

#include <stdbool.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "placesd/lookup.h"
#include "placesd/providers/nearby_json.h"
#include "topology/format/providers.h"

/* Google's keys have 39 bytes; other services' are longer. */
#define PROVIDER_KEY_BYTES_MAX 256
/* "-118.445127": sign, degrees, and no more decimals than needed. */
#define PROVIDER_DEGREES_BYTES_MAX 32

struct provider {
    enum topology_provider id; /* its row, with its name and whether it needs a key */
    /* For how many seconds its terms and its nature allow an answer to be given again, and for how
     * many more while it cannot be asked. 0: an answer belongs to those who waited for it. */
    int32_t cache_s, stale_s;

    /* Appends the URL for `lookup` to `url`. `base` is the topology's url, without a query;
     * `key` holds only what provider_key_is_valid allows, and is ignored where no key is
     * needed. What is appended is a secret if the key is. */
    void (*write_url)(struct span base, struct span key, const struct lookup *lookup,
                      struct buffer *url);

    /* Appends the body of a POST. NULL: it is a GET. */
    void (*write_body)(const struct lookup *lookup, struct buffer *body);

    /* Appends header lines of its own ("Name: value"), each with a closing NUL: a secret if the key
     * is. NULL: there are none. */
    void (*write_headers)(struct span key, struct buffer *headers);

    /* Appends the answer for an HTTP status and body to `json` and says what became of it, as
     * nearby_json_read does (placesd/providers/nearby_json.h): at most `lookup->bound` results,
     * never the key, and of a failure nothing in the provider's own words. */
    enum lookup_code (*read_answer)(long http_status, struct span body, const struct lookup *lookup,
                                    struct span key, struct buffer *json);

    /* Appends to `json` the answer for `lookup` that `body` holds already: a good answer of this
     * provider with all places of a larger circle around the same point, fewer than it gives at
     * most. False, and nothing appended, where `body` does not show which bytes it would
     * answer. NULL: never. */
    bool (*narrow)(struct span body, const struct nearby_json_offsets *offsets,
                   const struct lookup *lookup, struct buffer *json);
};

/* Of each row: provider_landmarks and so on. */
#define PROVIDER_DECLARE(number, x, name, needs_key) extern const struct provider provider_##x;
TOPOLOGY_PROVIDER_ROWS(PROVIDER_DECLARE)

/* That of the topology; not of TOPOLOGY_NO_PROVIDER. */
const struct provider *provider_of(enum topology_provider id);

/* Whether a byte is one of the unreserved characters of RFC 3986, section 2.3. */
static inline bool provider_is_unreserved(char byte)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    return memchr(unreserved, byte, sizeof unreserved - 1) != NULL;
}

/* Whether a key can stand in a URL and a header as it is: 1 to PROVIDER_KEY_BYTES_MAX unreserved
 * characters. */
static inline bool provider_key_is_valid(struct span key)
{
    if (key.len == 0 || key.len > PROVIDER_KEY_BYTES_MAX)
        return false;
    for (size_t i = 0; i < key.len; i++)
        if (!provider_is_unreserved(key.data[i]))
            return false;
    return true;
}

/* A URL as people and logs may see it: without its query, where a key would stand. Borrows. */
static inline struct span provider_public_url(struct span url)
{
    const char *query = url.len > 0 ? memchr(url.data, '?', url.len) : NULL;
    return (struct span){url.data, query != NULL ? (size_t)(query - url.data) : url.len};
}

/* ---- for the providers themselves ---- */

/* Writes degrees exactly, with a closing NUL. */
void provider_write_degrees(int64_t nanodegrees, char text[PROVIDER_DEGREES_BYTES_MAX]);

/* The look-up's radius as providers accept it: at least 1 m, as some refuse 0. */
uint32_t provider_radius_m(const struct lookup *lookup);

/* A question and its answer in the form of Google's Nearby Search (legacy), without a key. */
void provider_write_nearby_url(struct span base, struct span key, const struct lookup *lookup,
                               struct buffer *url);
enum lookup_code provider_read_nearby(long http_status, struct span body,
                                      const struct lookup *lookup, struct span key,
                                      struct buffer *json);

#endif
