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
#include <sys/stat.h>
#include <unistd.h>

#include "placesd/landmarks/data/tally.h"
#include "placesd/landmarks/server/import.h"
#include "placesd/landmarks/server/landmarks.h"
#include "topology/format/endpoints.h"
#include "topology/say.h"
#include "topology/signals.h"
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
    "      Until the import is whole, DATABASE stays as it was. HUP ends it only where it reads\n"
    "      what another program writes, which may have been ended, too.\n"
    "  zherd-landmarks serve DATABASE --listen HOST:PORT\n"
    "      Answers GET " PATH "?location=LAT,LNG&radius=METRES,\n"
    "      and rankby=distance, until TERM or Ctrl-C. Says \"ready\" on standard output. HUP\n"
    "      makes it open DATABASE anew, as an import has left it; HUP and USR1 open standard\n"
    "      output and standard error anew where they are files. Neither ends it.\n"
    "\n"
    "  --merge              keep what DATABASE has; without it, it is replaced\n"
    "  --listen HOST:PORT   where to serve\n"
    "  help, -h, --help     show this\n"
    "  --version            show the version\n"
    "\n"
    "Exit status: 0, or 1 when it failed, or 2 when a word was wrong.\n";

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The one line in front of an exit with status 1, which it returns. */
static int complain(const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("%s", text);
    return EXIT_FAILURE;
}

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
    if (import.give_up < 0)
        return complain("signalfd failed");
    char error[LANDMARKS_ERROR_BYTES_MAX];
    struct tally tally = {0};
    struct buffer report = {0};
    bool done = import_run(&import, &tally, error, sizeof error);
    tally_write_report(&tally, &report);
    if (tally.bytes > 0)
        fwrite(report.data, 1, report.len, stdout);
    buffer_free(&report);
    close(import.give_up);
    if (!done)
        return complain("%s; %s is as it was before", error, import.database);
    return EXIT_SUCCESS;
}

static void wait_for_end(struct landmarks *landmarks, const sigset_t *signals)
{
    const char *database = landmarks_database(landmarks);
    char error[LANDMARKS_ERROR_BYTES_MAX];
    int number;
    while (sigwait(signals, &number) == 0 && (number == SIGHUP || number == SIGUSR1)) {
        signals_reopen();
        if (number == SIGUSR1)
            continue;
        if (landmarks_read_again(landmarks, error, sizeof error))
            say("%s read again", database);
        else
            say("%s stays as it was: %s", database, error);
    }
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
    sigset_t signals = block_signals(true);
    sigaddset(&signals, SIGUSR1); /* held since the start, as HUP is */
    char error[LANDMARKS_ERROR_BYTES_MAX];
    struct landmarks *landmarks =
        landmarks_start(database, endpoint.host, endpoint.port, PATH, error, sizeof error);
    if (landmarks == NULL)
        return complain("%s", error);
    printf("ready at http://%s" PATH "\n", listen);
    fflush(stdout);
    wait_for_end(landmarks, &signals);
    landmarks_stop(&landmarks);
    return EXIT_SUCCESS;
}

static int serve(int count, char **arguments)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'}, {0}};
    const char *listen = NULL;
    for (int option; (option = getopt_long(count, arguments, ":", options, NULL)) != -1;) {
        if (option != 'l')
            return usage_refuse_option(PROGRAM " serve", option, arguments, options);
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
        puts(PROGRAM " " ZHERD_VERSION);
        return EXIT_SUCCESS;
    }
    char meant[USAGE_MEANT_BYTES_MAX];
    struct topology_nearest nearest = {.word = arguments[1]};
    topology_nearest_offer(&nearest, "import");
    topology_nearest_offer(&nearest, "serve");
    return usage_refuse(PROGRAM, "there is no subcommand `%s`%s", arguments[1],
                        usage_meant(&nearest, meant));
}
