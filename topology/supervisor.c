#include "topology/supervisor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER INT64_MAX

/* Names of the places services, which no node may have (topology/format/check.c). */
static const char *const places_names[TOPOLOGY_PLACES_MAX] = {
    "placesd",   "placesd-2", "placesd-3", "placesd-4",
    "placesd-5", "placesd-6", "placesd-7", "placesd-8",
};

enum child_state {
    CHILD_ELSEWHERE, /* on another host */
    CHILD_WAITING,   /* to be started at `start_ms` */
    CHILD_RUNNING,
    CHILD_READY,
};

struct child {
    enum child_state state;
    int64_t start_ms;
    int64_t started_ms;
    int64_t pause_ms; /* the last one; 0 before the first death */
    int64_t alive_ms; /* when it said that last; NEVER before it is watched */
    int64_t kill_ms;  /* when KILL is due, after ABRT; NEVER before that, and after KILL */
    bool is_ended;    /* by a signal of ours that it has not died of yet */
    bool was_ready;   /* in any of its lives */
};

struct supervisor {
    const struct topology *topology;
    struct child *children;
    size_t child_count;
    bool (*ends_up)[2]; /* per link: what its a and its b said last */
    bool was_whole;
};

struct supervisor *supervisor_new(const struct topology *topology, const bool *is_here)
{
    struct supervisor *core = bytes_zeroed(sizeof *core);
    core->topology = topology;
    core->child_count = topology->node_count + topology->places_count + topology->web_count;
    core->children = bytes_zeroed((core->child_count + 1) * sizeof *core->children);
    core->ends_up = bytes_zeroed((topology->link_count + 1) * sizeof *core->ends_up);
    for (size_t i = 0; i < core->child_count; i++) {
        core->children[i].state = is_here == NULL || is_here[i] ? CHILD_WAITING : CHILD_ELSEWHERE;
        core->children[i].start_ms = INT64_MIN;
    }
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
    const struct topology *topology = core->topology;
    size_t nodes = topology->node_count, webs = nodes + topology->places_count;
    if (child < nodes)
        return topology->nodes[child].name;
    return child < webs ? places_names[child - nodes] : topology->webs[child - webs].name;
}

bool supervisor_has(const struct supervisor *core, size_t child)
{
    assert(child < core->child_count);
    return core->children[child].state != CHILD_ELSEWHERE;
}

static bool is_running(const struct child *child)
{
    return child->state == CHILD_RUNNING || child->state == CHILD_READY;
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

/* When ABRT is due, or KILL. */
static int64_t end_ms(const struct child *child)
{
    if (!is_running(child) || child->alive_ms == NEVER)
        return NEVER;
    return child->is_ended ? child->kill_ms : child->alive_ms + UP_SILENCE_MS;
}

int64_t supervisor_deadline_ms(const struct supervisor *core)
{
    int64_t deadline_ms = NEVER;
    for (size_t i = 0; i < core->child_count; i++) {
        const struct child *child = &core->children[i];
        int64_t due_ms = child->state == CHILD_WAITING ? child->start_ms : end_ms(child);
        if (due_ms < deadline_ms)
            deadline_ms = due_ms;
    }
    return deadline_ms;
}

void supervisor_started(struct supervisor *core, size_t child, int64_t now_ms)
{
    assert(core->children[child].state == CHILD_WAITING);
    core->children[child].state = CHILD_RUNNING;
    core->children[child].started_ms = now_ms;
    core->children[child].alive_ms = core->children[child].kill_ms = NEVER;
    core->children[child].is_ended = false;
}

void supervisor_alive(struct supervisor *core, size_t child, int64_t now_ms)
{
    assert(is_running(&core->children[child]));
    core->children[child].alive_ms = now_ms;
}

bool supervisor_next_silent(struct supervisor *core, int64_t now_ms, size_t *child, bool *at_once)
{
    for (size_t i = 0; i < core->child_count; i++) {
        struct child *silent = &core->children[i];
        if (now_ms < end_ms(silent))
            continue;
        if (!silent->is_ended && now_ms > end_ms(silent) + UP_AWAY_MS) {
            silent->alive_ms = now_ms;
            continue;
        }
        *child = i;
        *at_once = silent->is_ended;
        silent->kill_ms = silent->is_ended ? NEVER : now_ms + UP_ABORT_MS;
        silent->is_ended = true;
        return true;
    }
    return false;
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

bool supervisor_take_status(struct supervisor *core, size_t child, const struct status *status,
                            int64_t now_ms)
{
    struct child *speaker = &core->children[child];
    assert(is_running(speaker));
    bool is_news = false;
    if (status->kind == STATUS_READY) {
        is_news = speaker->state == CHILD_RUNNING;
        speaker->state = CHILD_READY;
        speaker->was_ready = true;
        if (speaker->alive_ms == NEVER)
            speaker->alive_ms = now_ms;
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
    assert(is_running(dead));
    bool refused = (exit_status == 1 || exit_status == STATUS_EXIT_USAGE) && !dead->was_ready;
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

static bool is_missing(const struct supervisor *core, size_t child)
{
    return supervisor_has(core, child) && core->children[child].state != CHILD_READY;
}

/* One of its ends is here and has not said that it is up. */
static bool is_link_missing(const struct supervisor *core, size_t link)
{
    const struct topology_link *both = &core->topology->links[link];
    return (!core->ends_up[link][0] && supervisor_has(core, both->a)) ||
           (!core->ends_up[link][1] && supervisor_has(core, both->b));
}

bool supervisor_is_whole(const struct supervisor *core)
{
    for (size_t i = 0; i < core->child_count; i++) {
        if (is_missing(core, i))
            return false;
    }
    for (size_t i = 0; i < core->topology->link_count; i++) {
        if (is_link_missing(core, i))
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
        if (is_missing(core, i))
            used += (size_t)snprintf(missing + used, UP_MISSING_BYTES_MAX - used, "%s%s",
                                     used > 0 ? ", " : "", supervisor_name(core, i));
    }
    for (size_t i = 0; i < topology->link_count && used < UP_MISSING_BYTES_MAX; i++) {
        if (is_link_missing(core, i))
            used +=
                (size_t)snprintf(missing + used, UP_MISSING_BYTES_MAX - used, "%slink %s-%s",
                                 used > 0 ? ", " : "", topology->nodes[topology->links[i].a].name,
                                 topology->nodes[topology->links[i].b].name);
    }
    if (used >= UP_MISSING_BYTES_MAX)
        strcpy(missing + UP_MISSING_BYTES_MAX - sizeof "...", "...");
}

/* ---- who runs a herd already ---- */

/* Lines of /proc/locks are far shorter; a longer one is none of it. */
#define LOCK_BYTES_MAX 256

struct held {
    long process;
    uint32_t device_major, device_minor;
    uint64_t inode;
};

/* "1: FLOCK  ADVISORY  WRITE 3307 fe:00:1835018 0 EOF". One that waits has "->" after the number.
 */
static bool read_lock(const char *line, struct held *held)
{
    /* The kernel writes these numbers, so each fits its type. NOLINTNEXTLINE(cert-err34-c) */
    return sscanf(line, "%*u: FLOCK %*s WRITE %ld %" SCNx32 ":%" SCNx32 ":%" SCNu64, &held->process,
                  &held->device_major, &held->device_minor, &held->inode) == 4 &&
           held->process > 0;
}

long supervisor_find_lock_holder(struct span locks, uint32_t device_major, uint32_t device_minor,
                                 uint64_t inode)
{
    long by_inode = 0;
    const char *end = locks.data + locks.len;
    for (const char *at = locks.data; at < end;) {
        char line[LOCK_BYTES_MAX] = "";
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t bytes = (size_t)((newline != NULL ? newline : end) - at);
        struct held held;
        if (bytes < sizeof line)
            memcpy(line, at, bytes);
        at += bytes + 1;
        if (!read_lock(line, &held) || held.inode != inode)
            continue;
        if (held.device_major == device_major && held.device_minor == device_minor)
            return held.process;
        by_inode = held.process;
    }
    return by_inode;
}
