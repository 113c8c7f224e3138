#include "topology/usage.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int usage_refuse(const char *program, const char *format, ...)
{
    char fault[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, sizeof fault, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s; --help shows how\n", program, fault);
    return USAGE_EXIT_STATUS;
}

int usage_refuse_option(const char *program, int option, char *const *words)
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
    return usage_refuse(program, "there is no option %s", word);
}

bool usage_asks_for_help(int count, char *const *words)
{
    for (int i = 1; i < count; i++)
        if (strcmp(words[i], "--help") == 0)
            return true;
    return false;
}
