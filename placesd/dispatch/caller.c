#include "placesd/dispatch/caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE_DIGITS   16
#define NUMBER_DIGITS 10
#define NEVER_MS      INT64_MAX

static const char *const kinds[CALLER_KINDS] = {
    [CALLER_GATEWAY] = "gateway-",
    [CALLER_WORKER] = "worker-",
};

/* ---- names ---- */

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

/* ---- connections ---- */

struct connection {
    bool present;
    struct caller caller;
    uint64_t mark;
    int64_t heard_ms;
    int64_t replaced_ms; /* NEVER_MS while it is the newest of its life */
};

struct callers {
    struct connection *of; /* by descriptor */
    int count;
    int64_t earliest_ms; /* no connection is to be ended before this */
};

struct callers *callers_new(void)
{
    struct callers *callers = bytes_zeroed(sizeof *callers);
    callers->earliest_ms = NEVER_MS;
    return callers;
}

void callers_destroy(struct callers **callers)
{
    if (*callers == NULL)
        return;
    free((*callers)->of);
    free(*callers);
    *callers = NULL;
}

static bool is_same_life(const struct caller *a, const struct caller *b)
{
    return a->kind == b->kind && a->life == b->life;
}

bool callers_hear(struct callers *callers, const struct caller *caller, int descriptor,
                  int64_t now_ms)
{
    if (descriptor < 0 || descriptor >= CALLER_DESCRIPTORS_MAX)
        return false;
    struct connection *connection = descriptor < callers->count ? &callers->of[descriptor] : NULL;
    if (connection == NULL || !connection->present || !is_same_life(&connection->caller, caller) ||
        connection->caller.number != caller->number)
        return true;
    connection->heard_ms = now_ms;
    return false;
}

static int64_t end_ms(const struct connection *connection)
{
    if (!connection->present)
        return NEVER_MS;
    if (connection->replaced_ms != NEVER_MS)
        return connection->replaced_ms + CALLER_REPLACED_MS;
    return connection->heard_ms + CALLER_SILENCE_MS;
}

static void notice(struct callers *callers, const struct connection *connection)
{
    if (end_ms(connection) < callers->earliest_ms)
        callers->earliest_ms = end_ms(connection);
}

static void make_room(struct callers *callers, int descriptor)
{
    int count = 2 * descriptor + 2;
    if (descriptor < callers->count)
        return;
    callers->of = bytes_resize(callers->of, (size_t)count * sizeof *callers->of);
    memset(callers->of + callers->count, 0, (size_t)(count - callers->count) * sizeof *callers->of);
    callers->count = count;
}

/* Of one life the highest number is the newest, and of two with one number the later. */
void callers_add(struct callers *callers, const struct caller *caller, int descriptor,
                 uint64_t mark, int64_t now_ms)
{
    struct connection added = {true, *caller, mark, now_ms, NEVER_MS};
    make_room(callers, descriptor);
    callers->of[descriptor].present = false;
    for (int i = 0; i < callers->count; i++) {
        struct connection *other = &callers->of[i];
        if (!other->present || !is_same_life(&other->caller, caller))
            continue;
        struct connection *older = other->caller.number > caller->number ? &added : other;
        if (older->replaced_ms == NEVER_MS)
            older->replaced_ms = now_ms;
        notice(callers, older);
    }
    notice(callers, &added);
    callers->of[descriptor] = added;
}

bool callers_next(struct callers *callers, int64_t now_ms, int *descriptor, uint64_t *mark)
{
    if (now_ms < callers->earliest_ms)
        return false;
    callers->earliest_ms = NEVER_MS;
    for (int i = 0; i < callers->count; i++) {
        struct connection *connection = &callers->of[i];
        if (end_ms(connection) <= now_ms) {
            connection->present = false;
            *descriptor = i;
            *mark = connection->mark;
            callers->earliest_ms = now_ms; /* there may be more */
            return true;
        }
        notice(callers, connection);
    }
    return false;
}

int64_t callers_deadline_ms(const struct callers *callers)
{
    return callers->earliest_ms;
}
