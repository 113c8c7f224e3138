#include "placesd/landmarks/data/feature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "placesd/landmarks/data/shape.h"
#include "placesd/landmarks/data/tags.h"
#include "placesd/providers/osm.h"

/* ---- elements ---- */

/* Twice such a number still is one. */
#define DIGITS_MAX 18

enum { AREA = 'A' }; /* besides the kinds of placesd/providers/osm.h */

/* Digits and nothing else, of a number above 0. */
static bool read_number(const char *text, uint64_t *number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || text[digits] != '\0')
        return false;
    *number = strtoull(text, NULL, 10);
    return *number > 0;
}

static void write_element(char kind, uint64_t number, char element[FEATURE_ELEMENT_BYTES_MAX + 1])
{
    uint64_t area = kind == AREA ? number : kind == 'W' ? 2 * number : 2 * number + 1;
    if (kind == 'N')
        snprintf(element, FEATURE_ELEMENT_BYTES_MAX + 1, "n%" PRIu64, number);
    else
        snprintf(element, FEATURE_ELEMENT_BYTES_MAX + 1, "a%" PRIu64, area);
}

bool feature_read_element(const char *text, char element[FEATURE_ELEMENT_BYTES_MAX + 1])
{
    static const struct {
        const char *prefix;
        char kind;
    } prefixes[] = {
        {"n", 'N'},     {"w", 'W'},    {"r", 'R'},         {"a", AREA},
        {"node/", 'N'}, {"way/", 'W'}, {"relation/", 'R'},
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t bytes = strlen(prefixes[i].prefix);
        uint64_t number;
        if (strncmp(text, prefixes[i].prefix, bytes) != 0 || !read_number(text + bytes, &number))
            continue;
        write_element(prefixes[i].kind, number, element);
        return true;
    }
    return false;
}

static const char *find_text(const json_t *properties, const char *name)
{
    return json_string_value(json_object_get(properties, name));
}

/* A number, be it one or a text. */
static bool find_number(const json_t *properties, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(properties, name);
    if (json_is_string(value))
        return read_number(json_string_value(value), number);
    *number = (uint64_t)json_integer_value(value);
    return json_integer_value(value) > 0;
}

/* Two members: what it is, and its number. */
static bool find_pair(const json_t *properties, const char *kind_name, const char *number_name,
                      char element[FEATURE_ELEMENT_BYTES_MAX + 1])
{
    char kind;
    uint64_t number;
    if (!osm_read_kind(find_text(properties, kind_name), &kind) ||
        !find_number(properties, number_name, &number))
        return false;
    write_element(kind, number, element);
    return true;
}

/* What ogr2ogr writes, always as texts; others mean other things by a number of that name. */
static bool find_ogr(const json_t *properties, const json_t *geometry,
                     char element[FEATURE_ELEMENT_BYTES_MAX + 1])
{
    const char *way = find_text(properties, "osm_way_id");
    const char *id = way != NULL ? way : find_text(properties, "osm_id");
    const char *shape = find_text(geometry, "type");
    uint64_t number;
    if (id == NULL || shape == NULL || !read_number(id, &number))
        return false;
    bool is_point = strcmp(shape, "Point") == 0;
    write_element(way != NULL ? 'W' : is_point ? 'N' : 'R', number, element);
    return true;
}

bool feature_find_element(const json_t *properties, const json_t *geometry,
                          char element[FEATURE_ELEMENT_BYTES_MAX + 1])
{
    const char *id = find_text(properties, "@id");
    return (id != NULL && feature_read_element(id, element)) ||
           find_pair(properties, "@type", "@id", element) ||
           find_pair(properties, "osm_type", "osm_id", element) ||
           find_ogr(properties, geometry, element);
}

/* ---- features ---- */

static bool holds(struct span record, const char *word)
{
    return memmem(record.data, record.len, word, strlen(word)) != NULL;
}

/* Most of what a map holds has no name, and need not be parsed to see that: a name's member is
 * spelled just so, unless letters are escaped or it stands within a text. */
static bool is_nameless_for_sure(struct span record)
{
    return !holds(record, "\"name\"") && !holds(record, "\"name\\\"") && !holds(record, "\\u") &&
           holds(record, "\"Feature\"");
}

static enum feature_kind complain(char *why, const char *reason)
{
    snprintf(why, FEATURE_WHY_BYTES_MAX + 1, "%s", reason);
    return FEATURE_BROKEN;
}

static bool is_visible(const char *text)
{
    return text != NULL && text[strspn(text, " \t\r\n")] != '\0';
}

/* A feature's own text `id` says most; one that is no element's still is this feature's and no
 * other's. */
static uint64_t make_key(const json_t *root, const struct place *place)
{
    char element[FEATURE_ELEMENT_BYTES_MAX + 1];
    const json_t *id = json_object_get(root, "id");
    if (json_string_length(id) > 0) { /* for nothing but a string */
        const char *text = json_string_value(id);
        text = feature_read_element(text, element) ? element : text;
        return XXH3_64bits(text, strlen(text));
    }
    if (feature_find_element(json_object_get(root, "properties"), json_object_get(root, "geometry"),
                             element))
        return XXH3_64bits(element, strlen(element));
    return place_key(place);
}

/* Adds what one member holds of the tags, in either form of ogr2ogr's (TAGS_FORMAT): a text, or an
 * object. */
static void add_other_tags(json_t *other, json_t *tags)
{
    const char *text = json_string_value(other);
    if (text != NULL)
        tags_add_hstore(text, tags);
    else
        json_object_update_missing(tags, other);
}

/* The tags among a feature's properties, borrowed: all of them, with what ogr2ogr has put into one
 * text, or the object `tags` where osmtogeojson was asked for one. */
static const json_t *find_tags(json_t *properties)
{
    static const char *const others[] = {"other_tags", "all_tags"};
    const json_t *tags = json_object_get(properties, "tags");
    if (json_is_object(tags))
        return tags;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        add_other_tags(json_object_get(properties, others[i]), properties);
    return properties;
}

static enum feature_kind read_feature(const json_t *root, struct place *place, char *why)
{
    const char *type = json_string_value(json_object_get(root, "type"));
    json_t *properties = json_object_get(root, "properties");
    if (type == NULL || strcmp(type, "Feature") != 0)
        return complain(why, "it is no feature");
    if (!json_is_object(properties) && !json_is_null(properties))
        return complain(why, "it has no properties");
    const json_t *tags = find_tags(properties);
    const char *name = json_string_value(json_object_get(tags, "name"));
    if (!is_visible(name))
        return FEATURE_NAMELESS;
    tags_copy(name, place->name, PLACE_NAME_BYTES_MAX);
    enum shape_kind shape = shape_read(json_object_get(root, "geometry"), &place->position);
    if (shape == SHAPE_BROKEN)
        return complain(why, "its geometry is wrong, or not on the Earth");
    if (shape == SHAPE_OTHER)
        return FEATURE_OTHER_SHAPE;
    return tags_read(tags, place) ? FEATURE_PLACE : FEATURE_OTHER_KIND;
}

enum feature_kind feature_read(struct span record, struct place *place, uint64_t *key,
                               char why[FEATURE_WHY_BYTES_MAX + 1])
{
    if (is_nameless_for_sure(record))
        return FEATURE_NAMELESS;
    json_error_t error;
    json_t *root = json_loadb(record.data, record.len, 0, &error);
    if (root == NULL)
        return complain(why, error.text);
    enum feature_kind kind = read_feature(root, place, why);
    if (kind == FEATURE_PLACE)
        *key = make_key(root, place);
    json_decref(root);
    return kind;
}
