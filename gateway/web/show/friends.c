#include "gateway/web/show/friends.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "bus/base/json_scan.h"
#include "bus/table/table.h"
#include "gateway/web/show/geojson.h"

#define NS_PER_S         INT64_C(1000000000)
#define NUMBER_BYTES_MAX 24

/* ---- devices ---- */

static uint64_t name_of(const char *person, struct span client)
{
    uint64_t name =
        XXH3_64bits_withSeed(client.data, client.len, XXH3_64bits(person, strlen(person)));
    return name != 0 ? name : 1;
}

/* That one, or a new one in place of the one of its row that has not come for longest. */
static struct friends_device *find_device(struct friends *friends, uint64_t name)
{
    struct friends_device *row = friends->rows[name % (FRIENDS_DEVICES_MAX / FRIENDS_ROW_MAX)];
    struct friends_device *found = &row[0];
    for (size_t i = 0; i < FRIENDS_ROW_MAX; i++) {
        if (row[i].name == name) {
            found = &row[i];
            break;
        }
        if (friends->used - row[i].used > friends->used - found->used)
            found = &row[i];
    }
    if (found->name != name)
        *found = (struct friends_device){.name = name};
    found->used = ++friends->used;
    return found;
}

/* ---- one friend ---- */

static bool is_text(struct span bytes)
{
    while (bytes.len > 0) {
        size_t count = json_character_bytes(bytes);
        if (count == 0)
            return false;
        bytes = (struct span){bytes.data + count, bytes.len - count};
    }
    return true;
}

/* Percent signs, and all bytes of what is no text, as percent signs and two digits: so no two ids
 * are one text. */
static void put_name(struct buffer *out, struct span client, struct buffer *room)
{
    bool is_whole = is_text(client);
    room->len = 0;
    for (size_t i = 0; i < client.len; i++) {
        char escape[sizeof "%ff"];
        unsigned char byte = (unsigned char)client.data[i];
        if (byte != '%' && (is_whole || (byte > 0x20 && byte < 0x7f))) {
            buffer_append(room, (struct span){&client.data[i], 1});
            continue;
        }
        snprintf(escape, sizeof escape, "%%%02x", byte);
        buffer_append(room, span_of(escape));
    }
    geojson_put_text(out, (struct span){room->data, room->len});
}

static void put_friend(struct buffer *out, const struct geojson_feature *feature, int64_t tst,
                       struct buffer *room)
{
    char number[NUMBER_BYTES_MAX];
    snprintf(number, sizeof number, "%" PRId64, tst);
    buffer_append(out, span_of("{\"_type\":\"location\",\"tid\":"));
    put_name(out, feature->location.client, room);
    buffer_append(out, span_of(",\"lat\":"));
    geojson_put_degrees(out, feature->place.latitude_nano);
    buffer_append(out, span_of(",\"lon\":"));
    geojson_put_degrees(out, feature->place.longitude_nano);
    buffer_append(out, span_of(",\"tst\":"));
    buffer_append(out, span_of(number));
    buffer_append(out, span_of("},{\"_type\":\"card\",\"tid\":"));
    put_name(out, feature->location.client, room);
    buffer_append(out, span_of(",\"name\":"));
    put_name(out, feature->location.client, room);
    buffer_append(out, span_of("}"));
}

/* ---- all of them ---- */

void friends_write(struct friends *friends, struct flood *flood, const struct stream *stream,
                   const struct sight *sight, const char *person, struct span client,
                   struct buffer *out)
{
    struct friends_device *device = find_device(friends, name_of(person, client));
    struct buffer room = {0};
    uint32_t slots = table_slots(flood_table(flood)), at = device->at, count = 0, looks = 0;
    uint32_t end = slots - at < FRIENDS_SLOTS_MAX || at > slots ? slots : at + FRIENDS_SLOTS_MAX;
    if (at == 0)
        device->begun = stream_now(stream);
    buffer_append(out, span_of("["));
    for (; at < end && count < FRIENDS_MAX && looks < FRIENDS_LOOKS_MAX; at++) {
        struct geojson_feature feature;
        if (stream_changed(stream, at) <= device->since)
            continue;
        looks++;
        if (!flood_read_slot(flood, at, &feature.location) ||
            span_equals(feature.location.client, client) ||
            !sight_has_location(sight, &feature.location) || !geojson_read(&feature))
            continue;
        int64_t tst = location_stamp_ns(feature.location.stamp) / NS_PER_S;
        if (tst <= 0)
            continue;
        if (count++ > 0)
            buffer_append(out, span_of(","));
        put_friend(out, &feature, tst, &room);
    }
    buffer_append(out, span_of("]"));
    buffer_free(&room);
    device->at = at < slots ? at : 0;
    if (at >= slots)
        device->since = device->begun;
}
