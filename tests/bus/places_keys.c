/* The places service's listeners with keys: who may ask, who may work, and what happens when keys
 * change. The broker, its worker and the provider are real. */
#include <czmq.h>

#include "gateway/node/places_client.h"
#include "placesd/caller.h"
#include "tests/bus/proof.h"
#include "tests/bus/service.h"
#include "tests/bus/zmtp2.h"

/* How long a question that must not be answered is waited for. */
#define UNHEARD_MS 300

static void *context;
static struct upstream upstream;
static struct auth_certificate asker, stranger, service_old, service_new_key;

static struct keyring_keys list(const struct auth_certificate *first,
                                const struct auth_certificate *second)
{
    struct keyring_keys keys = {0};
    strcpy(keys.text[0], first->public_key);
    if (second != NULL)
        strcpy(keys.text[1], second->public_key);
    return keys;
}

static struct keyring ring_of(const struct auth_certificate *certificate, const char *name)
{
    struct keyring ring = {0};
    struct keyring_keys keys = list(certificate, NULL);
    keyring_add(&ring, &keys, name);
    return ring;
}

/* A service for the asker, whose worker has the service's first key. */
struct scene {
    struct service service;
    struct broker_keys keys;
    struct auth_ends worker_keys;
};

static void open_scene(struct scene *scene)
{
    scene->service = service_new();
    scene->keys = (struct broker_keys){.own = service_old,
                                       .front = ring_of(&asker, "Alford"),
                                       .back = ring_of(&service_old, "placesd")};
    scene->worker_keys = (struct auth_ends){service_old, list(&service_old, NULL)};
    scene->service.options.keys = &scene->keys;
    scene->service.worker_keys = &scene->worker_keys;
    service_open(&scene->service);
    service_add_worker(&scene->service, upstream.port);
}

/* A REQ with a certificate (NULL: in the clear), connected where `key` is expected. */
static void *dial(const char *endpoint, const struct auth_certificate *own,
                  const struct auth_certificate *expected, int patience_ms)
{
    void *socket = zmq_socket(context, ZMQ_REQ);
    int linger_ms = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    CHECK(auth_connect(socket, endpoint, own, expected->public_key));
    return socket;
}

static bool is_answered(const char *endpoint, const struct auth_certificate *own, int patience_ms)
{
    void *socket = dial(endpoint, own, &service_old, patience_ms);
    char byte;
    asker_send(socket, service_question(UPSTREAM_GOOD, 2, 20));
    bool answered = zmq_recv(socket, &byte, 1, 0) >= 0;
    zmq_close(socket);
    return answered;
}

static void who_is_known_is_answered(void)
{
    struct scene scene;
    open_scene(&scene);
    void *socket = dial(scene.service.front, &asker, &service_old, SERVICE_DEADLINE_MS);
    asker_send(socket, service_question(UPSTREAM_GOOD, 2, 20));
    struct asker_answer answer = asker_receive(socket);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK_INT(answer.results, 2);
    zmq_close(socket);
    service_stop(&scene.service);
}

static void nobody_else_is(void)
{
    struct scene scene;
    open_scene(&scene);
    CHECK(!is_answered(scene.service.front, &stranger, UNHEARD_MS));
    CHECK(!is_answered(scene.service.front, NULL, UNHEARD_MS));
    CHECK(!is_answered(scene.service.front, &service_old, UNHEARD_MS)); /* opens the back only */
    CHECK(is_answered(scene.service.front, &asker, SERVICE_DEADLINE_MS));
    service_stop(&scene.service);
}

/* A DEALER that says it is a gateway of that life. */
static void *dial_as_gateway(const char *endpoint, const struct auth_certificate *own,
                             uint64_t life)
{
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    int linger_ms = 0, patience_ms = 2 * SERVICE_DEADLINE_MS;
    char name[CALLER_NAME_BYTES_MAX];
    size_t bytes = caller_write(&(struct caller){CALLER_GATEWAY, life, 0}, name);
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, name, bytes);
    CHECK(auth_connect(dealer, endpoint, own, service_old.public_key));
    return dealer;
}

/* Without a worker all questions wait. A node that has as many as it may gets no more by another
 * name; another node has its own share. */
static void a_node_is_one_asker_whatever_it_says(void)
{
    struct scene scene = {.service = service_new()};
    struct keyring_keys other = list(&stranger, NULL);
    scene.keys = (struct broker_keys){.own = service_old,
                                      .front = ring_of(&asker, "Alford"),
                                      .back = ring_of(&service_old, "placesd")};
    keyring_add(&scene.keys.front, &other, "Ball");
    scene.service.options.keys = &scene.keys;
    service_open(&scene.service);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 5);
    lookup.deadline_ms = 2000;
    void *first = dial_as_gateway(scene.service.front, &asker, 1);
    void *again = dial_as_gateway(scene.service.front, &asker, 2);
    void *ball = dial_as_gateway(scene.service.front, &stranger, 3);
    uint32_t number, alone = BALANCE_WAITING_MAX / 2;
    for (uint32_t i = 0; i <= alone; i++)
        service_send_numbered(first, i, service_vary(lookup, i));
    if (service_receive_number(first, &number))
        CHECK_INT(asker_receive(first).code, LOOKUP_BUSY);
    service_send_numbered(again, 0, service_vary(lookup, 10000));
    if (service_receive_number(again, &number))
        CHECK_INT(asker_receive(again).code, LOOKUP_BUSY);
    service_send_numbered(ball, 0, service_vary(lookup, 10001));
    if (service_receive_number(ball, &number))
        CHECK_INT(asker_receive(ball).code, LOOKUP_UNAVAILABLE); /* in its time: it waited */
    zmq_close(first);
    zmq_close(again);
    zmq_close(ball);
    service_halt(&scene.service);
    broker_close(&scene.service.broker);
}

/* ZMTP 2.0 has no keys. */
static void zmtp_2_is_refused(void)
{
    struct scene scene;
    open_scene(&scene);
    CHECK(!zmtp2_ask(zmtp2_port(scene.service.front), service_question(UPSTREAM_GOOD, 1, 1)).came);
    service_stop(&scene.service);
}

/* A worker that connects with an asker's key gets no jobs; the real worker does them all. */
static void an_asker_is_no_worker(void)
{
    struct scene scene;
    open_scene(&scene);
    const struct auth_certificate *others[] = {&asker, &stranger, NULL};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        void *dealer = zmq_socket(context, ZMQ_DEALER);
        int linger_ms = 0, patience_ms = UNHEARD_MS;
        char ready[LOOKUP_READY_BYTES_MAX], byte;
        zmq_setsockopt(dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        CHECK(auth_connect(dealer, scene.service.back, others[i], service_old.public_key));
        size_t bytes = lookup_write_ready(LOOKUP_CREDITS_MAX, ready);
        CHECK_INT(zmq_send(dealer, ready, bytes, 0), bytes);
        CHECK(zmq_recv(dealer, &byte, 1, 0) < 0); /* long enough to be known, were it let in */
        for (int asked = 0; asked < 4; asked++)
            CHECK(is_answered(scene.service.front, &asker, SERVICE_DEADLINE_MS));
        CHECK(zmq_recv(dealer, &byte, 1, ZMQ_DONTWAIT) < 0);
        zmq_close(dealer);
    }
    service_stop(&scene.service);
}

static void a_key_that_is_removed_is_heard_no_more(void)
{
    struct scene scene;
    open_scene(&scene);
    void *socket = dial(scene.service.front, &asker, &service_old, SERVICE_DEADLINE_MS);
    asker_send(socket, service_question(UPSTREAM_GOOD, 2, 20));
    CHECK_INT(asker_receive(socket).code, LOOKUP_OK);
    struct keyring front = ring_of(&stranger, "Ball"), back = ring_of(&service_old, "placesd");
    broker_admit(scene.service.broker, &front, &back);
    int patience_ms = UNHEARD_MS;
    char byte;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    asker_send(socket, service_question(UPSTREAM_GOOD, 2, 20));
    CHECK(zmq_recv(socket, &byte, 1, 0) < 0); /* over the connection it has */
    CHECK(!is_answered(scene.service.front, &asker, UNHEARD_MS));
    CHECK(is_answered(scene.service.front, &stranger, SERVICE_DEADLINE_MS));
    zmq_close(socket);
    service_stop(&scene.service);
}

static void a_broker_without_proof_does_not_open(void)
{
    struct service service = service_new();
    struct broker_options options = service.options;
    struct fault fault = {0};
    options.front = service.front;
    options.back = service.back;
    for (int door = 0; door < 2; door++) {
        struct broker_keys keys = {.own = service_old};
        options.keys = &keys;
        int64_t give_up_ms = asker_now_ms() + SERVICE_DEADLINE_MS;
        proof_fail_after(door);
        /* What the broker before has closed is free again only a moment later. */
        do
            CHECK(broker_open(&options, &fault) == NULL);
        while (strstr(fault.text, "in use") && asker_now_ms() < give_up_ms &&
               poll(NULL, 0, 10) == 0);
        CHECK(strcmp(fault.text, PROOF_ERROR) == 0);
    }
}

/* ---- the service's own key is replaced ---- */

static struct places_client *open_lookups(const struct service *service,
                                          const struct auth_ends *keys)
{
    struct fault fault;
    struct topology_endpoint front = {.host = "127.0.0.1"};
    snprintf(front.text, sizeof front.text, "%s", service->front);
    struct places_client *lookups = places_client_open(&front, keys, 1, asker_now_ms(), &fault);
    CHECK(lookups != NULL);
    return lookups;
}

/* Whether a good answer to this question is there; others are passed over. */
static bool is_good(struct places_client *lookups, uint64_t question)
{
    struct lookup_reply reply;
    struct span body;
    uint64_t id;
    while (places_client_receive(lookups, &id, &body))
        if (id == question && lookup_read_reply(body, &reply) && reply.code == LOOKUP_OK)
            return true;
    return false;
}

/* Asks as a gateway does until a good answer comes; the milliseconds that took. */
static int64_t ask_until_answered(struct places_client *lookups)
{
    static uint64_t id;
    char request[LOOKUP_REQUEST_BYTES_MAX];
    struct lookup lookup = service_question(UPSTREAM_GOOD, 2, 20);
    id++;
    struct span question = {request, lookup_write_request(&lookup, request)};
    int64_t start_ms = asker_now_ms(), now_ms, ask_ms = start_ms;
    while ((now_ms = asker_now_ms()) < start_ms + 4 * SERVICE_DEADLINE_MS) {
        if (is_good(lookups, id))
            return now_ms - start_ms;
        places_client_renew(lookups, now_ms);
        if (now_ms >= ask_ms && places_client_send(lookups, id, question, now_ms))
            ask_ms = now_ms + 50;
        poll(NULL, 0, 5);
    }
    return INT64_MAX;
}

/* The broker comes back with another key pair; who may work is what the list says. */
static void restart_with(struct service *service, struct broker_keys *keys,
                         const struct auth_certificate *own, const struct keyring_keys *listed)
{
    struct fault fault = {0};
    int64_t give_up_ms = asker_now_ms() + SERVICE_DEADLINE_MS;
    service_halt(service);
    broker_close(&service->broker);
    do {
        keyring_free(&keys->front); /* of an attempt that failed before it took them */
        keyring_free(&keys->back);
        *keys = (struct broker_keys){.own = *own, .front = ring_of(&asker, "Alford")};
        keyring_add(&keys->back, listed, "placesd");
    } while (!service_try_to_open(service, &fault) && asker_now_ms() < give_up_ms &&
             poll(NULL, 0, 10) == 0);
    CHECK(service->broker != NULL);
}

/* The service's pair is replaced as the manual says: a worker and a gateway that know both keys
 * stay in service, whichever of the two the broker has, and an old worker does, too. */
static void the_service_may_change_its_key(void)
{
    struct scene scene;
    open_scene(&scene);
    struct service *service = &scene.service;
    const struct keyring_keys both = list(&service_old, &service_new_key);
    const struct keyring_keys after = list(&service_new_key, NULL);
    struct auth_ends gateway_keys = {asker, list(&service_old, NULL)};
    struct places_client *lookups = open_lookups(service, &gateway_keys);
    CHECK(ask_until_answered(lookups) < SERVICE_DEADLINE_MS);

    places_client_expect(lookups, &both);
    worker_expect(service->worker, &both);
    CHECK(!places_client_renew(lookups, asker_now_ms())); /* the connection stays */
    CHECK(ask_until_answered(lookups) < SERVICE_DEADLINE_MS);
    const struct auth_certificate *turns[] = {&service_new_key, &service_old, &service_new_key};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        restart_with(service, &scene.keys, turns[i], &both);
        CHECK(ask_until_answered(lookups) < 2000);
    }

    places_client_expect(lookups, &after);
    worker_expect(service->worker, &after);
    CHECK(!places_client_renew(lookups, asker_now_ms()));
    CHECK(ask_until_answered(lookups) < SERVICE_DEADLINE_MS);
    places_client_close(&lookups);
    service_stop(service);
}

/* Before the broker has the new key its worker may: both are let in as soon as both are listed. */
static void a_worker_with_the_next_key_is_let_in(void)
{
    struct scene scene;
    open_scene(&scene);
    worker_stop(&scene.service.worker);
    const struct keyring_keys both = list(&service_old, &service_new_key);
    struct keyring front = ring_of(&asker, "Alford"), back = {0};
    keyring_add(&back, &both, "placesd");
    broker_admit(scene.service.broker, &front, &back);
    struct auth_ends next = {service_new_key, both};
    scene.service.worker_keys = &next;
    service_add_worker(&scene.service, upstream.port);
    void *socket = dial(scene.service.front, &asker, &service_old, SERVICE_DEADLINE_MS);
    asker_send(socket, service_question(UPSTREAM_GOOD, 2, 20));
    CHECK_INT(asker_receive(socket).code, LOOKUP_OK);
    zmq_close(socket);
    service_stop(&scene.service);
}

/* A service whose key is taken out of the list is left at once. */
static void a_key_that_is_taken_out_ends_a_connection(void)
{
    struct scene scene;
    open_scene(&scene);
    struct auth_ends gateway_keys = {asker, list(&service_old, NULL)};
    struct places_client *lookups = open_lookups(&scene.service, &gateway_keys);
    CHECK(ask_until_answered(lookups) < SERVICE_DEADLINE_MS);
    const struct keyring_keys other = list(&stranger, NULL);
    places_client_expect(lookups, &other);
    CHECK(places_client_renew(lookups, asker_now_ms()));
    CHECK(!places_client_renew(lookups, asker_now_ms()));
    poll(NULL, 0, UNHEARD_MS);
    CHECK(!places_client_send(lookups, 7, span_of("where?"), asker_now_ms()));
    places_client_close(&lookups);
    service_stop(&scene.service);
}

static const struct check_case cases[] = {
    {"who is known is answered", who_is_known_is_answered},
    {"a node is one asker, whatever its sockets say", a_node_is_one_asker_whatever_it_says},
    {"nobody else is: no stranger, nobody in the clear, no worker", nobody_else_is},
    {"nobody who speaks ZMTP 2.0 is", zmtp_2_is_refused},
    {"an asker is no worker", an_asker_is_no_worker},
    {"a key that is removed is heard no more", a_key_that_is_removed_is_heard_no_more},
    {"a broker without proof does not open", a_broker_without_proof_does_not_open},
    {"the service may change its key, and nobody waits for two seconds",
     the_service_may_change_its_key},
    {"a worker with the next key is let in before the broker has it",
     a_worker_with_the_next_key_is_let_in},
    {"a key that is taken out ends the connection", a_key_that_is_taken_out_ends_a_connection},
};

int main(void)
{
    zsys_handler_set(NULL);
    context = zmq_ctx_new();
    struct auth_certificate *drawn[] = {&asker, &stranger, &service_old, &service_new_key};
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
        zmq_curve_keypair(drawn[i]->public_key, drawn[i]->secret_key);
    upstream_start(&upstream);
    int status = check_run(cases, sizeof cases / sizeof *cases);
    upstream_stop(&upstream);
    zmq_ctx_term(context);
    return status;
}
