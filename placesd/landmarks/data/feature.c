#include "placesd/landmarks/data/feature.h"

#include <jansson.h>
#include <stdio.h>
#include <xxhash.h>

#include "placesd/landmarks/data/element.h"
#include "placesd/landmarks/data/shape.h"
#include "placesd/landmarks/data/tags.h"

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
    char element[ELEMENT_BYTES_MAX + 1];
    const json_t *id = json_object_get(root, "id");
    if (json_string_length(id) > 0) { /* for nothing but a string */
        const char *text = json_string_value(id);
        text = element_read(text, element) ? element : text;
        return XXH3_64bits(text, strlen(text));
    }
    if (element_find(json_object_get(root, "properties"), json_object_get(root, "geometry"),
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
