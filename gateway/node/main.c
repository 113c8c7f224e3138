/* zherd-gateway: one node of a herd. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/flood.h"
#include "gateway/node/gateway.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/usage.h"

static const char HELP[] =
    "zherd-gateway runs one node of a herd, until TERM or Ctrl-C.\n"
    "\n"
    "  zherd-gateway --topology FILE --node NAME [options]\n"
    "\n"
    "  --topology FILE      the herd, see topology/*.zpl\n"
    "  --node NAME          which of its nodes to be\n"
    "  --log-dir DIR        folder of the log file NAME.log, made where missing (log)\n"
    "  --log WHAT           commands: every command and reply (default); events: neither\n"
    "  --max-clients N      known clients at which new ones are refused (%u)\n"
    "  help, -h, --help     show this\n"
    "  --version            show the version\n"
    "\n"
    "It says \"ready\" on standard output. HUP makes it open its log anew and read FILE again: "
    "the\n"
    "herd's keys count at once, the log says what else differs and waits for the next start. USR1\n"
    "opens the log anew and no more. Neither ends it.\n"
    "Exit status: 0, or 1 when it failed, or 2 when a word was wrong.\n";

enum flag { FLAG_TOPOLOGY = 1, FLAG_NODE, FLAG_LOG_DIR, FLAG_LOG, FLAG_MAX_CLIENTS, FLAG_VERSION };

struct arguments {
    const char *topology, *node, *log_folder;
    bool log_commands;
    uint32_t clients_max;
};

static bool read_count(const char *text, uint32_t *count)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value == 0 ||
        value > UINT32_MAX)
        return false;
    *count = (uint32_t)value;
    return true;
}

static bool read_log(const char *text, bool *log_commands)
{
    *log_commands = strcmp(text, "commands") == 0;
    return *log_commands || strcmp(text, "events") == 0;
}

static void fail(const char *what, const char *value)
{
    exit(usage_refuse("zherd-gateway", "%s%s", what, value));
}

/* Ends the process where the arguments say so or say nothing sensible. */
static struct arguments read_arguments(int count, char **values)
{
    static const struct option flags[] = {
        {"topology", required_argument, NULL, FLAG_TOPOLOGY},
        {"node", required_argument, NULL, FLAG_NODE},
        {"log-dir", required_argument, NULL, FLAG_LOG_DIR},
        {"log", required_argument, NULL, FLAG_LOG},
        {"max-clients", required_argument, NULL, FLAG_MAX_CLIENTS},
        {"help", no_argument, NULL, 0}, /* usage_asks_for_help */
        {"version", no_argument, NULL, FLAG_VERSION},
        {0},
    };
    struct arguments arguments = {
        .log_folder = "log", .log_commands = true, .clients_max = FLOOD_CLIENTS_DEFAULT};
    if (usage_asks_for_help(count, values)) {
        printf(HELP, FLOOD_CLIENTS_DEFAULT);
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
        case FLAG_LOG:
            if (!read_log(optarg, &arguments.log_commands))
                fail("--log takes commands or events, not ", optarg);
            break;
        case FLAG_MAX_CLIENTS:
            if (!read_count(optarg, &arguments.clients_max))
                fail("--max-clients takes a number from 1 to 4294967295, not ", optarg);
            break;
        case FLAG_VERSION:
            puts("zherd-gateway " ZHERD_VERSION);
            exit(EXIT_SUCCESS);
        default:
            exit(usage_refuse_option("zherd-gateway", flag, values, flags));
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
    struct arguments arguments = read_arguments(count, values);
    struct topology topology;
    say_as("zherd-gateway", arguments.node);
    if (!topology_load(arguments.topology, &topology))
        return EXIT_FAILURE;
    int node = topology_find(&topology, arguments.node);
    bool good = false;
    if (node < 0) {
        char meant[USAGE_MEANT_BYTES_MAX];
        struct topology_nearest nearest = topology_find_near(&topology, arguments.node);
        say("%s has no node %s%s", arguments.topology, arguments.node,
            usage_meant(&nearest, meant));
    } else {
        struct gateway_options options = {.topology = &topology,
                                          .topology_file = arguments.topology,
                                          .node = (uint32_t)node,
                                          .log_folder = arguments.log_folder,
                                          .log_commands = arguments.log_commands,
                                          .clients_max = arguments.clients_max};
        good = gateway_run(&options);
    }
    topology_free(&topology);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
