#include "placesd/dispatch/ending.h"

void ending_free(struct ending *ending)
{
    buffer_free(&ending->body);
    buffer_free(&ending->cut);
}

void ending_set(struct ending *ending, const struct cache_answer *answer)
{
    ending->code = answer->code;
    ending->body.len = 0;
    buffer_append(&ending->body, answer->body);
    ending->marks = answer->marks;
}

void ending_fail(struct ending *ending, enum lookup_code code, const char *reason)
{
    ending->code = code;
    ending->body.len = 0;
    lookup_write_failure(code, reason, &ending->body);
}

struct span ending_body(struct ending *ending, uint32_t bound)
{
    struct span body = {ending->body.data, ending->body.len};
    if (ending->code != LOOKUP_OK)
        return body;
    ending->cut.len = 0;
    nearby_cut(body, &ending->marks, bound, &ending->cut);
    return (struct span){ending->cut.data, ending->cut.len};
}
