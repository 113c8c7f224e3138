#include "topology/usage.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "topology/status.h"

int usage_refuse(const char *program, const char *format, ...)
{
    char fault[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, sizeof fault, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s; --help shows how\n", program, fault);
    return STATUS_EXIT_USAGE;
}

int usage_read_setting(const char *program, const struct option *options, int option,
                       const char *value, struct settings *said)
{
    enum setting setting = (enum setting)(option - USAGE_SETTINGS);
    if (settings_read(said, setting, value))
        return 0;
    while (options->val != option)
        options++;
    return usage_refuse(program, "--%s takes %s, not %s", options->name, settings_takes(setting),
                        value);
}

const char *usage_meant(const struct topology_nearest *nearest, char text[USAGE_MEANT_BYTES_MAX])
{
    text[0] = '\0';
    if (nearest->best != NULL)
        snprintf(text, USAGE_MEANT_BYTES_MAX, " (did you mean %s?)", nearest->best);
    return text;
}

static int refuse_unknown(const char *program, const char *word, const struct option *options)
{
    char name[USAGE_MEANT_BYTES_MAX];
    const char *start = word + strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "="), start);
    struct topology_nearest nearest = {.word = name};
    for (; options->name != NULL; options++)
        topology_nearest_offer(&nearest, options->name);
    if (nearest.best == NULL)
        return usage_refuse(program, "there is no option %s", word);
    return usage_refuse(program, "there is no option %s (did you mean --%s?)", word, nearest.best);
}

int usage_refuse_option(const char *program, int option, char *const *words,
                        const struct option *options)
{
    const char *word = words[optind - 1];
    if (option == ':')
        return usage_refuse(program, "%s needs a value", word);
    /* getopt_long leaves the letter of a short option, or what stands for a long one that was
     * given a value and takes none, or nothing for a long one that is unknown. */
    const char *value = strchr(word, '=');
    if (optopt != 0 && value != NULL)
        return usage_refuse(program, "%.*s takes no value", (int)(value - word), word);
    if (optopt != 0)
        return usage_refuse(program, "there is no option -%c", optopt);
    return refuse_unknown(program, word, options);
}

bool usage_asks_for_help(int count, char *const *words)
{
    for (int i = 1; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    bool is_first = count > 1 && strcmp(words[1], "help") == 0;
    return is_first || (count == 3 && strcmp(words[2], "help") == 0);
}
