/* What the connections of a node are told of what they watch (gateway/text/watchers.h). */
#include "gateway/node/clients_state.h"
#include "gateway/text/telling.h"

void clients_end_watches(struct client *client)
{
    session_end_watches(&client->session, client->all->node);
    clients_forget_pause(client);
    telling_follow(&client->all->telling, &client->telling, false);
}

void clients_owe(struct client *client)
{
    struct telling *telling = &client->all->telling;
    const struct watchers_connection *watches = &client->session.watches;
    telling_follow(telling, &client->telling, watchers_has_any(watches));
    if (watches->is_given && session_may_be_told(&client->session))
        telling_wait(telling, &client->telling);
}

static void tell(struct client *client)
{
    int64_t steps = TELLING_STEPS;
    session_attach_output(&client->session, &client->all->output);
    session_tell(&client->session, client->all->node, &steps);
    clients_flush(client, NULL);
}

void clients_tell(struct clients *all)
{
    struct watchers *watchers = all->node->watchers;
    struct watchers_connection *connection;
    struct telling_session *next;
    int64_t steps = TELLING_STEPS;
    if (watchers == NULL || (all->telling.watching == 0 && !watchers_is_clearing(watchers)))
        return;
    watchers_update(watchers);
    watchers_clear(watchers, &steps);
    while ((connection = watchers_next_due(watchers)) != NULL)
        clients_owe(LIST_OWNER(connection, struct client, session.watches));
    if (list_is_empty(&all->telling.waiting))
        return;
    clients_take_time(all);
    int64_t now_ms = clients_present_ms(all), begun_ns = (int64_t)uv_hrtime();
    while ((next = telling_next(&all->telling, now_ms)) != NULL) {
        tell(LIST_OWNER(next, struct client, telling));
        if ((int64_t)uv_hrtime() - begun_ns >= TELLING_TURN_NS)
            break;
    }
}

int64_t clients_deadline_ms(const struct clients *all)
{
    int64_t told_ms = telling_deadline_ms(&all->telling), paused_ms = clients_pause_ends_ms(all);
    return told_ms < paused_ms ? told_ms : paused_ms;
}

size_t clients_watching(const struct clients *all)
{
    return all->telling.watching;
}
