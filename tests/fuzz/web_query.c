/* Whatever is asked for positions: it is refused with a sentence, or within all limits; and
 * whatever bytes an id has, it is JSON.
 *
 * Of an input the first line is the path, the rest the query, and all of it what a node says to a
 * WHATSAT, an id, and where a request goes. */
#include <assert.h>
#include <stdlib.h>

#include "bus/base/json_scan.h"
#include "bus/base/token.h"
#include "gateway/web/parse/query.h"
#include "gateway/web/parse/target.h"
#include "gateway/web/show/geojson.h"
#include "tests/fuzz/fuzz.h"

static bool is_on_globe(struct degrees place)
{
    return llabs(place.latitude_nano) <= DEGREES_LATITUDE_NANO_MAX &&
           llabs(place.longitude_nano) <= DEGREES_LONGITUDE_NANO_MAX;
}

static void check_taken(const struct query *query)
{
    struct span client = {query->client, query->client_bytes};
    bool has_client = query->kind == QUERY_CLIENT || query->kind == QUERY_WHATSAT;
    assert(query->why == NULL);
    assert(client.len <= QUERY_CLIENT_BYTES_MAX && query->text_bytes <= QUERY_TEXT_BYTES_MAX);
    assert(query->after_bytes <= QUERY_AFTER_BYTES_MAX && query->limit <= QUERY_LIMIT_MAX);
    assert(client.len == 0 ? !has_client : token_is_whole(client));
    assert(is_on_globe(query->south_west) && is_on_globe(query->north_east) &&
           is_on_globe(query->centre));
    assert(query->radius_mm >= 0 && query->radius_mm <= INT64_C(1000000) * QUERY_NEARBY_KM_MAX);
    assert(!query->has_box || query_has_place(query, query->south_west));
    assert(query_has_client(query, (struct span){query->text, query->text_bytes}));
}

static void check_read(struct span path, struct span text)
{
    struct query query;
    enum query_kind kind = query_kind_of(path);
    if (kind == QUERY_NONE)
        return;
    if (!query_read(kind, path, text, &query)) {
        assert(query.why != NULL && query.kind == kind);
        return;
    }
    check_taken(&query);
    if (kind == QUERY_WHATSAT) {
        struct buffer line = {0};
        query_write_whatsat(&query, &line);
        assert(memchr(line.data, '\n', line.len) == line.data + line.len - 1);
        buffer_free(&line);
    }
}

static void check_target(struct span sent)
{
    char text[TARGET_PATH_BYTES_MAX];
    struct target target = target_read(sent);
    assert(target.path.len > 0 && target.path.len + target.query.len <= sent.len + 1);
    assert(target.query.len == 0 || target.query.data + target.query.len == sent.data + sent.len);
    assert(memchr(target.path.data, '?', target.path.len) == NULL);
    target_spell(target.path, text);
    assert(strlen(text) < sizeof text && strlen(text) <= target.path.len);
}

static void check_json(struct span id)
{
    struct buffer out = {0};
    size_t at;
    buffer_append(&out, span_of("["));
    geojson_put_text(&out, id);
    buffer_append(&out, span_of("]"));
    /* It takes no U+0000, which JSON has. */
    bool has_nul = id.len > 0 && memchr(id.data, '\0', id.len) != NULL;
    assert(has_nul || json_scan_array((struct span){out.data, out.len}, &at) == NULL);
    for (size_t i = 0; i < out.len; i++)
        assert((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span all = {(const char *)bytes, count}, json = {0};
    const char *end = count == 0 ? NULL : memchr(all.data, '\n', count);
    size_t path_bytes = end == NULL ? count : (size_t)(end - all.data);
    size_t before = path_bytes + (end != NULL);
    check_read((struct span){all.data, path_bytes},
               (struct span){all.data + before, count - before});
    check_target(all);
    check_json(all);
    if (query_read_whatsat(all, &json) == QUERY_FOUND)
        assert(json.data >= all.data && json.data + json.len == all.data + count);
    return 0;
}
