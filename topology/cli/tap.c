#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "bus/net/bus.h"
#include "bus/table/at_line.h"
#include "topology/cli/zherd.h"
#include "topology/format/changes.h"
#include "topology/load.h"
#include "topology/reach.h"
#include "topology/say.h"
#include "topology/secrets.h"
#include "topology/signals.h"
#include "topology/usage.h"

/* How long a node may take to answer: it connects to us anew several times a second. */
#define STATUS_MS_MAX 3000
/* An answer may be lost like any message. */
#define STATUS_AGAIN_MS 500
/* How long the last acknowledgements and the goodbye may take. */
#define GOODBYE_MS_MAX 1000
#define BUS_LINGER_MS  100
#define OUT_BYTES_AIM  (64 * 1024)

struct tap {
    const char *path; /* of the topology file */
    const struct topology *topology;
    const struct topology_observer *observer;
    const struct topology_node *node; /* the one it listens to: our only peer */
    struct flood *flood;
    struct bus *bus;
    struct buffer out;
    bool asks; /* for the status, and says nothing else */
    bool output_is_gone;
    bool more; /* waits at the bus */
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

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what is told ---- */

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

static void print_news(struct tap *tap)
{
    struct location location;
    while (!tap->output_is_gone && flood_next_news(tap->flood, &location)) {
        at_line_write(&tap->out, &location);
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
        [LINK_DIGESTS_EQUAL] = NULL,
        [LINK_DIGESTS_DIFFER] = "holds another table; both tell everything again",
    };
    struct link_event event;
    while (flood_next_event(tap->flood, &event)) {
        tap->times_up += event.kind == LINK_UP;
        bool is_wanted = tap->asks ? event.kind == LINK_REFUSED : words[event.kind] != NULL;
        if (is_wanted)
            say("%s %s%s", tap->node->name, words[event.kind], event.reason);
    }
}

static void print_report(const struct tap *tap)
{
    const struct link_counters *count = flood_count(tap->flood);
    say("%" PRIu64 " locations in %" PRIu64 " updates received, %" PRIu64 " acks sent, %" PRIu64
        " reconnects",
        count->locations_received, count->updates_received, count->acks_sent,
        tap->times_up > 0 ? tap->times_up - 1 : 0);
}

static void print_status(const struct tap *tap, const struct flood_status *status)
{
    printf("%s: clients %" PRIu64 ", digest %016" PRIx64 "\n", tap->node->name, status->clients,
           status->digest);
    printf("%-16s %-5s %12s %9s %10s %9s %9s %9s\n", "link", "state", "session age", "due",
           "on the way", "acked", "told", "head");
    for (size_t i = 0; i < status->link_count; i++) {
        const struct flood_status_link *link = &status->links[i];
        printf("%-16s %-5s %10" PRIu64 ".%" PRIu64 " %9" PRIu64 " %10" PRIu64 " %9" PRIu64
               " %9" PRIu64 " %9" PRIu64 "\n",
               link->name, link->up ? "up" : "down", link->incarnation_age_ms / 1000,
               link->incarnation_age_ms % 1000 / 100, link->due, link->in_flight, link->acked,
               link->sent, link->head);
    }
}

/* ---- the loop ---- */

static void turn(struct tap *tap)
{
    tap->more = bus_turn(tap->bus, tap->flood, now_ms());
    print_events(tap);
    print_news(tap);
}

/* Until there is reason for another turn, at most until that moment. */
static void await(const struct tap *tap, int64_t until_ms)
{
    int64_t due_ms = flood_deadline_ms(tap->flood), now = now_ms();
    if (until_ms < due_ms)
        due_ms = until_ms;
    char signals[64];
    struct pollfd inputs[] = {{.fd = bus_descriptor(tap->bus), .events = POLLIN},
                              {.fd = signal_pipe[0], .events = POLLIN}};
    poll(inputs, 2, tap->more || due_ms <= now ? 0 : (int)(due_ms - now));
    while (read(signal_pipe[0], signals, sizeof signals) > 0)
        continue;
}

/* The node's keys count at once. */
static void read_again(struct tap *tap)
{
    struct topology topology;
    char changes[TOPOLOGY_CHANGES_BYTES_MAX];
    if (!topology_load(tap->path, &topology)) {
        say("all stays as it is: %s is not good", tap->path);
        return;
    }
    int node = topology_find(&topology, tap->node->name);
    if (node >= 0 && tap->topology->keys[0] != '\0' && topology.keys[0] != '\0')
        bus_admit(tap->bus, &topology.nodes[node].public_keys);
    say("read again from %s", tap->path);
    topology_changes_list(tap->topology, &topology, tap->observer->self.name, changes);
    if (changes[0] != '\0')
        say("%s: at the next start", changes);
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
    say("%s listens to %s at %s; Ctrl-C ends it", tap->observer->self.name, tap->node->name,
        bus_endpoint(tap->bus));
    flood_listen(tap->flood);
    for (turn(tap); !stop_wanted && !tap->output_is_gone; turn(tap)) {
        await(tap, INT64_MAX);
        take_hangup(tap);
    }
    return 0;
}

static int ask_for_status(struct tap *tap)
{
    int64_t until_ms = now_ms() + STATUS_MS_MAX, again_ms = now_ms();
    while (!stop_wanted && now_ms() < until_ms && flood_status(tap->flood) == NULL) {
        if (now_ms() >= again_ms) {
            flood_ask_status(tap->flood, 0);
            again_ms = now_ms() + STATUS_AGAIN_MS;
        }
        turn(tap);
        if (flood_status(tap->flood) == NULL)
            await(tap, again_ms);
    }
    const struct flood_status *status = flood_status(tap->flood);
    if (status != NULL) {
        print_status(tap, status);
        return 0;
    }
    say("%s did not answer within %d s; it must run, with `%s` in its topology", tap->node->name,
        STATUS_MS_MAX / 1000, tap->observer->self.name);
    return 1;
}

/* ---- start and stop ---- */

static bool find_secret(const struct tap *tap, struct auth_certificate *own)
{
    char error[SECRETS_ERROR_BYTES_MAX];
    const struct topology_node *self = &tap->observer->self;
    if (secrets_find(tap->topology, self->name, &self->public_keys, own, error))
        return true;
    say("%s", error);
    return false;
}

static bool open_tap(struct tap *tap)
{
    char error[BUS_ERROR_BYTES_MAX];
    const char *name = tap->observer->self.name;
    struct span peer = span_of(tap->node->name);
    struct {
        uint64_t incarnation;
        uint8_t key[16];
    } drawn;
    if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
        abort();
    struct flood_options flood = {.herd = span_of(tap->topology->herd),
                                  .node = span_of(name),
                                  .peers = &peer,
                                  .peer_count = 1,
                                  .incarnation = drawn.incarnation | 1, /* never 0 */
                                  .clients_max = FLOOD_CLIENTS_DEFAULT};
    memcpy(flood.hash_key, drawn.key, sizeof flood.hash_key);
    struct bus_peer node = {tap->node->name, tap->node->bus_at.text};
    struct bus_keys keys = {.peers = &tap->node->public_keys};
    bool has_keys = tap->topology->keys[0] != '\0';
    if (has_keys && !find_secret(tap, &keys.own))
        return false;
    struct bus_options bus = {.name = name,
                              .endpoint = tap->observer->self.bus.text,
                              .peers = &node,
                              .peer_count = 1,
                              .keys = has_keys ? &keys : NULL};
    const struct topology_node *self = &tap->observer->self;
    if (reach_is_said(&self->bus, &self->bus_at, "bus_at", error))
        tap->bus = bus_open(&bus, error);
    explicit_bzero(&keys.own, sizeof keys.own);
    if (tap->bus == NULL) {
        say("%s:%" PRIu32 ": %s", tap->path, tap->observer->self.bus.line, error);
        return false;
    }
    tap->flood = flood_new(&flood);
    return true;
}

/* The last acknowledgements, and that we leave. */
static void say_goodbye(struct tap *tap)
{
    int64_t until_ms = now_ms() + GOODBYE_MS_MAX;
    flood_say_goodbye(tap->flood);
    for (turn(tap); !flood_is_over(tap->flood) && now_ms() < until_ms; turn(tap))
        await(tap, until_ms);
}

static void close_tap(struct tap *tap)
{
    bus_close(&tap->bus, BUS_LINGER_MS);
    flood_destroy(&tap->flood);
    buffer_free(&tap->out);
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
    tap->observer = find_observer(tap->topology, (uint32_t)node, words->observer);
    if (tap->observer == NULL)
        say("%s lists no observer %s%sof %s; write a section `observer` with `name`, "
            "`of = %s` and `bus`, for its node, too",
            words->path, words->observer ? words->observer : "", words->observer ? " " : "",
            words->node, words->node);
    return tap->observer != NULL;
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
        take_signals();
        if (open_tap(&tap)) {
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
