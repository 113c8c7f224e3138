#include "placesd/caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIFE_DIGITS   16
#define NUMBER_DIGITS 10

static const char *const kinds[CALLER_KINDS] = {
    [CALLER_GATEWAY] = "gateway-",
    [CALLER_WORKER] = "worker-",
};

size_t caller_write(const struct caller *caller, char name[CALLER_NAME_BYTES_MAX])
{
    return (size_t)snprintf(name, CALLER_NAME_BYTES_MAX, "%s%016" PRIx64 ".%" PRIu32,
                            kinds[caller->kind], caller->life, caller->number);
}

static bool read_digits(struct span text, unsigned base, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef";
    *value = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(digits, text.data[i], base);
        if (digit == NULL)
            return false;
        *value = *value * base + (uint64_t)(digit - digits);
    }
    return text.len > 0;
}

/* The text after the kind's word. */
static bool read_life(struct span text, struct caller *caller)
{
    uint64_t number;
    if (text.len < LIFE_DIGITS + 2 || text.len > LIFE_DIGITS + 1 + NUMBER_DIGITS ||
        text.data[LIFE_DIGITS] != '.' ||
        !read_digits((struct span){text.data, LIFE_DIGITS}, 16, &caller->life) ||
        !read_digits((struct span){text.data + LIFE_DIGITS + 1, text.len - LIFE_DIGITS - 1}, 10,
                     &number) ||
        number > UINT32_MAX)
        return false;
    caller->number = (uint32_t)number;
    return true;
}

bool caller_read(struct span id, struct caller *caller)
{
    for (enum caller_kind kind = 0; kind < CALLER_KINDS; kind++) {
        size_t bytes = strlen(kinds[kind]);
        if (id.len <= bytes || memcmp(id.data, kinds[kind], bytes) != 0)
            continue;
        caller->kind = kind;
        return read_life((struct span){id.data + bytes, id.len - bytes}, caller);
    }
    return false;
}

bool caller_is_of(struct span routing_id, enum caller_kind kind, uint64_t life)
{
    struct caller caller;
    return life != 0 && caller_read(routing_id, &caller) && caller.kind == kind &&
           caller.life == life;
}
