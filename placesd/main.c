/* placesd: answers the herd's look-ups. Broker, worker and, where the topology asks for it, the
 * landmarks server in one process, each with the thread it needs. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curl/curl.h>
#include <czmq.h>

#include "placesd/broker.h"
#include "placesd/event.h"
#include "placesd/key.h"
#include "placesd/landmarks/landmarks.h"
#include "placesd/provider.h"
#include "placesd/worker.h"
#include "topology/load.h"
#include "topology/status.h"
#include "topology/topology.h"

static const char HELP[] =
    "placesd answers the WHATSAT look-ups of a herd.\n"
    "\n"
    "    placesd --topology FILE [--places N]    serve as the N-th places section of FILE says\n"
    "    placesd --help | --version\n"
    "\n"
    "It says \"ready\" on standard output, logs to standard error and stops on TERM or Ctrl-C.\n";

/* What runs, in the order in which it is started. */
struct service {
    struct topology topology;
    const struct topology_places *places; /* the section it serves */
    struct key key;
    struct landmarks *landmarks;
    struct broker *broker;
    struct worker *worker;
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
    fprintf(stderr, "placesd: %s\n", text);
    return false;
}

static const struct provider *provider_of(const struct topology_places *places)
{
    return places->provider == TOPOLOGY_GOOGLE ? &provider_google : &provider_landmarks;
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

/* The bundled server runs here if the url names this machine's loopback. */
static bool start_landmarks(struct service *service, const struct site *site)
{
    if (service->places->provider != TOPOLOGY_LANDMARKS || !is_loopback(site->host))
        return true;
    char *host = site->host;
    if (*host == '[') {
        host[strlen(host) - 1] = '\0';
        host++;
    }
    char error[LANDMARKS_ERROR_BYTES_MAX];
    service->landmarks = landmarks_start(host, (uint16_t)strtoul(site->port, NULL, 10), site->path,
                                         error, sizeof error);
    return service->landmarks != NULL || complain("%s", error);
}

static bool start_provider(struct service *service)
{
    const struct topology_places *places = service->places;
    char error[KEY_ERROR_BYTES_MAX];
    if (provider_of(places)->needs_key && !key_read(places->key_file, &service->key, error))
        return complain("%s", error);
    struct site site = {0};
    bool good = read_site(places->url, &site);
    if (!good)
        complain("url %.*s: write http or https, a host and a path, and nothing behind it",
                 (int)provider_public_url(span_of(places->url)).bytes, places->url);
    good = good && start_landmarks(service, &site);
    free_site(&site);
    return good;
}

static bool start(struct service *service, const char *file, size_t number)
{
    if (!topology_load(file, &service->topology))
        return false;
    if (number > service->topology.places_count)
        return complain("%s has %zu places sections, and this is to be number %zu", file,
                        service->topology.places_count, number);
    const struct topology_places *places = service->places = &service->topology.places[number - 1];
    if (!start_provider(service))
        return false;
    char broker_error[BROKER_ERROR_BYTES_MAX];
    service->broker = broker_open(places->gateways.text, places->workers.text, broker_error);
    if (service->broker == NULL)
        return complain("%s", broker_error);
    struct worker_options options = {
        .broker = places->workers.text,
        .provider = provider_of(places),
        .url = span_of(places->url),
        .key = key_span(&service->key),
    };
    char worker_error[WORKER_ERROR_BYTES_MAX];
    service->worker = worker_start(&options, worker_error);
    return service->worker != NULL || complain("%s", worker_error);
}

static void serve(struct service *service)
{
    const struct topology_places *places = service->places;
    event_log("start: placesd %s, process %d, gateways at %s, workers at %s, provider %s at %s",
              ZHERD_VERSION, getpid(), places->gateways.text, places->workers.text,
              provider_of(places)->name, places->url);
    char line[STATUS_LINE_BYTES_MAX];
    size_t bytes = status_write(&(struct status){.kind = STATUS_READY}, line);
    fwrite(line, 1, bytes, stdout);
    fflush(stdout);
    broker_run(service->broker, service->signals);
}

/* In reverse order of the start; whatever was not started is skipped. */
static void stop(struct service *service)
{
    worker_stop(&service->worker);
    broker_close(&service->broker);
    landmarks_stop(&service->landmarks);
    key_wipe(&service->key);
    topology_free(&service->topology);
    close(service->signals);
}

static int run(const char *file, size_t number)
{
    struct service service = {.signals = open_signals()};
    bool started =
        service.signals >= 0 ? start(&service, file, number) : complain("signalfd failed");
    if (started) {
        serve(&service);
        event_log("stop");
    }
    stop(&service);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int count, char **arguments)
{
    static const struct option options[] = {
        {"topology", required_argument, NULL, 't'},
        {"places", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    const char *file = NULL;
    size_t number = 1;
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            file = optarg;
            break;
        case 'p':
            number = strspn(optarg, "0123456789") == strlen(optarg) ? strtoul(optarg, NULL, 10) : 0;
            break;
        case 'h':
            fputs(HELP, stdout);
            return EXIT_SUCCESS;
        case 'v':
            puts("placesd " ZHERD_VERSION);
            return EXIT_SUCCESS;
        default: /* getopt_long has said what is wrong */
            return EXIT_FAILURE;
        }
    }
    if (file == NULL || optind < count || number == 0) {
        complain("say which herd to serve: placesd --topology FILE");
        return EXIT_FAILURE;
    }
    return run(file, number);
}
