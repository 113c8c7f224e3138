#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "topology/cli/zherd.h"
#include "topology/format/schema.h"
#include "topology/usage.h"

/* "as gateways" */
#define DEFAULT_BYTES_MAX 64

/* Of the columns, but for the last one, which nothing follows. */
struct widths {
    int section, name, kind, otherwise;
};

static const char *write_default(const struct topology_key *key, char text[DEFAULT_BYTES_MAX])
{
    if (key->as)
        snprintf(text, DEFAULT_BYTES_MAX, "as %s", key->as);
    else
        snprintf(text, DEFAULT_BYTES_MAX, "%s",
                 key->otherwise  ? key->otherwise
                 : key->optional ? "-"
                                 : "required");
    return text;
}

static void widen(int *width, const char *text)
{
    int bytes = (int)strlen(text);
    *width = bytes > *width ? bytes : *width;
}

static void measure(const struct topology_schema *schema, struct widths *widths)
{
    char text[DEFAULT_BYTES_MAX];
    for (size_t i = 0; i < schema->count; i++) {
        const struct topology_key *key = &schema->keys[i];
        widen(&widths->section, schema->name);
        widen(&widths->name, key->name);
        widen(&widths->kind, key->kind->name);
        widen(&widths->otherwise, write_default(key, text));
    }
}

static void print(const struct topology_schema *schema, const struct widths *widths)
{
    char text[DEFAULT_BYTES_MAX], values[TOPOLOGY_LIMITS_BYTES_MAX];
    for (size_t i = 0; i < schema->count; i++) {
        const struct topology_key *key = &schema->keys[i];
        printf("%-*s  %-*s  %-*s  %-*s  %s", widths->section, schema->name, widths->name, key->name,
               widths->kind, key->kind->name, widths->otherwise, write_default(key, text),
               key->meaning);
        if (key->kind->list) {
            key->kind->list(key, values);
            printf(" (%s)", values);
        }
        putchar('\n');
    }
}

static const struct topology_schema *find_section(const char *name)
{
    for (size_t i = 0; i < SECTION_KINDS; i++)
        if (strcmp(name, topology_schemas[i].name) == 0)
            return &topology_schemas[i];
    return NULL;
}

static int refuse_section(const char *word)
{
    char meant[USAGE_MEANT_BYTES_MAX];
    struct topology_nearest nearest = {.word = word};
    for (size_t i = 0; i < SECTION_KINDS; i++)
        topology_nearest_offer(&nearest, topology_schemas[i].name);
    return usage_refuse("zherd schema", "there is no section `%s`%s", word,
                        usage_meant(&nearest, meant));
}

int schema_main(int count, char **words)
{
    static const struct option options[] = {{0}};
    int option = getopt_long(count, words, ":", options, NULL);
    if (option != -1)
        return usage_refuse_option("zherd schema", option, words, options);
    if (count - optind > 1)
        return usage_refuse("zherd schema", "write one section, or none for all");
    const struct topology_schema *only = optind < count ? find_section(words[optind]) : NULL;
    if (optind < count && !only)
        return refuse_section(words[optind]);
    size_t first = only ? (size_t)(only - topology_schemas) : 0;
    size_t end = only ? first + 1 : SECTION_KINDS;
    struct widths widths = {0};
    for (size_t i = first; i < end; i++)
        measure(&topology_schemas[i], &widths);
    for (size_t i = first; i < end; i++)
        print(&topology_schemas[i], &widths);
    return 0;
}
