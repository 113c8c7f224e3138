#include "topology/cli/zherd.h"

#include <stdio.h>
#include <string.h>

#include "topology/signals.h"
#include "topology/usage.h"
#include "topology/version.h"

static const struct {
    const char *name;
    const char *usage;
    const char *purpose;
    int (*run)(int count, char **words);
} subcommands[] = {
    {"backup", "backup [--data-dir DIR] FILE ARCHIVE",
     "put the file, and what this host has of its\n"
     "                                                    herd's keys, journals and places, into a "
     "tar",
     backup_main},
    {"check", "check FILE [--host NAME] [--strict]",
     "check the file and list every fault; with\n"
     "                                                    --host, whether NAME can bind its part;\n"
     "                                                    with --strict also its weak spots",
     check_main},
    {"draw", "draw [--dot] [--ways-of NODE] FILE",
     "draw the herd as text, or for graphviz; with\n"
     "                                                    --ways-of, by which links changes of "
     "NODE "
     "go",
     draw_main},
    {"export", "export compose|k8s FILE", "write the herd as a manifest for containers",
     export_main},
    {"forget", "forget [--yes] FILE [CLIENT...] [CONDITION]",
     "count clients, show some, and with --yes have\n"
     "                                                    the herd forget them",
     forget_main},
    {"journal", "journal check|dump|repair FOLDER",
     "list the blocks of a node's journal, print its\n"
     "                                                    AT lines, or put aside what is "
     "unreadable",
     journal_main},
    {"keygen", "keygen [--keys DIR] FILE [NAME]", "make the missing keys, or a new one for NAME",
     keygen_main},
    {"restore", "restore ARCHIVE DIR", "make the folder DIR of a backup", restore_main},
    {"schema", "schema [SECTION]", "list the keys of a file, and what each means", schema_main},
    {"status", "status [--json] [--ways] FILE",
     "say how nodes, links and places services are,\n"
     "                                                    and with --ways by which links changes "
     "go",
     status_main},
    {"tap", "tap [--status] [--observer NAME] FILE NODE",
     "print each update of a node, or its links once", tap_main},
    {"token", "token new NAME", "make a token, and NAME's section of access rules", token_main},
    {"top", "top [--once] FILE", "watch all nodes and links, or print them once", top_main},
    {"up", "up [--log-dir DIR] [--host NAME] FILE",
     "start the herd here (logs go to log/), or with\n"
     "                                                    --host what belongs to NAME",
     up_main},
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
         "HUP makes `up` and `tap` read FILE again and reopen their outputs where they are files;\n"
         "USR1 only makes them reopen. `up` passes both signals on. Neither ends a process.\n"
         "\n"
         "Conditions of `forget`, which all must be met: --origin NODE (that took the position),\n"
         "--after TIME (a stamp, or 2021-05-19T22:53:47Z), --older-than AGE (such as 90s or 30d),\n"
         "--matching PATTERN (of the id, with one *). It asks the first node that answers, or\n"
         "--node NODE, as the first operator of FILE, or --operator NAME.\n"
         "\n"
         "`top`, `status` and `draw --ways-of` ask all nodes, as the first operator of FILE, or\n"
         "--operator NAME. `status` ends with 0 where all is well, 1 where something is not, 2 "
         "where\n"
         "no node answers, and 3 where it cannot say.\n"
         "\n"
         "`backup` looks for journals in FILE.data, where `up` has them, or in --data-dir, as "
         "nodes\n"
         "do. It may run beside them. An ARCHIVE whose name ends with .gz or .xz is compressed.\n"
         "\n"
         "On a terminal `tap` and `journal dump` write control bytes of clients as \\x1b; "
         "elsewhere as\n"
         "they came.\n"
         "\n"
         "Exit status: 0, or 1 when it failed, or 2 when an argument was wrong.");
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
        version_print("zherd");
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(words[1], subcommands[i].name) == 0)
            return subcommands[i].run(count - 1, words + 1);
    }
    return refuse_subcommand(words[1]);
}
