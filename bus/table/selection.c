#include "bus/table/selection.h"

#include <assert.h>
#include <string.h>

#include "bus/base/token.h"

static size_t find_star(struct span pattern)
{
    const char *star = memchr(pattern.data, '*', pattern.len);
    assert(star != NULL);
    return (size_t)(star - pattern.data);
}

bool selection_is_pattern(struct span text)
{
    if (text.len > SELECTION_PATTERN_BYTES_MAX || !token_is_whole(text) ||
        memchr(text.data, '*', text.len) == NULL)
        return false;
    size_t rest = find_star(text) + 1;
    return rest == text.len || memchr(text.data + rest, '*', text.len - rest) == NULL;
}

bool selection_matches(struct span pattern, struct span client)
{
    size_t begin = find_star(pattern), end = pattern.len - begin - 1;
    if (client.len < begin + end || memcmp(client.data, pattern.data, begin) != 0)
        return false;
    return memcmp(client.data + client.len - end, pattern.data + begin + 1, end) == 0;
}

bool selection_has(const struct selection *selection, const struct location *location)
{
    if (location->order_ns <= selection->after_ns || location->order_ns >= selection->before_ns)
        return false;
    if (selection->origin.len > 0 && !span_equals(selection->origin, location->origin))
        return false;
    return selection->pattern.len == 0 || selection_matches(selection->pattern, location->client);
}
