/* placesd: answers the herd's look-ups. A broker, a worker, or both in one process; beside the
 * broker runs the landmarks server where the topology asks for it. Each has the thread it needs. */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curl/curl.h>
#include <czmq.h>

#include "placesd/landmarks/server/landmarks.h"
#include "placesd/providers/provider.h"
#include "placesd/service/broker.h"
#include "placesd/service/event.h"
#include "placesd/service/key.h"
#include "placesd/service/reload.h"
#include "placesd/service/transfer.h"
#include "placesd/service/worker.h"
#include "topology/format/topology.h"
#include "topology/load.h"
#include "topology/reach.h"
#include "topology/say.h"
#include "topology/secrets.h"
#include "topology/signals.h"
#include "topology/status.h"
#include "topology/usage.h"

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
    "  help, -h, --help     show this\n"
    "  --version            show the version\n"
    "\n"
    "It says \"ready\" on standard output and logs to standard error. Any number of workers may\n"
    "run, on any host, and come and go; each finishes what it has begun before it ends. HUP makes\n"
    "it read FILE again, of which the herd's public keys count at once, its key_file and its\n"
    "database, and say what else differs and waits for the next start. HUP and USR1 open standard\n"
    "error anew where it is a file. Neither ends it.\n"
    "Exit status: 0, or 1 when it failed, or 2 when a word was wrong.\n";

/* What a worker has begun may take so long to end: longer than any client waits. */
#define WORKER_DRAIN_MS 5000
/* "FILE:LINE", cut where the path is longer. */
#define PLACE_BYTES_MAX 1024

/* What this process is to be. */
struct role {
    bool broker, worker;
    const char *file;
    size_t places; /* which section, from 1 */
    uint32_t credits;
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
    struct broker *broker;
    char own_back[TOPOLOGY_ENDPOINT_BYTES_MAX + 1]; /* the broker's, for the worker beside it */
    struct worker *worker;
    uint64_t kin; /* of broker and worker, where both are here; else 0 */
    struct reload *reload;
    int signals; /* a signalfd for TERM and INT */
};

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The one line in front of an exit with status 1. */
static bool complain(const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("%s", text);
    return false;
}

static const struct provider *provider_of(enum topology_provider provider)
{
    static const struct provider *const providers[TOPOLOGY_PROVIDERS] = {
        [TOPOLOGY_LANDMARKS] = &provider_landmarks,   [TOPOLOGY_GOOGLE] = &provider_google,
        [TOPOLOGY_GOOGLE_NEW] = &provider_google_new, [TOPOLOGY_OVERPASS] = &provider_overpass,
        [TOPOLOGY_PHOTON] = &provider_photon,
    };
    return providers[provider];
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

/* Host, port and path of the provider's url, which must have nothing else: a query is the
 * provider's business, and a name and password would end up in the log. */
struct site {
    char *host, *port, *path;
};

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return found;
}

static bool read_site(const char *text, struct site *site)
{
    CURLU *url = curl_url();
    bool good = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                !has_part(url, CURLUPART_QUERY) && !has_part(url, CURLUPART_FRAGMENT) &&
                !has_part(url, CURLUPART_USER) && !has_part(url, CURLUPART_PASSWORD) &&
                curl_url_get(url, CURLUPART_HOST, &site->host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PORT, &site->port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PATH, &site->path, 0) == CURLUE_OK;
    curl_url_cleanup(url);
    return good;
}

static void free_site(struct site *site)
{
    curl_free(site->host);
    curl_free(site->port);
    curl_free(site->path);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

/* The bundled server runs beside the broker if the url names this machine's loopback. */
static bool start_landmarks(const struct service *service, const struct site *site,
                            const struct topology_places *places, uint32_t line,
                            struct landmarks **landmarks)
{
    const char *database = places->database;
    char *host = site->host;
    if (*host == '[') {
        host[strlen(host) - 1] = '\0';
        host++;
    }
    char error[LANDMARKS_ERROR_BYTES_MAX];
    *landmarks =
        landmarks_start(database[0] == '\0' ? NULL : database, host,
                        (uint16_t)strtoul(site->port, NULL, 10), site->path, error, sizeof error);
    return *landmarks != NULL ||
           complain("%s:%" PRIu32 ": the places server of this `url` does not start: %s",
                    service->role->file, line, error);
}

/* One url, which every role must find good. */
static bool start_source(struct service *service, const struct topology_places *places,
                         enum topology_provider provider, const char *url,
                         struct landmarks **landmarks)
{
    struct site site = {0};
    bool good = read_site(url, &site);
    if (!good)
        complain("url %.*s: write http or https, a host and a path, and nothing behind it",
                 (int)provider_public_url(span_of(url)).len, url);
    else if (service->role->broker && provider == TOPOLOGY_LANDMARKS && is_loopback(site.host))
        good = start_landmarks(service, &site, places,
                               url == places->url ? places->url_line : places->fallback_url_line,
                               landmarks);
    free_site(&site);
    return good;
}

/* Whom a worker asks for one section, and with which key. */
static bool prepare_broker(struct service *service, size_t index)
{
    const struct topology_places *places = &service->places[index];
    struct worker_broker *broker = &service->brokers[index];
    struct key *key = &service->keys[index];
    const struct provider *provider = provider_of(places->provider);
    char error[KEY_ERROR_BYTES_MAX];
    if (service->role->worker && provider->needs_key && !key_read(places->key_file, key, error))
        return complain("%s", error);
    *broker = (struct worker_broker){.back = places->workers_at.text, .source_count = 1};
    broker->sources[0] = (struct transfer_source){provider, span_of(places->url), key_span(key)};
    if (places->has_fallback)
        broker->sources[broker->source_count++] = (struct transfer_source){
            .provider = provider_of(places->fallback), .url = span_of(places->fallback_url)};
    return start_source(service, places, places->provider, places->url, &service->landmarks[0]) &&
           (!places->has_fallback || start_source(service, places, places->fallback,
                                                  places->fallback_url, &service->landmarks[1]));
}

static bool choose_places(struct service *service)
{
    const struct role *role = service->role;
    size_t count = service->topology.places_count;
    if (role->places > count)
        return complain("%s has %zu places sections, and this is to be number %zu", role->file,
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
    char error[SECRETS_ERROR_BYTES_MAX];
    if (!has_keys(service))
        return true;
    service->ends.theirs = service->topology.places[0].public_keys;
    return secrets_find(&service->topology, SECRETS_PLACES, &service->ends.theirs,
                        &service->ends.own, error) ||
           complain("%s", error);
}

static bool can_be_reached(const struct service *service)
{
    const struct topology_places *places = service->places;
    char error[REACH_ERROR_BYTES_MAX];
    const struct topology_endpoint *at = &places->gateways;
    bool good = reach_is_said(at, &places->gateways_at, "gateways_at", error);
    if (good) {
        at = &places->workers;
        good = reach_is_said(at, &places->workers_at, "workers_at", error);
    }
    return good || complain("%s:%" PRIu32 ": %s", service->role->file, at->line, error);
}

static bool open_broker(struct service *service, struct broker_options *options)
{
    struct broker_keys keys = {.own = service->ends.own};
    char error[BROKER_ERROR_BYTES_MAX];
    if (has_keys(service)) {
        reload_askers(&service->topology, &keys.front);
        reload_workers(&service->topology, &keys.back);
        options->keys = &keys;
    }
    service->broker = broker_open(options, error);
    keyring_free(&keys.front);
    keyring_free(&keys.back);
    explicit_bzero(&keys.own, sizeof keys.own);
    return service->broker != NULL || complain("%s", error);
}

/* "FILE:LINE" */
static const char *name_place(const struct service *service, uint32_t line,
                              char place[PLACE_BYTES_MAX])
{
    snprintf(place, PLACE_BYTES_MAX, "%s:%" PRIu32, service->role->file, line);
    return place;
}

static bool start_broker(struct service *service)
{
    const struct topology_places *places = service->places;
    const struct provider *provider = provider_of(places->provider);
    int64_t cache_s = places->cache_s < 0 ? provider->cache_s : places->cache_s;
    char front_place[PLACE_BYTES_MAX], back_place[PLACE_BYTES_MAX];
    struct broker_options options = {
        .front = places->gateways.text,
        .back = places->workers.text,
        .front_place = name_place(service, places->gateways.line, front_place),
        .back_place = name_place(service, places->workers.line, back_place),
        .sources = {{provider->name, cache_s * 1000, (int64_t)provider->stale_s * 1000,
                     places->budget}},
        .source_count = 1,
        .grid_m = places->grid_m,
        .kin = service->kin,
    };
    if (places->has_fallback) {
        provider = provider_of(places->fallback);
        options.sources[options.source_count++] =
            (struct dispatcher_source){provider->name, (int64_t)provider->cache_s * 1000,
                                       (int64_t)provider->stale_s * 1000, 0};
    }
    return can_be_reached(service) && open_broker(service, &options);
}

/* A worker beside its broker reaches it on this machine, however others do. */
static void find_own_broker(struct service *service)
{
    const char *back = broker_back(service->broker), *port = strrchr(back, ':');
    bool is_any = strncmp(back, "tcp://0.0.0.0:", 14) == 0 || strncmp(back, "tcp://[::]:", 11) == 0;
    snprintf(service->own_back, sizeof service->own_back, "%s%s", is_any ? "tcp://127.0.0.1" : back,
             is_any ? port : "");
    service->brokers[0].back = service->own_back;
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
    char error[WORKER_ERROR_BYTES_MAX];
    service->worker = worker_start(&options, error);
    return service->worker != NULL || complain("%s", error);
}

/* So that the broker knows its own worker again. */
static void draw_kin(struct service *service)
{
    if (getrandom(&service->kin, sizeof service->kin, 0) != sizeof service->kin)
        abort();
    service->kin |= 1; /* never 0 */
}

static void start_reload(struct service *service)
{
    struct reload_parts parts = {.file = service->role->file,
                                 .start = &service->topology,
                                 .broker = service->broker,
                                 .worker = service->worker,
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
    event_log("start: placesd %s, process %d,%s%s", ZHERD_VERSION, getpid(),
              role->broker ? " broker" : "", role->worker ? " worker" : "");
    if (service->topology.insecure)
        event_log("insecure: whoever reaches the places service is trusted");
    for (size_t i = 0; i < service->places_count; i++) {
        const struct topology_places *places = &service->places[i];
        event_log("gateways at %s, workers at %s, provider %s at %s", places->gateways.text,
                  places->workers.text, provider_of(places->provider)->name, places->url);
        if (places->has_fallback)
            event_log("fallback %s at %s", provider_of(places->fallback)->name,
                      places->fallback_url);
    }
}

static void log_stop(const struct service *service)
{
    if (service->broker == NULL) {
        event_log("stop");
        return;
    }
    const struct dispatcher_counters *count = broker_count(service->broker);
    event_log("stop: asked %" PRIu64 " busy %" PRIu64 " cached %" PRIu64 " joined %" PRIu64
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

static void serve(struct service *service)
{
    log_start(service);
    char line[STATUS_LINE_BYTES_MAX];
    size_t bytes = status_write(&(struct status){.kind = STATUS_READY}, line);
    fwrite(line, 1, bytes, stdout);
    fflush(stdout);
    if (service->broker != NULL) {
        broker_run(service->broker, service->signals);
    } else {
        wait_for_signal(service->signals);
        worker_drain(service->worker, WORKER_DRAIN_MS);
    }
    log_stop(service);
}

/* In reverse order of the start; whatever was not started is skipped. */
static void stop(struct service *service)
{
    reload_stop(&service->reload);
    worker_stop(&service->worker);
    broker_close(&service->broker);
    for (size_t i = 0; i < DISPATCHER_SOURCES_MAX; i++)
        landmarks_stop(&service->landmarks[i]);
    for (size_t i = 0; i < TOPOLOGY_PLACES_MAX; i++)
        key_wipe(&service->keys[i]);
    explicit_bzero(&service->ends, sizeof service->ends);
    topology_free(&service->topology);
    close(service->signals);
}

static int run(const struct role *role)
{
    static struct service service;
    service.role = role;
    service.signals = open_signals();
    bool started = service.signals >= 0 ? start(&service) : complain("signalfd failed");
    if (started)
        serve(&service);
    stop(&service);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A whole number from 1 to `max`, or 0. */
static uint32_t read_number(const char *text, uint32_t max)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long number = digits < 10 && text[digits] == '\0' ? strtoul(text, NULL, 10) : 0;
    return number <= max ? (uint32_t)number : 0;
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
        case 'v':
            puts(PROGRAM " " ZHERD_VERSION);
            return EXIT_SUCCESS;
        default:
            return usage_refuse_option(PROGRAM, option, words, options);
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
