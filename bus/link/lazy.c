#include "bus/link/lazy.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/base/bytes.h"

#define NEVER_MS    (INT64_MIN / 2)
#define WORD_BITS   64u
#define ORIGINS_MIN 16u

static struct lazy_origin *origin_at(const struct lazy *lazy, uint16_t number)
{
    return number < lazy->origin_count && lazy->origins[number].is_known ? &lazy->origins[number]
                                                                         : NULL;
}

static bool has_bit(const uint64_t *bits, size_t link)
{
    return link < LAZY_LINKS_MAX && (bits[link / WORD_BITS] >> link % WORD_BITS & 1) != 0;
}

static void set_bit(uint64_t *bits, size_t link, bool value)
{
    uint64_t bit = UINT64_C(1) << link % WORD_BITS, *word = &bits[link / WORD_BITS];
    *word = value ? *word | bit : *word & ~bit;
}

void lazy_init(struct lazy *lazy, struct table *table, uint16_t own)
{
    lazy->table = table;
    lazy->own = own;
    lazy->start_ms = lazy->looked_ms = NEVER_MS;
}

static void free_links(struct lazy *lazy)
{
    for (uint32_t i = 0; i < lazy->link_count; i++)
        free(lazy->links[i].ways);
    free(lazy->links);
}

void lazy_free(struct lazy *lazy)
{
    free_links(lazy);
    for (uint32_t i = 0; i < lazy->stamp_chunks; i++)
        free(lazy->stamps[i]);
    free(lazy->stamps);
    free(lazy->origins);
    free(lazy->young);
    free(lazy->asks);
    *lazy = (struct lazy){0};
}

/* ---- Origins and links ------------------------------------------------------------------- */

static void make_origins(struct lazy *lazy, uint32_t count)
{
    uint32_t before = lazy->origin_count, room = before == 0 ? ORIGINS_MIN : before;
    while (room < count)
        room *= 2;
    lazy->origins = bytes_resize(lazy->origins, room * sizeof *lazy->origins);
    for (uint32_t i = before; i < room; i++)
        lazy->origins[i] = (struct lazy_origin){.parent = LAZY_NO_LINK,
                                                .hops = LAZY_FAR,
                                                .ask = LAZY_NO_ASK,
                                                .heard_ms = NEVER_MS,
                                                .lost_ms = NEVER_MS,
                                                .hold_ms = NEVER_MS};
    for (uint32_t i = 0; i < lazy->link_count && i < LAZY_LINKS_MAX; i++) {
        struct lazy_way **ways = &lazy->links[i].ways;
        *ways = bytes_resize(*ways, room * sizeof **ways);
        memset(*ways + before, 0, (room - before) * sizeof **ways);
    }
    lazy->origin_count = room;
}

void lazy_know(struct lazy *lazy, uint16_t number, size_t name_bytes)
{
    if (number >= lazy->origin_count)
        make_origins(lazy, number + 1u);
    struct lazy_origin *origin = &lazy->origins[number];
    if (origin->is_known || lazy->known_count == WIRE_ORIGINS_MAX ||
        lazy->names_bytes + name_bytes > LAZY_NAMES_BYTES_MAX)
        return;
    lazy->known_count++;
    lazy->names_bytes += (uint32_t)name_bytes;
    origin->is_known = true;
    if (number == lazy->own)
        origin->hops = 0;
}

static void move_bits(uint64_t *bits, size_t count, const size_t *was)
{
    uint64_t moved[LAZY_WORDS] = {0};
    for (size_t i = 0; i < count && i < LAZY_LINKS_MAX; i++)
        if (was != NULL && has_bit(bits, was[i]))
            set_bit(moved, i, true);
    memcpy(bits, moved, sizeof moved);
}

/* The link's number from now on; LAZY_NO_LINK: it is gone, or is one that carries everything. */
static uint16_t move_link(uint16_t link, size_t count, const size_t *was)
{
    for (size_t i = 0; i < count && i < LAZY_LINKS_MAX && was != NULL; i++)
        if (was[i] == link)
            return (uint16_t)i;
    return LAZY_NO_LINK;
}

static void move_origins(struct lazy *lazy, size_t count, const size_t *was)
{
    for (uint32_t i = 0; i < lazy->origin_count; i++) {
        struct lazy_origin *origin = &lazy->origins[i];
        move_bits(origin->closed, count, was);
        move_bits(origin->mine, count, was);
        move_bits(origin->lost, count, was);
        if (origin->parent != LAZY_NO_LINK)
            origin->parent = move_link(origin->parent, count, was);
    }
}

/* Those of links that are gone were dropped. */
static void move_asks(struct lazy *lazy, size_t count, const size_t *was)
{
    for (uint32_t i = 0; i < lazy->ask_count; i++)
        lazy->asks[i].link = move_link(lazy->asks[i].link, count, was);
}

static void turn_on(struct lazy *lazy, int64_t now_ms)
{
    if (lazy->young == NULL)
        lazy->young = bytes_zeroed(LAZY_YOUNG_MAX * sizeof *lazy->young);
    lazy->is_on = true;
    lazy->start_ms = lazy->now_ms = now_ms;
}

/* What another process knows of us, and we of it. */
static void forget_other(struct lazy_link *link)
{
    link->seen = 0;
    link->was_up = false;
    link->linger_ms = NEVER_MS;
    link->late_next_ms = 0;
    link->pause_ms = LAZY_PAUSE_MS;
}

/* Links beyond LAZY_LINKS_MAX have none. */
static void make_ways(const struct lazy *lazy, struct lazy_link *link, size_t index)
{
    if (index >= LAZY_LINKS_MAX) {
        free(link->ways);
        link->ways = NULL;
    } else if (link->ways == NULL) {
        link->ways = bytes_zeroed((lazy->origin_count + 1) * sizeof *link->ways);
    }
}

void lazy_set_links(struct lazy *lazy, struct window **windows, size_t count, const size_t *was,
                    bool is_node, int64_t now_ms)
{
    struct lazy_link *links = bytes_zeroed((count + 1) * sizeof *links);
    /* A parent that is gone with its link is a way that is lost; and an observer declines nothing.
     */
    for (size_t old = 0; old < lazy->link_count; old++)
        if (lazy->links[old].is_up &&
            (!is_node || move_link((uint16_t)old, count, was) == LAZY_NO_LINK))
            lazy_close_link(lazy, old);
    for (size_t old = 0; old < lazy->link_count; old++)
        if (lazy->links[old].version > lazy->versions)
            lazy->versions = lazy->links[old].version;
    for (size_t i = 0; i < count; i++) {
        if (was != NULL && was[i] != SIZE_MAX) {
            links[i] = lazy->links[was[i]];
            lazy->links[was[i]].ways = NULL;
        } else {
            links[i].version = lazy->versions;
            forget_other(&links[i]);
        }
        make_ways(lazy, &links[i], i);
        links[i].window = windows[i];
    }
    move_origins(lazy, count, was);
    free_links(lazy);
    lazy->links = links;
    lazy->link_count = (uint32_t)count;
    move_asks(lazy, count, was);
    lazy->is_node = is_node;
    memset(lazy->every, 0, sizeof lazy->every);
    for (size_t i = 0; i < count && i < LAZY_LINKS_MAX; i++)
        set_bit(lazy->every, i, true);
    if (!lazy->is_on && count > 1)
        turn_on(lazy, now_ms);
}

/* ---- Stamps ------------------------------------------------------------------------------ */

/* Without memory nothing is noted: what stands there counts as of the start. */
void lazy_make_stamps(struct lazy *lazy, uint32_t slot)
{
    uint32_t chunk = slot / LAZY_STAMPS;
    if (chunk >= lazy->stamp_chunks) {
        uint32_t **stamps = realloc(lazy->stamps, (chunk + 1u) * sizeof *stamps);
        if (stamps == NULL)
            return;
        for (uint32_t i = lazy->stamp_chunks; i <= chunk; i++)
            stamps[i] = NULL;
        lazy->stamps = stamps;
        lazy->stamp_chunks = chunk + 1;
    }
    uint32_t *made = malloc(LAZY_STAMPS * sizeof *made);
    if (made == NULL)
        return;
    for (uint32_t i = 0; i < LAZY_STAMPS; i++)
        made[i] = (uint32_t)lazy->start_ms;
    made[slot % LAZY_STAMPS] = (uint32_t)lazy->now_ms;
    lazy->stamps[chunk] = made;
}

int64_t lazy_age_ms(const struct lazy *lazy, uint32_t slot)
{
    uint32_t chunk = slot / LAZY_STAMPS, now = (uint32_t)lazy->now_ms;
    if (chunk >= lazy->stamp_chunks || lazy->stamps[chunk] == NULL)
        return lazy->now_ms - lazy->start_ms;
    return (uint32_t)(now - lazy->stamps[chunk][slot % LAZY_STAMPS]);
}

static uint32_t young_age_ms(const struct lazy *lazy, uint64_t change)
{
    return (uint32_t)lazy->now_ms - lazy->young[change % LAZY_YOUNG_MAX].stamp;
}

static void grow_old(struct lazy *lazy)
{
    if (lazy->young_end - lazy->young_first > LAZY_YOUNG_MAX)
        lazy->young_first = lazy->young_end - LAZY_YOUNG_MAX;
    while (lazy->young_first < lazy->young_end &&
           young_age_ms(lazy, lazy->young_first) > LAZY_YOUNG_MS_MAX)
        lazy->young_first++;
}

uint32_t lazy_count_young(const struct lazy *lazy, size_t link)
{
    int64_t trip_ms = lazy->links[link].window->took_ms - LAZY_ACK_MS, young_ms = LAZY_YOUNG_MS_MIN;
    if (trip_ms > 0)
        young_ms += LAZY_YOUNG_TRIPS * trip_ms;
    if (young_ms > LAZY_YOUNG_MS_MAX)
        young_ms = LAZY_YOUNG_MS_MAX;
    uint64_t first = lazy->young_first, end = lazy->young_end;
    if (end - first > LAZY_YOUNG_MAX)
        first = end - LAZY_YOUNG_MAX;
    if (end - first == LAZY_YOUNG_MAX && young_age_ms(lazy, first) < LAZY_YOUNG_MS_MIN)
        return LAZY_YOUNG_MAX + 1;
    while (first < end) { /* the first one that is young */
        uint64_t middle = first + (end - first) / 2;
        if (young_age_ms(lazy, middle) > young_ms)
            first = middle + 1;
        else
            end = middle;
    }
    return (uint32_t)(lazy->young_end - first);
}

/* ---- What is declined -------------------------------------------------------------------- */

static void restate(struct lazy *lazy, struct lazy_link *link)
{
    link->version += !link->is_due;
    link->due_ms = link->is_due ? link->due_ms : lazy->now_ms + 1;
    link->is_due = true;
    link->linger_ms = lazy->now_ms + LAZY_LINGER_MS;
}

static void decline(struct lazy *lazy, size_t index, uint16_t number)
{
    struct lazy_link *link = &lazy->links[index];
    struct lazy_origin *origin = &lazy->origins[number];
    if (!link->is_up || has_bit(origin->mine, index))
        return;
    set_bit(origin->mine, index, true);
    link->ways[number].declined_ms = lazy->now_ms;
    link->mine++;
    restate(lazy, link);
}

/* False where it was not declined. */
static bool take_back(struct lazy *lazy, size_t index, uint16_t number)
{
    struct lazy_origin *origin = &lazy->origins[number];
    if (!has_bit(origin->mine, index))
        return false;
    set_bit(origin->mine, index, false);
    lazy->links[index].mine--;
    restate(lazy, &lazy->links[index]);
    return true;
}

/* The other end of the link is to tell what it has of that origin since then. */
static void want_lost(struct lazy *lazy, size_t index, uint16_t number, int64_t age_ms)
{
    struct lazy_origin *origin = &lazy->origins[number];
    struct lazy_way *way = &lazy->links[index].ways[number];
    int64_t since_ms = lazy->now_ms - age_ms;
    if (!has_bit(origin->lost, index) || way->lost_ms > since_ms)
        way->lost_ms = since_ms;
    set_bit(origin->lost, index, true);
    restate(lazy, &lazy->links[index]);
}

static int64_t heard_age_ms(const struct lazy *lazy, const struct lazy_origin *origin,
                            int64_t least_ms)
{
    int64_t age_ms = origin->heard_ms == NEVER_MS ? LAZY_RACE_MS : lazy->now_ms - origin->heard_ms;
    return age_ms > least_ms ? age_ms : least_ms;
}

/* L6: nothing brings that origin any more. Who only says that it lost its way is heard once in a
 * while; a link that is down brings nothing, however soon it is after another one. */
static void lose_way(struct lazy *lazy, uint16_t number, size_t but, int64_t age_ms)
{
    struct lazy_origin *origin = &lazy->origins[number];
    int64_t age = heard_age_ms(lazy, origin, age_ms);
    if (lazy->links[but].is_up && lazy->now_ms < origin->lost_ms + LAZY_LOST_PAUSE_MS)
        return;
    origin->lost_ms = lazy->now_ms;
    origin->hold_ms = lazy->now_ms + LAZY_LOST_HOLD_MS;
    origin->parent = LAZY_NO_LINK;
    origin->hops = LAZY_FAR;
    for (size_t i = 0; i < lazy->link_count && i < LAZY_LINKS_MAX; i++) {
        if (i == but || !lazy->links[i].is_up)
            continue;
        take_back(lazy, i, number);
        want_lost(lazy, i, number, age);
    }
}

/* L7: what came over a link where it was declined was repaired, or told again: nobody else brings
 * it. So do those that came the same way. */
static void doubt_parent(struct lazy *lazy, size_t index, uint16_t number)
{
    struct lazy_link *link = &lazy->links[index];
    uint16_t parent = lazy->origins[number].parent;
    link->late_next_ms = lazy->now_ms + link->pause_ms;
    link->firsts = link->dupes = 0;
    for (uint32_t other = 0; other < lazy->origin_count; other++) {
        struct lazy_origin *origin = &lazy->origins[other];
        if (other != number && (parent == LAZY_NO_LINK || origin->parent != parent ||
                                !take_back(lazy, index, (uint16_t)other)))
            continue;
        want_lost(lazy, index, (uint16_t)other, heard_age_ms(lazy, origin, LAZY_LATE_AGE_MS));
        origin->hold_ms = lazy->now_ms + LAZY_LATE_HOLD_MS;
    }
    /* Who brings nothing may lack what it declined, too. */
    if (parent == LAZY_NO_LINK)
        return;
    for (uint32_t other = 0; other < lazy->origin_count; other++)
        set_bit(lazy->origins[other].closed, parent, false);
    lazy->links[parent].closed = 0;
}

static void come_declined(struct lazy *lazy, size_t index, uint16_t number)
{
    struct lazy_link *link = &lazy->links[index];
    int64_t since_ms = link->ways[number].declined_ms;
    take_back(lazy, index, number);
    if (link->late_next_ms != 0)
        link->pause_ms = link->dupes <= 2 * link->firsts          ? LAZY_PAUSE_MS
                         : 2 * link->pause_ms < LAZY_PAUSE_MS_MAX ? 2 * link->pause_ms
                                                                  : LAZY_PAUSE_MS_MAX;
    if (since_ms < lazy->now_ms - LAZY_LATE_MS)
        doubt_parent(lazy, index, number);
}

void lazy_take_news(struct lazy *lazy, size_t index, uint16_t number, uint8_t hops)
{
    struct lazy_origin *origin = origin_at(lazy, number);
    if (origin == NULL || number == lazy->own || index >= LAZY_LINKS_MAX ||
        !lazy->links[index].is_up)
        return;
    struct lazy_link *link = &lazy->links[index];
    link->firsts++;
    if (has_bit(origin->mine, index)) {
        if (lazy->now_ms < link->late_next_ms) /* slow is not cut */
            return;
        come_declined(lazy, index, number);
    }
    origin->parent = (uint16_t)index;
    origin->heard_ms = lazy->now_ms;
    origin->hops = (uint8_t)(hops + (hops < LAZY_FAR));
}

void lazy_take_copy(struct lazy *lazy, size_t index, uint16_t number, uint32_t slot, uint8_t hops)
{
    struct lazy_origin *origin = origin_at(lazy, number);
    if (origin == NULL || index >= LAZY_LINKS_MAX || !lazy->links[index].is_up)
        return;
    struct lazy_link *link = &lazy->links[index];
    int64_t age_ms = lazy_age_ms(lazy, slot);
    link->dupes++;
    if (age_ms >= LAZY_RACE_MS)
        return;
    if (has_bit(origin->mine, index)) {
        /* It does not know: what it was told was lost, or is of another session. */
        if (lazy->now_ms > link->ways[number].declined_ms + LAZY_CROSSING_MS &&
            lazy->now_ms > link->up_ms + LAZY_CROSSING_MS && !link->is_due) {
            link->ways[number].declined_ms = lazy->now_ms - LAZY_LATE_MS - 1;
            restate(lazy, link);
        }
        return;
    }
    if (number == lazy->own) {
        decline(lazy, index, number);
        return;
    }
    uint16_t parent = origin->parent;
    if (lazy->now_ms < origin->hold_ms || parent == LAZY_NO_LINK || parent == index ||
        !lazy->links[parent].is_up)
        return;
    if (hops + 1 < origin->hops && age_ms < LAZY_NEARER_MS) {
        decline(lazy, parent, number);
        origin->parent = (uint16_t)index;
        origin->hops = (uint8_t)(hops + 1);
    } else {
        decline(lazy, index, number);
    }
}

/* ---- Sessions ---------------------------------------------------------------------------- */

void lazy_open_link(struct lazy *lazy, size_t index)
{
    struct lazy_link *link = &lazy->links[index];
    if (!lazy->is_node || index >= LAZY_LINKS_MAX)
        return;
    /* The other end may not have seen it go down, and go by what was declined before. */
    if (link->was_up)
        link->linger_ms = lazy->now_ms + LAZY_LINGER_MS;
    link->is_up = link->was_up = true;
    link->up_ms = lazy->now_ms;
}

void lazy_close_link(struct lazy *lazy, size_t index)
{
    struct lazy_link *link = &lazy->links[index];
    if (index >= LAZY_LINKS_MAX || !link->is_up)
        return;
    link->is_up = link->is_due = false;
    link->version++;
    link->mine = link->closed = 0;
    for (uint32_t number = 0; number < lazy->origin_count; number++) {
        struct lazy_origin *origin = &lazy->origins[number];
        set_bit(origin->mine, index, false);
        set_bit(origin->closed, index, false);
        set_bit(origin->lost, index, false);
        if (origin->parent == index)
            lose_way(lazy, (uint16_t)number, index, 0);
    }
    lazy_asks_drop(lazy, index);
}

void lazy_meet(struct lazy *lazy, size_t index)
{
    forget_other(&lazy->links[index]);
}

bool lazy_is_lazy(const struct lazy *lazy, size_t index)
{
    const struct lazy_link *link = &lazy->links[index];
    return lazy->is_on && link->is_up &&
           (link->mine > 0 || link->closed > 0 || lazy->now_ms < link->linger_ms);
}

bool lazy_is_closed(const struct lazy *lazy, size_t link, uint16_t number)
{
    return number < lazy->origin_count && has_bit(lazy->origins[number].closed, link);
}

bool lazy_is_declined(const struct lazy *lazy, size_t link, uint16_t number)
{
    return number < lazy->origin_count && has_bit(lazy->origins[number].mine, link);
}

uint16_t lazy_parent(const struct lazy *lazy, uint16_t number)
{
    return number < lazy->origin_count ? lazy->origins[number].parent : LAZY_NO_LINK;
}

/* ---- Time -------------------------------------------------------------------------------- */

void lazy_move(struct lazy *lazy, int64_t now_ms)
{
    bool is_later = now_ms != lazy->now_ms;
    lazy->now_ms = now_ms;
    if (is_later)
        grow_old(lazy);
    if (lazy->ask_count > 0 && now_ms != lazy->looked_ms)
        lazy_asks_look(lazy);
}

bool lazy_is_busy(const struct lazy *lazy)
{
    return lazy->ask_count > 0;
}

/* ---- What is said ------------------------------------------------------------------------ */

bool lazy_has_state(const struct lazy *lazy, size_t index)
{
    return lazy->links[index].is_due;
}

int64_t lazy_state_ms(const struct lazy *lazy, size_t index)
{
    const struct lazy_link *link = &lazy->links[index];
    return link->is_due ? link->due_ms : INT64_MAX;
}

static void write_declined(const struct lazy *lazy, size_t index, struct wire_message *message)
{
    message->state_version = lazy->links[index].version;
    message->declined_count = message->way_count = 0;
    for (uint32_t number = 0; number < lazy->origin_count; number++)
        if (has_bit(lazy->origins[number].mine, index))
            message->declined[message->declined_count++] =
                table_origin_name(lazy->table, (uint16_t)number);
}

static void add_way(const struct lazy *lazy, struct wire_message *message, uint32_t number,
                    uint64_t value)
{
    message->ways[message->way_count++] =
        (struct wire_way){table_origin_name(lazy->table, (uint16_t)number), value};
}

void lazy_write_state(struct lazy *lazy, size_t index, struct wire_message *message)
{
    struct lazy_link *link = &lazy->links[index];
    message->type = WIRE_STATE;
    write_declined(lazy, index, message);
    for (uint32_t number = 0; number < lazy->origin_count; number++)
        if (has_bit(lazy->origins[number].lost, index)) {
            add_way(lazy, message, number, (uint64_t)(lazy->now_ms - link->ways[number].lost_ms));
            set_bit(lazy->origins[number].lost, index, false);
        }
    link->is_due = false;
}

void lazy_write_heartbeat(struct lazy *lazy, size_t index, struct wire_message *message)
{
    const struct lazy_link *link = &lazy->links[index];
    /* What was declined before the link came to stand beyond the others, or the node became an
     * observer, is so no more, wherever the link stands now. */
    message->has_state = link->was_up;
    if (!message->has_state)
        return;
    write_declined(lazy, index, message);
    if (!link->is_up)
        return;
    for (uint32_t number = 0; number < lazy->origin_count; number++) {
        const struct lazy_origin *origin = &lazy->origins[number];
        if (origin->is_known && origin->hops < LAZY_FAR && !has_bit(origin->closed, index))
            add_way(lazy, message, number, origin->hops);
    }
}

/* L5: what they declined is this list and nothing else. What is gone from it although a version was
 * missed is asked for: the word of why it went was in that one. */
static void take_declined(struct lazy *lazy, size_t index, const struct wire_message *message,
                          bool is_gap)
{
    struct lazy_link *link = &lazy->links[index];
    uint32_t before = link->closed;
    link->closed = 0;
    for (uint32_t i = 0; i < lazy->origin_count; i++)
        lazy->origins[i].is_said = false;
    for (uint32_t i = 0; i < message->declined_count; i++) {
        struct lazy_origin *origin =
            origin_at(lazy, table_find_origin(lazy->table, message->declined[i]));
        if (origin != NULL)
            origin->is_said = true;
    }
    for (uint32_t number = 0; number < lazy->origin_count; number++) {
        struct lazy_origin *origin = &lazy->origins[number];
        if (has_bit(origin->closed, index) && !origin->is_said && is_gap)
            lazy_ask(lazy, index, (uint16_t)number, LAZY_SKIPPED_MS);
        set_bit(origin->closed, index, origin->is_said);
        link->closed += origin->is_said;
    }
    if (before > 0 || link->closed > 0)
        link->linger_ms = lazy->now_ms + LAZY_LINGER_MS;
}

void lazy_hear_state(struct lazy *lazy, size_t index, const struct wire_message *message)
{
    struct lazy_link *link = &lazy->links[index];
    if (!link->is_up || message->state_version <= link->seen)
        return;
    bool is_gap = message->state_version > link->seen + 1;
    link->seen = message->state_version;
    take_declined(lazy, index, message, is_gap);
    for (uint32_t i = 0; i < message->way_count; i++) {
        uint16_t number = table_find_origin(lazy->table, message->ways[i].node);
        struct lazy_origin *origin = origin_at(lazy, number);
        if (origin == NULL)
            continue;
        uint64_t said_ms = message->ways[i].value;
        int64_t age_ms = said_ms < LAZY_PAUSE_MS_MAX ? (int64_t)said_ms : LAZY_PAUSE_MS_MAX;
        lazy_ask(lazy, index, number, age_ms);
        if (origin->parent == index)
            lose_way(lazy, number, index, age_ms);
    }
}

/* L8: who is no nearer than we are relies on us, or on somebody who does. */
static void doubt_hops(struct lazy *lazy, size_t index)
{
    for (uint32_t number = 0; number < lazy->origin_count; number++) {
        struct lazy_origin *origin = &lazy->origins[number];
        if (origin->parent != index || origin->said_hops < origin->hops ||
            lazy->now_ms < origin->heard_ms + LAZY_IDLE_MS)
            continue;
        lazy->beat_due |= origin->hops < LAZY_FAR;
        origin->hops = LAZY_FAR;
        for (size_t i = 0; i < lazy->link_count && i < LAZY_LINKS_MAX; i++)
            take_back(lazy, i, (uint16_t)number);
    }
}

void lazy_hear_heartbeat(struct lazy *lazy, size_t index, const struct wire_message *message)
{
    struct lazy_link *link = &lazy->links[index];
    if (!link->is_up || !message->has_state || message->state_version < link->seen)
        return;
    bool is_news = message->state_version > link->seen;
    link->seen = message->state_version;
    take_declined(lazy, index, message, is_news);
    for (uint32_t i = 0; i < lazy->origin_count; i++)
        lazy->origins[i].said_hops = LAZY_FAR;
    for (uint32_t i = 0; i < message->way_count; i++) {
        struct lazy_origin *origin =
            origin_at(lazy, table_find_origin(lazy->table, message->ways[i].node));
        if (origin != NULL && message->ways[i].value < LAZY_FAR)
            origin->said_hops = (uint8_t)message->ways[i].value;
    }
    doubt_hops(lazy, index);
}
