#include "placesd/landmarks/data/place.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

#include "bus/base/packed.h"
#include "placesd/landmarks/data/decimal.h"

enum { LANDMARK_FIELDS = 6, ZONE_FIELDS_MIN = 3 };

/* A rank or the degrees of a longitude. */
#define SMALL_DIGITS_MAX 3

/* Cuts `line` at each tab; the number of fields, of which at most `max` are written. */
static size_t split(struct span line, struct span *fields, size_t max)
{
    size_t count = 0;
    size_t begin = 0;
    for (size_t at = 0; at <= line.len; at++) {
        if (at < line.len && line.data[at] != '\t')
            continue;
        if (count < max)
            fields[count] = (struct span){line.data + begin, at - begin};
        count++;
        begin = at + 1;
    }
    return count;
}

static bool is_utf8(struct span text)
{
    json_t *string = json_stringn(text.data, text.len);
    bool valid = string != NULL;
    json_decref(string);
    return valid;
}

/* Copies a text that is not empty, fits and can stand in JSON; no NUL may hide in it. */
static bool copy_text(struct span text, char *out, size_t bytes_max)
{
    if (text.len == 0 || text.len > bytes_max || memchr(text.data, '\0', text.len) != NULL ||
        !is_utf8(text))
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool read_degrees(struct span text, double max_deg, double *degrees)
{
    return decimal_read(text, degrees) && fabs(*degrees) <= max_deg;
}

/* All of `text`, digits only. */
static bool read_digits(struct span text, uint32_t *value)
{
    uint64_t number;
    if (text.len > SMALL_DIGITS_MAX || !decimal_read_whole(text, UINT32_MAX, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

static bool read_rank(struct span text, uint32_t *rank)
{
    return read_digits(text, rank) && *rank >= 1 && *rank <= PLACE_RANK_MAX;
}

/* Types are lower-case words with underscores, between single commas. */
static bool are_types(struct span text)
{
    char before = ',';
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte == ',' ? before == ',' : byte != '_' && (byte < 'a' || byte > 'z'))
            return false;
        before = byte;
    }
    return before != ',';
}

bool place_read_landmark(struct span line, struct place *place)
{
    struct span fields[LANDMARK_FIELDS];
    if (line.len == 0 || line.data[0] == '#')
        return false;
    if (split(line, fields, LANDMARK_FIELDS) != LANDMARK_FIELDS)
        return false;
    return read_rank(fields[0], &place->rank) &&
           copy_text(fields[1], place->name, PLACE_NAME_BYTES_MAX) && are_types(fields[2]) &&
           copy_text(fields[2], place->types, PLACE_TYPES_BYTES_MAX) &&
           read_degrees(fields[3], 90, &place->position.latitude_deg) &&
           read_degrees(fields[4], 180, &place->position.longitude_deg) &&
           copy_text(fields[5], place->vicinity, PLACE_VICINITY_BYTES_MAX);
}

/* Sign, degrees of exactly `degree_digits`, minutes and perhaps seconds (ISO 6709). */
static bool read_sexagesimal(struct span text, size_t degree_digits, double max_deg,
                             double *degrees)
{
    uint32_t whole = 0, minutes = 0, seconds = 0;
    size_t bytes = 1 + degree_digits + 2;
    if (text.len != bytes && text.len != bytes + 2)
        return false;
    if (!read_digits((struct span){text.data + 1, degree_digits}, &whole) ||
        !read_digits((struct span){text.data + 1 + degree_digits, 2}, &minutes) || minutes > 59)
        return false;
    if (text.len == bytes + 2 &&
        (!read_digits((struct span){text.data + bytes, 2}, &seconds) || seconds > 59))
        return false;
    double value = whole + (minutes * 60 + seconds) / 3600.0;
    *degrees = text.data[0] == '-' ? -value : value;
    return value <= max_deg;
}

static bool is_sign(char byte)
{
    return byte == '+' || byte == '-';
}

static bool read_zone_position(struct span text, struct sphere_point *position)
{
    if (text.len == 0 || !is_sign(text.data[0]))
        return false;
    size_t second = 1;
    while (second < text.len && !is_sign(text.data[second]))
        second++;
    if (second == text.len)
        return false;
    struct span latitude = {text.data, second};
    struct span longitude = {text.data + second, text.len - second};
    return read_sexagesimal(latitude, 2, 90, &position->latitude_deg) &&
           read_sexagesimal(longitude, 3, 180, &position->longitude_deg);
}

bool place_read_zone(struct span line, struct place *place)
{
    struct span fields[ZONE_FIELDS_MIN];
    if (line.len == 0 || line.data[0] == '#' ||
        split(line, fields, ZONE_FIELDS_MIN) < ZONE_FIELDS_MIN ||
        !read_zone_position(fields[1], &place->position))
        return false;
    struct span city = fields[2];
    const char *slash = memrchr(city.data, '/', city.len);
    if (slash == NULL)
        return false;
    city.len -= (size_t)(slash + 1 - city.data);
    city.data = slash + 1;
    if (!copy_text(city, place->name, PLACE_NAME_BYTES_MAX))
        return false;
    for (char *byte = place->name; *byte != '\0'; byte++) {
        if (*byte == '_')
            *byte = ' ';
    }
    /* Google gives a city's own name as its vicinity. */
    memcpy(place->vicinity, place->name, sizeof place->name);
    strcpy(place->types, "locality,political");
    place->rank = PLACE_ZONE_RANK;
    return true;
}

bool place_is(const struct place *place, const char *type)
{
    size_t bytes = strlen(type);
    for (const char *at = place->types; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, type, bytes) == 0 && (at[bytes] == ',' || at[bytes] == '\0'))
            return true;
    }
    return false;
}

uint64_t place_key(const struct place *place)
{
    char facts[PLACE_NAME_BYTES_MAX + 64];
    int bytes = snprintf(facts, sizeof facts, "%s\t%ld\t%ld", place->name,
                         lround(place->position.latitude_deg * 1e6),
                         lround(place->position.longitude_deg * 1e6));
    return XXH3_64bits(facts, (size_t)bytes);
}

void place_write_id(const struct place *place, char id[PLACE_ID_BYTES_MAX + 1])
{
    snprintf(id, PLACE_ID_BYTES_MAX + 1, "zherd-%016" PRIx64, place_key(place));
}
