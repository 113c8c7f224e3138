#include "topology/supervisor.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"

/* Names of the places services, which no node may have (topology/format/check.c). */
static const char *const places_names[TOPOLOGY_PLACES_MAX] = {
    "placesd",   "placesd-2", "placesd-3", "placesd-4",
    "placesd-5", "placesd-6", "placesd-7", "placesd-8",
};

enum child_state {
    CHILD_WAITING, /* to be started at `start_ms` */
    CHILD_RUNNING,
    CHILD_READY,
};

struct child {
    enum child_state state;
    int64_t start_ms;
    int64_t started_ms;
    int64_t pause_ms; /* the last one; 0 before the first death */
};

struct supervisor {
    const struct topology *topology;
    struct child *children;
    size_t child_count;
    bool (*ends_up)[2]; /* per link: what its a and its b said last */
    bool was_whole;
};

struct supervisor *supervisor_new(const struct topology *topology)
{
    struct supervisor *core = bytes_zeroed(sizeof *core);
    core->topology = topology;
    core->child_count = topology->node_count + topology->places_count;
    core->children = bytes_zeroed((core->child_count + 1) * sizeof *core->children);
    core->ends_up = bytes_zeroed((topology->link_count + 1) * sizeof *core->ends_up);
    for (size_t i = 0; i < core->child_count; i++)
        core->children[i].start_ms = INT64_MIN;
    return core;
}

void supervisor_destroy(struct supervisor **core)
{
    if (!*core)
        return;
    free((*core)->children);
    free((*core)->ends_up);
    free(*core);
    *core = NULL;
}

size_t supervisor_children(const struct supervisor *core)
{
    return core->child_count;
}

const char *supervisor_name(const struct supervisor *core, size_t child)
{
    assert(child < core->child_count);
    size_t nodes = core->topology->node_count;
    return child < nodes ? core->topology->nodes[child].name : places_names[child - nodes];
}

bool supervisor_next_start(const struct supervisor *core, int64_t now_ms, size_t *child)
{
    for (size_t i = 0; i < core->child_count; i++) {
        if (core->children[i].state == CHILD_WAITING && core->children[i].start_ms <= now_ms) {
            *child = i;
            return true;
        }
    }
    return false;
}

int64_t supervisor_deadline_ms(const struct supervisor *core)
{
    int64_t deadline_ms = INT64_MAX;
    for (size_t i = 0; i < core->child_count; i++) {
        const struct child *child = &core->children[i];
        if (child->state == CHILD_WAITING && child->start_ms < deadline_ms)
            deadline_ms = child->start_ms;
    }
    return deadline_ms;
}

void supervisor_started(struct supervisor *core, size_t child, int64_t now_ms)
{
    assert(core->children[child].state == CHILD_WAITING);
    core->children[child].state = CHILD_RUNNING;
    core->children[child].started_ms = now_ms;
}

/* Where the child keeps what it says of its link to `peer`, or NULL without such a link. */
static bool *find_end(struct supervisor *core, size_t child, const char *peer)
{
    const struct topology *topology = core->topology;
    for (size_t i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->links[i];
        if (link->a == child && strcmp(topology->nodes[link->b].name, peer) == 0)
            return &core->ends_up[i][0];
        if (link->b == child && strcmp(topology->nodes[link->a].name, peer) == 0)
            return &core->ends_up[i][1];
    }
    return NULL;
}

static void note_whole(struct supervisor *core)
{
    core->was_whole = core->was_whole || supervisor_is_whole(core);
}

bool supervisor_take_status(struct supervisor *core, size_t child, const struct status *status)
{
    assert(core->children[child].state != CHILD_WAITING);
    bool is_news = false;
    if (status->kind == STATUS_READY) {
        is_news = core->children[child].state == CHILD_RUNNING;
        core->children[child].state = CHILD_READY;
    } else {
        bool *end = find_end(core, child, status->peer);
        bool up = status->kind == STATUS_LINK_UP;
        is_news = end && *end != up;
        if (end)
            *end = up;
    }
    note_whole(core);
    return is_news;
}

/* What a process said of its links ends with it. */
static void forget_links(struct supervisor *core, size_t child)
{
    for (size_t i = 0; i < core->topology->link_count; i++) {
        if (core->topology->links[i].a == child)
            core->ends_up[i][0] = false;
        if (core->topology->links[i].b == child)
            core->ends_up[i][1] = false;
    }
}

enum up_verdict supervisor_exited(struct supervisor *core, size_t child, int exit_status,
                                  int64_t now_ms, int64_t *pause_ms)
{
    struct child *dead = &core->children[child];
    assert(dead->state != CHILD_WAITING);
    bool refused = (exit_status == 1 || exit_status == STATUS_EXIT_USAGE) &&
                   dead->state == CHILD_RUNNING && !core->was_whole;
    if (dead->pause_ms == 0 || now_ms - dead->started_ms >= UP_RECOVERED_MS)
        dead->pause_ms = UP_PAUSE_MS_MIN;
    else
        dead->pause_ms =
            2 * dead->pause_ms < UP_PAUSE_MS_MAX ? 2 * dead->pause_ms : UP_PAUSE_MS_MAX;
    dead->state = CHILD_WAITING;
    dead->start_ms = now_ms + dead->pause_ms;
    *pause_ms = dead->pause_ms;
    forget_links(core, child);
    return refused ? UP_GIVE_UP : UP_START_AGAIN;
}

bool supervisor_is_ready(const struct supervisor *core, size_t child)
{
    return core->children[child].state == CHILD_READY;
}

bool supervisor_is_whole(const struct supervisor *core)
{
    for (size_t i = 0; i < core->child_count; i++) {
        if (core->children[i].state != CHILD_READY)
            return false;
    }
    for (size_t i = 0; i < core->topology->link_count; i++) {
        if (!core->ends_up[i][0] || !core->ends_up[i][1])
            return false;
    }
    return true;
}

bool supervisor_was_whole(const struct supervisor *core)
{
    return core->was_whole;
}

void supervisor_name_missing(const struct supervisor *core, char missing[UP_MISSING_BYTES_MAX])
{
    const struct topology *topology = core->topology;
    size_t used = 0;
    missing[0] = '\0';
    for (size_t i = 0; i < core->child_count && used < UP_MISSING_BYTES_MAX; i++) {
        if (core->children[i].state != CHILD_READY)
            used += (size_t)snprintf(missing + used, UP_MISSING_BYTES_MAX - used, "%s%s",
                                     used > 0 ? ", " : "", supervisor_name(core, i));
    }
    for (size_t i = 0; i < topology->link_count && used < UP_MISSING_BYTES_MAX; i++) {
        if (!core->ends_up[i][0] || !core->ends_up[i][1])
            used +=
                (size_t)snprintf(missing + used, UP_MISSING_BYTES_MAX - used, "%slink %s-%s",
                                 used > 0 ? ", " : "", topology->nodes[topology->links[i].a].name,
                                 topology->nodes[topology->links[i].b].name);
    }
    if (used >= UP_MISSING_BYTES_MAX)
        strcpy(missing + UP_MISSING_BYTES_MAX - sizeof "...", "...");
}
