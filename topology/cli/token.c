#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bus/net/entropy.h"
#include "topology/cli/zherd.h"
#include "topology/format/access.h"
#include "topology/usage.h"

/* What the person says, which stands in no file, and then the section. The first line is none that
 * an access file may have, so nobody keeps it there unnoticed. */
static void print_new(const char *name)
{
    uint8_t bytes[ACCESS_TOKEN_BYTES];
    char token[ACCESS_TOKEN_TEXT_BYTES + 1], entry[ACCESS_ENTRY_TEXT_BYTES];
    entropy_draw(bytes, sizeof bytes);
    access_write_token(bytes, token, entry);
    printf("AUTH %s\n"
           "\n"
           "person\n"
           "    name = %s\n"
           "    token = %s\n"
           "    be = %s\n",
           token, name, entry, name);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(token, sizeof token);
}

int token_main(int count, char **words)
{
    static const struct option options[] = {{0}};
    char name[TOPOLOGY_NAME_BYTES_MAX + 1];
    struct topology_faults faults = {0};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;)
        return usage_refuse_option("zherd token", option, words, options);
    if (count - optind != 2 || strcmp(words[optind], "new") != 0)
        return usage_refuse("zherd token", "write `new` and the name of a person");
    const char *wanted = words[optind + 1];
    if (!topology_schema_take_name(0, wanted, strlen(wanted), name, &faults))
        return usage_refuse("zherd token", "%s", faults.list[0].text);
    print_new(name);
    return 0;
}
