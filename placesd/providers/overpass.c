#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "placesd/providers/osm.h"
#include "placesd/providers/outcome.h"
#include "placesd/providers/provider.h"
#include "placesd/providers/results.h"

/* Elements asked for of each sort: those with an entry in Wikidata, and the others. The server
 * gives the oldest of each, regardless of distance and fame, so we ask for more than we show, but
 * for so few that the answer stays far below LOOKUP_BODY_BYTES_MAX. */
#define ELEMENTS_OF_SORT (OSM_PLACES_MAX / 2)
/* The server's own limit on the memory that a question may cost it: 64 MiB. */
#define SERVER_BYTES_MAX (64 * 1024 * 1024)

/* Rank: what Wikidata or Wikipedia know, what tourists visit, and then every tag, because mappers
 * describe well-known places in more detail. */
#define RANK_FAMOUS   200
#define RANK_SIGHT    100
#define RANK_TAGS_MAX 99

/* ---- the request: Overpass QL, as a form (wiki.openstreetmap.org, Overpass API) ---- */

static void write_url(struct span base, struct span key, const struct lookup *lookup,
                      struct buffer *url)
{
    (void)key;
    (void)lookup;
    buffer_append(url, base);
}

/* application/x-www-form-urlencoded: everything but the unreserved characters of RFC 3986. */
static void append_encoded(const char *text, struct buffer *body)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        const char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        buffer_append(body, provider_is_unreserved(*text) ? (struct span){text, 1}
                                                          : (struct span){encoded, 3});
    }
}

static void write_body(const struct lookup *lookup, struct buffer *body)
{
    char latitude[PROVIDER_DEGREES_BYTES_MAX], longitude[PROVIDER_DEGREES_BYTES_MAX];
    char around[2 * PROVIDER_DEGREES_BYTES_MAX + 32], text[768], keys[64] = "";
    provider_write_degrees(lookup->latitude_nanodeg, latitude);
    provider_write_degrees(lookup->longitude_nanodeg, longitude);
    snprintf(around, sizeof around, "around:%" PRIu32 ",%s,%s", provider_radius_m(lookup), latitude,
             longitude);
    for (size_t i = 0, used = 0; i < OSM_KEYS; i++)
        used += (size_t)snprintf(keys + used, sizeof keys - used, "%s%s", i > 0 ? "|" : "",
                                 osm_keys[i]);
    /* Whole seconds, at least one: the asker waits no longer than that for the answer. */
    uint32_t timeout_s = (lookup->deadline_ms + 999) / 1000;
    int length = snprintf(text, sizeof text,
                          "[out:json][timeout:%" PRIu32 "][maxsize:%d];"
                          "nwr(%s)[name][wikidata][~\"^(%s)$\"~\".\"];out center %d;"
                          "nwr(%s)[name][!wikidata][~\"^(%s)$\"~\".\"];out center %d;",
                          timeout_s, SERVER_BYTES_MAX, around, keys, ELEMENTS_OF_SORT, around, keys,
                          ELEMENTS_OF_SORT);
    assert(length > 0 && (size_t)length < sizeof text);
    buffer_append(body, span_of("data="));
    append_encoded(text, body);
}

/* ---- the answer ---- */

static const char *tag(const json_t *tags, const char *key)
{
    return json_string_value(json_object_get(tags, key));
}

static uint32_t rank_of(const json_t *tags)
{
    size_t count = json_object_size(tags);
    uint32_t rank = count < RANK_TAGS_MAX ? (uint32_t)count : RANK_TAGS_MAX;
    if (tag(tags, "wikidata") != NULL || tag(tags, "wikipedia") != NULL)
        rank += RANK_FAMOUS;
    if (tag(tags, "tourism") != NULL || tag(tags, "historic") != NULL)
        rank += RANK_SIGHT;
    return rank;
}

/* A node has a position of its own, anything else a centre. False for what is no place. */
static bool read_element(const json_t *element, struct osm_place *place)
{
    const json_t *tags = json_object_get(element, "tags");
    const json_t *id = json_object_get(element, "id");
    const json_t *center = json_object_get(element, "center");
    const json_t *at = center != NULL ? center : element;
    *place = (struct osm_place){
        .id = (uint64_t)json_integer_value(id),
        .name = tag(tags, "name"),
        .street = tag(tags, "addr:street"),
        .house_number = tag(tags, "addr:housenumber"),
        .city = tag(tags, "addr:city"),
        .rank = rank_of(tags),
    };
    for (size_t i = 0; i < OSM_KEYS && !osm_holds(place->value); i++) {
        place->key = osm_keys[i];
        place->value = tag(tags, place->key);
    }
    return json_integer_value(id) > 0 && place->name != NULL && osm_holds(place->value) &&
           osm_read_kind(json_string_value(json_object_get(element, "type")), &place->kind) &&
           results_read_position(json_object_get(at, "lat"), json_object_get(at, "lon"),
                                 &place->position);
}

/* Where a question ran out of time or memory, or exceeded the rate, the server answers with HTTP
 * 200, what it has found so far, and a remark that begins with these words. */
static bool gave_up(const json_t *root, enum lookup_code *code, struct buffer *json)
{
    static const char words[] = "runtime error";
    const char *remark = json_string_value(json_object_get(root, "remark"));
    if (remark == NULL || strncmp(remark, words, sizeof words - 1) != 0)
        return false;
    *code = LOOKUP_UNAVAILABLE;
    if (strstr(remark, "rate_limited") != NULL)
        *code = outcome_write(OUTCOME_LIMIT, "rate_limited", json);
    else
        lookup_write_failure(*code, "The places provider gave up on the question: it was too much.",
                             json);
    return true;
}

static enum lookup_code read_elements(const json_t *root, const struct lookup *lookup,
                                      struct span key, struct buffer *json)
{
    enum lookup_code code;
    if (gave_up(root, &code, json))
        return code;
    return osm_read(root, "elements", read_element, lookup, key, json);
}

static enum lookup_code read_answer(long http_status, struct span body, const struct lookup *lookup,
                                    struct span key, struct buffer *json)
{
    if (http_status != 200)
        return outcome_write_http(http_status, body, json);
    return results_read(body, lookup, key, json, read_elements);
}

const struct provider provider_overpass = {
    .id = TOPOLOGY_OVERPASS,
    .cache_s = OSM_CACHE_S,
    .stale_s = OSM_STALE_S,
    .write_url = write_url,
    .write_body = write_body,
    .read_answer = read_answer,
};
