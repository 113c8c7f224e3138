/* Any bytes that lookup accepts as a question, an answer or a READY are within its limits, and can
 * be written and read again as the same; a refused question has an explanation. An answer's body
 * that json_scan_object accepts is an object for a parser, too. */
#include "placesd/lookup.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "bus/base/json_scan.h"
#include "tests/fuzz/fuzz.h"

static void explain(struct span input)
{
    char reason[LOOKUP_REASON_BYTES_MAX];
    lookup_explain_request(input, reason);
    assert(reason[0] != '\0' && strlen(reason) < sizeof reason - 1);
    for (const char *byte = reason; *byte != '\0'; byte++)
        assert(*byte >= 0x20 && *byte <= 0x7e);
}

static void try_request(struct span input)
{
    struct lookup first, second;
    if (!lookup_read_request(input, &first)) {
        explain(input);
        return;
    }
    assert(first.radius_m <= LOOKUP_RADIUS_KM_MAX * 1000 && first.bound <= LOOKUP_BOUND_MAX);
    assert(first.deadline_ms >= 1 && first.deadline_ms <= LOOKUP_DEADLINE_MS_MAX);
    char bytes[LOOKUP_REQUEST_BYTES_MAX];
    size_t count = lookup_write_request(&first, bytes);
    assert(lookup_read_request((struct span){bytes, count}, &second));
    assert(first.latitude_nanodeg == second.latitude_nanodeg);
    assert(first.longitude_nanodeg == second.longitude_nanodeg);
    assert(first.radius_m == second.radius_m && first.bound == second.bound);
    assert(first.deadline_ms == second.deadline_ms);
}

static void try_body(struct span body)
{
    json_error_t error;
    size_t at;
    json_t *root =
        json_loadb(body.len > 0 ? body.data : "", body.len, JSON_DECODE_INT_AS_REAL, &error);
    bool is_object = json_scan_object(body, NULL, 0, &at) == NULL;
    /* Numbers may be too large for the parser, and what is nested deeply is taken by it alone. */
    assert(!is_object || json_is_object(root) ||
           json_error_code(&error) == json_error_numeric_overflow);
    json_decref(root);
}

static void try_figures(struct span input)
{
    struct lookup_figures first, second;
    char once[LOOKUP_FIGURES_BYTES_MAX], twice[LOOKUP_FIGURES_BYTES_MAX];
    if (!lookup_read_figures(input, &first))
        return;
    size_t count = lookup_write_figures(&first, once);
    assert(lookup_read_figures((struct span){once, count}, &second));
    assert(lookup_write_figures(&second, twice) == count && memcmp(once, twice, count) == 0);
}

static void try_reply(struct span input)
{
    struct lookup_reply first, second;
    if (!lookup_read_reply(input, &first))
        return;
    assert(first.code <= LOOKUP_INVALID && first.body.len <= LOOKUP_BODY_BYTES_MAX);
    struct buffer bytes = {0};
    lookup_write_reply(&first, &bytes);
    assert(lookup_read_reply((struct span){bytes.data, bytes.len}, &second));
    assert(first.code == second.code && span_equals(first.body, second.body));
    try_body(first.body);
    buffer_free(&bytes);
}

static void try_ready(struct span input)
{
    uint32_t first, second;
    if (!lookup_read_ready(input, &first))
        return;
    assert(first <= LOOKUP_CREDITS_MAX);
    char bytes[LOOKUP_READY_BYTES_MAX];
    size_t count = lookup_write_ready(first, bytes);
    assert(lookup_read_ready((struct span){bytes, count}, &second) && first == second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span input = {(const char *)bytes, count};
    try_request(input);
    try_reply(input);
    try_figures(input);
    try_ready(input);
    return 0;
}
