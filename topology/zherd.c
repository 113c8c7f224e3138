#include "topology/zherd.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *usage;
    const char *purpose;
    int (*run)(int count, char **words);
} subcommands[] = {
    {"check", "check FILE", "say whether a topology file is good, or every fault", check_main},
    {"draw", "draw [--dot] FILE", "draw the herd as text, or for graphviz", draw_main},
    {"keygen", "keygen [--keys DIR] FILE [NAME]", "make the keys that are missing, or a new one",
     keygen_main},
    {"tap", "tap [--status] FILE NODE", "print each update of a node, or its links once", tap_main},
    {"up", "up [--log-dir DIR] FILE", "start the whole herd here (logs go to log/)", up_main},
};

#define SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

static void print_help(void)
{
    puts("zherd: a herd of location servers, from one topology file\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        printf("  zherd %-32s %s\n", subcommands[i].usage, subcommands[i].purpose);
    puts("  zherd --help                           show this");
    puts("  zherd --version                        show the version");
}

int main(int count, char **words)
{
    if (count < 2) {
        fputs("zherd: write a subcommand; `zherd --help` lists them\n", stderr);
        return 1;
    }
    const char *word = words[1];
    if (strcmp(word, "--help") == 0 || (count > 2 && strcmp(words[2], "--help") == 0)) {
        print_help();
        return 0;
    }
    if (strcmp(word, "--version") == 0) {
        puts("zherd " ZHERD_VERSION);
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(word, subcommands[i].name) == 0)
            return subcommands[i].run(count - 2, words + 2);
    }
    fprintf(stderr, "zherd: there is no subcommand `%s`; `zherd --help` lists them\n", word);
    return 1;
}
