#include "placesd/providers/osm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "placesd/providers/osm_tags.h"
#include "placesd/providers/results.h"

/* "osm-N" and 20 digits. */
#define ID_BYTES_MAX      25
#define ADDRESS_BYTES_MAX 255
/* One sentence. */
#define REASON_BYTES_MAX 80
/* Of the values of one tag; real ones have two or three. */
#define TYPES_MAX 8
/* What every place is. */
#define ANY_TYPE "point_of_interest"

const char *const osm_keys[OSM_KEYS] = {"tourism", "historic", "leisure", "amenity", "shop"};

bool osm_read_kind(const char *text, char *kind)
{
    static const char *const words[] = {"node", "way", "relation"};
    static const char letters[] = "NWR";
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) != 0 && (text[0] != letters[i] || text[1] != '\0'))
            continue;
        *kind = letters[i];
        return true;
    }
    return false;
}

bool osm_holds(const char *values)
{
    struct span value;
    while (values != NULL && osm_tags_next(&values, &value))
        if (!span_equals(value, span_of("no")))
            return true;
    return false;
}

/* ---- the order ---- */

/* Room for the places of one answer. */
struct places {
    struct osm_place at[OSM_PLACES_MAX];
    size_t count;
};

struct entry {
    const struct osm_place *place;
    double distance_m;
};

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->place->rank != b->place->rank)
        return a->place->rank > b->place->rank ? -1 : 1;
    if (a->distance_m < b->distance_m || a->distance_m > b->distance_m)
        return a->distance_m < b->distance_m ? -1 : 1;
    if (a->place->kind != b->place->kind)
        return a->place->kind < b->place->kind ? -1 : 1;
    return (a->place->id > b->place->id) - (a->place->id < b->place->id);
}

/* ---- the answer ---- */

/* "yes" says only that the key holds, "no" that it does not. */
static bool is_kind(struct span value)
{
    return !span_equals(value, span_of("yes")) && !span_equals(value, span_of("no"));
}

/* Google's most specific word for the tag, or the tag's own. */
static json_t *make_type(const char *key, struct span value)
{
    const struct osm_tag *tag = key != NULL ? osm_tags_find(key, value) : NULL;
    size_t bytes = tag != NULL && tag->value != NULL ? strcspn(tag->types, ",") : 0;
    bool says_nothing = bytes == 0 || strcmp(tag->types, ANY_TYPE) == 0;
    return says_nothing ? json_stringn(value.data, value.len) : json_stringn(tag->types, bytes);
}

/* Takes the type over. Each is said once. */
static void add_type(json_t *types, json_t *type)
{
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (json_equal(json_array_get(types, i), type)) {
            json_decref(type);
            return;
        }
    }
    json_array_append_new(types, type);
}

static json_t *make_types(const struct osm_place *place)
{
    json_t *types = json_array();
    const char *values = place->value;
    struct span value;
    while (json_array_size(types) < TYPES_MAX && osm_tags_next(&values, &value))
        if (is_kind(value))
            add_type(types, make_type(place->key, value));
    add_type(types, json_string(ANY_TYPE));
    add_type(types, json_string("establishment"));
    return types;
}

/* "Olympischer Platz 3, Berlin", as far as it is known; NULL for nothing, or for too much. */
static const char *write_address(const struct osm_place *place, char text[ADDRESS_BYTES_MAX + 1])
{
    const char *street = place->street != NULL ? place->street : "";
    const char *number = *street != '\0' && place->house_number != NULL ? place->house_number : "";
    const char *city = place->city != NULL ? place->city : "";
    int length =
        snprintf(text, ADDRESS_BYTES_MAX + 1, "%s%s%s%s%s", street, *number != '\0' ? " " : "",
                 number, *street != '\0' && *city != '\0' ? ", " : "", city);
    return length > 0 && length <= ADDRESS_BYTES_MAX ? text : NULL;
}

static json_t *make_result(const struct osm_place *place)
{
    char id[ID_BYTES_MAX + 1], address[ADDRESS_BYTES_MAX + 1];
    snprintf(id, sizeof id, "osm-%c%" PRIu64, place->kind, place->id);
    return results_make(&(struct result){
        .id = id,
        .name = place->name,
        .position = place->position,
        .types = make_types(place),
        .vicinity = write_address(place, address),
    });
}

static enum lookup_code write_places(const struct places *places, const struct lookup *lookup,
                                     struct span secret, struct buffer *json)
{
    struct sphere_point here = {
        (double)lookup->latitude_nanodeg / (double)LOOKUP_NANODEGREES_PER_DEGREE,
        (double)lookup->longitude_nanodeg / (double)LOOKUP_NANODEGREES_PER_DEGREE,
    };
    struct entry order[OSM_PLACES_MAX];
    for (size_t i = 0; i < places->count; i++)
        order[i] = (struct entry){&places->at[i], sphere_distance_m(here, places->at[i].position)};
    qsort(order, places->count, sizeof *order, compare);
    json_t *results = json_array();
    for (size_t i = 0; i < places->count && i <= lookup->bound; i++)
        json_array_append_new(results, make_result(order[i].place));
    return results_write(json_pack("[s]", OSM_ATTRIBUTION), results, lookup->bound, secret, json);
}

enum lookup_code osm_read(const json_t *root, const char *list,
                          bool (*read_place)(const json_t *element, struct osm_place *place),
                          const struct lookup *lookup, struct span secret, struct buffer *json)
{
    const json_t *elements = json_object_get(root, list);
    if (!json_is_array(elements)) {
        char reason[REASON_BYTES_MAX];
        snprintf(reason, sizeof reason, "The places provider's answer has no list of %s.", list);
        return results_fail(reason, json);
    }
    struct places places = {.count = 0};
    for (size_t i = 0; i < json_array_size(elements) && places.count < OSM_PLACES_MAX; i++)
        if (read_place(json_array_get(elements, i), &places.at[places.count]))
            places.count++;
    return write_places(&places, lookup, secret, json);
}
