#include "placesd/service/reload.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "placesd/service/event.h"
#include "topology/format/changes.h"
#include "topology/load.h"
#include "topology/monitor.h"
#include "topology/notify.h"
#include "topology/program_log.h"
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
        event_log("reload", "read again from %s, without keys", parts->file);
    } else if (topology->keys[0] == '\0') {
        event_log("fault", "keys stay as they are: %s has none any more", parts->file);
    } else {
        if (parts->broker != NULL)
            admit(parts->broker, topology);
        if (parts->worker != NULL)
            worker_expect(parts->worker, &topology->places[0].public_keys);
        event_log("keys", "keys read again from %s", parts->file);
    }
}

static bool read_topology(const struct reload_parts *parts)
{
    struct topology topology;
    struct topology_changes changes;
    char later[TOPOLOGY_LATER_BYTES_MAX];
    if (!topology_load(parts->file, &topology)) {
        event_log("fault", "%s as they are: %s is not good",
                  parts->start->keys[0] != '\0' ? "keys stay" : "all stays", parts->file);
        return false;
    }
    take_keys(parts, &topology);
    topology_changes_list(parts->start, &topology, TOPOLOGY_ASKER_PLACES, NULL, &changes);
    topology_changes_at_start(&changes, later);
    if (later[0] != '\0')
        event_log("reload", "%s: at the next start", later);
    topology_free(&topology);
    return true;
}

/* The file is the one that was named at the start: another name may belong to another provider. */
static bool read_key(struct reload *reload, size_t index)
{
    struct reload_parts *parts = &reload->parts;
    const char *file = parts->places[index].key_file;
    struct transfer_source *source = &parts->brokers[index].sources[0];
    struct fault fault;
    if (!topology_provider_needs_key(source->provider->id))
        return true;
    if (secrets_is_credential(file)) {
        event_log("reload", "key_file %s is a credential: at the next start", file);
        return true;
    }
    if (!key_read(file, &reload->key, &fault)) {
        event_log("fault", "the key stays as it was: %s", fault.text);
        return false;
    }
    worker_hold(parts->worker);
    parts->keys[index] = reload->key;
    source->key = key_span(&parts->keys[index]);
    worker_go_on(parts->worker);
    key_wipe(&reload->key);
    event_log("reload", "key_file %s read again", file);
    return true;
}

static bool read_database(struct landmarks *landmarks)
{
    struct fault fault;
    if (landmarks == NULL || landmarks_database(landmarks) == NULL)
        return true;
    bool good = landmarks_read_again(landmarks, &fault);
    if (good)
        event_log("reload", "database %s read again", landmarks_database(landmarks));
    else
        event_log("fault", "database %s stays as it was: %s", landmarks_database(landmarks),
                  fault.text);
    return good;
}

/* Of those who may watch the broker; the file is the one that was named at the start. */
static bool read_token(const struct reload_parts *parts)
{
    const struct topology_monitor *monitor = &parts->places->monitor;
    char bytes[MONITOR_TOKEN_FILE_BYTES_MAX];
    struct span token;
    struct fault fault;
    if (monitor->token_file[0] == '\0' || secrets_is_credential(monitor->token_file))
        return true;
    bool good = monitor_token_read(monitor->token_file, bytes, &token, &fault);
    if (good) {
        broker_set_token(parts->broker, token);
        event_log("reload", "monitor_token_file %s read again", monitor->token_file);
    } else {
        event_log("fault", "the monitor's token stays as it was: %s %s", monitor->token_file,
                  fault.text);
    }
    explicit_bzero(bytes, sizeof bytes);
    return good;
}

static void read_again(struct reload *reload)
{
    struct reload_parts *parts = &reload->parts;
    bool good = read_topology(parts);
    good = (parts->broker == NULL || read_token(parts)) && good;
    for (size_t i = 0; parts->worker != NULL && i < parts->places_count; i++)
        good = read_key(reload, i) && good;
    for (size_t i = 0; i < parts->landmarks_count; i++)
        good = read_database(parts->landmarks[i]) && good;
    if (parts->broker != NULL)
        broker_note_reload(parts->broker, good);
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
        program_log_reopen();
        if (number != SIGHUP)
            continue;
        notify_reloading();
        read_again(reload);
        notify_ready(NULL);
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
