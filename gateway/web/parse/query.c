#include "gateway/web/parse/query.h"

#include <inttypes.h>
#include <stdio.h>

#include "bus/base/token.h"
#include "gateway/web/parse/form.h"
#include "gateway/web/parse/number.h"

#define CLIENT_PATH     "/clients/"
#define MM_PER_METRE    1000u
#define MM_PER_KM       1000000u
#define RADIUS_DECIMALS 3u
/* What TELNET, and so the text protocol, begins its commands with. */
#define IAC '\xff'
/* Of one value that is a number, or some. */
#define VALUE_BYTES_MAX 256

static const struct {
    const char *path;
    enum query_kind kind;
} paths[] = {
    {"/clients.geojson", QUERY_CLIENTS},
    {"/nearby", QUERY_NEARBY},
    {"/whatsat", QUERY_WHATSAT},
    {"/events", QUERY_EVENTS},
    {"/metrics", QUERY_METRICS},
    {"/places", QUERY_PLACES},
    {"/herd", QUERY_HERD},
};

enum query_kind query_kind_of(struct span path)
{
    size_t before = sizeof CLIENT_PATH - 1;
    if (path.len > before && memcmp(path.data, CLIENT_PATH, before) == 0)
        return QUERY_CLIENT;
    if (path.len > 0 && path.data[path.len - 1] == '/')
        path.len--;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (span_equals(path, span_of(paths[i].path)))
            return paths[i].kind;
    return QUERY_NONE;
}

const char *query_path(enum query_kind kind)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i].kind == kind)
            return paths[i].path;
    return CLIENT_PATH;
}

static bool refuse(struct query *query, const char *why)
{
    query->why = why;
    return false;
}

/* ---- values ---- */

/* What a field spells; empty where it is not there. */
static bool take_text(struct span value, char *to, size_t bytes_max, size_t *bytes)
{
    *bytes = form_text(value, to, bytes_max);
    return *bytes != SIZE_MAX;
}

static bool take_client(struct query *query, size_t bytes)
{
    struct span client = {query->client, bytes};
    if (bytes == SIZE_MAX || !token_is_whole(client) || memchr(client.data, IAC, bytes) != NULL)
        return refuse(query, "an id has 1 to 1024 bytes, no white space and no byte 255");
    query->client_bytes = bytes;
    return true;
}

static bool take_number(struct span value, unsigned decimals, uint64_t max, uint64_t *number)
{
    char text[VALUE_BYTES_MAX];
    size_t bytes;
    return take_text(value, text, sizeof text, &bytes) &&
           decimal_read_parts((struct span){text, bytes}, decimals, max, number);
}

/* `*limit` is the default before. */
static bool take_limit(struct span value, uint32_t least, uint32_t most, uint32_t *limit)
{
    uint64_t number = *limit;
    if (value.data != NULL && (!take_number(value, 0, most, &number) || number < least))
        return false;
    *limit = (uint32_t)number;
    return true;
}

/* Two numbers as phones write them. */
static bool read_place(struct span latitude, struct span longitude, struct degrees *place)
{
    struct buffer text = {0};
    bool good = number_put(&text, latitude) && number_put(&text, longitude) &&
                degrees_read((struct span){text.data, text.len}, place);
    buffer_free(&text);
    return good;
}

/* The next of four numbers with commas between; the last one has none after it. */
static bool next_number(struct span *rest, bool is_last, struct span *number)
{
    const char *comma = rest->len == 0 ? NULL : memchr(rest->data, ',', rest->len);
    size_t bytes = comma == NULL ? rest->len : (size_t)(comma - rest->data);
    *number = (struct span){rest->data, bytes};
    bytes += comma != NULL;
    *rest = (struct span){rest->data + bytes, rest->len - bytes};
    return (comma == NULL) == is_last;
}

static bool read_box(struct span value, struct query *query)
{
    char text[VALUE_BYTES_MAX];
    struct span rest = {.data = text}, west, south, east, north;
    return take_text(value, text, sizeof text, &rest.len) && next_number(&rest, false, &west) &&
           next_number(&rest, false, &south) && next_number(&rest, false, &east) &&
           next_number(&rest, true, &north) && read_place(south, west, &query->south_west) &&
           read_place(north, east, &query->north_east) &&
           query->south_west.latitude_nano <= query->north_east.latitude_nano;
}

/* ---- requests ---- */

/* Each is there once at most, or the request is refused. */
static bool find(struct query *query, struct span text, struct form_field *fields, size_t count)
{
    return form_find(text, fields, count) == NULL || refuse(query, "a parameter is given twice");
}

static bool read_clients(struct query *query, struct span text)
{
    struct form_field fields[] = {{.name = "bbox"}, {.name = "q"}, {.name = "limit"}};
    if (!find(query, text, fields, 3))
        return false;
    query->limit = QUERY_LIMIT_DEFAULT;
    query->has_box = fields[0].value.data != NULL;
    if (query->has_box && !read_box(fields[0].value, query))
        return refuse(query, "bbox is west,south,east,north in degrees, south below north");
    if (!take_text(fields[1].value, query->text, sizeof query->text, &query->text_bytes))
        return refuse(query, "q has up to 256 bytes, and two digits after a percent sign");
    return take_limit(fields[2].value, 1, QUERY_LIMIT_MAX, &query->limit) ||
           refuse(query, "limit is a whole number from 1 to 100000");
}

static bool read_point(struct query *query, struct span lat, struct span lon)
{
    char latitude[VALUE_BYTES_MAX], longitude[VALUE_BYTES_MAX];
    struct span up = {.data = latitude}, across = {.data = longitude};
    return (take_text(lat, latitude, sizeof latitude, &up.len) &&
            take_text(lon, longitude, sizeof longitude, &across.len) &&
            read_place(up, across, &query->centre)) ||
           refuse(query, "lat and lon are degrees on the globe");
}

/* A client, or a point. */
static bool read_centre(struct query *query, const struct form_field fields[3])
{
    bool has_client = fields[0].value.data != NULL;
    if (has_client == (fields[1].value.data != NULL || fields[2].value.data != NULL))
        return refuse(query, "the centre is either an id, or lat and lon");
    if (has_client)
        return take_client(query, form_text(fields[0].value, query->client, sizeof query->client));
    return read_point(query, fields[1].value, fields[2].value);
}

static bool read_nearby(struct query *query, struct span text)
{
    struct form_field fields[] = {
        {.name = "id"}, {.name = "lat"}, {.name = "lon"}, {.name = "radius"}, {.name = "bound"}};
    uint64_t metres;
    if (!find(query, text, fields, 5) || !read_centre(query, fields))
        return false;
    if (!take_number(fields[3].value, RADIUS_DECIMALS, QUERY_NEARBY_KM_MAX, &metres))
        return refuse(query, "radius is a number of kilometres from 0 to 20038, with up to three "
                             "decimals");
    query->radius_mm = (int64_t)(metres * MM_PER_METRE);
    query->limit = QUERY_NEARBY_BOUND_DEFAULT;
    return take_limit(fields[4].value, 1, QUERY_NEARBY_BOUND_MAX, &query->limit) ||
           refuse(query, "bound is a whole number from 1 to 1000");
}

/* Of a point. */
static bool read_places(struct query *query, struct span text)
{
    struct form_field fields[] = {{.name = "lat"}, {.name = "lon"}, {.name = "radius"}};
    uint64_t metres;
    if (!find(query, text, fields, 3) || !read_point(query, fields[0].value, fields[1].value))
        return false;
    if (!take_number(fields[2].value, RADIUS_DECIMALS, QUERY_WHATSAT_KM_MAX, &metres) ||
        metres == 0)
        return refuse(query, "radius is a number of kilometres above 0 and up to 50, with up to "
                             "three decimals");
    query->radius_mm = (int64_t)(metres * MM_PER_METRE);
    return true;
}

static bool read_whatsat(struct query *query, struct span text)
{
    struct form_field fields[] = {{.name = "id"}, {.name = "radius"}, {.name = "bound"}};
    uint64_t km;
    if (!find(query, text, fields, 3) ||
        !take_client(query, form_text(fields[0].value, query->client, sizeof query->client)))
        return false;
    if (!take_number(fields[1].value, 0, QUERY_WHATSAT_KM_MAX, &km))
        return refuse(query, "radius is a whole number of kilometres from 0 to 50");
    query->radius_mm = (int64_t)(km * MM_PER_KM);
    query->limit = QUERY_WHATSAT_BOUND_MAX;
    return take_limit(fields[2].value, 0, QUERY_WHATSAT_BOUND_MAX, &query->limit) ||
           refuse(query, "bound is a whole number from 0 to 20");
}

/* An id that is too long is none of ours, and no reason to refuse a stream. */
static bool read_events(struct query *query, struct span text)
{
    struct form_field fields[] = {{.name = "after"}};
    if (!find(query, text, fields, 1))
        return false;
    if (!take_text(fields[0].value, query->after, sizeof query->after, &query->after_bytes)) {
        query->after[0] = '?';
        query->after_bytes = 1;
    }
    return true;
}

bool query_read(enum query_kind kind, struct span path, struct span text, struct query *query)
{
    size_t before = sizeof CLIENT_PATH - 1;
    *query = (struct query){.kind = kind};
    switch (kind) {
    case QUERY_CLIENTS:
        return read_clients(query, text);
    case QUERY_CLIENT:
        return take_client(query, form_path((struct span){path.data + before, path.len - before},
                                            query->client, sizeof query->client));
    case QUERY_NEARBY:
        return read_nearby(query, text);
    case QUERY_WHATSAT:
        return read_whatsat(query, text);
    case QUERY_PLACES:
        return read_places(query, text);
    case QUERY_EVENTS:
        return read_events(query, text);
    default:
        return true;
    }
}

/* ---- what the node is asked ---- */

/* " 50 20\n" */
#define OPERANDS_BYTES_MAX 32

void query_write_whatsat(const struct query *query, struct buffer *out)
{
    char operands[OPERANDS_BYTES_MAX];
    snprintf(operands, sizeof operands, " %" PRId64 " %" PRIu32 "\n", query->radius_mm / MM_PER_KM,
             query->limit);
    buffer_append(out, span_of("WHATSAT "));
    buffer_append(out, (struct span){query->client, query->client_bytes});
    buffer_append(out, span_of(operands));
}

static bool starts_with(struct span text, const char *start)
{
    size_t bytes = strlen(start);
    return text.len >= bytes && memcmp(text.data, start, bytes) == 0;
}

static const char *find_line_end(struct span text)
{
    return text.len == 0 ? NULL : memchr(text.data, '\n', text.len);
}

enum query_answer query_read_whatsat(struct span said, struct span *json)
{
    const char *end = find_line_end(said);
    if (end != NULL && starts_with(said, "AUTH ")) {
        said = (struct span){end + 1, said.len - (size_t)(end + 1 - said.data)};
        end = find_line_end(said);
    }
    if (starts_with(said, "? WHATSAT "))
        return QUERY_UNKNOWN;
    if (starts_with(said, "? "))
        return QUERY_BUSY;
    if (end == NULL || !starts_with(said, "AT "))
        return QUERY_NOTHING;
    *json = (struct span){end + 1, said.len - (size_t)(end + 1 - said.data)};
    return json->len > 0 && json->data[0] == '{' ? QUERY_FOUND : QUERY_NOTHING;
}

/* ---- who is meant ---- */

bool query_has_place(const struct query *query, struct degrees place)
{
    int64_t west = query->south_west.longitude_nano, east = query->north_east.longitude_nano;
    if (!query->has_box)
        return true;
    if (place.latitude_nano < query->south_west.latitude_nano ||
        place.latitude_nano > query->north_east.latitude_nano)
        return false;
    bool is_east = place.longitude_nano >= west, is_west = place.longitude_nano <= east;
    return west <= east ? is_east && is_west : is_east || is_west;
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

static bool begins_with(const char *at, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (lower(at[i]) != lower(text[i]))
            return false;
    return true;
}

bool query_has_client(const struct query *query, struct span client)
{
    for (size_t at = 0; at + query->text_bytes <= client.len; at++)
        if (begins_with(client.data + at, query->text, query->text_bytes))
            return true;
    return false;
}
