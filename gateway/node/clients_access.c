/* Who the connections of a node are, where it has access rules (gateway/text/admission.h). */
#include <sys/socket.h>

#include "gateway/node/clients_state.h"
#include "gateway/text/admission.h"

/* Where the node had no rules, nobody has asked before. */
static struct network_address address_of(const struct client *client)
{
    const struct admission *admission = client->session.admission;
    struct sockaddr_storage peer = {0};
    socklen_t bytes = sizeof peer;
    if (admission != NULL && admission->person != NULL)
        return admission->from;
    getpeername(client->fd, (struct sockaddr *)&peer, &bytes); /* all zero where it is gone */
    return network_address_of((struct sockaddr *)&peer);
}

void clients_admit(struct client *client, const struct network_address *from)
{
    if (client->all->node->access == NULL)
        return;
    clients_take_time(client->all);
    admission_judge(&client->session, client->all->node, from);
}

void clients_vouch(struct client *client)
{
    const struct session *session = &client->session;
    bool is_anyone = session->admission != NULL && session->admission->person != NULL &&
                     session->admission->person->name[0] == '\0';
    if (session->person != NULL && is_anyone && !watchers_has_any(&session->watches))
        admission_vouch(&client->session, client->all->node, span_of(session->person));
}

size_t clients_take_access(struct clients *all, const struct access *access)
{
    size_t ended = 0;
    clients_turn(all);
    clients_take_time(all);
    all->node->access = access;
    for (size_t slot = 0; slot < all->slots_used; slot++) {
        struct client *client = all->slots[slot];
        if (client == NULL || client->is_lingering)
            continue;
        struct network_address from = address_of(client);
        if (admission_judge(&client->session, all->node, &from)) {
            clients_vouch(client);
            continue;
        }
        ended++;
        session_attach_output(&client->session, &all->output);
        clients_flush(client, NULL);
    }
    return ended;
}

/* In each of the lists all wait for the same time: who began first is through first. */
void clients_pause(struct client *client)
{
    struct admission *admission = client->session.admission;
    if ((client->session.waits & SESSION_WAITS_PAUSED) != 0 && !list_holds(&admission->paused))
        list_append(admission->is_too_fast ? &client->all->slowed : &client->all->paused,
                    &admission->paused);
}

void clients_forget_pause(struct client *client)
{
    struct admission *admission = client->session.admission;
    if (admission != NULL && list_holds(&admission->paused))
        list_remove(&admission->paused);
}

static struct admission *first_of(const struct list_node *list)
{
    struct list_node *first = list_first(list);
    return first == NULL ? NULL : LIST_OWNER(first, struct admission, paused);
}

static struct admission *first_paused(const struct clients *all)
{
    struct admission *wrong = first_of(&all->paused), *fast = first_of(&all->slowed);
    if (wrong == NULL || fast == NULL)
        return wrong != NULL ? wrong : fast;
    return wrong->paused_until_ms < fast->paused_until_ms ? wrong : fast;
}

int64_t clients_pause_ends_ms(const struct clients *all)
{
    const struct admission *first = first_paused(all);
    return first == NULL ? INT64_MAX : first->paused_until_ms;
}

void clients_end_pauses(struct clients *all)
{
    int64_t now_ms = clients_present_ms(all);
    while (clients_pause_ends_ms(all) <= now_ms) {
        struct admission *admission = first_paused(all);
        struct client *client = LIST_OWNER(admission->session, struct client, session);
        list_remove(&admission->paused);
        session_resume(&client->session);
        turns_wait(&all->turns, &client->turn);
    }
}
