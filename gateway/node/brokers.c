#include "gateway/node/brokers.h"

/* Messages in one turn, in either direction. */
#define LOOKUPS_PER_TURN_MAX 64

bool brokers_open(struct brokers *brokers, const struct topology *topology, uint64_t seed,
                  const struct auth_ends *keys, int64_t now_ms,
                  char error[PLACES_CLIENT_ERROR_BYTES_MAX])
{
    if (topology->places_count == 0)
        return true;
    brokers->requests = requests_new(seed, (uint32_t)topology->places_count);
    for (size_t i = 0; i < topology->places_count; i++) {
        brokers->sockets[i] =
            places_client_open(&topology->places[i].gateways_at, keys, seed + i, now_ms, error);
        if (brokers->sockets[i] == NULL)
            return false;
        brokers->count++;
    }
    return true;
}

void brokers_close(struct brokers *brokers)
{
    for (size_t i = 0; i < brokers->count; i++)
        places_client_close(&brokers->sockets[i]);
    requests_destroy(&brokers->requests);
}

static void send_requests(struct brokers *brokers, int64_t now_ms)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    uint32_t broker;
    uint64_t id;
    size_t bytes;
    for (int i = 0; i < LOOKUPS_PER_TURN_MAX; i++) {
        if ((bytes = requests_next(brokers->requests, now_ms, &broker, &id, request)) == 0)
            return;
        /* A send eats the edge that would tell of a reply: look for one in the next turn. */
        brokers->wait = true;
        if (places_client_send(brokers->sockets[broker], id, (struct span){request, bytes}, now_ms))
            requests_sent(brokers->requests, now_ms);
        else
            requests_refused(brokers->requests, now_ms);
    }
}

/* False when more may wait. */
static bool take_replies(struct brokers *brokers, struct places_client *socket,
                         struct clients *clients, int64_t now_ms)
{
    struct requests_answer answer;
    struct span body;
    uint64_t id;
    for (int i = 0; i < LOOKUPS_PER_TURN_MAX; i++) {
        if (!places_client_receive(socket, &id, &body)) {
            /* Something happened, but no message came: a connection began or ended. */
            if (i == 0 && brokers->fired)
                lookups_look(socket, now_ms);
            return true;
        }
        if (requests_receive(brokers->requests, id, body, now_ms, &answer))
            clients_answer(clients, &answer);
    }
    return false;
}

static void take_all_replies(struct brokers *brokers, struct clients *clients, int64_t now_ms)
{
    brokers->wait = false;
    for (size_t i = 0; i < brokers->count; i++)
        if (!take_replies(brokers, brokers->sockets[i], clients, now_ms))
            brokers->wait = true;
    brokers->fired = false;
}

static bool is_any_due(const struct brokers *brokers, int64_t now_ms)
{
    for (size_t i = 0; i < brokers->count; i++)
        if (lookups_deadline_ms(brokers->sockets[i]) <= now_ms)
            return true;
    return false;
}

/* What was asked over a connection that is replaced is asked once more over the new one. */
static void renew(struct brokers *brokers, int64_t now_ms)
{
    for (size_t i = 0; i < brokers->count; i++)
        if (lookups_renew(brokers->sockets[i], now_ms))
            places_lost(brokers->requests, (uint32_t)i, now_ms);
    brokers->wait = true; /* the edges are those of new sockets */
}

void brokers_turn(struct brokers *brokers, struct clients *clients, int64_t now_ms)
{
    struct requests_answer answer;
    if (brokers->requests == NULL)
        return;
    while (requests_expire(brokers->requests, now_ms, &answer))
        clients_answer(clients, &answer);
    bool is_due = is_any_due(brokers, now_ms);
    /* A reply may let a client's next command ask, so sending comes last. */
    if (brokers->wait || is_due)
        take_all_replies(brokers, clients, now_ms);
    /* A process that was stopped for a while finds the replies it missed, and keeps its
     * connection. */
    if (is_due)
        renew(brokers, now_ms);
    send_requests(brokers, now_ms);
}

static void tell_news(struct places_client *socket, struct logline *lines, int64_t realtime_ns,
                      int64_t now_ms)
{
    switch (lookups_news(socket, now_ms)) {
    case DIAL_LOST:
        logline_say(lines, realtime_ns, "places", 0, "no answer from %s for %d s: %s",
                    lookups_endpoint(socket), DIAL_LOST_MS / 1000, lookups_reason(socket));
        break;
    case DIAL_BACK:
        logline_say(lines, realtime_ns, "places", 0, "%s is reached again",
                    lookups_endpoint(socket));
        break;
    case DIAL_NOTHING_NEW:
        break;
    }
}

void brokers_second(struct brokers *brokers, struct logline *lines, int64_t realtime_ns,
                    int64_t now_ms)
{
    for (size_t i = 0; i < brokers->count; i++) {
        places_client_second(brokers->sockets[i], now_ms);
        tell_news(brokers->sockets[i], lines, realtime_ns, now_ms);
    }
    brokers->wait = brokers->count > 0; /* that may have eaten an edge */
}

int64_t brokers_deadline_ms(const struct brokers *brokers)
{
    int64_t deadline_ms =
        brokers->requests != NULL ? requests_deadline_ms(brokers->requests) : INT64_MAX;
    for (size_t i = 0; i < brokers->count; i++)
        if (lookups_deadline_ms(brokers->sockets[i]) < deadline_ms)
            deadline_ms = lookups_deadline_ms(brokers->sockets[i]);
    return deadline_ms;
}
