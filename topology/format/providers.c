#include "topology/format/providers.h"

#include <string.h>

#define ROW(number, x, name, needs_key) [TOPOLOGY_##number] = {name, needs_key},
static const struct {
    const char *name;
    bool needs_key;
} rows[TOPOLOGY_PROVIDERS] = {[TOPOLOGY_NO_PROVIDER] = {"", false}, TOPOLOGY_PROVIDER_ROWS(ROW)};

const char *topology_provider_name(enum topology_provider provider)
{
    return rows[provider].name;
}

bool topology_provider_needs_key(enum topology_provider provider)
{
    return rows[provider].needs_key;
}

enum topology_provider topology_provider_find(const char *name)
{
    for (int i = TOPOLOGY_NO_PROVIDER + 1; i < TOPOLOGY_PROVIDERS; i++)
        if (strcmp(name, rows[i].name) == 0)
            return (enum topology_provider)i;
    return TOPOLOGY_NO_PROVIDER;
}
