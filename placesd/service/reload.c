#include "placesd/service/reload.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "placesd/service/event.h"
#include "placesd/service/sources.h"
#include "topology/format/changes.h"
#include "topology/load.h"
#include "topology/monitor.h"
#include "topology/notify.h"
#include "topology/program_log.h"
#include "topology/reach.h"
#include "topology/secrets.h"
#include "topology/signals.h"

/* What a lone worker goes by: one of before stays until its jobs are done, and this one for longer
 * than the topology that it is of, where a later one has the same sections. */
struct worker_parts {
    struct topology_places places[TOPOLOGY_PLACES_MAX]; /* the brokers borrow from it */
    struct worker_broker brokers[TOPOLOGY_PLACES_MAX];
    struct key keys[TOPOLOGY_PLACES_MAX];
    struct auth_ends ends;
};

/* What HUP reads, while it is asked whether all of it is good. */
struct candidate {
    struct topology *topology;
    struct topology_changes changes;
    struct key keys[TOPOLOGY_PLACES_MAX];
    char token_bytes[MONITOR_TOKEN_FILE_BYTES_MAX];
    struct span token;
    struct worker_parts *worker_parts; /* NULL: the worker stays */
    struct worker *worker;
};

struct reload {
    struct reload_parts parts;
    struct topology *read;             /* as it was taken last; NULL: that of the start */
    struct worker_parts *worker_parts; /* the same */
    struct candidate candidate;
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

static bool is_lone_worker(const struct reload *reload)
{
    return reload->parts.broker == NULL;
}

static const struct topology *topology_now(const struct reload *reload)
{
    return reload->read != NULL ? reload->read : reload->parts.start;
}

/* ---- reading ---- */

static bool refuse(const struct reload *reload, const char *why)
{
    event_log("fault", "%s: %s %s",
              reload->parts.start->keys[0] != '\0' ? "keys stay as they are" : "all stays as it is",
              reload->parts.file, why);
    return false;
}

static bool read_topology(struct reload *reload)
{
    struct candidate *candidate = &reload->candidate;
    char number[24];
    candidate->topology = bytes_zeroed(sizeof *candidate->topology);
    if (!topology_load(reload->parts.file, candidate->topology)) {
        free(candidate->topology);
        candidate->topology = NULL;
        return refuse(reload, "is not good");
    }
    snprintf(number, sizeof number, "%zu", reload->parts.number);
    topology_changes_list(topology_now(reload), candidate->topology,
                          is_lone_worker(reload) ? TOPOLOGY_ASKER_WORKER : TOPOLOGY_ASKER_BROKER,
                          is_lone_worker(reload) ? NULL : number, &candidate->changes);
    for (size_t i = 0; i < candidate->changes.count; i++)
        if (candidate->changes.list[i].when == TOPOLOGY_CHANGE_REFUSED)
            event_log("fault", "%s: a running process keeps that of its start",
                      candidate->changes.list[i].text);
    if (candidate->changes.counts[TOPOLOGY_CHANGE_REFUSED] > 0)
        return refuse(reload, "has what a running process cannot change");
    return candidate->topology->places_count > 0 || refuse(reload, "has no places section");
}

/* The worker's as it is now; the files are those that it was started with. */
static const struct topology_places *places_now(const struct reload *reload)
{
    return is_lone_worker(reload) ? topology_now(reload)->places : reload->parts.places;
}

static struct worker_broker *brokers_now(const struct reload *reload)
{
    return reload->worker_parts != NULL ? reload->worker_parts->brokers : reload->parts.brokers;
}

static struct key *keys_now(const struct reload *reload)
{
    return reload->worker_parts != NULL ? reload->worker_parts->keys : reload->parts.keys;
}

static size_t count_places(const struct reload *reload)
{
    return is_lone_worker(reload) ? topology_now(reload)->places_count : reload->parts.places_count;
}

/* The broker's own section, as the file has it now. */
static const struct topology_places *own_places(const struct reload *reload)
{
    return &reload->candidate.topology->places[reload->parts.number - 1];
}

/* Whether a file of a running broker's section is still named there. Another one waits for the next
 * start, and the one before may be gone: what it held stays. */
static bool is_still_named(const char *file, const char *named_now)
{
    return strcmp(file, named_now) == 0;
}

/* Whether the worker has a key of that section that is a file which can be read again. */
static bool has_key_file(const struct reload *reload, size_t index)
{
    const char *file = places_now(reload)[index].key_file;
    return reload->parts.worker != NULL &&
           topology_provider_needs_key(brokers_now(reload)[index].sources[0].provider->id) &&
           (is_lone_worker(reload) || is_still_named(file, own_places(reload)->key_file)) &&
           !secrets_is_credential(file);
}

static bool is_of_places(const struct topology_change *change)
{
    static const char part[] = "places ";
    return strncmp(change->text, part, sizeof part - 1) == 0;
}

static bool has_other_places(const struct topology_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        if (is_of_places(&changes->list[i]))
            return true;
    return changes->more > 0;
}

/* A lone worker of other sections is another worker. */
static bool is_other_worker(const struct reload *reload)
{
    return is_lone_worker(reload) && has_other_places(&reload->candidate.changes);
}

static bool read_keys(struct reload *reload)
{
    struct fault fault;
    bool good = true;
    if (is_other_worker(reload))
        return true; /* which reads those of its own sections: the others may be gone */
    for (size_t i = 0; i < count_places(reload); i++)
        if (has_key_file(reload, i) &&
            !key_read(places_now(reload)[i].key_file, &reload->candidate.keys[i], &fault)) {
            event_log("fault", "the key stays as it was: %s", fault.text);
            good = false;
        }
    return good;
}

/* Of those who may watch the broker. NULL where there is none that can be read again. */
static const char *token_file(const struct reload *reload)
{
    const char *file = reload->parts.places->monitor.token_file;
    return !is_lone_worker(reload) && file[0] != '\0' &&
                   is_still_named(file, own_places(reload)->monitor.token_file) &&
                   !secrets_is_credential(file)
               ? file
               : NULL;
}

/* NULL where there is none that can be read again. */
static struct landmarks *with_database(const struct reload *reload, size_t index)
{
    struct landmarks *landmarks = reload->parts.landmarks[index];
    return landmarks != NULL && landmarks_database(landmarks) != NULL &&
                   is_still_named(landmarks_database(landmarks), own_places(reload)->database)
               ? landmarks
               : NULL;
}

static bool read_token(struct reload *reload)
{
    struct candidate *candidate = &reload->candidate;
    const char *file = token_file(reload);
    struct fault fault;
    if (file == NULL || monitor_token_read(file, candidate->token_bytes, &candidate->token, &fault))
        return true;
    event_log("fault", "the monitor's token stays as it was: %s %s", file, fault.text);
    return false;
}

static bool read_databases(struct reload *reload)
{
    struct fault fault;
    bool good = true;
    for (size_t i = 0; i < reload->parts.landmarks_count; i++) {
        struct landmarks *landmarks = with_database(reload, i);
        if (landmarks == NULL || landmarks_read(landmarks, &fault))
            continue;
        event_log("fault", "database %s stays as it was: %s", landmarks_database(landmarks),
                  fault.text);
        good = false;
    }
    return good;
}

static bool fill_worker_parts(struct reload *reload, struct fault *fault)
{
    struct candidate *candidate = &reload->candidate;
    const struct topology *topology = candidate->topology;
    struct worker_parts *parts = candidate->worker_parts;
    for (size_t i = 0; i < topology->places_count; i++) {
        parts->places[i] = topology->places[i];
        if (!sources_read(&parts->places[i], true, &parts->keys[i], &parts->brokers[i], fault))
            return false;
    }
    if (reload->parts.ends != NULL)
        parts->ends = (struct auth_ends){.own = reload->parts.ends->own,
                                         .theirs = topology->places[0].public_keys};
    return true;
}

static bool is_reachable(const struct topology_places *places, struct fault *fault)
{
    return reach_is_said(&places->gateways, &places->gateways_at, "gateways_at", fault) &&
           reach_is_said(&places->workers, &places->workers_at, "workers_at", fault);
}

static bool read_addresses(struct reload *reload)
{
    struct fault fault;
    if (is_lone_worker(reload))
        return true;
    const struct topology_places *places = own_places(reload);
    if (is_reachable(places, &fault) &&
        broker_read_addresses(reload->parts.broker, places->gateways.text, places->workers.text,
                              &fault))
        return true;
    event_log("fault", "the broker stays where it is: %s:%" PRIu32 ": %s", reload->parts.file,
              places->line, fault.text);
    return false;
}

static bool read_worker(struct reload *reload)
{
    struct candidate *candidate = &reload->candidate;
    struct fault fault;
    if (!is_other_worker(reload))
        return true;
    candidate->worker_parts = bytes_zeroed(sizeof *candidate->worker_parts);
    struct worker_options options = {
        .brokers = candidate->worker_parts->brokers,
        .broker_count = candidate->topology->places_count,
        .credits = reload->parts.credits,
        .keys = reload->parts.ends != NULL ? &candidate->worker_parts->ends : NULL};
    if (fill_worker_parts(reload, &fault))
        candidate->worker = worker_start(&options, &fault);
    if (candidate->worker == NULL)
        event_log("fault", "the worker stays as it was: %s", fault.text);
    return candidate->worker != NULL;
}

/* ---- taking: nothing of it can fail ---- */

static void note_changes(const struct topology_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        event_log("reload", "%s%s", changes->list[i].text,
                  changes->list[i].when == TOPOLOGY_CHANGE_AT_START ? ": at the next start" : "");
    if (changes->more > 0)
        event_log("reload", "and %zu changes more", changes->more);
}

static void admit(struct broker *broker, const struct topology *topology)
{
    struct keyring front = {0}, back = {0};
    reload_askers(topology, &front);
    reload_workers(topology, &back);
    broker_admit(broker, &front, &back);
}

static void take_public_keys(struct reload *reload)
{
    const struct reload_parts *parts = &reload->parts;
    const struct topology *topology = reload->candidate.topology;
    if (parts->ends == NULL) {
        event_log("reload", "read again from %s, without keys", parts->file);
        return;
    }
    if (parts->broker != NULL)
        admit(parts->broker, topology);
    if (parts->worker != NULL && reload->candidate.worker == NULL)
        worker_expect(*parts->worker, &topology->places[0].public_keys);
    event_log("keys", "keys read again from %s", parts->file);
}

static void take_keys(struct reload *reload)
{
    for (size_t i = 0; i < count_places(reload); i++) {
        const char *file = places_now(reload)[i].key_file;
        struct key *key = &keys_now(reload)[i];
        if (has_key_file(reload, i)) {
            worker_hold(*reload->parts.worker);
            *key = reload->candidate.keys[i];
            brokers_now(reload)[i].sources[0].key = key_span(key);
            worker_go_on(*reload->parts.worker);
            event_log("reload", "key_file %s read again", file);
        } else if (reload->parts.worker != NULL && file[0] != '\0' && secrets_is_credential(file)) {
            event_log("reload", "key_file %s is a credential: at the next start", file);
        }
    }
}

static void take_token(struct reload *reload)
{
    if (token_file(reload) == NULL)
        return;
    broker_set_token(reload->parts.broker, reload->candidate.token);
    event_log("reload", "monitor_token_file %s read again", token_file(reload));
}

static void take_databases(struct reload *reload)
{
    for (size_t i = 0; i < reload->parts.landmarks_count; i++) {
        struct landmarks *landmarks = with_database(reload, i);
        if (landmarks == NULL)
            continue;
        landmarks_take(landmarks);
        event_log("reload", "database %s read again", landmarks_database(landmarks));
    }
}

static void take_addresses(struct reload *reload)
{
    char before[TOPOLOGY_ENDPOINT_BYTES_MAX + 1], own_back[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    if (is_lone_worker(reload))
        return;
    reload_own_back(reload->parts.broker, before);
    broker_take_addresses(reload->parts.broker);
    reload_own_back(reload->parts.broker, own_back);
    if (reload->parts.worker != NULL && strcmp(before, own_back) != 0)
        worker_move(*reload->parts.worker, own_back);
}

void reload_own_back(const struct broker *broker, char text[TOPOLOGY_ENDPOINT_BYTES_MAX + 1])
{
    const char *back = broker_back(broker), *port = strrchr(back, ':');
    bool is_any = strncmp(back, "tcp://0.0.0.0:", 14) == 0 || strncmp(back, "tcp://[::]:", 11) == 0;
    snprintf(text, TOPOLOGY_ENDPOINT_BYTES_MAX + 1, "%s%s", is_any ? "tcp://127.0.0.1" : back,
             is_any ? port : "");
}

static void free_topology(struct topology **topology)
{
    if (*topology != NULL)
        topology_free(*topology);
    free(*topology);
    *topology = NULL;
}

static void free_worker_parts(struct worker_parts **parts)
{
    if (*parts != NULL)
        explicit_bzero(*parts, sizeof **parts);
    free(*parts);
    *parts = NULL;
}

/* The new worker works already; the one before answers what it has. */
static void take_worker(struct reload *reload)
{
    struct candidate *candidate = &reload->candidate;
    if (candidate->worker == NULL)
        return;
    struct worker *before = *reload->parts.worker;
    *reload->parts.worker = candidate->worker;
    candidate->worker = NULL;
    worker_drain(before, RELOAD_DRAIN_MS);
    worker_stop(&before);
    free_worker_parts(&reload->worker_parts);
    reload->worker_parts = candidate->worker_parts;
    candidate->worker_parts = NULL;
}

static void take(struct reload *reload)
{
    note_changes(&reload->candidate.changes);
    if (reload->candidate.worker == NULL)
        take_keys(reload);
    take_token(reload);
    take_addresses(reload);
    take_databases(reload);
    take_public_keys(reload);
    take_worker(reload);
    struct topology *before = reload->read;
    reload->read = reload->candidate.topology;
    reload->candidate.topology = before;
}

/* ---- at a signal ---- */

static void leave(struct reload *reload)
{
    struct candidate *candidate = &reload->candidate;
    worker_stop(&candidate->worker);
    if (reload->parts.broker != NULL)
        broker_leave_addresses(reload->parts.broker);
    free_worker_parts(&candidate->worker_parts);
    free_topology(&candidate->topology);
    for (size_t i = 0; i < reload->parts.landmarks_count; i++)
        if (reload->parts.landmarks[i] != NULL)
            landmarks_leave(reload->parts.landmarks[i]);
    explicit_bzero(candidate, sizeof *candidate);
}

/* All files are looked at, so that the log has all that is wrong. */
static bool read_files(struct reload *reload)
{
    bool good = read_keys(reload);
    good = read_token(reload) && good;
    good = read_databases(reload) && good;
    return good && read_worker(reload) && read_addresses(reload);
}

static void read_again(struct reload *reload)
{
    bool is_good = read_topology(reload);
    if (is_good && !read_files(reload))
        is_good = refuse(reload, "cannot be had");
    if (is_good)
        take(reload);
    leave(reload);
    if (reload->parts.broker != NULL)
        broker_note_reload(reload->parts.broker, is_good);
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

void reload_end(struct reload *reload)
{
    if (reload == NULL || atomic_exchange(&reload->stopping, true))
        return;
    pthread_kill(reload->thread, SIGHUP);
    pthread_join(reload->thread, NULL);
}

void reload_free(struct reload **reload)
{
    if (*reload == NULL)
        return;
    reload_end(*reload);
    free_worker_parts(&(*reload)->worker_parts);
    free_topology(&(*reload)->read);
    free(*reload);
    *reload = NULL;
}
