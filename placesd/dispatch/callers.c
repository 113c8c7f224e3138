#include "placesd/dispatch/callers.h"

#include <stdlib.h>
#include <string.h>

#define NEVER_MS INT64_MAX

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
    if (descriptor < 0 || descriptor >= CALLERS_DESCRIPTORS_MAX)
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
        return connection->replaced_ms + CALLERS_REPLACED_MS;
    return connection->heard_ms + CALLERS_SILENCE_MS;
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
