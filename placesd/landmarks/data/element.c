#include "placesd/landmarks/data/element.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "placesd/providers/osm.h"

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

static void write_element(char kind, uint64_t number, char element[ELEMENT_BYTES_MAX + 1])
{
    uint64_t area = kind == AREA ? number : kind == 'W' ? 2 * number : 2 * number + 1;
    if (kind == 'N')
        snprintf(element, ELEMENT_BYTES_MAX + 1, "n%" PRIu64, number);
    else
        snprintf(element, ELEMENT_BYTES_MAX + 1, "a%" PRIu64, area);
}

bool element_read(const char *text, char element[ELEMENT_BYTES_MAX + 1])
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
                      char element[ELEMENT_BYTES_MAX + 1])
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
                     char element[ELEMENT_BYTES_MAX + 1])
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

bool element_find(const json_t *properties, const json_t *geometry,
                  char element[ELEMENT_BYTES_MAX + 1])
{
    const char *id = find_text(properties, "@id");
    return (id != NULL && element_read(id, element)) ||
           find_pair(properties, "@type", "@id", element) ||
           find_pair(properties, "osm_type", "osm_id", element) ||
           find_ogr(properties, geometry, element);
}
