#include "gateway/brokers.h"

/* Messages in one turn, in either direction. */
#define LOOKUPS_PER_TURN_MAX 64

bool brokers_open(struct brokers *brokers, const struct topology *topology, uint64_t seed,
                  const struct auth_ends *keys, char error[LOOKUPS_ERROR_BYTES_MAX])
{
    if (topology->places_count == 0)
        return true;
    brokers->places = places_new(seed, (uint32_t)topology->places_count);
    for (size_t i = 0; i < topology->places_count; i++) {
        brokers->sockets[i] = lookups_open(&topology->places[i].gateways_at, keys, error);
        if (brokers->sockets[i] == NULL)
            return false;
        brokers->count++;
    }
    return true;
}

void brokers_close(struct brokers *brokers)
{
    for (size_t i = 0; i < brokers->count; i++)
        lookups_close(&brokers->sockets[i]);
    places_destroy(&brokers->places);
}

static void send_requests(struct brokers *brokers, int64_t now_ms)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    uint32_t broker;
    uint64_t id;
    size_t bytes;
    for (int i = 0; i < LOOKUPS_PER_TURN_MAX; i++) {
        if ((bytes = places_next(brokers->places, now_ms, &broker, &id, request)) == 0)
            return;
        /* A send eats the edge that would tell of a reply: look for one in the next turn. */
        brokers->wait = true;
        if (lookups_send(brokers->sockets[broker], id, (struct span){request, bytes}))
            places_sent(brokers->places, now_ms);
        else
            places_refused(brokers->places, now_ms);
    }
}

/* False when more may wait. */
static bool take_replies(struct brokers *brokers, struct lookups *socket, struct clients *clients,
                         int64_t now_ms)
{
    struct places_answer answer;
    struct span body;
    uint64_t id;
    for (int i = 0; i < LOOKUPS_PER_TURN_MAX; i++) {
        if (!lookups_receive(socket, &id, &body))
            return true;
        if (places_receive(brokers->places, id, body, now_ms, &answer))
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
}

void brokers_turn(struct brokers *brokers, struct clients *clients, int64_t now_ms)
{
    struct places_answer answer;
    if (brokers->places == NULL)
        return;
    while (places_expire(brokers->places, now_ms, &answer))
        clients_answer(clients, &answer);
    /* A reply may let a client's next command ask, so sending comes last. */
    if (brokers->wait)
        take_all_replies(brokers, clients, now_ms);
    send_requests(brokers, now_ms);
}

void brokers_second(struct brokers *brokers)
{
    for (size_t i = 0; i < brokers->count; i++)
        lookups_second(brokers->sockets[i]);
    brokers->wait = brokers->count > 0; /* that may have eaten an edge */
}

int64_t brokers_deadline_ms(const struct brokers *brokers)
{
    return brokers->places != NULL ? places_deadline_ms(brokers->places) : INT64_MAX;
}
