#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "placesd/providers/outcome.h"
#include "placesd/providers/provider.h"
#include "placesd/providers/results.h"

/* Only what Google bills as "Pro": ratings, prices and opening hours would make every request
 * dearer (Places API, "Nearby Search (New)", FieldMask). */
#define FIELD_MASK                                                                                 \
    "places.id,places.displayName,places.location,places.types,places.shortFormattedAddress,"      \
    "places.businessStatus,places.attributions"

/* Google's terms want its name beside its results. */
#define ATTRIBUTION "Google Maps"
/* Contributors named in one answer: a few for each place. The provider's answer may list any
 * number. */
#define ATTRIBUTIONS_MAX 50

/* ---- the request: Places API, REST reference, places.searchNearby ---- */

static void write_url(struct span base, struct span key, const struct lookup *lookup,
                      struct buffer *url)
{
    (void)key;
    (void)lookup;
    buffer_append(url, base);
}

static void write_body(const struct lookup *lookup, struct buffer *body)
{
    char latitude[PROVIDER_DEGREES_BYTES_MAX], longitude[PROVIDER_DEGREES_BYTES_MAX], text[320];
    provider_write_degrees(lookup->latitude_nanodeg, latitude);
    provider_write_degrees(lookup->longitude_nanodeg, longitude);
    int length = snprintf(text, sizeof text,
                          "{\"maxResultCount\":%d,\"rankPreference\":\"POPULARITY\","
                          "\"locationRestriction\":{\"circle\":{\"center\":{\"latitude\":%s,"
                          "\"longitude\":%s},\"radius\":%" PRIu32 "}}}",
                          LOOKUP_BOUND_MAX, latitude, longitude, provider_radius_m(lookup));
    assert(length > 0 && (size_t)length < sizeof text);
    buffer_append(body, (struct span){text, (size_t)length});
}

static void write_headers(struct span key, struct buffer *headers)
{
    static const char fixed[] = "Content-Type: application/json\0"
                                "X-Goog-FieldMask: " FIELD_MASK "\0"
                                "X-Goog-Api-Key: ";
    buffer_append(headers, (struct span){fixed, sizeof fixed - 1});
    buffer_append(headers, key);
    buffer_append(headers, (struct span){"", 1});
}

/* ---- the answer ---- */

static void escape_html(const char *text, struct buffer *out)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            buffer_append(out, span_of("&amp;"));
            break;
        case '<':
            buffer_append(out, span_of("&lt;"));
            break;
        case '>':
            buffer_append(out, span_of("&gt;"));
            break;
        case '"':
            buffer_append(out, span_of("&quot;"));
            break;
        default:
            buffer_append(out, (struct span){text, 1});
        }
    }
}

static bool is_known(const json_t *attributions, const char *text)
{
    for (size_t i = 0; i < json_array_size(attributions); i++)
        if (strcmp(json_string_value(json_array_get(attributions, i)), text) == 0)
            return true;
    return false;
}

static void write_contributor(const char *provider, const char *link, struct buffer *html)
{
    bool is_link = link != NULL && strncmp(link, "https://", 8) == 0;
    if (is_link) {
        buffer_append(html, span_of("<a href=\""));
        escape_html(link, html);
        buffer_append(html, span_of("\">"));
    }
    escape_html(provider, html);
    if (is_link)
        buffer_append(html, span_of("</a>"));
    buffer_append(html, (struct span){"", 1});
}

/* Names each contributor to a place once, with a link where there is one. */
static void attribute(const json_t *place, json_t *attributions)
{
    const json_t *sources = json_object_get(place, "attributions");
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i);
        const char *provider = json_string_value(json_object_get(source, "provider"));
        if (json_array_size(attributions) == ATTRIBUTIONS_MAX)
            return;
        if (provider == NULL)
            continue;
        struct buffer html = {0};
        write_contributor(provider, json_string_value(json_object_get(source, "providerUri")),
                          &html);
        if (!is_known(attributions, html.data))
            json_array_append_new(attributions, json_string(html.data));
        buffer_free(&html);
    }
}

static json_t *copy_types(const json_t *types)
{
    json_t *copy = json_array();
    for (size_t i = 0; i < json_array_size(types); i++)
        if (json_is_string(json_array_get(types, i)))
            json_array_append(copy, json_array_get(types, i));
    return copy;
}

/* NULL for what lacks an id, a name or a position. */
static json_t *read_place(const json_t *place)
{
    const json_t *location = json_object_get(place, "location");
    struct result result = {
        .id = json_string_value(json_object_get(place, "id")),
        .name = json_string_value(json_object_get(json_object_get(place, "displayName"), "text")),
        .vicinity = json_string_value(json_object_get(place, "shortFormattedAddress")),
        .business_status = json_string_value(json_object_get(place, "businessStatus")),
    };
    if (result.id == NULL || result.name == NULL ||
        !results_read_position(json_object_get(location, "latitude"),
                               json_object_get(location, "longitude"), &result.position))
        return NULL;
    result.types = copy_types(json_object_get(place, "types"));
    return results_make(&result);
}

/* In Google's own order. Where nothing is near, the object is empty. */
static enum lookup_code read_places(const json_t *root, const struct lookup *lookup,
                                    struct span key, struct buffer *json)
{
    const json_t *places = json_object_get(root, "places");
    if (places == NULL ? json_object_size(root) > 0 : !json_is_array(places))
        return results_fail("The places provider's answer has no list of places.", json);
    json_t *results = json_array(), *attributions = json_pack("[s]", ATTRIBUTION);
    for (size_t i = 0; i < json_array_size(places); i++) {
        json_t *result = read_place(json_array_get(places, i));
        if (result == NULL)
            continue;
        json_array_append_new(results, result);
        attribute(json_array_get(places, i), attributions);
        if (json_array_size(results) == LOOKUP_BOUND_MAX)
            break;
    }
    return results_write(attributions, results, lookup->bound, key, json);
}

static enum lookup_code read_answer(long http_status, struct span body, const struct lookup *lookup,
                                    struct span key, struct buffer *json)
{
    if (http_status != 200)
        return outcome_write_http(http_status, body, json);
    return results_read(body, lookup, key, json, read_places);
}

const struct provider provider_google_new = {
    .id = TOPOLOGY_GOOGLE_NEW,
    .cache_s = 0, /* as for the legacy service */
    .write_url = write_url,
    .write_body = write_body,
    .write_headers = write_headers,
    .read_answer = read_answer,
};
