/* Any parameters are a question within its limits or a fault, and the token of a question is that
 * question. The input is lines, each a name, '=' and a value. */
#include "placesd/landmarks/data/nearby_search.h"

#include <assert.h>
#include <math.h>

#include "tests/fuzz/fuzz.h"

static void check_texts(const struct query_filter *filter)
{
    static const struct place place = {.name = "Caf\xc3\xa9", .types = "cafe", .vicinity = "x"};
    assert(memchr(filter->type, '\0', sizeof filter->type) != NULL);
    assert(memchr(filter->words, '\0', sizeof filter->words) != NULL);
    for (const char *at = filter->words; *at != '\0'; at++)
        assert((unsigned char)*at >= ' ' &&
               (*at != ' ' || (at > filter->words && at[1] > ' ') || (unsigned char)at[1] >= 0x80));
    bool passes = query_passes(filter, &place);
    assert(passes || query_is_narrow(filter));
}

static void check_page(const struct query *query)
{
    struct buffer token = {0};
    query_write_token(query, QUERY_OFFSET_MAX, &token);
    assert(token.len <= QUERY_TOKEN_BYTES_MAX);
    struct query page = {0};
    query_take(&page, (struct span){"pagetoken", 9}, (struct span){token.data, token.len});
    assert(query_fault(&page) == NULL && page.offset == QUERY_OFFSET_MAX);
    assert(memcmp(&page.filter, &query->filter, sizeof page.filter) == 0);
    assert(page.nearest_first == query->nearest_first);
    assert(fabs(page.radius_m - query->radius_m) <= 0);
    assert(fabs(page.centre.latitude_deg - query->centre.latitude_deg) <= 0);
    assert(fabs(page.centre.longitude_deg - query->centre.longitude_deg) <= 0);
    buffer_free(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct query query = {0};
    const char *at = (const char *)bytes, *end = at + count;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        line = line == NULL ? end : line;
        const char *equals = memchr(at, '=', (size_t)(line - at));
        const char *value = equals == NULL ? line : equals + 1;
        query_take(&query, (struct span){at, (size_t)((equals == NULL ? line : equals) - at)},
                   (struct span){value, (size_t)(line - value)});
        at = line + (line < end);
    }
    check_texts(&query.filter);
    if (query_fault(&query) != NULL)
        return 0;
    assert(fabs(query.centre.latitude_deg) <= 90 && fabs(query.centre.longitude_deg) <= 180);
    assert(query.radius_m > 0 && query.radius_m <= QUERY_RADIUS_M_MAX);
    assert(query.offset <= QUERY_OFFSET_MAX);
    check_page(&query);
    return 0;
}
