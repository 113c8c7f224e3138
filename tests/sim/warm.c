#include "tests/sim/world.h"

#include <stdlib.h>

/* Of what a node knew when it died, so much was not on its disk yet: not at all, or only an older
 * location of that client. */
#define LOST_PERMILLE  60
#define OLDER_PERMILLE 60

/* What the disk has of the client, or WORLD_NO_RECORD. */
static uint32_t find_kept(struct sim *sim, const struct node *node, uint32_t client)
{
    uint32_t held = node->holds[client];
    if (held == WORLD_NO_RECORD || rng_chance(&sim->rng, LOST_PERMILLE))
        return WORLD_NO_RECORD;
    uint32_t older = sim->records[held].older;
    bool is_older = older != WORLD_NO_RECORD && !sim->records[older].strange &&
                    rng_chance(&sim->rng, OLDER_PERMILLE);
    return is_older ? older : held;
}

uint32_t *warm_keep(struct sim *sim, uint32_t index, bool strange)
{
    struct node *node = &sim->nodes[index];
    bool had_other = node->lives == 0 || node->strange || strange || index >= sim->herd_count ||
                     node->journal != NULL;
    if (had_other || !rng_chance(&sim->rng, sim->options.warm_permille))
        return NULL;
    uint32_t *kept = world_memory(sim->options.client_count, sizeof *kept);
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        kept[i] = find_kept(sim, node, i);
    return kept;
}

void warm_load(struct sim *sim, uint32_t index, uint32_t *kept)
{
    struct table *table = flood_table(sim->nodes[index].flood);
    uint32_t slot;
    for (uint32_t i = 0; kept != NULL && i < sim->options.client_count; i++) {
        if (kept[i] == WORLD_NO_RECORD)
            continue;
        const struct location *location = &sim->records[kept[i]].location;
        table_put(table, location, table_ref(table, location->client), &slot);
        watch_client(sim, index, i);
    }
    sim->counters->starts_warm += kept != NULL;
    free(kept);
}
