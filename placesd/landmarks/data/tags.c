#include "placesd/landmarks/data/tags.h"

#include <stdio.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "placesd/providers/osm_tags.h"

/* The building of a faith, in front of "place_of_worship". */
static const struct {
    const char *religion;
    const char *type;
} faiths[] = {
    {"christian", "church"},
    {"muslim", "mosque"},
    {"jewish", "synagogue"},
    {"hindu", "hindu_temple"},
};

/* What makes a place better known than others of its kind. */
#define ENCYCLOPEDIA_RANK 15 /* for each of wikipedia and wikidata */
#define HERITAGE_RANK     10
#define TAGS_PER_RANK     4 /* who is known is described */
#define TAGS_RANK_MAX     10
#define DIGIT_RANK        3 /* for each digit of a population */
#define DIGITS_MAX        10

static const char *find_tag(const json_t *tags, const char *key)
{
    const char *value = json_string_value(json_object_get(tags, key));
    return value == NULL || value[0] == '\0' ? NULL : value;
}

void tags_copy(const char *text, char *out, size_t bytes_max)
{
    size_t bytes = strnlen(text, bytes_max + 1);
    if (bytes > bytes_max) {
        bytes = bytes_max;
        while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes--;
    }
    memcpy(out, text, bytes);
    out[bytes] = '\0';
}

static void add_type(struct place *place, const char *type, size_t bytes)
{
    char word[PLACE_TYPES_BYTES_MAX + 1];
    size_t used = strlen(place->types);
    snprintf(word, sizeof word, "%.*s", (int)bytes, type);
    if (bytes == 0 || place_is(place, word) || used + 1 + bytes > PLACE_TYPES_BYTES_MAX)
        return;
    snprintf(place->types + used, sizeof place->types - used, "%s%s", used > 0 ? "," : "", word);
}

static void add_types(struct place *place, const char *types)
{
    for (const char *at = types; *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        add_type(place, at, bytes);
        at += bytes + (at[bytes] == ',');
    }
}

static void add_faith(const json_t *tags, struct place *place)
{
    const char *religions = find_tag(tags, "religion");
    struct span religion;
    while (religions != NULL && osm_tags_next(&religions, &religion))
        for (size_t i = 0; i < sizeof faiths / sizeof *faiths; i++)
            if (span_equals(religion, span_of(faiths[i].religion)))
                add_types(place, faiths[i].type);
}

/* Types of every value of a tag that is in the table, and the highest rank of them. */
static void look_up_tag(const json_t *tags, const char *key, struct place *place)
{
    const char *values = find_tag(tags, key);
    struct span value;
    while (values != NULL && osm_tags_next(&values, &value)) {
        const struct osm_tag *tag = osm_tags_find(key, value);
        if (tag == NULL)
            continue;
        if (span_equals(value, span_of("place_of_worship")))
            add_faith(tags, place);
        add_types(place, tag->types);
        if (tag->rank > place->rank)
            place->rank = tag->rank;
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What osmium calls attributes (@id, @version) is no tag, nor is what ogr2ogr adds. */
static bool is_tag(const char *key, const json_t *value)
{
    static const char *const others[] = {"osm_id", "osm_way_id", "other_tags", "all_tags"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(key, others[i]) == 0)
            return false;
    return key[0] != '@' && json_is_string(value);
}

static uint32_t count_tags(const json_t *tags)
{
    uint32_t count = 0;
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)tags, key, value) count += is_tag(key, value);
    return count;
}

static uint32_t measure_fame(const json_t *tags)
{
    uint32_t fame = least(count_tags(tags) / TAGS_PER_RANK, TAGS_RANK_MAX);
    const char *population = find_tag(tags, "population");
    if (population != NULL)
        fame += DIGIT_RANK * least((uint32_t)strspn(population, "0123456789"), DIGITS_MAX);
    fame += find_tag(tags, "wikipedia") != NULL ? ENCYCLOPEDIA_RANK : 0;
    fame += find_tag(tags, "wikidata") != NULL ? ENCYCLOPEDIA_RANK : 0;
    fame += find_tag(tags, "heritage") != NULL ? HERITAGE_RANK : 0;
    return fame;
}

/* "405 Hilgard Avenue, Los Angeles", or as much of it as there is. */
static void write_vicinity(const json_t *tags, struct place *place)
{
    char text[4 * (PLACE_VICINITY_BYTES_MAX + 1)];
    const char *number = find_tag(tags, "addr:housenumber");
    const char *street = find_tag(tags, "addr:street");
    const char *city = find_tag(tags, "addr:city");
    if (street == NULL)
        street = find_tag(tags, "addr:place");
    if (street == NULL || number == NULL)
        number = "";
    snprintf(text, sizeof text, "%s%s%s%s%s", number, number[0] != '\0' ? " " : "",
             street != NULL ? street : "", street != NULL && city != NULL ? ", " : "",
             city != NULL ? city : "");
    tags_copy(text, place->vicinity, PLACE_VICINITY_BYTES_MAX);
}

bool tags_read(const json_t *tags, struct place *place)
{
    place->types[0] = '\0';
    place->rank = 0;
    for (size_t i = 0; i < OSM_TAGS_KEYS; i++)
        look_up_tag(tags, osm_tags_keys[i], place);
    if (place->types[0] == '\0')
        return false;
    place->rank = least(place->rank + measure_fame(tags), PLACE_RANK_MAX);
    /* Google gives a city's own name as its vicinity. */
    if (place_is(place, "political"))
        tags_copy(place->name, place->vicinity, PLACE_VICINITY_BYTES_MAX);
    else
        write_vicinity(tags, place);
    return true;
}

/* ---- tags in one text ---- */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* A quoted text into `out`, `*at` moved behind it: a backslash makes the next byte one like any
 * other. False where there is none. */
static bool take_quoted(const char **at, struct buffer *out)
{
    const char *next = *at;
    out->len = 0;
    if (*next++ != '"')
        return false;
    for (; *next != '\0' && *next != '"'; next++) {
        if (*next == '\\' && *++next == '\0')
            return false;
        buffer_append(out, (struct span){next, 1});
    }
    if (*next != '"')
        return false;
    *at = next + 1;
    return true;
}

static bool take(const char **at, const char *word)
{
    const char *next = skip_space(*at);
    if (strncmp(next, word, strlen(word)) != 0)
        return false;
    *at = skip_space(next + strlen(word));
    return true;
}

void tags_add_hstore(const char *text, json_t *tags)
{
    struct buffer key = {0}, value = {0};
    const char *at = skip_space(text);
    while (take_quoted(&at, &key) && take(&at, "=>")) {
        buffer_append(&key, (struct span){"", 1});
        bool is_null = strncmp(at, "NULL", 4) == 0;
        if (is_null)
            at += 4;
        else if (!take_quoted(&at, &value))
            break;
        if (!is_null && json_object_get(tags, key.data) == NULL)
            json_object_set_new(tags, key.data,
                                json_stringn(value.len > 0 ? value.data : "", value.len));
        if (!take(&at, ","))
            break;
    }
    buffer_free(&key);
    buffer_free(&value);
}
