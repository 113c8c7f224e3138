/* zherd-gateway: one node of a herd. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/packed.h"
#include "bus/flood.h"
#include "gateway/node/gateway.h"
#include "gateway/text/address_shares.h"
#include "topology/format/memory_share.h"
#include "topology/load.h"
#include "topology/memory_limits.h"
#include "topology/notify.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/status.h"
#include "topology/usage.h"
#include "topology/version.h"

static const char HELP[] =
    "zherd-gateway runs one node of a herd, until TERM or Ctrl-C.\n"
    "\n"
    "  zherd-gateway --topology FILE --node NAME [options]\n"
    "\n"
    "  --topology FILE      the herd, see topology/*.zpl\n"
    "  --node NAME          which of its nodes to be\n"
    "  --log-dir DIR        folder of the log file NAME.log, made where missing (log)\n"
    "  --data-dir DIR       folder of the journal NAME.journal, made where missing; needed where\n"
    "                       the herd says `journal`\n"
    "  --import FILE        begin with the AT lines of FILE, as `zherd journal dump` prints them;\n"
    "                       newer positions stay\n"
    "  --log-file FILE      the log, in place of DIR/NAME.log; - is standard output, and then\n"
    "                       \"ready\" and the state of links are lines of the log\n"
    "  --log WHAT           commands: every command and reply (default); commands/N: one in N;\n"
    "                       events: neither\n"
    "  --log-format FORM    text (default), json or logfmt\n"
    "  --log-level LEVEL    of events: error, warning, info (default) or debug\n"
    "  --log-max-bytes N    of one file of the log, with K, M or G in KiB, MiB or GiB, or 0 for "
    "no\n"
    "                       limit (256M); then it becomes FILE.1, and so on to FILE.3\n"
    "  --log-rate N         lines about connections a second, 0 for no limit: what is beyond is\n"
    "                       counted (%u for events, 0 for commands)\n"
    "  --max-clients N      known clients, connected or not, at which new ones are\n"
    "                       refused (%u)\n"
    "  --new-clients R/B    new clients and FORGETs of one address: R a second, B at once; 0: any\n"
    "                       number (10000 and a quarter of N divided by the nodes of the herd)\n"
    "  --max-table-bytes N  bytes that the table of clients may take, with K, M or G in KiB, MiB\n"
    "                       or GiB; new clients are refused at 7/8 of them, and connections\n"
    "                       may hold half as many, 4M to 256M (a quarter of the memory that\n"
    "                       this process may have)\n"
    "  --ready-within N     seconds until it says \"ready\", whatever is missing, 0 to 3600 (%u)\n"
    "  --drain-seconds N    after TERM, serve as before for so long, then stop, 0 to 3600 (0)\n"
    "  help, -h, --help     show this\n"
    "  --version            show the version\n"
    "\n"
    "Those of the log and of limits, from --log to --max-table-bytes, are keys of FILE, too, in "
    "node\n"
    "and in herd, with _ for -: an option counts before the node's key, and that before the "
    "herd's.\n"
    "\n"
    "It says \"ready\" on standard output once it knows what a neighbour knows, has no neighbour, "
    "or\n"
    "none has answered for a second; until then it takes positions, and questions about clients\n"
    "that it does not know wait. HUP makes it open its log again and read FILE again:\n"
    "its keys take effect at once; the log lists all other changes, which take effect at the next\n"
    "start. USR1 only makes it open its log again. Neither signal ends it.\n"
    "Exit status: 0, or 1 when it failed, or 2 when an argument was wrong.\n";

enum flag {
    FLAG_TOPOLOGY = 1,
    FLAG_NODE,
    FLAG_LOG_DIR,
    FLAG_DATA_DIR,
    FLAG_IMPORT,
    FLAG_READY_WITHIN,
    FLAG_DRAIN_SECONDS,
    FLAG_VERSION
};

static const struct option flags[] = {
    {"topology", required_argument, NULL, FLAG_TOPOLOGY},
    {"node", required_argument, NULL, FLAG_NODE},
    {"log-dir", required_argument, NULL, FLAG_LOG_DIR},
    {"data-dir", required_argument, NULL, FLAG_DATA_DIR},
    {"import", required_argument, NULL, FLAG_IMPORT},
    USAGE_SETTING("log", SETTING_LOG),
    USAGE_SETTING("log-rate", SETTING_LOG_RATE),
    USAGE_LOG_SETTINGS,
    USAGE_SETTING("max-clients", SETTING_MAX_CLIENTS),
    USAGE_SETTING("new-clients", SETTING_NEW_CLIENTS),
    USAGE_SETTING("max-table-bytes", SETTING_MAX_TABLE_BYTES),
    {"ready-within", required_argument, NULL, FLAG_READY_WITHIN},
    {"drain-seconds", required_argument, NULL, FLAG_DRAIN_SECONDS},
    {"help", no_argument, NULL, 0}, /* usage_asks_for_help */
    {"version", no_argument, NULL, FLAG_VERSION},
    {0},
};

/* A client should not wait for one slow link. */
#define READY_WITHIN_S_DEFAULT 5u
/* Of both times. */
#define SECONDS_MAX 3600u
#define SECOND_MS   1000

struct arguments {
    const char *topology, *node, *log_folder, *data_folder, *import_file;
    struct settings said;
    uint32_t ready_within_s, drain_s;
};

static bool read_seconds(const char *text, uint32_t *seconds)
{
    uint64_t value;
    if (!decimal_read_whole(span_of(text), SECONDS_MAX, &value))
        return false;
    *seconds = (uint32_t)value;
    return true;
}

static void fail(const char *what, const char *value)
{
    exit(usage_refuse("zherd-gateway", "%s%s", what, value));
}

/* Ends the process where the arguments say so or say nothing sensible. */
static struct arguments read_arguments(int count, char **values)
{
    struct arguments arguments = {.log_folder = "log", .ready_within_s = READY_WITHIN_S_DEFAULT};
    if (usage_asks_for_help(count, values)) {
        printf(HELP, GATEWAY_LOG_RATE, FLOOD_CLIENTS_DEFAULT, READY_WITHIN_S_DEFAULT);
        exit(EXIT_SUCCESS);
    }
    int flag;
    while ((flag = getopt_long(count, values, ":", flags, NULL)) != -1) {
        switch (flag) {
        case FLAG_TOPOLOGY:
            arguments.topology = optarg;
            break;
        case FLAG_NODE:
            arguments.node = optarg;
            break;
        case FLAG_LOG_DIR:
            arguments.log_folder = optarg;
            break;
        case FLAG_DATA_DIR:
            arguments.data_folder = optarg;
            break;
        case FLAG_IMPORT:
            arguments.import_file = optarg;
            break;
        case FLAG_READY_WITHIN:
            if (!read_seconds(optarg, &arguments.ready_within_s))
                fail("--ready-within takes seconds from 0 to 3600, not ", optarg);
            break;
        case FLAG_DRAIN_SECONDS:
            if (!read_seconds(optarg, &arguments.drain_s))
                fail("--drain-seconds takes seconds from 0 to 3600, not ", optarg);
            break;
        case FLAG_VERSION:
            version_print("zherd-gateway");
            exit(EXIT_SUCCESS);
        default:
            if (flag < USAGE_SETTINGS)
                exit(usage_refuse_option("zherd-gateway", flag, values, flags));
            if (usage_read_setting("zherd-gateway", flags, flag, optarg, &arguments.said) != 0)
                exit(STATUS_EXIT_USAGE);
        }
    }
    if (optind < count)
        fail("unexpected argument ", values[optind]);
    if (arguments.topology == NULL)
        fail("--topology FILE is missing", "");
    if (arguments.node == NULL)
        fail("--node NAME is missing", "");
    return arguments;
}

int main(int count, char **values)
{
    signals_hold();
    notify_open();
    struct fault fault;
    struct activation adopted;
    bool may_start = activation_take(&adopted, &fault);
    struct arguments arguments = read_arguments(count, values);
    struct topology topology;
    say_as("zherd-gateway", arguments.node);
    if (!may_start)
        say("%s", fault.text);
    if (!may_start || !topology_load(arguments.topology, &topology))
        return EXIT_FAILURE;
    int node = topology_find(&topology, arguments.node);
    bool good = false;
    if (node < 0) {
        char meant[USAGE_MEANT_BYTES_MAX];
        struct topology_nearest nearest = topology_find_near(&topology, arguments.node);
        say("%s has no node %s%s", arguments.topology, arguments.node,
            usage_meant(&nearest, meant));
    } else {
        struct memory_limits limits = memory_limits_read();
        struct gateway_options options = {.topology = &topology,
                                          .topology_file = arguments.topology,
                                          .node = (uint32_t)node,
                                          .log_folder = arguments.log_folder,
                                          .data_folder = arguments.data_folder,
                                          .import_file = arguments.import_file,
                                          .said = arguments.said,
                                          .memory_share = memory_share(&limits, 1),
                                          .adopted = adopted,
                                          .ready_within_ms =
                                              (int64_t)arguments.ready_within_s * SECOND_MS,
                                          .drain_ms = (int64_t)arguments.drain_s * SECOND_MS};
        good = gateway_run(&options);
    }
    topology_free(&topology);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
