/* service: a real broker and a real worker on loopback ports of their own, and the two ways to
 * ask them. */
#ifndef ZHERD_TESTS_BUS_SERVICE_H
#define ZHERD_TESTS_BUS_SERVICE_H

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "bus/base/fault.h"
#include "placesd/service/broker.h"
#include "placesd/service/worker.h"
#include "tests/bus/asker.h"
#include "tests/bus/upstream.h"

/* The deadline of each question of these tests, unless it sets its own. */
#define SERVICE_DEADLINE_MS 4000

/* One places service. */
struct service {
    struct broker *broker;
    struct worker *worker;
    pthread_t thread;
    int stop;
    char front[64], back[64], url[128];
    struct worker_broker asked;
    struct broker_options options;
    const struct auth_ends *worker_keys; /* NULL: in the clear */
};

static inline void *service_run_broker(void *user)
{
    struct service *service = user;
    broker_run(service->broker, service->stop);
    return NULL;
}

/* One attempt, which empties the rings of its keys. */
static inline bool service_try_to_open(struct service *service, struct fault *fault)
{
    struct broker_options options = service->options;
    options.front = service->front;
    options.back = service->back;
    service->broker = broker_open(&options, fault);
    if (service->broker == NULL)
        return false;
    service->stop = eventfd(0, EFD_CLOEXEC);
    pthread_create(&service->thread, NULL, service_run_broker, service);
    return true;
}

static inline void service_open(struct service *service)
{
    struct fault fault = {0};
    /* A port is free again only a moment after its socket was closed. */
    int64_t give_up_ms = asker_now_ms() + SERVICE_DEADLINE_MS;
    bool open;
    while (!(open = service_try_to_open(service, &fault)) && asker_now_ms() < give_up_ms)
        poll(NULL, 0, 10);
    if (!open) {
        printf("%s\n", fault.text);
        exit(2);
    }
}

/* Signals the broker to stop and waits until it has; its sockets stay open. */
static inline void service_halt(struct service *service)
{
    uint64_t one = 1;
    CHECK(write(service->stop, &one, sizeof one) == (ssize_t)sizeof one);
    pthread_join(service->thread, NULL);
    close(service->stop);
}

static inline struct service service_new(void)
{
    struct service service = {0};
    snprintf(service.front, sizeof service.front, "tcp://127.0.0.1:%u", asker_free_port());
    snprintf(service.back, sizeof service.back, "tcp://127.0.0.1:%u", asker_free_port());
    service.options =
        (struct broker_options){.sources = {{.name = "google"}}, .source_count = 1, .nodes = 1};
    return service;
}

static inline void service_add_worker(struct service *service, uint16_t port)
{
    snprintf(service->url, sizeof service->url, "http://127.0.0.1:%u" UPSTREAM_PATH, port);
    struct fault fault = {0};
    service->asked = (struct worker_broker){
        .back = service->back,
        .sources = {{.provider = &provider_google,
                     .url = span_of(service->url),
                     .key = span_of(ASKER_CANARY)}},
        .source_count = 1,
    };
    struct worker_options options = {.brokers = &service->asked,
                                     .broker_count = 1,
                                     .credits = WORKER_CREDITS,
                                     .keys = service->worker_keys};
    service->worker = worker_start(&options, &fault);
    if (service->worker == NULL) {
        printf("%s\n", fault.text);
        exit(2);
    }
}

static inline void service_stop(struct service *service)
{
    service_halt(service);
    worker_stop(&service->worker);
    broker_close(&service->broker);
}

static inline struct lookup service_question(enum upstream_mood mood, int results, uint32_t bound)
{
    return (struct lookup){
        .latitude_nanodeg = (int64_t)mood * LOOKUP_NANODEGREES_PER_DEGREE,
        .longitude_nanodeg = results * LOOKUP_NANODEGREES_PER_DEGREE,
        .radius_m = 10000,
        .bound = bound,
        .deadline_ms = SERVICE_DEADLINE_MS,
    };
}

/* The same about another circle: neither cached nor on its way. */
static inline struct lookup service_vary(struct lookup lookup, uint32_t by)
{
    lookup.radius_m += by;
    return lookup;
}

/* A DEALER that speaks REQ's envelope, as gateways do: [number][empty][question]. */
static inline void service_send_numbered(void *dealer, uint32_t number, struct lookup lookup)
{
    zmq_send(dealer, &number, sizeof number, ZMQ_SNDMORE);
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    asker_send(dealer, lookup);
}

static inline bool service_receive_number(void *dealer, uint32_t *number)
{
    char empty[1];
    bool good = zmq_recv(dealer, number, sizeof *number, 0) == (int)sizeof *number &&
                zmq_recv(dealer, empty, 0, 0) == 0;
    CHECK(good);
    return good;
}

#endif
