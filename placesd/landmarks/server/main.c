/* zherd-landmarks: a places server of one's own: fills a database from OpenStreetMap's data and
 * answers Nearby Search from it. It needs no herd. */
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "placesd/landmarks/data/figures.h"
#include "placesd/landmarks/data/tally.h"
#include "placesd/landmarks/server/import.h"
#include "placesd/landmarks/server/landmarks.h"
#include "topology/format/endpoints.h"
#include "topology/monitor.h"
#include "topology/notify.h"
#include "topology/process_figures.h"
#include "topology/program_log.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/status.h"
#include "topology/usage.h"
#include "topology/version.h"

/* Google's own path, so that a program needs another host and no more. */
#define PATH "/maps/api/place/nearbysearch/json"

#define PROGRAM "zherd-landmarks"
/* Of the log: a path and a sentence. */
#define NOTE_BYTES_MAX (PATH_MAX + 1024)
/* How long its last lines may take. */
#define SAY_CLOSE_MS 400

static const char HELP[] =
    "zherd-landmarks answers Google's Nearby Search from a database of your own.\n"
    "\n"
    "  zherd-landmarks import [--merge] DATABASE [FILE]\n"
    "      Fills DATABASE with the named places of FILE, or of standard input, which is\n"
    "      GeoJSON with OpenStreetMap's tags:\n"
    "          osmium export EXTRACT.osm.pbf -f geojsonseq -u type_id |\n"
    "              zherd-landmarks import places.db\n"
    "      Until the import is whole, DATABASE stays as it was. HUP ends it only where it reads\n"
    "      what another program writes, which may have been ended, too.\n"
    "  zherd-landmarks serve DATABASE --listen HOST:PORT [--monitor tcp://ADDRESS:PORT]\n"
    "      Answers GET " PATH "?location=LAT,LNG&radius=METRES,\n"
    "      and with rankby, type, keyword, name and pagetoken, until TERM or Ctrl-C. Says\n"
    "      \"ready\" on standard output. HUP makes it open DATABASE again, as an import has left\n"
    "      it; HUP and USR1 open standard output and standard error again where they are files.\n"
    "      Neither ends it.\n"
    "\n"
    "  --merge              keep what DATABASE has; without it, it is replaced\n"
    "  --listen HOST:PORT   where to serve\n"
    "  --monitor tcp://ADDRESS:PORT\n"
    "                       where it lets itself be watched by HTTP, on loopback: /metrics, "
    "/status,\n"
    "                       /healthz and /readyz\n"
    "  --log-file FILE      where serve logs; - is standard output; without it, standard error\n"
    "  --log-format FORMAT  text, json or logfmt (text)\n"
    "  --log-level LEVEL    error, warning, info or debug: leave lesser events out (info)\n"
    "  --log-max-bytes N    bytes at which FILE is rotated, of which four are kept; 0: never "
    "(256M)\n"
    "  help, -h, --help     show this\n"
    "  --version            show the version\n"
    "\n"
    "Exit status: 0, or 1 when it failed, or 2 when an argument was wrong.\n";

/* TERM and INT wait until they are asked for, in every thread, and HUP if it means something. */
static sigset_t block_signals(bool hang_up)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    if (hang_up)
        sigaddset(&ours, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    return ours;
}

/* Whoever writes into our standard input may have been ended by the same hang-up as came to us, and
 * what has come of its output would be taken for the whole. A file is whole; and who starts us with
 * nohup(1) sees to the other, too. */
static bool hang_up_may_cut(const char *file, bool is_ignored)
{
    struct stat facts;
    return file == NULL && !is_ignored &&
           (fstat(STDIN_FILENO, &facts) != 0 || !S_ISREG(facts.st_mode));
}

static int import(int count, char **arguments, bool ignores_hangup)
{
    static const struct option options[] = {{"merge", no_argument, NULL, 'm'}, {0}};
    struct import import = {0};
    for (int option; (option = getopt_long(count, arguments, ":", options, NULL)) != -1;) {
        if (option != 'm')
            return usage_refuse_option(PROGRAM " import", option, arguments, options);
        import.merge = true;
    }
    if (count - optind < 1 || count - optind > 2)
        return usage_refuse(PROGRAM " import", "write one database, and no more than one file");
    import.database = arguments[optind];
    import.file = arguments[optind + 1]; /* NULL where there is none */
    if (import.file != NULL && strcmp(import.file, "-") == 0)
        import.file = NULL;

    sigset_t signals = block_signals(hang_up_may_cut(import.file, ignores_hangup));
    import.give_up = signalfd(-1, &signals, SFD_CLOEXEC);
    if (import.give_up < 0) {
        say("signalfd failed");
        return EXIT_FAILURE;
    }
    struct fault fault;
    struct tally tally = {0};
    struct buffer report = {0};
    bool done = import_run(&import, &tally, &fault);
    tally_write_report(&tally, &report);
    if (tally.bytes > 0)
        fwrite(report.data, 1, report.len, stdout);
    buffer_free(&report);
    close(import.give_up);
    if (!done)
        say("%s; %s is as it was before", fault.text, import.database);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the monitor ---- */

/* What serves, and who watches it. */
struct server {
    struct landmarks *landmarks;
    struct monitor *monitor; /* NULL without one */
    struct process_figures process;
};

static void look(struct server *server, struct figures *figures)
{
    landmarks_look(server->landmarks, figures);
    process_read(&server->process);
    process_count_descriptors(&server->process);
}

static void write_metrics(void *user, enum metrics_form form, struct buffer *out)
{
    struct server *server = user;
    struct figures figures;
    look(server, &figures);
    figures_write_metrics(&figures, version_commit, &server->process, form, out);
}

static void write_status(void *user, struct buffer *out)
{
    struct server *server = user;
    struct figures figures;
    look(server, &figures);
    figures_write_status(&figures, version_commit, &server->process, out);
}

/* It answers as soon as there is a monitor, until there is none. */
static const char *why_not_ready(void *user)
{
    (void)user;
    return NULL;
}

static bool open_monitor(struct server *server, const char *endpoint, struct fault *fault)
{
    const struct monitor_pages pages = {server, write_metrics, write_status, why_not_ready};
    process_begin(&server->process);
    if (endpoint == NULL)
        return true;
    server->monitor = monitor_open(endpoint, span_of(""), &pages, fault);
    return server->monitor != NULL ||
           fault_set(fault, "--monitor: cannot listen on %s: %s", endpoint, fault->text);
}

/* ---- serving ---- */

static void note(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(const char *kind, const char *format, ...)
{
    char text[NOTE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    program_log_put(kind, text);
}

static int64_t read_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The next signal; whoever watches is served meanwhile. */
static int wait_for_signal(struct server *server, int signals)
{
    struct pollfd items[2] = {{.fd = signals, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    struct signalfd_siginfo signal;
    while (read(signals, &signal, sizeof signal) != sizeof signal) {
        int64_t pause_ms = INT64_MAX, now_ms = read_clock_ms();
        if (server->monitor != NULL) {
            monitor_run(server->monitor, now_ms);
            items[1].fd = monitor_descriptor(server->monitor);
            pause_ms = monitor_deadline_ms(server->monitor, now_ms) - now_ms;
        }
        pause_ms = pause_ms < 0 ? 0 : pause_ms;
        poll(items, 2, pause_ms < INT_MAX ? (int)pause_ms : -1);
    }
    return (int)signal.ssi_signo;
}

static void wait_for_end(struct server *server, int signals)
{
    const char *database = landmarks_database(server->landmarks);
    struct fault fault;
    int number;
    while ((number = wait_for_signal(server, signals)) == SIGHUP || number == SIGUSR1) {
        signals_reopen();
        program_log_reopen();
        if (number == SIGUSR1)
            continue;
        notify_reloading();
        if (landmarks_read_again(server->landmarks, &fault))
            note("reload", "%s read again", database);
        else
            note("fault", "%s stays as it was: %s", database, fault.text);
        notify_ready(NULL);
    }
}

static void tell(const char *text)
{
    program_log_put("landmarks", text);
}

static bool start_server(struct server *server, const char *database,
                         const struct topology_endpoint *listen, const char *monitor,
                         struct fault *fault)
{
    server->landmarks = landmarks_start(database, listen->host, listen->port, PATH, tell, fault);
    if (server->landmarks == NULL)
        return false;
    if (open_monitor(server, monitor, fault))
        return true;
    landmarks_stop(&server->landmarks);
    return false;
}

/* What the words of the command say. */
struct wanted {
    const char *database, *listen, *monitor; /* the last NULL without one */
    bool has_log;                            /* something is said of it */
    struct settings said;
};

/* Without a word of the log it is what zherd-landmarks says. */
static bool open_log(const struct wanted *wanted, struct fault *fault)
{
    return !wanted->has_log || program_log_open(&wanted->said, fault);
}

/* Where the log is standard output it is one of its lines. */
static void say_ready(const char *listen)
{
    if (program_log_is_output()) {
        note("ready", "ready at http://%s" PATH, listen);
        return;
    }
    printf("ready at http://%s" PATH "\n", listen);
    fflush(stdout);
}

static int serve_at(const struct wanted *wanted)
{
    const char *listen = wanted->listen;
    char text[TOPOLOGY_ENDPOINT_BYTES_MAX + 1], status[TOPOLOGY_ENDPOINT_BYTES_MAX + 16];
    struct topology_endpoint endpoint;
    snprintf(text, sizeof text, "tcp://%s", listen);
    if (topology_endpoint_parse(text, &endpoint) != NULL)
        return usage_refuse(PROGRAM " serve",
                            "--listen takes HOST:PORT, such as 127.0.0.1:8080, not %s", listen);
    notify_open();
    sigset_t signals = block_signals(true);
    sigaddset(&signals, SIGUSR1); /* held since the start, as HUP is */
    int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    struct fault fault;
    struct server server = {0};
    if (descriptor < 0 || !open_log(wanted, &fault) ||
        !start_server(&server, wanted->database, &endpoint, wanted->monitor, &fault)) {
        say("%s", descriptor < 0 ? "signalfd failed" : fault.text);
        return EXIT_FAILURE;
    }
    say_open();
    say_ready(listen);
    snprintf(status, sizeof status, "at http://%s", listen);
    notify_ready(status);
    if (geteuid() == 0)
        note("insecure", SAY_IS_ROOT);
    wait_for_end(&server, descriptor);
    notify_stopping();
    monitor_close(&server.monitor);
    landmarks_stop(&server.landmarks);
    close(descriptor);
    program_log_close(SAY_CLOSE_MS);
    say_settle(SAY_CLOSE_MS);
    return EXIT_SUCCESS;
}

static bool is_monitor(const char *text)
{
    struct topology_endpoint endpoint;
    return topology_endpoint_parse(text, &endpoint) == NULL &&
           topology_host_binds_loopback(endpoint.host);
}

static int serve(int count, char **arguments)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"monitor", required_argument, NULL, 'm'},
                                            USAGE_LOG_SETTINGS,
                                            {0}};
    struct wanted wanted = {0};
    for (int option; (option = getopt_long(count, arguments, ":", options, NULL)) != -1;) {
        if (option == 'l')
            wanted.listen = optarg;
        else if (option == 'm')
            wanted.monitor = optarg;
        else if (option < USAGE_SETTINGS)
            return usage_refuse_option(PROGRAM " serve", option, arguments, options);
        else if (usage_read_setting(PROGRAM " serve", options, option, optarg, &wanted.said) != 0)
            return STATUS_EXIT_USAGE;
        wanted.has_log |= option >= USAGE_SETTINGS;
    }
    if (count - optind != 1)
        return usage_refuse(PROGRAM " serve", "write one database");
    if (wanted.listen == NULL)
        return usage_refuse(PROGRAM " serve", "--listen HOST:PORT is missing");
    if (wanted.monitor != NULL && !is_monitor(wanted.monitor))
        return usage_refuse(PROGRAM " serve",
                            "--monitor takes tcp://ADDRESS:PORT on loopback, such as "
                            "tcp://127.0.0.1:9580, not %s: whoever reaches it may read it",
                            wanted.monitor);
    wanted.database = arguments[optind];
    return serve_at(&wanted);
}

int main(int count, char **arguments)
{
    bool ignores_hangup = signals_hold();
    say_as(PROGRAM, NULL);
    if (usage_asks_for_help(count, arguments)) {
        fputs(HELP, stdout);
        return EXIT_SUCCESS;
    }
    if (count < 2)
        return usage_refuse(PROGRAM, "write a subcommand, import or serve");
    if (strcmp(arguments[1], "import") == 0)
        return import(count - 1, arguments + 1, ignores_hangup);
    if (strcmp(arguments[1], "serve") == 0)
        return serve(count - 1, arguments + 1);
    if (strcmp(arguments[1], "--version") == 0) {
        version_print(PROGRAM);
        return EXIT_SUCCESS;
    }
    char meant[USAGE_MEANT_BYTES_MAX];
    struct topology_nearest nearest = {.word = arguments[1]};
    topology_nearest_offer(&nearest, "import");
    topology_nearest_offer(&nearest, "serve");
    return usage_refuse(PROGRAM, "there is no subcommand `%s`%s", arguments[1],
                        usage_meant(&nearest, meant));
}
