#include "topology/version.h"

#include <stdio.h>

void version_print(const char *program)
{
    if (version_commit[0] != '\0')
        printf("%s " ZHERD_VERSION " (%s)\n", program, version_commit);
    else
        printf("%s " ZHERD_VERSION "\n", program);
}
