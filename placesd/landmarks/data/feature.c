#include "placesd/landmarks/data/feature.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "bus/base/packed.h"
#include "placesd/providers/osm.h"
#include "placesd/providers/osm_tags.h"

/* ---- elements ---- */

/* Twice such a number still is one. */
#define DIGITS_MAX 18

enum { AREA = 'A' }; /* besides the kinds of placesd/providers/osm.h */

/* Digits and nothing else, of a number above 0. */
static bool read_number(const char *text, uint64_t *number)
{
    return strlen(text) <= DIGITS_MAX && decimal_read_whole(span_of(text), UINT64_MAX, number) &&
           *number > 0;
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

/* ---- tags ---- */

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
#define ENCYCLOPEDIA_RANK     15 /* for each of wikipedia and wikidata */
#define HERITAGE_RANK         10
#define TAGS_PER_RANK         4 /* who is known is described */
#define TAGS_RANK_MAX         10
#define DIGIT_RANK            3 /* for each digit of a population */
#define POPULATION_DIGITS_MAX 10

static const char *find_tag(const json_t *tags, const char *key)
{
    const char *value = json_string_value(json_object_get(tags, key));
    return value == NULL || value[0] == '\0' ? NULL : value;
}

void feature_copy_text(const char *text, char *out, size_t bytes_max)
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
        fame +=
            DIGIT_RANK * least((uint32_t)strspn(population, "0123456789"), POPULATION_DIGITS_MAX);
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
    feature_copy_text(text, place->vicinity, PLACE_VICINITY_BYTES_MAX);
}

bool feature_read_tags(const json_t *tags, struct place *place)
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
        feature_copy_text(place->name, place->vicinity, PLACE_VICINITY_BYTES_MAX);
    else
        write_vicinity(tags, place);
    return true;
}

/* ---- tags in one text ---- */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Appends a quoted text to `out` and moves `*at` past it; a backslash makes the next byte an
 * ordinary one. False where there is none. */
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

void feature_add_hstore(const char *text, json_t *tags)
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

/* ---- geometries ---- */

/* An outline that goes on beyond the antimeridian instead of jumping may do so once around. */
#define LONGITUDE_DEG_MAX 360.0
/* The first and last position of an outline are the same, and there are two more (RFC 7946, 3.1.6).
 */
#define OUTLINE_POSITIONS_MIN 4

/* A share of the outline's box: less is only the rounding error of areas that cancel each other. */
#define AREA_SHARE_MIN 1e-9
/* Seven decimals, about a centimetre (placesd/landmarks/data/nearby_search.h). */
#define SHOWN_UNITS 1e7

static double wrap(double longitude_deg)
{
    return fabs(longitude_deg) <= 180 ? longitude_deg : remainder(longitude_deg, 360);
}

/* A position has longitude, latitude, and perhaps an altitude. */
static bool read_position(const json_t *array, double longitude_deg_max,
                          struct sphere_point *position)
{
    const json_t *longitude = json_array_get(array, 0);
    const json_t *latitude = json_array_get(array, 1);
    if (!json_is_number(longitude) || !json_is_number(latitude))
        return false;
    position->longitude_deg = json_number_value(longitude);
    position->latitude_deg = json_number_value(latitude);
    return fabs(position->longitude_deg) <= longitude_deg_max && fabs(position->latitude_deg) <= 90;
}

/* ---- geometries: an outline ---- */

/* What its positions add up to; longitudes go on over the antimeridian. Sums are measured from the
 * first position, so that small areas keep their digits. */
struct outline {
    struct sphere_point first, before;
    struct sphere_box box;
    size_t count;
    double doubled;    /* twice the area: the shoelace formula */
    double up, across; /* the moments of the area */
    struct sphere_point sum;
};

/* The same longitude, by the shorter way round from the one before. */
static double go_on(double before_deg, double longitude_deg)
{
    return longitude_deg - 360 * rint((longitude_deg - before_deg) / 360);
}

static void begin(struct outline *outline, struct sphere_point first)
{
    *outline = (struct outline){
        .first = first,
        .before = first,
        .box = {first.latitude_deg, first.latitude_deg, first.longitude_deg, first.longitude_deg},
    };
}

static void add(struct outline *outline, struct sphere_point next)
{
    next.longitude_deg = go_on(outline->before.longitude_deg, next.longitude_deg);
    double from_up = outline->before.latitude_deg - outline->first.latitude_deg;
    double from_across = outline->before.longitude_deg - outline->first.longitude_deg;
    double to_up = next.latitude_deg - outline->first.latitude_deg;
    double to_across = next.longitude_deg - outline->first.longitude_deg;
    double cross = from_across * to_up - to_across * from_up;
    outline->doubled += cross;
    outline->up += (from_up + to_up) * cross;
    outline->across += (from_across + to_across) * cross;
    outline->sum.latitude_deg += to_up;
    outline->sum.longitude_deg += to_across;
    outline->count++;
    struct sphere_box *box = &outline->box;
    box->south_deg = fmin(box->south_deg, next.latitude_deg);
    box->north_deg = fmax(box->north_deg, next.latitude_deg);
    box->west_deg = fmin(box->west_deg, next.longitude_deg);
    box->east_deg = fmax(box->east_deg, next.longitude_deg);
    outline->before = next;
}

/* Both halves of a figure of eight nearly cancel: what is left of the area says nothing about where
 * it lies, and dividing by it leads anywhere. */
static bool has_area(const struct outline *outline)
{
    const struct sphere_box *box = &outline->box;
    double whole = (box->north_deg - box->south_deg) * (box->east_deg - box->west_deg);
    return fabs(outline->doubled) > AREA_SHARE_MIN * whole;
}

static bool is_within(struct sphere_point at, const struct sphere_box *box)
{
    return at.latitude_deg >= box->south_deg && at.latitude_deg <= box->north_deg &&
           at.longitude_deg >= box->west_deg && at.longitude_deg <= box->east_deg;
}

/* Answers show seven decimals or a few more, and round what has more, even over the edge of the
 * box. So what lies next to an edge becomes a number of seven decimals on this side of it, if there
 * is one. */
static double keep_shown(double degrees, double least, double most)
{
    double half = 0.5 / SHOWN_UNITS;
    if (degrees - half >= least && degrees + half <= most)
        return degrees;
    double shown = rint(degrees * SHOWN_UNITS) / SHOWN_UNITS;
    if (shown > most)
        shown = floor(most * SHOWN_UNITS) / SHOWN_UNITS;
    else if (shown < least)
        shown = ceil(least * SHOWN_UNITS) / SHOWN_UNITS;
    return shown >= least && shown <= most ? shown : degrees;
}

/* The centroid of the area where that lies within the outline's own box, else the middle of its
 * positions. */
static struct sphere_point centre_of(const struct outline *outline)
{
    const struct sphere_box *box = &outline->box;
    double count = (double)outline->count;
    struct sphere_point first = outline->first;
    struct sphere_point centre = {
        first.latitude_deg + outline->sum.latitude_deg / count,
        first.longitude_deg + outline->sum.longitude_deg / count,
    };
    if (has_area(outline)) {
        struct sphere_point centroid = {
            first.latitude_deg + outline->up / (3 * outline->doubled),
            first.longitude_deg + outline->across / (3 * outline->doubled),
        };
        if (is_within(centroid, box))
            centre = centroid;
    }
    centre.latitude_deg = keep_shown(centre.latitude_deg, box->south_deg, box->north_deg);
    centre.longitude_deg = keep_shown(centre.longitude_deg, box->west_deg, box->east_deg);
    return centre;
}

/* Where an outline lies, and the size of its area. */
static bool read_outline(const json_t *positions, struct sphere_point *centre, double *area)
{
    size_t count = json_array_size(positions);
    struct sphere_point next;
    struct outline outline;
    if (count < OUTLINE_POSITIONS_MIN ||
        !read_position(json_array_get(positions, 0), LONGITUDE_DEG_MAX, &next))
        return false;
    begin(&outline, next);
    for (size_t i = 1; i < count; i++) {
        if (!read_position(json_array_get(positions, i), LONGITUDE_DEG_MAX, &next))
            return false;
        add(&outline, next);
    }
    *area = fabs(outline.doubled) * cos(outline.first.latitude_deg * (M_PI / 180));
    *centre = centre_of(&outline);
    centre->longitude_deg = wrap(centre->longitude_deg);
    return true;
}

/* ---- geometries: areas ---- */

/* The first outline of an area is its outer one. */
static bool read_area(const json_t *area, struct sphere_point *centre, double *size)
{
    return read_outline(json_array_get(area, 0), centre, size);
}

static bool read_largest(const json_t *areas, struct sphere_point *centre)
{
    double largest = -1;
    for (size_t i = 0; i < json_array_size(areas); i++) {
        struct sphere_point next;
        double size;
        if (!read_area(json_array_get(areas, i), &next, &size))
            return false;
        if (size > largest) {
            largest = size;
            *centre = next;
        }
    }
    return largest >= 0;
}

enum feature_kind feature_read_geometry(const json_t *geometry, struct sphere_point *position)
{
    static const char *const others[] = {"MultiPoint", "LineString", "MultiLineString",
                                         "GeometryCollection"};
    if (geometry == NULL || json_is_null(geometry))
        return FEATURE_OTHER_SHAPE;
    const char *type = json_string_value(json_object_get(geometry, "type"));
    const json_t *coordinates = json_object_get(geometry, "coordinates");
    if (type == NULL)
        return FEATURE_BROKEN;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(type, others[i]) == 0)
            return FEATURE_OTHER_SHAPE;
    }
    bool good = false;
    double size;
    if (strcmp(type, "Point") == 0)
        good = read_position(coordinates, 180, position);
    else if (strcmp(type, "Polygon") == 0)
        good = read_area(coordinates, position, &size);
    else if (strcmp(type, "MultiPolygon") == 0)
        good = read_largest(coordinates, position);
    return good ? FEATURE_PLACE : FEATURE_BROKEN;
}

/* ---- features ---- */

static bool holds(struct span record, const char *word)
{
    return memmem(record.data, record.len, word, strlen(word)) != NULL;
}

/* Most features of a map have no name, and need not be parsed to see that: a member `name` holds
 * exactly these bytes, unless letters are escaped or the member stands within a text. */
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

/* A feature's own text `id` is the best key; one that names no element still identifies this
 * feature alone. */
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
        feature_add_hstore(text, tags);
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
    feature_copy_text(name, place->name, PLACE_NAME_BYTES_MAX);
    enum feature_kind kind =
        feature_read_geometry(json_object_get(root, "geometry"), &place->position);
    if (kind == FEATURE_BROKEN)
        return complain(why, "its geometry is wrong, or not on the Earth");
    if (kind == FEATURE_OTHER_SHAPE)
        return kind;
    return feature_read_tags(tags, place) ? FEATURE_PLACE : FEATURE_OTHER_KIND;
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
