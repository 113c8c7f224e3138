/* Connections of a node's clients come: where it listens for them, who may stay, and what each gets
 * then. */
#include <stdlib.h>
#include <string.h>

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
        all->accept_faults++;
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
        all->accept_faults++;
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

void clients_make_slots(struct clients *all)
{
    if (all->connections_max <= all->slots_max)
        return;
    size_t more = all->connections_max - all->slots_max;
    struct client **slots = bytes_zeroed(all->connections_max * sizeof *slots);
    uint32_t *free_slots = bytes_resize(NULL, all->connections_max * sizeof *free_slots);
    if (all->slots_used > 0)
        memcpy(slots, all->slots, all->slots_used * sizeof *slots);
    for (size_t i = 0; i < more; i++)
        free_slots[i] = (uint32_t)(all->connections_max - 1 - i);
    if (all->free_count > 0)
        memcpy(free_slots + more, all->free_slots, all->free_count * sizeof *free_slots);
    free(all->slots);
    free(all->free_slots);
    all->slots = slots;
    all->free_slots = free_slots;
    all->free_count += more;
    all->slots_max = all->connections_max;
}

/* ---- where they come in ---- */

void clients_listen_on(struct clients *all)
{
    if (all->stopping)
        return;
    listener_resume(all->listener);
    if (all->tls != NULL)
        listener_resume(all->tls->listener);
}

void clients_listen_no_more(struct clients *all)
{
    clients_leave_addresses(all);
    listener_close(&all->listener);
    if (all->tls != NULL)
        listener_close(&all->tls->listener);
}

/* `next` stays NULL where `before` listens there already, or the node stops and listens nowhere. */
static bool listen_beside(struct listener *before, const struct topology_endpoint *endpoint,
                          struct listener **next, struct fault *fault)
{
    if (before == NULL || strcmp(listener_endpoint(before), endpoint->text) == 0)
        return true;
    if (listener_is_adopted(before))
        return fault_set(fault,
                         "a service manager holds the socket at %s: another address wants another "
                         "socket unit and a restart",
                         listener_endpoint(before));
    *next = listener_open_beside(before, endpoint, fault);
    return *next != NULL;
}

bool clients_read_addresses(struct clients *all, const struct topology_node *self, uint32_t *line,
                            struct fault *fault)
{
    *line = self->clients.line;
    if (!listen_beside(all->listener, &self->clients, &all->next_listener, fault))
        return false;
    *line = self->clients_tls.line;
    if (all->tls == NULL && self->clients_tls.line == 0)
        return true;
    if (all->tls == NULL || self->clients_tls.line == 0) {
        *line = self->line;
        return fault_set(fault, "a running node neither begins nor ends to speak TLS: "
                                "`clients_tls` may only be another address");
    }
    return listen_beside(all->tls->listener, &self->clients_tls, &all->tls->next_listener, fault);
}

/* Whoever waits at the address before is taken; connections that are there stay. */
static void take_listener(const struct clients *all, struct listener **listener,
                          struct listener **next)
{
    if (*next == NULL)
        return;
    if (all->is_open) {
        listener_empty(*listener);
        listener_resume(*next);
    }
    listener_close(listener);
    *listener = *next;
    *next = NULL;
}

void clients_take_addresses(struct clients *all)
{
    take_listener(all, &all->listener, &all->next_listener);
    if (all->tls != NULL)
        take_listener(all, &all->tls->listener, &all->tls->next_listener);
}

void clients_leave_addresses(struct clients *all)
{
    listener_close(&all->next_listener);
    if (all->tls != NULL)
        listener_close(&all->tls->next_listener);
}
