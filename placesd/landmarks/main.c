/* zherd-landmarks: a places server of one's own: fills a database from OpenStreetMap's data and
 * answers Nearby Search from it. It needs no herd. */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "placesd/landmarks/import.h"
#include "placesd/landmarks/landmarks.h"
#include "topology/topology_endpoint.h"
#include "topology/usage.h"

/* Google's own path, so that a program needs another host and no more. */
#define PATH "/maps/api/place/nearbysearch/json"

#define PROGRAM "zherd-landmarks"

static const char HELP[] =
    "zherd-landmarks answers Google's Nearby Search from a database of your own.\n"
    "\n"
    "  zherd-landmarks import [--merge] DATABASE [FILE]\n"
    "      Fills DATABASE with the named places of FILE, or of standard input, which is\n"
    "      GeoJSON with OpenStreetMap's tags:\n"
    "          osmium export EXTRACT.osm.pbf -f geojsonseq -u type_id |\n"
    "              zherd-landmarks import places.db\n"
    "      Until the import is whole, DATABASE stays as it was.\n"
    "  zherd-landmarks serve DATABASE --listen HOST:PORT\n"
    "      Answers GET " PATH "?location=LAT,LNG&radius=METRES,\n"
    "      and rankby=distance, until TERM or Ctrl-C. Says \"ready\" on standard output.\n"
    "\n"
    "  --merge              keep what DATABASE has; without it, it is replaced\n"
    "  --listen HOST:PORT   where to serve\n"
    "  --help               show this\n"
    "  --version            show the version\n"
    "\n"
    "Exit status: 0, or 1 when it failed, or 2 when a word was wrong.\n";

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The one line in front of an exit with status 1, which it returns. */
static int complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs(PROGRAM ": ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return EXIT_FAILURE;
}

/* TERM, INT and HUP wait until they are asked for, in every thread. */
static sigset_t block_signals(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
    signal(SIGPIPE, SIG_IGN);
    return ours;
}

static int import(int count, char **arguments)
{
    static const struct option options[] = {{"merge", no_argument, NULL, 'm'}, {0}};
    struct import import = {0};
    for (int option; (option = getopt_long(count, arguments, ":", options, NULL)) != -1;) {
        if (option != 'm')
            return usage_refuse_option(PROGRAM " import", option, arguments);
        import.merge = true;
    }
    if (count - optind < 1 || count - optind > 2)
        return usage_refuse(PROGRAM " import", "write one database, and no more than one file");
    import.database = arguments[optind];
    import.file = arguments[optind + 1]; /* NULL where there is none */
    if (import.file != NULL && strcmp(import.file, "-") == 0)
        import.file = NULL;

    sigset_t signals = block_signals();
    import.give_up = signalfd(-1, &signals, SFD_CLOEXEC);
    if (import.give_up < 0)
        return complain("signalfd failed");
    char error[LANDMARKS_ERROR_BYTES_MAX];
    struct tally tally = {0};
    struct buffer report = {0};
    bool done = import_run(&import, &tally, error, sizeof error);
    tally_write_report(&tally, &report);
    if (tally.bytes > 0)
        fwrite(report.at, 1, report.bytes, stdout);
    buffer_free(&report);
    close(import.give_up);
    if (!done)
        return complain("%s; %s is as it was before", error, import.database);
    return EXIT_SUCCESS;
}

static int serve_at(const char *database, const char *listen)
{
    char text[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    struct topology_endpoint endpoint;
    snprintf(text, sizeof text, "tcp://%s", listen);
    const char *fault = topology_endpoint_parse(text, &endpoint);
    if (fault != NULL)
        return usage_refuse(PROGRAM " serve",
                            "--listen takes HOST:PORT, such as 127.0.0.1:8080, not %s", listen);
    sigset_t signals = block_signals();
    char error[LANDMARKS_ERROR_BYTES_MAX];
    struct landmarks *landmarks =
        landmarks_start(database, endpoint.host, endpoint.port, PATH, error, sizeof error);
    if (landmarks == NULL)
        return complain("%s", error);
    printf("ready at http://%s" PATH "\n", listen);
    fflush(stdout);
    int signal;
    sigwait(&signals, &signal);
    landmarks_stop(&landmarks);
    return EXIT_SUCCESS;
}

static int serve(int count, char **arguments)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'}, {0}};
    const char *listen = NULL;
    for (int option; (option = getopt_long(count, arguments, ":", options, NULL)) != -1;) {
        if (option != 'l')
            return usage_refuse_option(PROGRAM " serve", option, arguments);
        listen = optarg;
    }
    if (count - optind != 1)
        return usage_refuse(PROGRAM " serve", "write one database");
    if (listen == NULL)
        return usage_refuse(PROGRAM " serve", "--listen HOST:PORT is missing");
    return serve_at(arguments[optind], listen);
}

int main(int count, char **arguments)
{
    if (usage_asks_for_help(count, arguments)) {
        fputs(HELP, stdout);
        return EXIT_SUCCESS;
    }
    if (count < 2)
        return usage_refuse(PROGRAM, "write a subcommand, import or serve");
    if (strcmp(arguments[1], "import") == 0)
        return import(count - 1, arguments + 1);
    if (strcmp(arguments[1], "serve") == 0)
        return serve(count - 1, arguments + 1);
    if (strcmp(arguments[1], "--version") == 0) {
        puts(PROGRAM " " ZHERD_VERSION);
        return EXIT_SUCCESS;
    }
    return usage_refuse(PROGRAM, "there is no subcommand `%s`", arguments[1]);
}
