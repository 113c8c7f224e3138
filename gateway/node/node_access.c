#include "gateway/node/node_access.h"

#include <stdlib.h>

#include "gateway/node/clock.h"
#include "gateway/node/status_log.h"
#include "topology/load.h"

#define note(lines, kind, ...) logline_say((lines), clock_realtime_ns(), (kind), 0, __VA_ARGS__)

static void release(struct access **rules)
{
    if (*rules != NULL)
        access_free(*rules);
    free(*rules);
    *rules = NULL;
}

/* What is over by now is looked at in the next second. */
static void keep(struct node_access *node_access, struct access *rules)
{
    node_access->rules = rules;
    node_access->next_end_ns = rules == NULL ? INT64_MAX : INT64_MIN;
}

bool node_access_open(struct node_access *node_access, const struct topology *topology)
{
    struct access *rules;
    if (!access_load_own(topology->access, &rules))
        return false;
    keep(node_access, rules);
    return true;
}

void node_access_close(struct node_access *node_access)
{
    release(&node_access->rules);
}

void node_access_take(struct node_access *node_access, struct access *rules, const char *path,
                      struct clients *clients, struct logline *lines)
{
    struct access *before = node_access->rules;
    if (before == NULL && rules == NULL)
        return;
    keep(node_access, rules);
    size_t ended = clients_take_access(clients, rules);
    if (rules != NULL)
        note(lines, "access", "rules of %zu persons from %s; %zu connections ended",
             rules->person_count - 1, path, ended);
    else
        note(lines, "access", "no rules any more: anybody may anything; %zu connections ended",
             ended);
    release(&before);
}

void node_access_second(struct node_access *node_access, struct clients *clients,
                        const struct session_node *node, int64_t now_ms)
{
    status_log_growth(node->log, &node_access->wrong, node->reasons.refusals[REFUSAL_TOKEN],
                      "wrong tokens shown");
    status_log_growth(node->log, &node_access->too_fast, node->reasons.refusals[REFUSAL_TOO_FAST],
                      "commands refused: they come faster than their person's rate");
    int64_t now_ns = flood_accept_ns(node->flood, clock_realtime_ns(), now_ms);
    if (node_access->rules == NULL || now_ns < node_access->next_end_ns)
        return;
    size_t ended = clients_take_access(clients, node_access->rules);
    node_access->next_end_ns = access_next_end_ns(node_access->rules, now_ns);
    if (ended > 0)
        note(node->log, "access", "the time of persons is over; %zu connections ended", ended);
}
