#include "gateway/web/show/geojson.h"

#include <inttypes.h>
#include <stdio.h>

#include "bus/base/json_scan.h"
#include "bus/base/packed.h"

/* "-9223372036.854775808" */
#define NUMBER_BYTES_MAX 24
#define ESCAPE_BYTES     6 /* "\u001b" */
#define REPLACEMENT      "\xef\xbf\xbd"
#define DECIMALS         9
#define NS_PER_MS        INT64_C(1000000)
#define MM_PER_DM        100

bool geojson_read(struct geojson_feature *feature)
{
    return degrees_read(feature->location.position, &feature->place);
}

int64_t sight_from_ns(const struct flood_time *time, int64_t expire_ms)
{
    int64_t from_ns;
    bool is_late = time->floor_ns != INT64_MIN || expire_ms == 0 || time->votes == 0;
    return is_late || __builtin_sub_overflow(time->forget_ns, expire_ms * NS_PER_MS, &from_ns)
               ? 0
               : from_ns;
}

static void put(struct buffer *out, const char *text)
{
    buffer_append(out, span_of(text));
}

/* ---- numbers ---- */

/* `value` in units of which 10^`decimals` (1 to 9) are a whole, without zeros at the end. */
static void put_parts(struct buffer *out, int64_t value, unsigned decimals)
{
    char text[NUMBER_BYTES_MAX], *at = text;
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, unit = 1;
    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    if (value < 0)
        *at++ = '-';
    at = decimal_put(at, size / unit, decimal_count(size / unit));
    if (size % unit != 0) {
        *at++ = '.';
        at = decimal_put(at, size % unit, decimals);
        while (at[-1] == '0')
            at--;
    }
    buffer_append(out, (struct span){text, (size_t)(at - text)});
}

void geojson_put_degrees(struct buffer *out, int64_t nano)
{
    put_parts(out, nano, DECIMALS);
}

void geojson_put_place(struct buffer *out, struct degrees place)
{
    put_parts(out, place.longitude_nano, DECIMALS);
    put(out, ",");
    put_parts(out, place.latitude_nano, DECIMALS);
}

static void put_stamp(struct buffer *out, int64_t stamp_ns)
{
    if (stamp_ns == INT64_MIN)
        put(out, "null");
    else
        put_parts(out, stamp_ns, DECIMALS);
}

static void put_age(struct buffer *out, int64_t stamp_ns, int64_t now_ns)
{
    int64_t age_ns;
    if (stamp_ns == INT64_MIN || __builtin_sub_overflow(now_ns, stamp_ns, &age_ns))
        put(out, "null");
    else
        put_parts(out, age_ns / NS_PER_MS, 3);
}

/* ---- texts ---- */

/* U+0080 to U+009F are control characters, too. */
static bool is_control(const unsigned char *at, size_t bytes)
{
    return bytes == 1 ? at[0] < 0x20 || at[0] == 0x7f : bytes == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

static void put_character(struct buffer *out, struct span character)
{
    const unsigned char *at = (const unsigned char *)character.data;
    char escape[ESCAPE_BYTES + 1];
    if (is_control(at, character.len)) {
        snprintf(escape, sizeof escape, "\\u%04x", at[character.len - 1]);
        put(out, escape);
        return;
    }
    if (at[0] == '"' || at[0] == '\\')
        put(out, "\\");
    buffer_append(out, character);
}

void geojson_put_text(struct buffer *out, struct span bytes)
{
    put(out, "\"");
    while (bytes.len > 0) {
        size_t count = json_character_bytes(bytes);
        if (count == 0)
            put(out, REPLACEMENT);
        else
            put_character(out, (struct span){bytes.data, count});
        count += count == 0;
        bytes = (struct span){bytes.data + count, bytes.len - count};
    }
    put(out, "\"");
}

/* ---- both forms ---- */

void geojson_put(struct buffer *out, const struct geojson_feature *feature, int64_t now_ns,
                 const int64_t *mm)
{
    const struct location *location = &feature->location;
    int64_t stamp_ns = location_stamp_ns(location->stamp);
    put(out, "{\"type\":\"Feature\",\"id\":");
    geojson_put_text(out, location->client);
    put(out, ",\"geometry\":{\"type\":\"Point\",\"coordinates\":[");
    geojson_put_place(out, feature->place);
    put(out, "]},\"properties\":{\"id\":");
    geojson_put_text(out, location->client);
    put(out, ",\"origin\":");
    geojson_put_text(out, location->origin);
    put(out, ",\"stamp\":");
    put_stamp(out, stamp_ns);
    put(out, ",\"age\":");
    put_age(out, stamp_ns, now_ns);
    if (mm != NULL) {
        put(out, ",\"metres\":");
        put_parts(out, (*mm + MM_PER_DM / 2) / MM_PER_DM, 1);
    }
    put(out, "}}");
}

void geojson_put_move(struct buffer *out, const struct geojson_feature *feature)
{
    const struct location *location = &feature->location;
    put(out, "{\"id\":");
    geojson_put_text(out, location->client);
    put(out, ",\"lat\":");
    put_parts(out, feature->place.latitude_nano, DECIMALS);
    put(out, ",\"lon\":");
    put_parts(out, feature->place.longitude_nano, DECIMALS);
    put(out, ",\"origin\":");
    geojson_put_text(out, location->origin);
    put(out, ",\"stamp\":");
    put_stamp(out, location_stamp_ns(location->stamp));
    put(out, "}");
}
