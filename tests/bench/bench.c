/* zherd-bench: a load generator for herds, and for what might be used in their place. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "tests/bench/moment.h"
#include "tests/bench/run.h"
#include "tests/bench/walk.h"
#include "topology/usage.h"
#include "topology/version.h"

#define CONNECTIONS_MAX 1000000
#define EXPIRE_S_MAX    100000
/* Of a NEARBY; those of a WHATSAT are 50 and 20. */
#define RADIUS_KM_MAX 20038
#define BOUND_MAX     1000
#define DEPTH_MAX     65535 /* how many requests the packet ids of MQTT distinguish */

/* When a reply was wrong or never came, or a connection was ended. */
#define BAD_REPLIES_EXIT_STATUS 3

static const char HELP[] =
    "zherd-bench puts load on a server, checks every reply against its request, and prints "
    "figures.\n"
    "\n"
    "  zherd-bench [options] SERVER [SERVER...]      SERVER: HOST:PORT or PORT\n"
    "  zherd-bench walk [--clients N] [--seed N] [--seconds S] SERVER [SERVER...]\n"
    "\n"
    "  --workload WHAT    iamat: updates (default); whatsat: questions; mixed: 9 to 1;\n"
    "                     load: every client once; storm: all connect at once, again and again;\n"
    "                     idle: connections that say nothing; propagate: how soon an update at\n"
    "                     the first SERVER is seen at the last; converge: updates a second at\n"
    "                     the first SERVER until all the others have them; expire: questions\n"
    "                     about others while all are over in one moment; nearby: who is near\n"
    "                     to a place, of the clients that an earlier run has brought; told: what\n"
    "                     connections that watch everything are told a second\n"
    "  --protocol NAME    zherd (default), zherd-auth, zherd-watch, echo, redis, redis-geoadd,\n"
    "                     redis-wait, nats, mqtt, osmand\n"
    "  --connections N    (50)            --depth N        requests on the way of each (1)\n"
    "  --rate N           requests a second, timed from when each had to leave; without it, as\n"
    "                     fast as replies come\n"
    "  --seconds S        (5)             --warmup S       before that (0.5)\n"
    "  --fleet WHERE      where clients are, and by how much an update moves one: leaps: a degree\n"
    "                     (default); up to 30 m: dense, thin, land; not at all: point\n"
    "  --clients N        (100000)        --first-client N to keep two runs apart (0)\n"
    "  --updates N        of propagate (2000) and converge (2000000)\n"
    "  --window S         propagate asks up to S after an update (0.002)\n"
    "  --radius KM        (10)            --bound N        of a WHATSAT or NEARBY (0)\n"
    "  --expire S         of expire (0): what the herd has; redis is told so with each update\n"
    "  --server-pid PID   adds CPU and memory of that process; as often as there are processes\n"
    "  --tls              connections speak TLS, to any certificate; not those of storm\n"
    "  --spin             never sleep: for a processor of its own\n"
    "  --json             one line for programs\n"
    "  --seed N           of walk (1): other walkers, on other ways\n"
    "  help, -h, --help   show this\n"
    "  --version          show the version\n"
    "\n"
    "walk measures nothing: 500 walkers between landmarks of 21 cities tell the servers once a "
    "second\n"
    "where they are, for a map to look at, until Ctrl-C, or until whoever started it ends.\n"
    "\n"
    "Exit status: 0, or 1 when it failed, or 2 when an argument was wrong, or 3 when a reply was "
    "wrong\n"
    "or never came, or a connection was ended.\n";

enum workload {
    WORKLOAD_IAMAT,
    WORKLOAD_WHATSAT,
    WORKLOAD_MIXED,
    WORKLOAD_LOAD,
    WORKLOAD_STORM,
    WORKLOAD_IDLE,
    WORKLOAD_PROPAGATE,
    WORKLOAD_CONVERGE,
    WORKLOAD_EXPIRE,
    WORKLOAD_NEARBY,
    WORKLOAD_TOLD,
    WORKLOADS,
};

static const char *const workload_names[WORKLOADS] = {
    [WORKLOAD_IAMAT] = "iamat",         [WORKLOAD_WHATSAT] = "whatsat",
    [WORKLOAD_MIXED] = "mixed",         [WORKLOAD_LOAD] = "load",
    [WORKLOAD_STORM] = "storm",         [WORKLOAD_IDLE] = "idle",
    [WORKLOAD_PROPAGATE] = "propagate", [WORKLOAD_CONVERGE] = "converge",
    [WORKLOAD_EXPIRE] = "expire",       [WORKLOAD_NEARBY] = "nearby",
    [WORKLOAD_TOLD] = "told",
};

enum flag {
    FLAG_WORKLOAD = 1,
    FLAG_PROTOCOL,
    FLAG_CONNECTIONS,
    FLAG_DEPTH,
    FLAG_RATE,
    FLAG_SECONDS,
    FLAG_WARMUP,
    FLAG_CLIENTS,
    FLAG_FIRST_CLIENT,
    FLAG_UPDATES,
    FLAG_WINDOW,
    FLAG_RADIUS,
    FLAG_BOUND,
    FLAG_EXPIRE,
    FLAG_FLEET,
    FLAG_SERVER_PID,
    FLAG_SPIN,
    FLAG_TLS,
    FLAG_JSON,
    FLAG_VERSION,
};

static const struct option flags[] = {
    {"workload", required_argument, NULL, FLAG_WORKLOAD},
    {"protocol", required_argument, NULL, FLAG_PROTOCOL},
    {"connections", required_argument, NULL, FLAG_CONNECTIONS},
    {"depth", required_argument, NULL, FLAG_DEPTH},
    {"rate", required_argument, NULL, FLAG_RATE},
    {"seconds", required_argument, NULL, FLAG_SECONDS},
    {"warmup", required_argument, NULL, FLAG_WARMUP},
    {"clients", required_argument, NULL, FLAG_CLIENTS},
    {"first-client", required_argument, NULL, FLAG_FIRST_CLIENT},
    {"updates", required_argument, NULL, FLAG_UPDATES},
    {"window", required_argument, NULL, FLAG_WINDOW},
    {"radius", required_argument, NULL, FLAG_RADIUS},
    {"bound", required_argument, NULL, FLAG_BOUND},
    {"expire", required_argument, NULL, FLAG_EXPIRE},
    {"fleet", required_argument, NULL, FLAG_FLEET},
    {"server-pid", required_argument, NULL, FLAG_SERVER_PID},
    {"spin", no_argument, NULL, FLAG_SPIN},
    {"tls", no_argument, NULL, FLAG_TLS},
    {"json", no_argument, NULL, FLAG_JSON},
    {"help", no_argument, NULL, 0}, /* usage_asks_for_help */
    {"version", no_argument, NULL, FLAG_VERSION},
    {0},
};

struct arguments {
    struct run run;
    enum workload workload;
    bool json, tls;
};

static void fail(const char *what, const char *value)
{
    exit(usage_refuse("zherd-bench", "%s%s", what, value));
}

static uint32_t whole(const char *text, uint32_t least, uint32_t most)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < least ||
        value > most)
        fail("out of range or no whole number: ", text);
    return (uint32_t)value;
}

static double positive(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || !(value < 1e9))
        fail("no number: ", text);
    return value;
}

static enum workload find_workload(const char *name)
{
    for (int i = 0; i < WORKLOADS; i++)
        if (strcmp(workload_names[i], name) == 0)
            return (enum workload)i;
    fail("no such workload: ", name);
    return WORKLOADS;
}

static void choose_fleet(const char *name)
{
    enum sample_fleet fleet = sample_find_fleet(name);
    if (fleet == SAMPLE_FLEETS)
        fail("no such fleet: ", name);
    sample_choose(fleet);
}

static void add_pid(struct run *run, const char *text)
{
    if (run->pid_count == PROCESS_PIDS_MAX)
        fail("too many --server-pid: ", text);
    run->pids[run->pid_count++] = (pid_t)whole(text, 1, INT_MAX);
}

/* Flags about how the load is shaped. False for any other. */
static bool take_shape(struct run *run, int flag, const char *value)
{
    switch (flag) {
    case FLAG_CONNECTIONS:
        run->connections = whole(value, 1, CONNECTIONS_MAX);
        return true;
    case FLAG_DEPTH:
        run->depth = whole(value, 1, DEPTH_MAX);
        return true;
    case FLAG_RATE:
        run->rate = positive(value);
        return true;
    case FLAG_SECONDS:
        run->seconds = positive(value);
        return true;
    case FLAG_WARMUP:
        run->warmup_seconds = positive(value);
        return true;
    case FLAG_UPDATES:
        run->updates = whole(value, 1, UINT32_MAX);
        return true;
    case FLAG_WINDOW:
        run->window_seconds = positive(value);
        return true;
    case FLAG_SPIN:
        run->spin = true;
        return true;
    default:
        return false;
    }
}

static void take_flag(struct arguments *arguments, int flag, const char *value)
{
    struct run *run = &arguments->run;
    if (take_shape(run, flag, value))
        return;
    switch (flag) {
    case FLAG_WORKLOAD:
        arguments->workload = find_workload(value);
        break;
    case FLAG_PROTOCOL:
        if ((run->talk.speech = speech_find(value)) == NULL)
            fail("no such protocol: ", value);
        break;
    case FLAG_CLIENTS:
        run->script.clients = whole(value, 1, SAMPLE_CLIENTS_MAX);
        break;
    case FLAG_FIRST_CLIENT:
        run->talk.first_client = whole(value, 0, SAMPLE_CLIENTS_MAX - 1);
        break;
    case FLAG_RADIUS:
        run->talk.radius = whole(value, 0, RADIUS_KM_MAX);
        break;
    case FLAG_BOUND:
        run->talk.bound = whole(value, 0, BOUND_MAX);
        break;
    case FLAG_EXPIRE:
        run->talk.expire_s = whole(value, 1, EXPIRE_S_MAX);
        break;
    case FLAG_FLEET:
        choose_fleet(value);
        break;
    case FLAG_SERVER_PID:
        add_pid(run, value);
        break;
    case FLAG_JSON:
        arguments->json = true;
        break;
    case FLAG_TLS:
        arguments->tls = true;
        break;
    case FLAG_VERSION:
        version_print("zherd-bench");
        exit(EXIT_SUCCESS);
    default:
        break;
    }
}

static bool asks_questions(const struct arguments *arguments)
{
    return arguments->workload == WORKLOAD_WHATSAT || arguments->workload == WORKLOAD_MIXED ||
           arguments->workload == WORKLOAD_CONVERGE || arguments->workload == WORKLOAD_EXPIRE ||
           (arguments->workload == WORKLOAD_PROPAGATE && arguments->run.talk.speech->heard == NULL);
}

/* What the flags say together. */
static void check(struct arguments *arguments, int server_count)
{
    struct run *run = &arguments->run;
    const char *name = workload_names[arguments->workload];
    bool herd =
        arguments->workload == WORKLOAD_PROPAGATE || arguments->workload == WORKLOAD_CONVERGE;
    if (server_count < (herd ? 2 : 1))
        fail("too few servers for ", name);
    if (server_count > (herd ? RUN_SERVERS_MAX : 1))
        fail("too many servers for ", name);
    if (asks_questions(arguments) && !run->talk.speech->has_questions)
        fail("this protocol asks no questions: ", run->talk.speech->name);
    if (arguments->workload == WORKLOAD_NEARBY && !run->talk.speech->has_nearby)
        fail("this protocol does not tell who is near: ", run->talk.speech->name);
    if (arguments->workload == WORKLOAD_NEARBY && run->talk.bound == 0)
        fail("say how many clients at most: --bound", "");
    if (arguments->workload != WORKLOAD_NEARBY && (run->talk.radius > 50 || run->talk.bound > 20))
        fail("only a NEARBY takes such a --radius or --bound", "");
    if (arguments->workload == WORKLOAD_TOLD && run->talk.speech->heard == NULL)
        fail("this protocol tells nobody: ", run->talk.speech->name);
    if (arguments->workload == WORKLOAD_EXPIRE && run->talk.expire_s == 0)
        fail("say when they are over: --expire", "");
    if (arguments->workload == WORKLOAD_STORM && arguments->tls)
        fail("a storm speaks no TLS", "");
    if (arguments->workload == WORKLOAD_PROPAGATE)
        run->connections = 1;
    if (run->script.clients < run->connections)
        fail("every connection needs a client of its own", "");
    if (run->script.clients > SAMPLE_CLIENTS_MAX - run->talk.first_client)
        fail("too many clients", "");
    if (run->updates == 0)
        run->updates = arguments->workload == WORKLOAD_PROPAGATE ? 2000 : 2000000;
}

static struct arguments read_arguments(int count, char **values)
{
    struct arguments arguments = {.run = {.talk = {.speech = &speech_zherd, .radius = 10},
                                          .script = {.clients = 100000},
                                          .connections = 50,
                                          .depth = 1,
                                          .seconds = 5,
                                          .warmup_seconds = 0.5,
                                          .window_seconds = 0.002}};
    struct run *run = &arguments.run;
    if (usage_asks_for_help(count, values)) {
        fputs(HELP, stdout);
        exit(EXIT_SUCCESS);
    }
    int flag;
    while ((flag = getopt_long(count, values, ":", flags, NULL)) != -1) {
        if (flag == '?' || flag == ':')
            exit(usage_refuse_option("zherd-bench", flag, values, flags));
        take_flag(&arguments, flag, optarg);
    }
    check(&arguments, count - optind);
    for (int i = optind; i < count; i++)
        if (!address_find(values[i], &run->servers[run->server_count++]))
            exit(EXIT_FAILURE);
    return arguments;
}

/* As many connections as the system lets us open, and sleeps that end when they should. */
static void prepare(struct arguments *arguments)
{
    struct run *run = &arguments->run;
    struct rlimit files;
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    run->script.connections = run->connections;
    run->script.stamp_ns = (uint64_t)moment_of(CLOCK_REALTIME);
    run->script.rng.state = run->script.stamp_ns;
    if (asks_questions(arguments))
        run->script.known = run->talk.known =
            bytes_zeroed(run->script.clients * sizeof *run->talk.known);
}

static bool play(struct arguments *arguments)
{
    struct run *run = &arguments->run;
    switch (arguments->workload) {
    case WORKLOAD_IAMAT:
        return run_steady(run, SCRIPT_IAMAT);
    case WORKLOAD_WHATSAT:
        return run_steady(run, SCRIPT_WHATSAT);
    case WORKLOAD_MIXED:
        return run_steady(run, SCRIPT_MIXED);
    case WORKLOAD_LOAD:
        return run_load(run);
    case WORKLOAD_STORM:
        return run_storm(run);
    case WORKLOAD_IDLE:
        return run_idle(run);
    case WORKLOAD_PROPAGATE:
        return run->talk.speech->heard != NULL ? run_push(run) : run_propagate(run);
    case WORKLOAD_CONVERGE:
        return run_converge(run);
    case WORKLOAD_EXPIRE:
        return run_expire(run);
    case WORKLOAD_NEARBY:
        return run_nearby(run);
    case WORKLOAD_TOLD:
        return run_told(run);
    case WORKLOADS:
        break;
    }
    return false;
}

static void print(struct arguments *arguments)
{
    struct run *run = &arguments->run;
    struct buffer out = {0};
    figures_add(&run->figures, "wrong", (double)run->wrong);
    figures_add(&run->figures, "lost", (double)run->lost);
    figures_add(&run->figures, "broken", (double)run->broken);
    if (arguments->json)
        figures_write_json(&run->figures, &out);
    else
        figures_write_text(&run->figures, &out);
    fwrite(out.data, 1, out.len, stdout);
    buffer_free(&out);
}

int main(int count, char **values)
{
    if (count > 1 && strcmp(values[1], "walk") == 0 && !usage_asks_for_help(count, values))
        return walk_main(count - 1, values + 1);
    struct arguments arguments = read_arguments(count, values);
    prepare(&arguments);
    bool ran = (!arguments.tls || conn_speak_tls()) && play(&arguments);
    if (ran)
        print(&arguments);
    script_free(&arguments.run.script);
    free(arguments.run.talk.known);
    if (!ran)
        return EXIT_FAILURE;
    const struct run *run = &arguments.run;
    return run->wrong + run->lost + run->broken > 0 ? BAD_REPLIES_EXIT_STATUS : EXIT_SUCCESS;
}
