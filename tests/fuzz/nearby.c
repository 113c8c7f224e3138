/* For any answer of a provider, nearby_json gives Nearby Search JSON; and it cuts from a good
 * answer what a parser would cut. */
#include "placesd/providers/nearby_json.h"

#include <jansson.h>

#include "tests/fuzz/tidy.h"

#define PARSING (JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL)

/* The same cut, made by hand on the parsed answer. */
static json_t *cut(struct span input, uint32_t bound)
{
    json_error_t error;
    json_t *root = json_loadb(input.data, input.len, PARSING, &error);
    json_t *results = json_object_get(root, "results");
    if (root == NULL)
        return NULL;
    while (json_array_size(results) > bound)
        json_array_remove(results, json_array_size(results) - 1);
    if (json_object_get(root, "html_attributions") == NULL)
        json_object_set_new(root, "html_attributions", json_array());
    return root;
}

/* In one pass: the same, without the next page's token. A member that stands twice within a result
 * is nobody's concern, so what comes out need not be strict where what came in was not. */
static void check_pass(struct span input, uint32_t bound)
{
    struct buffer json = {0};
    enum lookup_code code = nearby_json_pass(input, bound, &json);
    assert(json.len <= LOOKUP_BODY_BYTES_MAX);
    fuzz_check_tidy((struct span){json.data, json.len});
    json_error_t error;
    json_t *root = json_loadb(json.data, json.len, JSON_DECODE_INT_AS_REAL, &error);
    json_t *wanted = cut(input, bound);
    /* jansson takes no number that no double holds. */
    assert(root != NULL || wanted == NULL);
    assert(root == NULL || (json_is_string(json_object_get(root, "status")) &&
                            json_is_array(json_object_get(root, "html_attributions")) &&
                            json_array_size(json_object_get(root, "results")) <= bound &&
                            json_object_get(root, "next_page_token") == NULL));
    if (code == LOOKUP_OK && wanted != NULL) {
        json_object_del(wanted, "next_page_token");
        assert(json_equal(root, wanted));
    }
    json_decref(wanted);
    json_decref(root);
    buffer_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span input = {(const char *)bytes, count};
    struct nearby_json_offsets offsets;
    if (nearby_json_find_offsets(input, &offsets)) {
        struct buffer json = {0};
        nearby_json_cut(input, &offsets, 1, &json);
        assert(json.len <= count);
        buffer_free(&json);
    }
    for (uint32_t bound = 0; bound <= 2; bound++) {
        check_pass(input, bound);
        struct buffer json = {0};
        enum lookup_code code = nearby_json_read(input, bound, (struct span){"", 0}, &json);
        assert(json.len <= LOOKUP_BODY_BYTES_MAX);
        fuzz_check_tidy((struct span){json.data, json.len});
        json_error_t error;
        json_t *root = json_loadb(json.data, json.len, PARSING, &error);
        assert(json_is_string(json_object_get(root, "status")));
        assert(json_is_array(json_object_get(root, "html_attributions")));
        assert(json_is_array(json_object_get(root, "results")));
        assert(json_array_size(json_object_get(root, "results")) <= bound);
        if (code == LOOKUP_OK) {
            json_t *wanted = cut(input, bound);
            assert(json_equal(root, wanted));
            json_decref(wanted);
        }
        json_decref(root);
        buffer_free(&json);
    }
    return 0;
}
