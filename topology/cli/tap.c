#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/base/timestamp.h"
#include "bus/table/at_line.h"
#include "topology/cli/terminal.h"
#include "topology/cli/zherd.h"
#include "topology/format/changes.h"
#include "topology/load.h"
#include "topology/observer.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/usage.h"

/* How long a node may take to answer: it connects to us again several times a second. */
#define STATUS_MS_MAX 3000
/* An answer may be lost like any message. */
#define STATUS_AGAIN_MS 500
/* Slots due or in flight up to which whole tables are compared (bus/PROTOCOL.md, Checks). */
#define COMPARABLE_SLOTS_MAX 4096u
#define OUT_BYTES_AIM        (64 * 1024)

struct tap {
    const char *path; /* of the topology file */
    const struct topology *topology;
    const struct topology_observer *self;
    const struct topology_node *node; /* the one it listens to */
    struct observer observer;
    struct buffer out, line;
    bool is_terminal; /* the output: it would carry out what control bytes say */
    bool asks;        /* for the status, and says nothing else */
    bool output_is_gone;
    uint64_t times_up;
};

struct tap_words {
    const char *path, *node, *observer; /* observer: NULL for the node's first */
    bool status;
};

/* Written to by the handler, so that a wait ends whenever the signal came. */
static int signal_pipe[2];
static volatile sig_atomic_t stop_wanted, reading_wanted, reopening_wanted;

static void on_signal(int number)
{
    int error = errno;
    if (number == SIGHUP)
        reading_wanted = 1;
    if (number == SIGHUP || number == SIGUSR1)
        reopening_wanted = 1;
    else
        stop_wanted = 1;
    (void)!write(signal_pipe[1], "", 1);
    errno = error;
}

static void take_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
    /* No SA_RESTART: a write that nobody reads must end, too. */
    struct sigaction action = {.sa_handler = on_signal};
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        abort();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    signals_release();
}

/* ---- output ---- */

static void flush(struct tap *tap)
{
    while (tap->out.len > 0 && !tap->output_is_gone) {
        ssize_t written = write(STDOUT_FILENO, tap->out.data, tap->out.len);
        if (written >= 0)
            buffer_consume(&tap->out, (size_t)written);
        else
            tap->output_is_gone = errno != EINTR || stop_wanted;
    }
}

static void print_location(struct tap *tap, const struct location *location)
{
    if (!tap->is_terminal) {
        at_line_write(&tap->out, location);
        return;
    }
    tap->line.len = 0;
    at_line_write(&tap->line, location);
    terminal_append(&tap->out, (struct span){tap->line.data, tap->line.len});
}

static void print_news(struct tap *tap)
{
    struct location location;
    while (!tap->output_is_gone && flood_next_news(tap->observer.flood, &location)) {
        print_location(tap, &location);
        if (tap->out.len >= OUT_BYTES_AIM)
            flush(tap);
    }
    flush(tap);
}

static void print_events(struct tap *tap)
{
    static const char *const words[] = {
        [LINK_UP] = "up",
        [LINK_DOWN] = "down: ",
        [LINK_REFUSED] = "refused: ",
        [LINK_UNANSWERED] = "silent: ",
        [LINK_UNMET] = "silent: ",
        [LINK_STUCK] = "stuck: ",
        [LINK_MISREAD] = "is misread: ",
        [LINK_UNKEPT] = "says a location that is not kept: ",
        [LINK_DIGESTS_EQUAL] = NULL,
        [LINK_DIGESTS_DIFFER] = "holds something else in some ranges; both ends tell them again",
        [LINK_CLOCK_OFF] = "clock: ",
        [LINK_CLOCK_RIGHT] = "clock: ",
        [LINK_OWN_CLOCK_OFF] = NULL, /* no clock of ours counts */
        [LINK_OWN_CLOCK_RIGHT] = NULL,
    };
    struct link_event event;
    while (flood_next_event(tap->observer.flood, &event)) {
        tap->times_up += event.kind == LINK_UP;
        bool is_wanted = tap->asks ? event.kind == LINK_REFUSED : words[event.kind] != NULL;
        if (is_wanted)
            say("%s %s%s", tap->node->name, words[event.kind], event.reason);
    }
}

static void print_report(const struct tap *tap)
{
    const struct link_counters *count = flood_count(tap->observer.flood);
    say("%" PRIu64 " locations in %" PRIu64 " updates received, %" PRIu64 " acks sent, %" PRIu64
        " reconnects",
        count->locations_received, count->updates_received, count->acks_sent,
        tap->times_up > 0 ? tap->times_up - 1 : 0);
}

static void print_load(const struct flood_load *load)
{
    printf("table: clients %" PRIu64 " of %" PRIu64 ", bytes %" PRIu64 " of ", load->clients,
           load->clients_max, load->bytes);
    if (load->bytes_max > 0)
        printf("%" PRIu64, load->bytes_max);
    else
        printf("any");
    printf(", refused %" PRIu64 "\n", load->refused);
}

static void print_time(const struct flood_status *status)
{
    char apart[TIMESTAMP_APART_BYTES_MAX];
    printf("clock: %s s %s the herd's, votes %" PRIu64 ", locations above the ceiling %" PRIu64
           "\n",
           timestamp_write_apart(apart, status->offset_ns),
           status->offset_ns < 0 ? "behind" : "ahead of", status->votes, status->above);
}

static void print_journal(const struct flood_journal *journal)
{
    if (journal->state == WIRE_JOURNAL_NONE)
        return;
    printf("journal: positions not on the disk %" PRIu64 ", the first for %" PRIu64 ".%" PRIu64
           " s, the last sync %s\n",
           journal->due, journal->age_ms / 1000, journal->age_ms % 1000 / 100,
           journal->state == WIRE_JOURNAL_FAILED ? "failed" : "went well");
}

/* When both tables were compared last, which is not while too much is on its way between them. */
static void print_compared(const struct flood_status_link *link)
{
    uint64_t under_way = link->head - link->acked;
    if (link->compared_age_ms == WIRE_NEVER)
        printf(" %10s", "never");
    else
        printf(" %8" PRIu64 ".%" PRIu64, link->compared_age_ms / 1000,
               link->compared_age_ms % 1000 / 100);
    if (link->up && under_way > COMPARABLE_SLOTS_MAX)
        printf("  not comparable: %" PRIu64 " due", under_way);
}

static void print_status(const struct tap *tap, const struct flood_status *status)
{
    printf("%s: clients %" PRIu64 ", digest %016" PRIx64 "\n", tap->node->name,
           status->load.clients, status->digest);
    if (status->has_load)
        print_load(&status->load);
    if (status->has_time)
        print_time(status);
    if (status->has_journal)
        print_journal(&status->journal);
    printf("%-16s %-5s %12s %9s %10s %9s %9s %9s %10s\n", "link", "state", "age", "due",
           "in flight", "acked", "sent", "head", "compared");
    for (size_t i = 0; i < status->link_count; i++) {
        const struct flood_status_link *link = &status->links[i];
        printf("%-16s %-5s %10" PRIu64 ".%" PRIu64 " %9" PRIu64 " %10" PRIu64 " %9" PRIu64
               " %9" PRIu64 " %9" PRIu64,
               link->name, link->up ? "up" : "down", link->incarnation_age_ms / 1000,
               link->incarnation_age_ms % 1000 / 100, link->due, link->in_flight, link->acked,
               link->sent, link->head);
        print_compared(link);
        putchar('\n');
    }
}

/* ---- the loop ---- */

static void turn(struct tap *tap)
{
    observer_turn(&tap->observer, observer_now_ms());
    print_events(tap);
    print_news(tap);
}

/* Until there is reason for another turn, at most until that moment. */
static void await(const struct tap *tap, int64_t until_ms)
{
    int64_t due_ms = flood_deadline_ms(tap->observer.flood), now = observer_now_ms();
    if (until_ms < due_ms)
        due_ms = until_ms;
    char signals[64];
    struct pollfd inputs[] = {{.fd = bus_descriptor(tap->observer.bus), .events = POLLIN},
                              {.fd = signal_pipe[0], .events = POLLIN}};
    poll(inputs, 2, tap->observer.more || due_ms <= now ? 0 : (int)(due_ms - now));
    while (read(signal_pipe[0], signals, sizeof signals) > 0)
        continue;
}

/* The node's keys count at once, and so do names of nodes, `expire` and `forget`. */
static void read_again(struct tap *tap)
{
    struct topology topology;
    struct topology_changes changes;
    char later[TOPOLOGY_LATER_BYTES_MAX];
    if (!topology_load(tap->path, &topology)) {
        say("nothing changes: %s is not good", tap->path);
        return;
    }
    observer_change(&tap->observer, &topology);
    say("read again from %s", tap->path);
    topology_changes_list(tap->topology, &topology, TOPOLOGY_ASKER_OBSERVER, tap->self->self.name,
                          &changes);
    topology_changes_at_start(&changes, later);
    if (later[0] != '\0')
        say("%s: at the next start", later);
    topology_free(&topology);
}

static void take_hangup(struct tap *tap)
{
    if (reopening_wanted) {
        reopening_wanted = 0;
        signals_reopen();
    }
    if (reading_wanted) {
        reading_wanted = 0;
        read_again(tap);
    }
}

static int listen_to_updates(struct tap *tap)
{
    say("%s listens to %s at %s; Ctrl-C ends it", tap->self->self.name, tap->node->name,
        bus_endpoint(tap->observer.bus));
    flood_listen(tap->observer.flood);
    for (turn(tap); !stop_wanted && !tap->output_is_gone; turn(tap)) {
        await(tap, INT64_MAX);
        take_hangup(tap);
    }
    return 0;
}

static int ask_for_status(struct tap *tap)
{
    int64_t until_ms = observer_now_ms() + STATUS_MS_MAX, again_ms = observer_now_ms();
    while (!stop_wanted && observer_now_ms() < until_ms &&
           flood_status(tap->observer.flood) == NULL) {
        if (observer_now_ms() >= again_ms) {
            flood_ask_status(tap->observer.flood, 0);
            again_ms = observer_now_ms() + STATUS_AGAIN_MS;
        }
        turn(tap);
        if (flood_status(tap->observer.flood) == NULL)
            await(tap, again_ms);
    }
    const struct flood_status *status = flood_status(tap->observer.flood);
    if (status != NULL) {
        print_status(tap, status);
        return 0;
    }
    say("%s did not answer within %d s; check that it runs and that its topology file lists `%s`",
        tap->node->name, STATUS_MS_MAX / 1000, tap->self->self.name);
    return 1;
}

/* ---- start and stop ---- */

/* The last acknowledgements, and that we leave. */
static void say_goodbye(struct tap *tap)
{
    int64_t until_ms = observer_now_ms() + OBSERVER_GOODBYE_MS_MAX;
    flood_say_goodbye(tap->observer.flood);
    for (turn(tap); !flood_is_over(tap->observer.flood) && observer_now_ms() < until_ms; turn(tap))
        await(tap, until_ms);
}

static void close_tap(struct tap *tap)
{
    observer_close(&tap->observer);
    buffer_free(&tap->out);
    buffer_free(&tap->line);
}

/* The observer of that node and, unless it is NULL, of that name. */
static const struct topology_observer *find_observer(const struct topology *topology, uint32_t node,
                                                     const char *name)
{
    for (size_t i = 0; i < topology->observer_count; i++) {
        const struct topology_observer *observer = &topology->observers[i];
        if (observer->of == node && (name == NULL || strcmp(name, observer->self.name) == 0))
            return observer;
    }
    return NULL;
}

static bool choose(struct tap *tap, const struct tap_words *words)
{
    int node = topology_find(tap->topology, words->node);
    if (node < 0) {
        char meant[USAGE_MEANT_BYTES_MAX];
        struct topology_nearest nearest = topology_find_near(tap->topology, words->node);
        say("there is no node `%s` in %s%s", words->node, words->path,
            usage_meant(&nearest, meant));
        return false;
    }
    tap->node = &tap->topology->nodes[node];
    tap->self = find_observer(tap->topology, (uint32_t)node, words->observer);
    if (tap->self == NULL)
        say("%s lists no observer %s%sof %s; add a section `observer` with `name`, "
            "`of = %s` and `bus`, also to the file of that node",
            words->path, words->observer ? words->observer : "", words->observer ? " " : "",
            words->node, words->node);
    return tap->self != NULL;
}

/* The exit status, if it is to end with these words; else 0. */
static int read_words(int count, char **words, struct tap_words *read)
{
    static const struct option options[] = {
        {"status", no_argument, NULL, 's'}, {"observer", required_argument, NULL, 'o'}, {0}};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option == 's')
            read->status = true;
        else if (option == 'o')
            read->observer = optarg;
        else
            return usage_refuse_option("zherd tap", option, words, options);
    }
    if (count - optind != 2)
        return usage_refuse("zherd tap", "write a topology file and a node");
    read->path = words[optind];
    read->node = words[optind + 1];
    return 0;
}

int tap_main(int count, char **words)
{
    struct topology topology;
    struct tap tap = {.topology = &topology};
    struct tap_words read = {0};
    int status = read_words(count, words, &read);
    if (status != 0)
        return status;
    status = 1;
    say_as("zherd tap", NULL);
    tap.path = read.path;
    if (!topology_load(read.path, &topology))
        return status;
    if (choose(&tap, &read)) {
        tap.asks = read.status;
        tap.is_terminal = isatty(STDOUT_FILENO) == 1;
        take_signals();
        if (observer_open(&tap.observer, &topology, tap.self, tap.path, false)) {
            status = tap.asks ? ask_for_status(&tap) : listen_to_updates(&tap);
            say_goodbye(&tap);
            if (!tap.asks)
                print_report(&tap);
            close_tap(&tap);
        }
    }
    topology_free(&topology);
    return status;
}
