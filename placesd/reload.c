#include "placesd/reload.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "placesd/event.h"
#include "topology/load.h"
#include "topology/secrets.h"

struct reload {
    const char *file;
    struct broker *broker;
    struct worker *worker;
    pthread_t thread;
    atomic_bool stopping;
};

static sigset_t hang_up(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    return signals;
}

void reload_block(void)
{
    sigset_t signals = hang_up();
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

void reload_askers(const struct topology *topology, struct keyring *ring)
{
    for (size_t i = 0; i < topology->node_count; i++)
        keyring_add(ring, &topology->nodes[i].public_keys, topology->nodes[i].name);
}

void reload_workers(const struct topology *topology, struct keyring *ring)
{
    keyring_add(ring, &topology->places[0].public_keys, SECRETS_PLACES);
}

static void admit(struct broker *broker, const struct topology *topology)
{
    struct keyring front = {0}, back = {0};
    reload_askers(topology, &front);
    reload_workers(topology, &back);
    broker_admit(broker, &front, &back);
}

static void read_again(struct reload *reload)
{
    struct topology topology;
    if (!topology_load(reload->file, &topology)) {
        event_log("keys stay as they are: %s is not good", reload->file);
        return;
    }
    if (topology.keys[0] == '\0') {
        event_log("keys stay as they are: %s has none any more", reload->file);
    } else {
        if (reload->broker != NULL)
            admit(reload->broker, &topology);
        if (reload->worker != NULL)
            worker_expect(reload->worker, &topology.places[0].public_keys);
        event_log("keys read again from %s", reload->file);
    }
    topology_free(&topology);
}

static void *run(void *user)
{
    struct reload *reload = user;
    sigset_t signals = hang_up();
    for (;;) {
        int number;
        int failed = sigwait(&signals, &number);
        assert(failed == 0);
        if (atomic_load(&reload->stopping))
            return NULL;
        read_again(reload);
    }
}

struct reload *reload_start(const char *file, struct broker *broker, struct worker *worker)
{
    struct reload *reload = bytes_zeroed(sizeof *reload);
    *reload = (struct reload){.file = file, .broker = broker, .worker = worker};
    int failed = pthread_create(&reload->thread, NULL, run, reload);
    assert(failed == 0);
    return reload;
}

void reload_stop(struct reload **reload)
{
    if (*reload == NULL)
        return;
    atomic_store(&(*reload)->stopping, true);
    pthread_kill((*reload)->thread, SIGHUP);
    pthread_join((*reload)->thread, NULL);
    free(*reload);
    *reload = NULL;
}
