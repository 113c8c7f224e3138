/* What is told again to neighbours that lost their way to an origin (L6). What a step costs is
 * bounded, however many asks there are and whatever a neighbour asks for. */
#include "bus/link/lazy.h"

#include <stdlib.h>

void lazy_ask(struct lazy *lazy, size_t link, uint16_t number, int64_t age_ms)
{
    struct lazy_origin *origin = &lazy->origins[number];
    int64_t since_ms = lazy->now_ms - age_ms - LAZY_LOST_SLACK_MS;
    uint16_t i = origin->ask;
    while (i != LAZY_NO_ASK && lazy->asks[i].link != link)
        i = lazy->asks[i].next;
    if (lazy->asks == NULL)
        lazy->asks = malloc(LAZY_ASKS_MAX * sizeof *lazy->asks);
    if (lazy->asks == NULL || (i == LAZY_NO_ASK && lazy->ask_count == LAZY_ASKS_MAX))
        return;
    if (lazy->ask_count == 0)
        lazy->slots = table_slots(lazy->table);
    if (i == LAZY_NO_ASK) {
        i = (uint16_t)lazy->ask_count++;
        lazy->asks[i] = (struct lazy_ask){number, (uint16_t)link, origin->ask, 0, since_ms};
        origin->ask = i;
    }
    lazy->asks[i].left = table_slots(lazy->table);
    if (since_ms < lazy->asks[i].since_ms)
        lazy->asks[i].since_ms = since_ms;
}

/* Drops those that have nothing left, and chains the others by origin. */
static void keep_asks(struct lazy *lazy)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < lazy->ask_count; i++)
        lazy->origins[lazy->asks[i].origin].ask = LAZY_NO_ASK;
    for (uint32_t i = 0; i < lazy->ask_count; i++) {
        struct lazy_ask ask = lazy->asks[i];
        if (ask.left == 0)
            continue;
        ask.next = lazy->origins[ask.origin].ask;
        lazy->origins[ask.origin].ask = (uint16_t)kept;
        lazy->asks[kept++] = ask;
    }
    lazy->ask_count = kept;
}

void lazy_asks_drop(struct lazy *lazy, size_t link)
{
    for (uint32_t i = 0; i < lazy->ask_count; i++)
        if (lazy->asks[i].link == link)
            lazy->asks[i].left = 0;
    keep_asks(lazy);
}

/* How much was looked at. */
static uint32_t answer(const struct lazy *lazy, uint32_t slot, int64_t age_ms)
{
    if (!table_slot_is_live(lazy->table, slot))
        return 1;
    uint32_t looks = 1;
    uint16_t number = table_slot_origin(lazy->table, slot);
    uint16_t i = number < lazy->origin_count ? lazy->origins[number].ask : LAZY_NO_ASK;
    for (; i != LAZY_NO_ASK; i = lazy->asks[i].next, looks++)
        if (lazy->now_ms - age_ms >= lazy->asks[i].since_ms)
            ring_push(&lazy->links[lazy->asks[i].link].window->ring, slot);
    return looks;
}

/* Slots that are added while the asks go round move the end of the round. */
static void begin_step(struct lazy *lazy, uint32_t *most, int64_t *age_max_ms)
{
    uint32_t slots = table_slots(lazy->table);
    uint32_t more = slots > lazy->slots ? slots - lazy->slots : 0;
    lazy->looked_ms = lazy->now_ms;
    lazy->slots = slots;
    *most = 0;
    *age_max_ms = 0;
    for (uint32_t i = 0; i < lazy->ask_count; i++) {
        struct lazy_ask *ask = &lazy->asks[i];
        int64_t age_ms = lazy->now_ms - ask->since_ms;
        ask->left = slots > 0 ? ask->left + more : 0;
        *most = ask->left > *most ? ask->left : *most;
        *age_max_ms = age_ms > *age_max_ms ? age_ms : *age_max_ms;
    }
}

void lazy_asks_look(struct lazy *lazy)
{
    uint32_t most, seen = 0;
    int64_t age_max_ms;
    begin_step(lazy, &most, &age_max_ms);
    uint32_t count = most < LAZY_STEP_SLOTS ? most : LAZY_STEP_SLOTS;
    for (uint32_t looks = 0; seen < count && looks < LAZY_STEP_LOOKS; seen++, lazy->slot++) {
        lazy->slot = lazy->slot >= lazy->slots ? 0 : lazy->slot;
        int64_t age_ms = lazy_age_ms(lazy, lazy->slot);
        if (age_ms <= age_max_ms)
            looks += answer(lazy, lazy->slot, age_ms);
    }
    for (uint32_t i = 0; i < lazy->ask_count; i++)
        lazy->asks[i].left -= lazy->asks[i].left < seen ? lazy->asks[i].left : seen;
    keep_asks(lazy);
}
