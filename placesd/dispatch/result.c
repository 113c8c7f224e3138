#include "placesd/dispatch/result.h"

void result_free(struct result *result)
{
    buffer_free(&result->body);
    buffer_free(&result->cut);
}

void result_set(struct result *result, const struct cache_answer *answer)
{
    result->code = answer->code;
    result->body.len = 0;
    buffer_append(&result->body, answer->body);
    result->offsets = answer->offsets;
}

void result_fail(struct result *result, enum lookup_code code, const char *reason)
{
    result->code = code;
    result->body.len = 0;
    lookup_write_failure(code, reason, &result->body);
}

struct span result_body(struct result *result, uint32_t bound)
{
    struct span body = {result->body.data, result->body.len};
    if (result->code != LOOKUP_OK)
        return body;
    result->cut.len = 0;
    nearby_json_cut(body, &result->offsets, bound, &result->cut);
    return (struct span){result->cut.data, result->cut.len};
}
