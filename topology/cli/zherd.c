#include "topology/cli/zherd.h"

#include <stdio.h>
#include <string.h>

#include "topology/signals.h"
#include "topology/usage.h"

static const struct {
    const char *name;
    const char *usage;
    const char *purpose;
    int (*run)(int count, char **words);
} subcommands[] = {
    {"check", "check FILE [--host NAME]",
     "say whether the file is good, or every fault;\n"
     "                                                    and whether host NAME can bind its part",
     check_main},
    {"draw", "draw [--dot] FILE", "draw the herd as text, or for graphviz", draw_main},
    {"keygen", "keygen [--keys DIR] FILE [NAME]", "make the keys that are missing, or a new one",
     keygen_main},
    {"tap", "tap [--status] [--observer NAME] FILE NODE",
     "print each update of a node, or its links once", tap_main},
    {"up", "up [--log-dir DIR] FILE", "start the whole herd here (logs go to log/)", up_main},
};

#define SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

static void print_help(void)
{
    puts("zherd checks, shows and runs a herd of location servers, from one topology file.\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        printf("  zherd %-43s %s\n", subcommands[i].usage, subcommands[i].purpose);
    puts("  zherd help, -h, --help                            show this\n"
         "  zherd --version                                   show the version\n"
         "\n"
         "HUP makes `up` and `tap` read FILE again and open their outputs anew where they are "
         "files;\n"
         "USR1 only the latter. `up` hands both to its processes. Neither ends anything.\n"
         "\n"
         "Exit status: 0, or 1 when it failed, or 2 when a word was wrong.");
}

static int refuse_subcommand(const char *word)
{
    char meant[USAGE_MEANT_BYTES_MAX];
    struct topology_nearest nearest = {.word = word};
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        topology_nearest_offer(&nearest, subcommands[i].name);
    return usage_refuse("zherd", "there is no subcommand `%s`%s", word,
                        usage_meant(&nearest, meant));
}

int main(int count, char **words)
{
    signals_hold();
    if (usage_asks_for_help(count, words)) {
        print_help();
        return 0;
    }
    if (count < 2)
        return usage_refuse("zherd", "write a subcommand");
    if (strcmp(words[1], "--version") == 0) {
        puts("zherd " ZHERD_VERSION);
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(words[1], subcommands[i].name) == 0)
            return subcommands[i].run(count - 1, words + 1);
    }
    return refuse_subcommand(words[1]);
}
