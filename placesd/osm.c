#include "placesd/osm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "placesd/osm_tags.h"
#include "placesd/results.h"

/* "osm-N" and 20 digits. */
#define ID_BYTES_MAX      25
#define ADDRESS_BYTES_MAX 255
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

/* ---- the order ---- */

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

/* The most telling word that Google has for the tag, or the tag's own. */
static json_t *make_type(const struct osm_place *place)
{
    const struct osm_tag *tag = place->key != NULL ? osm_tags_find(place->key, place->value) : NULL;
    size_t bytes = tag != NULL && tag->value != NULL ? strcspn(tag->types, ",") : 0;
    bool says_nothing = bytes == 0 || strcmp(tag->types, ANY_TYPE) == 0;
    return says_nothing ? json_string(place->value) : json_stringn(tag->types, bytes);
}

static json_t *make_types(const struct osm_place *place)
{
    json_t *array = json_array();
    /* "yes" says only that the key holds. */
    if (strcmp(place->value, "yes") != 0)
        json_array_append_new(array, make_type(place));
    json_array_append_new(array, json_string(ANY_TYPE));
    json_array_append_new(array, json_string("establishment"));
    return array;
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

enum lookup_code osm_write(const struct osm_places *places, const struct lookup *lookup,
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
