/* transform: what must hold for any answer of a provider's upstream. */
#ifndef ZHERD_TESTS_FUZZ_TRANSFORM_H
#define ZHERD_TESTS_FUZZ_TRANSFORM_H

#include <jansson.h>

#include "placesd/providers/outcome.h"
#include "placesd/providers/provider.h"
#include "tests/fuzz/tidy.h"

/* Short, so that mutations of a corpus that holds it nearly everywhere still find it. */
#define TRANSFORM_KEY "KEY"

static inline void transform_check(const struct provider *provider, long http_status,
                                   struct span body, uint32_t bound)
{
    struct lookup lookup = {34072800000, -118442000000, 2000, bound, 4500};
    struct buffer json = {0};
    enum lookup_code code =
        provider->read_answer(http_status, body, &lookup, span_of(TRANSFORM_KEY), &json);
    assert(code == LOOKUP_OK ? http_status == 200 : code <= LOOKUP_INVALID);
    assert(json.len > 0 && json.len <= LOOKUP_BODY_BYTES_MAX);
    assert(memmem(json.data, json.len, TRANSFORM_KEY, strlen(TRANSFORM_KEY)) == NULL);
    fuzz_check_tidy((struct span){json.data, json.len});
    json_error_t error;
    json_t *root = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, &error);
    assert(json_is_string(json_object_get(root, "status")));
    assert(json_is_array(json_object_get(root, "html_attributions")));
    const json_t *results = json_object_get(root, "results");
    assert(json_is_array(results) && json_array_size(results) <= bound);
    size_t i;
    const json_t *result;
    json_array_foreach(results, i, result)
    {
        assert(json_is_string(json_object_get(result, "name")));
        assert(json_is_string(json_object_get(result, "place_id")));
        assert(json_is_array(json_object_get(result, "types")));
        assert(json_is_real(json_object_get(
            json_object_get(json_object_get(result, "geometry"), "location"), "lat")));
    }
    json_decref(root);
    buffer_free(&json);
}

/* What the log gets of it. */
static inline void transform_check_remark(struct span body)
{
    struct lookup lookup = {34072800000, -118442000000, 2000, 20, 4500};
    struct buffer text = {0};
    outcome_remark(body, &lookup, span_of(TRANSFORM_KEY), &text);
    assert(text.len <= OUTCOME_REMARK_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++)
        assert(text.data[i] >= 0x20 && text.data[i] <= 0x7e);
    assert(text.len == 0 ||
           memmem(text.data, text.len, TRANSFORM_KEY, strlen(TRANSFORM_KEY)) == NULL);
    buffer_free(&text);
}

static inline int transform_try(const struct provider *provider, const uint8_t *bytes, size_t count)
{
    struct span body = {(const char *)bytes, count};
    transform_check(provider, 200, body, 20);
    transform_check(provider, 200, body, 1);
    transform_check(provider, 403, body, 20);
    transform_check_remark(body);
    return 0;
}

#endif
