#include "placesd/service/reload.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "placesd/service/event.h"
#include "topology/format/changes.h"
#include "topology/load.h"
#include "topology/secrets.h"
#include "topology/signals.h"

struct reload {
    struct reload_parts parts;
    struct key key; /* just read */
    pthread_t thread;
    atomic_bool stopping;
};

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

static void take_keys(const struct reload_parts *parts, const struct topology *topology)
{
    if (parts->start->keys[0] == '\0') {
        event_log("read again from %s, without keys", parts->file);
    } else if (topology->keys[0] == '\0') {
        event_log("keys stay as they are: %s has none any more", parts->file);
    } else {
        if (parts->broker != NULL)
            admit(parts->broker, topology);
        if (parts->worker != NULL)
            worker_expect(parts->worker, &topology->places[0].public_keys);
        event_log("keys read again from %s", parts->file);
    }
}

static void read_topology(const struct reload_parts *parts)
{
    struct topology topology;
    char changes[TOPOLOGY_CHANGES_BYTES_MAX];
    if (!topology_load(parts->file, &topology)) {
        event_log("%s as they are: %s is not good",
                  parts->start->keys[0] != '\0' ? "keys stay" : "all stays", parts->file);
        return;
    }
    take_keys(parts, &topology);
    topology_changes_list(parts->start, &topology, SECRETS_PLACES, changes);
    if (changes[0] != '\0')
        event_log("%s: at the next start", changes);
    topology_free(&topology);
}

/* The file is the one that was named at the start: another name may belong to another provider. */
static void read_key(struct reload *reload, size_t index)
{
    struct reload_parts *parts = &reload->parts;
    const char *file = parts->places[index].key_file;
    struct transfer_source *source = &parts->brokers[index].sources[0];
    char error[KEY_ERROR_BYTES_MAX];
    if (!source->provider->needs_key)
        return;
    if (!key_read(file, &reload->key, error)) {
        event_log("the key stays as it was: %s", error);
        return;
    }
    worker_hold(parts->worker);
    parts->keys[index] = reload->key;
    source->key = key_span(&parts->keys[index]);
    worker_go_on(parts->worker);
    key_wipe(&reload->key);
    event_log("key_file %s read again", file);
}

static void read_database(struct landmarks *landmarks)
{
    char error[LANDMARKS_ERROR_BYTES_MAX];
    if (landmarks == NULL || landmarks_database(landmarks) == NULL)
        return;
    if (landmarks_read_again(landmarks, error, sizeof error))
        event_log("database %s read again", landmarks_database(landmarks));
    else
        event_log("database %s stays as it was: %s", landmarks_database(landmarks), error);
}

static void read_again(struct reload *reload)
{
    struct reload_parts *parts = &reload->parts;
    read_topology(parts);
    for (size_t i = 0; parts->worker != NULL && i < parts->places_count; i++)
        read_key(reload, i);
    for (size_t i = 0; i < parts->landmarks_count; i++)
        read_database(parts->landmarks[i]);
}

static void *run(void *user)
{
    struct reload *reload = user;
    sigset_t signals = signals_both();
    for (;;) {
        int number;
        int failed = sigwait(&signals, &number);
        assert(failed == 0);
        if (atomic_load(&reload->stopping))
            return NULL;
        signals_reopen();
        if (number == SIGHUP)
            read_again(reload);
    }
}

struct reload *reload_start(const struct reload_parts *parts)
{
    struct reload *reload = bytes_zeroed(sizeof *reload);
    *reload = (struct reload){.parts = *parts};
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
