#include "bus/link/arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"

#define NEVER_MS INT64_MAX

enum state {
    NONE,  /* nothing is known of the descriptor */
    OPEN,  /* it is looked after */
    ENDED, /* it was given back; what still comes over it makes it no newer connection */
};

struct connection {
    enum state state;
    struct arrival arrival;
    uint64_t socket;
    int64_t heard_ms, looked_ms;
    int64_t replaced_ms; /* NEVER_MS while it is the newest of its process */
};

struct arrivals {
    struct arrivals_rules rules;
    struct connection *of; /* by descriptor */
    int count;
    int64_t earliest_ms; /* no connection is to be ended before this */
};

struct arrivals *arrivals_new(struct arrivals_rules rules)
{
    struct arrivals *arrivals = bytes_zeroed(sizeof *arrivals);
    arrivals->rules = rules;
    arrivals->earliest_ms = NEVER_MS;
    return arrivals;
}

void arrivals_destroy(struct arrivals **arrivals)
{
    if (*arrivals == NULL)
        return;
    free((*arrivals)->of);
    free(*arrivals);
    *arrivals = NULL;
}

static bool is_same_process(const struct arrival *a, const struct arrival *b)
{
    return a->name == b->name && a->process == b->process;
}

/* The connection that the descriptor is taken for, if that is the arrival's; or NULL. */
static struct connection *find(struct arrivals *arrivals, const struct arrival *arrival,
                               int descriptor)
{
    struct connection *known = descriptor < arrivals->count ? &arrivals->of[descriptor] : NULL;
    bool is_its = known != NULL && known->state != NONE &&
                  is_same_process(&known->arrival, arrival) &&
                  known->arrival.number == arrival->number;
    return is_its ? known : NULL;
}

bool arrivals_hear(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                   int64_t now_ms)
{
    if (descriptor < 0 || descriptor >= ARRIVALS_DESCRIPTORS_MAX)
        return false;
    struct connection *known = find(arrivals, arrival, descriptor);
    if (known == NULL)
        return true;
    known->heard_ms = now_ms;
    /* The next connection may have the number of one that was ended at once. */
    return known->state == ENDED || now_ms >= known->looked_ms + ARRIVALS_LOOK_MS;
}

bool arrivals_has(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                  uint64_t socket)
{
    const struct connection *known = find(arrivals, arrival, descriptor);
    return known != NULL && known->socket == socket;
}

static int64_t end_ms(const struct arrivals *arrivals, const struct connection *connection)
{
    if (connection->state != OPEN)
        return NEVER_MS;
    if (connection->replaced_ms != NEVER_MS)
        return connection->replaced_ms + arrivals->rules.replaced_ms;
    return connection->heard_ms + ARRIVALS_SILENT_MS;
}

static void notice(struct arrivals *arrivals, int64_t at_ms)
{
    if (at_ms < arrivals->earliest_ms)
        arrivals->earliest_ms = at_ms;
}

static void make_room(struct arrivals *arrivals, int descriptor)
{
    int count = 2 * descriptor + 2;
    if (descriptor < arrivals->count)
        return;
    arrivals->of = bytes_resize(arrivals->of, (size_t)count * sizeof *arrivals->of);
    memset(arrivals->of + arrivals->count, 0,
           (size_t)(count - arrivals->count) * sizeof *arrivals->of);
    arrivals->count = count;
}

/* Of one process the highest number is the newest, and of two with one number the later. */
static void replace_older(struct arrivals *arrivals, struct connection *added, int64_t now_ms)
{
    for (int i = 0; i < arrivals->count; i++) {
        struct connection *other = &arrivals->of[i];
        if (other->state != OPEN || !is_same_process(&other->arrival, &added->arrival))
            continue;
        struct connection *older = other->arrival.number > added->arrival.number ? added : other;
        if (older->replaced_ms == NEVER_MS)
            older->replaced_ms = now_ms;
        notice(arrivals, end_ms(arrivals, older));
    }
}

void arrivals_add(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                  uint64_t socket, int64_t now_ms)
{
    struct connection *known = find(arrivals, arrival, descriptor);
    if (known != NULL && known->socket == socket) {
        known->looked_ms = now_ms;
        return;
    }
    struct connection added = {OPEN, *arrival, socket, now_ms, now_ms, NEVER_MS};
    make_room(arrivals, descriptor);
    /* Whatever had the descriptor before is closed already. */
    arrivals->of[descriptor].state = NONE;
    replace_older(arrivals, &added, now_ms);
    notice(arrivals, end_ms(arrivals, &added));
    arrivals->of[descriptor] = added;
}

size_t arrivals_count(const struct arrivals *arrivals, uint32_t name)
{
    size_t count = 0;
    for (int i = 0; i < arrivals->count; i++)
        count += arrivals->of[i].state == OPEN && arrivals->of[i].arrival.name == name;
    return count;
}

static bool another_speaks(const struct arrivals *arrivals, const struct connection *silent,
                           int64_t now_ms)
{
    for (int i = 0; i < arrivals->count; i++) {
        const struct connection *other = &arrivals->of[i];
        if (other->state == OPEN && other->arrival.name == silent->arrival.name &&
            now_ms - other->heard_ms < ARRIVALS_SILENT_MS)
            return true;
    }
    return false;
}

static bool is_spared(const struct arrivals *arrivals, const struct connection *connection,
                      int64_t now_ms)
{
    return arrivals->rules.spares_the_last && connection->replaced_ms == NEVER_MS &&
           !another_speaks(arrivals, connection, now_ms);
}

bool arrivals_next(struct arrivals *arrivals, int64_t now_ms, int *descriptor, uint64_t *socket)
{
    if (now_ms < arrivals->earliest_ms)
        return false;
    arrivals->earliest_ms = NEVER_MS;
    for (int i = 0; i < arrivals->count; i++) {
        struct connection *connection = &arrivals->of[i];
        if (end_ms(arrivals, connection) > now_ms) {
            notice(arrivals, end_ms(arrivals, connection));
        } else if (is_spared(arrivals, connection, now_ms)) {
            notice(arrivals, now_ms + ARRIVALS_SPARED_MS);
        } else {
            connection->state = ENDED;
            *descriptor = i;
            *socket = connection->socket;
            arrivals->earliest_ms = now_ms; /* there may be more */
            return true;
        }
    }
    return false;
}

void arrivals_retry(struct arrivals *arrivals, int descriptor, int64_t now_ms)
{
    arrivals->of[descriptor].state = OPEN;
    arrivals->earliest_ms = now_ms + ARRIVALS_RETRY_MS;
}

int64_t arrivals_deadline_ms(const struct arrivals *arrivals)
{
    return arrivals->earliest_ms;
}
