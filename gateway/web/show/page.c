#include "gateway/web/show/page.h"

#include <assert.h>
#include <stdlib.h>

static void put(struct page *page, const char *text)
{
    buffer_append(&page->ready, span_of(text));
}

static bool is_seen(const void *sight, struct span client)
{
    return sight_has(sight, client);
}

static struct span client_of(const struct page *page)
{
    return (struct span){page->query->client, page->query->client_bytes};
}

/* ---- who is near ---- */

static void begin_search(struct page *page, const struct table *table, struct degrees centre,
                         const uint32_t *except)
{
    page->search = bytes_resize(NULL, sizeof *page->search);
    grid_search_begin(page->search, table, &centre, page->query->radius_mm, page->query->limit,
                      except);
    if (page->sight.may_see != NULL)
        grid_search_only(page->search, is_seen, &page->sight);
}

/* Around whom the query names, or a point. False where nobody has heard of that client. */
static bool begin_nearby(struct page *page, struct flood *flood)
{
    const struct table *table = flood_table(flood);
    struct geojson_feature centre;
    uint32_t slot;
    bool has_client = page->query->client_bytes > 0, has_place = true;
    if (has_client &&
        (!flood_find(flood, client_of(page), &centre.location) ||
         !sight_has_location(&page->sight, &centre.location) ||
         !table_find(table, client_of(page), table_ref(table, client_of(page)), &slot)))
        return false;
    if (has_client)
        has_place = geojson_read(&centre);
    else
        centre.place = page->query->centre;
    put(page, "{\"type\":\"FeatureCollection\",\"centre\":");
    if (!has_place) { /* nobody is near nowhere */
        put(page, "null,\"features\":[]}\n");
        page->is_over = true;
        return true;
    }
    put(page, "[");
    geojson_put_place(&page->ready, centre.place);
    put(page, "],\"features\":[");
    begin_search(page, table, centre.place, has_client ? &slot : NULL);
    return true;
}

/* Those who were found are written as they are then; who went or moved since is left out. */
static void go_on_searching(struct page *page, struct flood *flood, int64_t now_ns, int64_t *looks)
{
    const struct table *table = flood_table(flood);
    struct geojson_feature feature;
    if (!page->is_found)
        page->is_found = grid_search_run(page->search, table, looks);
    if (!page->is_found)
        return;
    while (page->near < page->search->near_count) {
        if (*looks <= 0 || page->ready.len >= PAGE_READY_BYTES)
            return;
        --*looks;
        const struct grid_near *near = &page->search->nears[page->near];
        if (!grid_search_holds(page->search, table, page->near++) ||
            !flood_read_slot(flood, near->slot, &feature.location) ||
            !sight_has_location(&page->sight, &feature.location) || !geojson_read(&feature))
            continue;
        put(page, page->count++ == 0 ? "\n" : ",\n");
        geojson_put(&page->ready, &feature, now_ns, &near->mm);
    }
    put(page, "\n]}\n");
    page->is_over = true;
}

/* ---- who is where ---- */

static bool is_meant(const struct page *page, const struct geojson_feature *feature)
{
    const struct query *query = page->query;
    return query_has_place(query, feature->place) &&
           (query->text_bytes == 0 || query_has_client(query, feature->location.client)) &&
           sight_has_location(&page->sight, &feature->location);
}

static void go_on_listing(struct page *page, struct flood *flood, int64_t now_ns, int64_t *looks)
{
    struct geojson_feature feature;
    while (page->slot < flood_slots(flood) && *looks > 0 && page->ready.len < PAGE_READY_BYTES) {
        uint32_t slot = page->slot++;
        --*looks;
        if (!flood_read_slot(flood, slot, &feature.location) || !geojson_read(&feature) ||
            !is_meant(page, &feature))
            continue;
        if (page->count == page->query->limit) {
            put(page, "\n],\"truncated\":true}\n");
            page->is_over = true;
            return;
        }
        put(page, page->count++ == 0 ? "\n" : ",\n");
        geojson_put(&page->ready, &feature, now_ns, NULL);
    }
    if (page->slot >= flood_slots(flood)) {
        put(page, "\n],\"truncated\":false}\n");
        page->is_over = true;
    }
}

/* ---- any page ---- */

static bool begin_client(struct page *page, struct flood *flood, int64_t now_ns)
{
    struct geojson_feature feature;
    if (!flood_find(flood, client_of(page), &feature.location) ||
        !sight_has_location(&page->sight, &feature.location) || !geojson_read(&feature))
        return false;
    geojson_put(&page->ready, &feature, now_ns, NULL);
    put(page, "\n");
    page->is_over = true;
    return true;
}

bool page_begin(struct page *page, const struct query *query, const struct sight *sight,
                struct flood *flood, int64_t now_ns, const char *id)
{
    *page = (struct page){.query = query, .sight = *sight};
    switch (query->kind) {
    case QUERY_CLIENT:
        return begin_client(page, flood, now_ns);
    case QUERY_NEARBY:
        return begin_nearby(page, flood);
    default:
        assert(query->kind == QUERY_CLIENTS);
        put(page, "{\"type\":\"FeatureCollection\",\"events\":\"");
        put(page, id);
        put(page, "\",\"features\":[");
        return true;
    }
}

size_t page_read(struct page *page, struct flood *flood, int64_t now_ns, int64_t *looks, char *to,
                 size_t room)
{
    if (page->ready.len == 0 && !page->is_over && *looks > 0) {
        if (page->query->kind == QUERY_NEARBY)
            go_on_searching(page, flood, now_ns, looks);
        else
            go_on_listing(page, flood, now_ns, looks);
    }
    if (page->ready.len == 0 && !page->is_over)
        put(page, "\n");
    size_t count = page->ready.len < room ? page->ready.len : room;
    memcpy(to, page->ready.data, count);
    buffer_consume(&page->ready, count);
    return count;
}

void page_end(struct page *page)
{
    buffer_free(&page->ready);
    free(page->search);
    page->search = NULL;
}
