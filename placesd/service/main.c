/* placesd: answers the herd's look-ups. A broker, a worker, or both in one process; beside the
 * broker runs the landmarks server where the topology asks for it. Each has the thread it needs. */
#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <czmq.h>

#include "bus/base/packed.h"
#include "bus/net/entropy.h"
#include "placesd/landmarks/server/landmarks.h"
#include "placesd/providers/provider.h"
#include "placesd/service/broker.h"
#include "placesd/service/budget.h"
#include "placesd/service/event.h"
#include "placesd/service/key.h"
#include "placesd/service/reload.h"
#include "placesd/service/sources.h"
#include "placesd/service/transfer.h"
#include "placesd/service/worker.h"
#include "topology/format/topology.h"
#include "topology/load.h"
#include "topology/monitor.h"
#include "topology/notify.h"
#include "topology/program_log.h"
#include "topology/reach.h"
#include "topology/say.h"
#include "topology/secrets.h"
#include "topology/signals.h"
#include "topology/status.h"
#include "topology/usage.h"
#include "topology/version.h"

#define PROGRAM "placesd"

static const char HELP[] =
    "placesd answers the WHATSAT look-ups of a herd, until TERM or Ctrl-C.\n"
    "\n"
    "  placesd --topology FILE [--places N]           broker and worker in one\n"
    "  placesd broker --topology FILE [--places N]    a broker alone\n"
    "  placesd worker --topology FILE [--credits N]   a worker for every places section\n"
    "\n"
    "  --topology FILE      the herd, see topology/*.zpl\n"
    "  --places N           which of its places sections to be the broker of (1)\n"
    "  --credits N          look-ups that a worker takes at a time (%u)\n"
    "  --data-dir DIR       where a broker keeps what is spent of the provider's `budget`, in\n"
    "                       DIR/budget; without it a restart begins a new day\n"
    "  --log-file FILE      log there; - is standard output; without it, standard error\n"
    "  --log-format FORMAT  text, json or logfmt (text)\n"
    "  --log-level LEVEL    error, warning, info or debug: leave lesser events out (info)\n"
    "  --log-max-bytes N    bytes at which FILE is rotated, of which four are kept; 0: never "
    "(256M)\n"
    "  help, -h, --help     show this\n"
    "  --version            show the version\n"
    "\n"
    "It says \"ready\" on standard output, and logs. Any number of workers may\n"
    "run, on any host, and come and go; each finishes what it has begun before it ends. HUP makes\n"
    "it read FILE, its key_file, its monitor_token_file and its database again, and take all of "
    "it\n"
    "or nothing: public keys and a broker's addresses count at once, a worker alone serves the\n"
    "sections that there are then, and the log says what else differs and waits for the next "
    "start.\n"
    "HUP and USR1 open its log, and standard error, again where they are files. Neither ends it.\n"
    "Exit status: 0, or 1 when it failed, or 2 when an argument was wrong.\n";

/* How long its last lines may take. */
#define SAY_CLOSE_MS 400
/* "FILE:LINE", cut where the path is longer. */
#define PLACE_BYTES_MAX 1024

/* What this process is to be. */
struct role {
    bool broker, worker;
    const char *file, *data_dir; /* the latter NULL without one */
    size_t places;               /* which section, from 1 */
    uint32_t credits;
    struct settings said; /* of the log */
};

/* What runs, in the order in which it is started. */
struct service {
    const struct role *role;
    struct topology topology;
    const struct topology_places *places; /* the broker's section, or all sections ... */
    size_t places_count;                  /* ... that a worker serves */
    struct key keys[TOPOLOGY_PLACES_MAX]; /* of each of them, for its provider */
    struct auth_ends ends; /* the herd's keys: ours, and those of all places services */
    struct worker_broker brokers[TOPOLOGY_PLACES_MAX]; /* as a worker sees them */
    struct landmarks *landmarks[DISPATCHER_SOURCES_MAX];
    struct budget *budget; /* NULL without one, or nowhere to keep it */
    struct broker *broker;
    char own_back[TOPOLOGY_ENDPOINT_BYTES_MAX + 1]; /* the broker's, for the worker beside it */
    struct worker *worker;
    uint64_t kin; /* of broker and worker, where both are here; else 0 */
    struct reload *reload;
    int signals; /* a signalfd for TERM and INT */
};

static void tell_of_landmarks(const char *text)
{
    event_log("landmarks", "landmarks: %s", text);
}

/* TERM and INT reach this process only through the descriptor: threads started later inherit
 * the mask, and neither ZeroMQ's nor libcurl's calls are interrupted. */
static int open_signals(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    zsys_handler_set(NULL);
    return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

/* The bundled server runs beside the broker if the url names this machine's loopback. */
static bool start_landmarks(const struct service *service, const struct sources_site *site,
                            const struct topology_places *places, uint32_t line,
                            struct landmarks **landmarks)
{
    const char *database = places->database;
    char *host = site->host;
    if (*host == '[') {
        host[strlen(host) - 1] = '\0';
        host++;
    }
    struct fault fault;
    *landmarks = landmarks_start(database[0] == '\0' ? NULL : database, host,
                                 (uint16_t)strtoul(site->port, NULL, 10), site->path,
                                 tell_of_landmarks, &fault);
    return *landmarks != NULL ||
           say_failure("%s:%" PRIu32 ": the places server of this `url` does not start: %s",
                       service->role->file, line, fault.text);
}

/* One url, which was found good. */
static bool start_source(struct service *service, const struct topology_places *places,
                         enum topology_provider provider, const char *url,
                         struct landmarks **landmarks)
{
    struct sources_site site;
    struct fault fault;
    bool good = sources_read_site(url, &site, &fault);
    if (good && provider == TOPOLOGY_LANDMARKS && is_loopback(site.host))
        good = start_landmarks(service, &site, places,
                               url == places->url ? places->url_line : places->fallback_url_line,
                               landmarks);
    sources_free_site(&site);
    return good;
}

static bool start_sources(struct service *service, const struct topology_places *places)
{
    return start_source(service, places, places->provider, places->url, &service->landmarks[0]) &&
           (places->fallback == TOPOLOGY_NO_PROVIDER ||
            start_source(service, places, places->fallback, places->fallback_url,
                         &service->landmarks[1]));
}

/* Whom a worker asks for one section, and with which key. */
static bool prepare_broker(struct service *service, size_t index)
{
    const struct topology_places *places = &service->places[index];
    struct worker_broker *broker = &service->brokers[index];
    struct fault fault;
    if (!sources_read(places, service->role->worker, &service->keys[index], broker, &fault))
        return say_failure("%s", fault.text);
    if (service->role->broker && !start_sources(service, places))
        return false;
    /* Our own server always has room for our own worker. */
    for (size_t i = 0; i < broker->source_count; i++)
        if (service->landmarks[i] != NULL)
            broker->sources[i].own_socket = landmarks_own_socket(service->landmarks[i]);
    return true;
}

static bool choose_places(struct service *service)
{
    const struct role *role = service->role;
    size_t count = service->topology.places_count;
    if (role->places > count)
        return say_failure("%s has %zu places sections, and this is to be number %zu", role->file,
                           count, role->places);
    /* A worker beside a broker is that broker's own: what other sections call loopback may be
     * another host's. */
    service->places = &service->topology.places[role->broker ? role->places - 1 : 0];
    service->places_count = role->broker ? 1 : count;
    return true;
}

static bool has_keys(const struct service *service)
{
    return service->topology.keys[0] != '\0';
}

/* Brokers and workers of a herd have one key pair: what comes with it at the back is a worker. */
static bool read_secret(struct service *service)
{
    struct fault fault;
    if (!has_keys(service))
        return true;
    service->ends.theirs = service->topology.places[0].public_keys;
    return secrets_find(&service->topology, SECRETS_PLACES, &service->ends.theirs,
                        &service->ends.own, &fault) ||
           say_failure("%s", fault.text);
}

static bool can_be_reached(const struct service *service)
{
    const struct topology_places *places = service->places;
    struct fault fault;
    const struct topology_endpoint *at = &places->gateways;
    bool good = reach_is_said(at, &places->gateways_at, "gateways_at", &fault);
    if (good) {
        at = &places->workers;
        good = reach_is_said(at, &places->workers_at, "workers_at", &fault);
    }
    return good || say_failure("%s:%" PRIu32 ": %s", service->role->file, at->line, fault.text);
}

static bool open_broker(struct service *service, struct broker_options *options)
{
    struct broker_keys keys = {.own = service->ends.own};
    struct fault fault;
    if (has_keys(service)) {
        reload_askers(&service->topology, &keys.front);
        reload_workers(&service->topology, &keys.back);
        options->keys = &keys;
    }
    service->broker = broker_open(options, &fault);
    keyring_free(&keys.front);
    keyring_free(&keys.back);
    explicit_bzero(&keys.own, sizeof keys.own);
    return service->broker != NULL || say_failure("%s", fault.text);
}

/* "FILE:LINE" */
static const char *name_place(const struct service *service, uint32_t line,
                              char place[PLACE_BYTES_MAX])
{
    snprintf(place, PLACE_BYTES_MAX, "%s:%" PRIu32, service->role->file, line);
    return place;
}

/* What the budget's file holds to `spent`. */
static bool open_budget(struct service *service, char spent[QUOTA_TEXT_BYTES_MAX])
{
    struct fault fault;
    const struct role *role = service->role;
    if (service->places->budget == 0 || role->data_dir == NULL)
        return true;
    service->budget = budget_open(role->data_dir, role->places, spent, &fault);
    return service->budget != NULL || say_failure("--data-dir: %s", fault.text);
}

/* Of those who may watch the broker; `token` borrows from `bytes`, which is to be wiped. */
static bool read_token(const struct service *service, char bytes[MONITOR_TOKEN_FILE_BYTES_MAX],
                       struct span *token)
{
    const char *file = service->places->monitor.token_file;
    struct fault fault;
    return file[0] == '\0' || monitor_token_read(file, bytes, token, &fault) ||
           say_failure("%s: %s", file, fault.text);
}

static bool start_broker(struct service *service)
{
    const struct topology_places *places = service->places;
    const struct provider *provider = provider_of(places->provider);
    int64_t cache_s =
        places->cache_s == TOPOLOGY_CACHE_S_OF_TERMS ? provider->cache_s : places->cache_s;
    char front_place[PLACE_BYTES_MAX], back_place[PLACE_BYTES_MAX];
    struct broker_options options = {
        .front = places->gateways.text,
        .back = places->workers.text,
        .front_place = name_place(service, places->gateways.line, front_place),
        .back_place = name_place(service, places->workers.line, back_place),
        .sources = {{topology_provider_name(places->provider), cache_s * 1000,
                     (int64_t)provider->stale_s * 1000, (uint32_t)places->budget,
                     provider->narrow}},
        .source_count = 1,
        .grid_m = (uint32_t)places->grid_m,
        .nodes = (uint32_t)service->topology.node_count,
        .kin = service->kin,
    };
    if (places->fallback != TOPOLOGY_NO_PROVIDER) {
        provider = provider_of(places->fallback);
        options.sources[options.source_count++] = (struct dispatcher_source){
            topology_provider_name(places->fallback), (int64_t)provider->cache_s * 1000,
            (int64_t)provider->stale_s * 1000, 0, NULL};
    }
    char spent[QUOTA_TEXT_BYTES_MAX], monitor_place[PLACE_BYTES_MAX];
    char token[MONITOR_TOKEN_FILE_BYTES_MAX] = "";
    if (!can_be_reached(service) || !open_budget(service, spent) ||
        !read_token(service, token, &options.monitor_token))
        return false;
    if (places->monitor.at.line != 0) {
        options.monitor = places->monitor.at.text;
        options.monitor_place = name_place(service, places->monitor.at.line, monitor_place);
    }
    options.budget = service->budget;
    options.spent = spent;
    bool opened = open_broker(service, &options);
    explicit_bzero(token, sizeof token);
    return opened;
}

static void find_own_broker(struct service *service)
{
    reload_own_back(service->broker, service->own_back);
    service->brokers[0].back = service->own_back;
    service->brokers[0].own_back = broker_own_back(service->broker);
}

static bool start_worker(struct service *service)
{
    if (service->broker != NULL)
        find_own_broker(service);
    struct worker_options options = {.brokers = service->brokers,
                                     .broker_count = service->places_count,
                                     .credits = service->role->credits,
                                     .keys = has_keys(service) ? &service->ends : NULL,
                                     .kin = service->kin};
    struct fault fault;
    service->worker = worker_start(&options, &fault);
    return service->worker != NULL || say_failure("%s", fault.text);
}

/* So that the broker knows its own worker again. */
static void draw_kin(struct service *service)
{
    service->kin = entropy_number();
    service->kin |= 1; /* never 0 */
}

static void start_reload(struct service *service)
{
    struct reload_parts parts = {.file = service->role->file,
                                 .start = &service->topology,
                                 .broker = service->broker,
                                 .worker = service->worker != NULL ? &service->worker : NULL,
                                 .credits = service->role->credits,
                                 .ends = has_keys(service) ? &service->ends : NULL,
                                 .number = service->role->places,
                                 .places = service->places,
                                 .places_count = service->places_count,
                                 .brokers = service->brokers,
                                 .keys = service->keys,
                                 .landmarks = service->landmarks,
                                 .landmarks_count = DISPATCHER_SOURCES_MAX};
    service->reload = reload_start(&parts);
}

static bool start(struct service *service)
{
    const struct role *role = service->role;
    if (role->broker && role->worker)
        draw_kin(service);
    if (!topology_load(role->file, &service->topology) || !choose_places(service) ||
        !read_secret(service))
        return false;
    for (size_t i = 0; i < service->places_count; i++)
        if (!prepare_broker(service, i))
            return false;
    if ((role->broker && !start_broker(service)) || (role->worker && !start_worker(service)))
        return false;
    start_reload(service);
    return true;
}

static void log_start(const struct service *service)
{
    const struct role *role = service->role;
    event_log("start", "start: placesd %s, process %d,%s%s", ZHERD_VERSION, getpid(),
              role->broker ? " broker" : "", role->worker ? " worker" : "");
    if (service->topology.insecure)
        event_log("insecure", "insecure: whoever reaches the places service is trusted");
    if (geteuid() == 0)
        event_log("insecure", "insecure: " SAY_IS_ROOT);
    for (size_t i = 0; i < service->places_count; i++) {
        const struct topology_places *places = &service->places[i];
        event_log("start", "gateways at %s, workers at %s, provider %s at %s",
                  places->gateways.text, places->workers.text,
                  topology_provider_name(places->provider), places->url);
        if (places->fallback != TOPOLOGY_NO_PROVIDER)
            event_log("start", "fallback %s at %s", topology_provider_name(places->fallback),
                      places->fallback_url);
    }
}

static void log_budget(const struct service *service)
{
    if (service->broker == NULL || service->places->budget == 0)
        return;
    if (service->budget != NULL)
        event_log("budget", "budget: %" PRId64 " requests a day, kept in %s",
                  service->places->budget, budget_path(service->budget));
    else
        event_log("budget",
                  "budget: %" PRId64 " requests a day, and no --data-dir: a restart forgets what "
                  "is spent",
                  service->places->budget);
}

static void log_stop(const struct service *service)
{
    if (service->broker == NULL) {
        event_log("stop", "stop");
        return;
    }
    const struct dispatcher_counters *count = broker_count(service->broker);
    event_log("stop",
              "stop: asked %" PRIu64 " busy %" PRIu64 " cached %" PRIu64 " joined %" PRIu64
              " stale %" PRIu64 " requests %" PRIu64 " fallback %" PRIu64 " retries %" PRIu64
              " failures %" PRIu64,
              count->asked, count->busy, count->hits, count->joined, count->stale,
              count->requests[0], count->requests[1], count->retries, count->failures);
}

static void wait_for_signal(int signals)
{
    struct pollfd item = {signals, POLLIN, 0};
    while (poll(&item, 1, -1) <= 0)
        continue;
}

static void notify_role(const struct service *service)
{
    char status[TOPOLOGY_ENDPOINT_BYTES_MAX + 64];
    if (service->broker == NULL)
        snprintf(status, sizeof status, "a worker for %zu broker%s", service->places_count,
                 service->places_count == 1 ? "" : "s");
    else
        snprintf(status, sizeof status, "a broker%s for gateways at %s",
                 service->worker != NULL ? " and a worker" : "", service->places->gateways_at.text);
    notify_ready(status);
}

/* Where the log is standard output it is one of its lines. */
static void say_ready(void)
{
    char line[STATUS_LINE_BYTES_MAX];
    size_t bytes = status_write(&(struct status){.kind = STATUS_READY}, line);
    if (program_log_is_output()) {
        event_log("ready", "ready");
        return;
    }
    fwrite(line, 1, bytes, stdout);
    fflush(stdout);
}

static void serve(struct service *service)
{
    log_start(service);
    log_budget(service);
    say_ready();
    notify_role(service);
    if (service->broker != NULL) {
        broker_run(service->broker, service->signals);
    } else {
        wait_for_signal(service->signals);
        notify_stopping();
        reload_end(service->reload);
        worker_drain(service->worker, RELOAD_DRAIN_MS);
    }
    log_stop(service);
}

/* In reverse order of the start; whatever was not started is skipped. */
static void stop(struct service *service)
{
    reload_end(service->reload);
    worker_stop(&service->worker);
    reload_free(&service->reload);
    broker_close(&service->broker);
    budget_close(&service->budget);
    for (size_t i = 0; i < DISPATCHER_SOURCES_MAX; i++)
        landmarks_stop(&service->landmarks[i]);
    for (size_t i = 0; i < TOPOLOGY_PLACES_MAX; i++)
        key_wipe(&service->keys[i]);
    explicit_bzero(&service->ends, sizeof service->ends);
    topology_free(&service->topology);
    close(service->signals);
}

static bool open_log(const struct role *role)
{
    struct fault fault;
    return program_log_open(&role->said, &fault) || say_failure("%s", fault.text);
}

static int run(const struct role *role)
{
    static struct service service;
    service.role = role;
    notify_open();
    say_open();
    service.signals = open_signals();
    bool started =
        service.signals < 0 ? say_failure("signalfd failed") : open_log(role) && start(&service);
    if (started)
        serve(&service);
    stop(&service);
    program_log_close(SAY_CLOSE_MS);
    say_settle(SAY_CLOSE_MS);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A whole number from 1 to `max`, or 0. */
static uint32_t read_number(const char *text, uint32_t max)
{
    uint64_t number = 0;
    decimal_read_whole(span_of(text), max, &number);
    return (uint32_t)number;
}

/* The first word may name a role; the rest are options. */
static int take_role(struct role *role, const char *word)
{
    role->broker = word == NULL || strcmp(word, "worker") != 0;
    role->worker = word == NULL || strcmp(word, "broker") != 0;
    return role->broker && role->worker ? 0 : 1;
}

/* The exit status, if it is to end with these words; else -1. */
static int read_words(int count, char **words, struct role *role)
{
    static const struct option options[] = {
        {"topology", required_argument, NULL, 't'},
        {"places", required_argument, NULL, 'p'},
        {"credits", required_argument, NULL, 'c'},
        {"data-dir", required_argument, NULL, 'd'},
        USAGE_LOG_SETTINGS,
        {"help", no_argument, NULL, 'h'}, /* usage_asks_for_help */
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    if (usage_asks_for_help(count, words)) {
        printf(HELP, (unsigned)WORKER_CREDITS);
        return EXIT_SUCCESS;
    }
    optind = 1 + take_role(role, words[1]);
    for (int option; (option = getopt_long(count, words, "+:", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            role->file = optarg;
            break;
        case 'p':
            if ((role->places = read_number(optarg, TOPOLOGY_PLACES_MAX)) == 0)
                return usage_refuse(PROGRAM, "--places takes a number from 1 to %d, not %s",
                                    TOPOLOGY_PLACES_MAX, optarg);
            break;
        case 'c':
            if ((role->credits = read_number(optarg, LOOKUP_CREDITS_MAX)) == 0)
                return usage_refuse(PROGRAM, "--credits takes a number from 1 to %d, not %s",
                                    LOOKUP_CREDITS_MAX, optarg);
            break;
        case 'd':
            role->data_dir = optarg;
            break;
        case 'v':
            version_print(PROGRAM);
            return EXIT_SUCCESS;
        default:
            if (option < USAGE_SETTINGS)
                return usage_refuse_option(PROGRAM, option, words, options);
            if (usage_read_setting(PROGRAM, options, option, optarg, &role->said) != 0)
                return STATUS_EXIT_USAGE;
        }
    }
    if (optind < count)
        return usage_refuse(PROGRAM, "unexpected argument %s", words[optind]);
    if (role->file == NULL)
        return usage_refuse(PROGRAM, "--topology FILE is missing");
    return -1;
}

int main(int count, char **words)
{
    signals_hold();
    say_as(PROGRAM, NULL);
    struct role role = {.places = 1, .credits = WORKER_CREDITS};
    int status = read_words(count, words, &role);
    return status >= 0 ? status : run(&role);
}
