/* Connections of a node's clients come: who may stay, and what each gets then. */
#include <stdlib.h>

#include "gateway/node/clients_state.h"
#include "gateway/node/listener.h"

/* Where none is free, a silent connection may give way to one that comes from this address. */
static void make_room(struct clients *all, const struct network_address *from)
{
    struct client_limits_connection *silent =
        client_limits_yield(all->limits, from, clients_present_ms(all));
    if (silent != NULL)
        clients_cut(LIST_OWNER(silent, struct client, session.limits), CLIENT_LIMITS_SILENT);
}

static void welcome(struct clients *all, struct client *client, const char *address)
{
    uint32_t slot = all->free_slots[--all->free_count];
    client->session.number = ++all->last_number;
    client->session.address = client->session.number << SLOT_BITS | slot;
    all->slots[slot] = client;
    if (all->slots_used <= slot)
        all->slots_used = slot + 1;
    all->connections++;
    clients_note(all, "connect", client->session.number, address);
    clients_watch(client);
}

/* Whether it may stay, and then it has all that it needs; where not, nothing of it is left but its
 * descriptor. */
static bool admit(struct client *client, const struct network_address *from, bool is_tls)
{
    struct clients *all = client->all;
    if (client_limits_accept(all->limits, from, &client->session.limits, clients_present_ms(all)) !=
        CLIENT_LIMITS_ACCEPTED)
        return false;
    if (!is_tls || clients_tls_admit(client))
        return true;
    client_limits_leave(all->limits, &client->session.limits);
    return false;
}

static void take(struct clients *all, int fd, const struct network_address *from,
                 const char *address, bool is_tls)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        all->listener.faults++;
        close(fd);
        return;
    }
    client->all = all;
    client->fd = fd;
    clients_keep_limits(all);
    make_room(all, from);
    bool stays = admit(client, from, is_tls);
    if (stays && uv_poll_init(all->loop, &client->poll, fd) == 0) {
        welcome(all, client, address);
        clients_admit(client, from);
        return;
    }
    if (stays) {
        all->listener.faults++;
        clients_tls_leave(client);
        client_limits_leave(all->limits, &client->session.limits);
        close(fd);
    } else if (is_tls) { /* which has no words before a handshake */
        close(fd);
    } else {
        listener_refuse(fd);
    }
    free(client);
}

void clients_on_accept(void *host, int fd, const struct network_address *from, const char *address)
{
    take(host, fd, from, address, false);
}

void clients_on_accept_tls(void *host, int fd, const struct network_address *from,
                           const char *address)
{
    take(host, fd, from, address, true);
}
