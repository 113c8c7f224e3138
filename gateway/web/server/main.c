/* zherd-web: takes positions over HTTP and passes them on to a node, and shows where clients are.
 */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "bus/net/entropy.h"
#include "gateway/web/parse/relay.h"
#include "gateway/web/server/certificate.h"
#include "gateway/web/server/door.h"
#include "gateway/web/server/herd.h"
#include "gateway/web/server/http.h"
#include "gateway/web/server/places.h"
#include "topology/format/changes.h"
#include "topology/load.h"
#include "topology/monitor.h"
#include "topology/notify.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/status.h"
#include "topology/usage.h"
#include "topology/version.h"

#define PROGRAM "zherd-web"

static const char HELP[] =
    "zherd-web takes positions that trackers send over HTTP, until TERM or Ctrl-C.\n"
    "\n"
    "  zherd-web --topology FILE [--web NAME]\n"
    "\n"
    "  --topology FILE   the herd, see topology/*.zpl; its section `web` says where to listen and\n"
    "                    which node gets the positions\n"
    "  --web NAME        which of several sections `web` to be\n"
    "  help, -h, --help  show this\n"
    "  --version         show the version\n"
    "\n"
    "POST /owntracks    OwnTracks in HTTP mode; MQTT is not spoken\n"
    "GET, POST /osmand  OsmAnd, GPSLogger and Traccar Client\n"
    "POST /overland     Overland\n"
    "POST /iamat        {\"id\":..., \"lat\":..., \"lon\":..., \"time\":...}, or an array of "
    "these\n"
    "GET /clients.geojson, /clients/ID, /nearby, /whatsat, /places, /events, /herd\n"
    "                   where clients are, who and what is near, what changes, and the herd\n"
    "GET /metrics       figures for Prometheus\n"
    "GET /              the live map\n"
    "GET /healthz       what it has done\n"
    "GET /readyz        the same, and 503 while the node cannot be reached\n"
    "\n"
    "It says \"ready\" on standard output once it listens. Positions that the node does not take "
    "at\n"
    "once are kept, of each client the newest, until it does; they are lost where zherd-web ends\n"
    "before. HUP makes it read FILE, the access rules, its token and its certificate again, and "
    "say\n"
    "what will change at the next start; HUP and USR1 open standard output and standard error "
    "again\n"
    "where they are files. Neither ends it.\n"
    "Exit status: 0, or 1 when it failed, or 2 when an argument was wrong.\n";

enum flag { FLAG_TOPOLOGY = 1, FLAG_WEB, FLAG_VERSION };

static const struct option flags[] = {
    {"topology", required_argument, NULL, FLAG_TOPOLOGY},
    {"web", required_argument, NULL, FLAG_WEB},
    {"help", no_argument, NULL, 0}, /* usage_asks_for_help */
    {"version", no_argument, NULL, FLAG_VERSION},
    {0},
};

struct arguments {
    const char *topology, *web;
};

/* Ends the process where the arguments say so or say nothing sensible. */
static struct arguments read_arguments(int count, char **values)
{
    struct arguments arguments = {0};
    if (usage_asks_for_help(count, values)) {
        fputs(HELP, stdout);
        exit(EXIT_SUCCESS);
    }
    int flag;
    while ((flag = getopt_long(count, values, ":", flags, NULL)) != -1) {
        switch (flag) {
        case FLAG_TOPOLOGY:
            arguments.topology = optarg;
            break;
        case FLAG_WEB:
            arguments.web = optarg;
            break;
        case FLAG_VERSION:
            version_print(PROGRAM);
            exit(EXIT_SUCCESS);
        default:
            exit(usage_refuse_option(PROGRAM, flag, values, flags));
        }
    }
    if (optind < count)
        exit(usage_refuse(PROGRAM, "unexpected argument %s", values[optind]));
    if (arguments.topology == NULL)
        exit(usage_refuse(PROGRAM, "--topology FILE is missing"));
    return arguments;
}

/* ---- the loop ---- */

/* An endpoint, a name and words. */
#define STATUS_BYTES_MAX 512
#define SAY_CLOSE_MS     500
/* After TERM, requests that are being answered have so long. */
#define STOP_MS_MAX 1500

struct web_options {
    const struct topology *topology;
    const char *topology_file; /* which HUP reads again */
    uint32_t web;              /* index */
};

static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

#define SIGNALS (sizeof signal_numbers / sizeof *signal_numbers)

/* What a web has from files beside the topology file. */
struct web_files {
    struct access *rules; /* NULL: none */
    char bytes[MONITOR_TOKEN_FILE_BYTES_MAX];
    struct span token;               /* borrowed from `bytes`; empty: none */
    struct certificate *certificate; /* NULL: none */
};

struct web {
    const struct web_options *options;
    const struct topology_web *self;
    const struct topology_node *node;
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t end;
    uv_signal_t signals[SIGNALS];
    struct relay *relay;
    struct http *http;
    struct door *door;
    struct herd *herd;
    struct places *places;
    bool is_secure, is_connected, is_stopping, is_over;
};

static void describe(const struct web *web, char text[STATUS_BYTES_MAX])
{
    snprintf(text, STATUS_BYTES_MAX, "%s at %s; node %s: %s", web->is_secure ? "HTTPS" : "HTTP",
             web->self->listen.text, web->node->name,
             door_is_open(web->door) ? "connected" : "not connected");
}

static void on_change(void *user)
{
    struct web *web = user;
    char text[STATUS_BYTES_MAX];
    if (web->is_connected == door_is_open(web->door))
        return;
    web->is_connected = !web->is_connected;
    if (!web->is_connected)
        http_lose_node(web->http);
    describe(web, text);
    notify_status(text);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void end(struct web *web)
{
    if (web->is_over)
        return;
    web->is_over = true;
    http_close(web->http);
    places_close(web->places);
    door_close(web->door);
    herd_close(web->herd);
    uv_walk(&web->loop, close_handle, NULL);
}

static void on_end(uv_timer_t *timer)
{
    end(timer->data);
}

/* Whatever woke the loop: requests first, so that what they bring goes to the node in this turn. */
static void on_turn(uv_prepare_t *turn)
{
    struct web *web = turn->data;
    if (web->is_over)
        return;
    herd_turn(web->herd);
    http_turn(web->http);
    door_flush(web->door);
    notify_alive((int64_t)uv_now(&web->loop));
    if (web->is_stopping && !http_is_waiting(web->http) && herd_is_over(web->herd))
        end(web);
}

/* ---- files ---- */

static bool read_token(const char *path, struct web_files *files)
{
    struct fault fault;
    return monitor_token_read(path, files->bytes, &files->token, &fault) ||
           say_failure("the token %s %s", path, fault.text);
}

static bool read_certificate(const struct topology_web *self, struct web_files *files)
{
    struct fault fault;
    files->certificate = certificate_read(self->certificate, self->certificate_key, &fault);
    return files->certificate != NULL || say_failure("%s", fault.text);
}

static void drop_files(struct web_files *files)
{
    if (files->rules != NULL)
        access_free(files->rules);
    free(files->rules);
    certificate_free(files->certificate);
    explicit_bzero(files->bytes, sizeof files->bytes);
}

/* A token is shown only where there are rules. False, and said, where one of them is not good. */
static bool read_files(const struct topology *topology, const struct topology_web *self,
                       struct web_files *files)
{
    *files = (struct web_files){0};
    bool is_good = access_load_own(topology->access, &files->rules);
    if (is_good && files->rules != NULL)
        is_good = read_token(self->token_file, files);
    if (is_good && self->certificate[0] != '\0')
        is_good = read_certificate(self, files);
    if (!is_good)
        drop_files(files);
    return is_good;
}

/* They are nobody else's from then on. */
static void take_files(struct web *web, struct web_files *files)
{
    bool has_certificate = files->certificate != NULL;
    door_set_token(web->door, files->token);
    http_set_rules(web->http, files->rules);
    if (has_certificate && web->is_secure)
        certificate_show(files->certificate);
    else
        certificate_free(files->certificate);
    if (has_certificate != web->is_secure)
        say("%s: at the next start", has_certificate ? "HTTPS" : "HTTP in place of HTTPS");
    explicit_bzero(files->bytes, sizeof files->bytes);
}

/* ---- HUP ---- */

static const struct topology_web *find_self(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->web_count; i++)
        if (strcmp(topology->webs[i].name, name) == 0)
            return &topology->webs[i];
    return NULL;
}

static void say_changes(const struct web *web, const struct topology *topology)
{
    struct topology_changes changes;
    char later[TOPOLOGY_LATER_BYTES_MAX];
    topology_changes_list(web->options->topology, topology, TOPOLOGY_ASKER_WEB, web->self->name,
                          &changes);
    topology_changes_at_start(&changes, later);
    if (later[0] != '\0')
        say("%s: at the next start", later);
}

/* Whatever is not among the files waits for the next start. */
static void read_again(struct web *web)
{
    struct topology topology;
    struct web_files files;
    const char *file = web->options->topology_file;
    notify_reloading();
    if (!topology_load(file, &topology)) {
        say("nothing changes: %s is not good", file);
    } else {
        const struct topology_web *self = find_self(&topology, web->self->name);
        bool is_good = self != NULL && read_files(&topology, self, &files);
        if (self == NULL || is_good)
            say("%s read again", file);
        else
            say("nothing changes: what %s names is not good", file);
        if (self == NULL || is_good)
            say_changes(web, &topology);
        if (is_good)
            take_files(web, &files);
        if (is_good)
            herd_change(web->herd, &topology);
        if (is_good)
            places_set_server(web->places, &topology);
        topology_free(&topology);
    }
    notify_ready(NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct web *web = handle->data;
    if (number == SIGHUP || number == SIGUSR1) {
        signals_reopen();
        if (number == SIGHUP)
            read_again(web);
        return;
    }
    notify_stopping();
    http_stop(web->http);
    herd_say_goodbye(web->herd);
    if (web->is_stopping)
        end(web);
    else
        uv_timer_start(&web->end, on_end, STOP_MS_MAX, 0);
    web->is_stopping = true;
}

static void start_handles(struct web *web)
{
    uv_prepare_init(&web->loop, &web->turn);
    uv_timer_init(&web->loop, &web->end);
    web->turn.data = web->end.data = web;
    uv_prepare_start(&web->turn, on_turn);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&web->loop, &web->signals[i]);
        web->signals[i].data = web;
        uv_signal_start(&web->signals[i], on_signal, signal_numbers[i]);
    }
    signals_release();
}

static void say_ready(const struct web *web)
{
    struct status status = {.kind = STATUS_READY};
    char line[STATUS_LINE_BYTES_MAX], text[STATUS_BYTES_MAX];
    size_t bytes = status_write(&status, line);
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0)
        (void)!write(STDOUT_FILENO, line, bytes);
    describe(web, text);
    notify_ready(text);
}

/* As many descriptors as may be: a connection has one. */
static void take_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_all(struct web *web)
{
    struct fault fault;
    struct web_files files;
    uint8_t key[SIPHASH_KEY_BYTES];
    const struct topology *topology = web->options->topology;
    if (!read_files(topology, web->self, &files))
        return false;
    web->is_secure = files.certificate != NULL;
    entropy_draw(key, sizeof key);
    web->relay = relay_new(key);
    web->herd = herd_new(&web->loop, topology, &topology->observers[web->self->observer],
                         web->options->topology_file);
    if (web->herd == NULL) {
        drop_files(&files);
        return false;
    }
    web->http = http_new(&web->loop, web->self->listen.text, web->is_secure, web->relay, &fault);
    if (web->http == NULL) {
        herd_close(web->herd);
        drop_files(&files);
        return say_failure("%s", fault.text);
    }
    web->door = door_new(&web->loop, web->node, web->relay, on_change, web);
    http_set_node(web->http, web->door, web->herd);
    take_files(web, &files);
    web->places = places_new(&web->loop);
    places_set_server(web->places, topology);
    http_set_map(web->http, web->self->tiles, web->places);
    return true;
}

/* Serves until TERM or INT: true. False, and said, where it cannot start. */
static bool run(const struct web_options *options)
{
    const struct topology *topology = options->topology;
    struct web whole = {.options = options, .self = &topology->webs[options->web]}, *web = &whole;
    web->node = &topology->nodes[web->self->of];
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    take_descriptors();
    if (uv_loop_init(&web->loop) != 0)
        abort();
    bool is_good = open_all(web);
    if (is_good) {
        say_open();
        start_handles(web);
        say_ready(web);
    }
    uv_run(&web->loop, UV_RUN_DEFAULT);
    uv_loop_close(&web->loop);
    door_free(&web->door);
    http_free(&web->http);
    places_free(&web->places);
    herd_free(&web->herd);
    certificate_close();
    relay_destroy(&web->relay);
    say_settle(SAY_CLOSE_MS);
    return is_good;
}

/* ---- the program ---- */

/* The section of that name, or the only one; -1, and said, where there is none. */
static int find_web(const struct topology *topology, const struct arguments *arguments)
{
    char meant[USAGE_MEANT_BYTES_MAX];
    struct topology_nearest nearest = {.word = arguments->web};
    if (arguments->web == NULL && topology->web_count == 1)
        return 0;
    for (size_t i = 0; arguments->web != NULL && i < topology->web_count; i++) {
        if (strcmp(topology->webs[i].name, arguments->web) == 0)
            return (int)i;
        topology_nearest_offer(&nearest, topology->webs[i].name);
    }
    if (topology->web_count == 0)
        say("%s has no section `web`", arguments->topology);
    else if (arguments->web == NULL)
        say("%s has several sections `web`; say which with --web", arguments->topology);
    else
        say("%s has no `web` %s%s", arguments->topology, arguments->web,
            usage_meant(&nearest, meant));
    return -1;
}

int main(int count, char **values)
{
    signals_hold();
    notify_open();
    struct arguments arguments = read_arguments(count, values);
    struct topology topology;
    say_as(PROGRAM, arguments.web);
    if (!topology_load(arguments.topology, &topology))
        return EXIT_FAILURE;
    int web = find_web(&topology, &arguments);
    bool good = false;
    if (web >= 0) {
        struct web_options options = {
            .topology = &topology, .topology_file = arguments.topology, .web = (uint32_t)web};
        say_as(PROGRAM, topology.webs[web].name);
        if (geteuid() == 0)
            say(SAY_IS_ROOT);
        good = run(&options);
    }
    topology_free(&topology);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
