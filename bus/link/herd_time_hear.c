#include "bus/link/herd_time_state.h"

#include <assert.h>

/* ---- What others say --------------------------------------------------------------------- */

/* Of contradicting statements an honest one is near our own clock, or our own is wrong, too. */
static bool is_nearer(const struct herd_time *time, const struct statement *a,
                      const struct statement *b)
{
    uint64_t far_a = distance(a->offset_ns, time->own_ns);
    uint64_t far_b = distance(b->offset_ns, time->own_ns);
    return far_a != far_b ? far_a < far_b : a->heard_ms > b->heard_ms;
}

/* V3, of hearsay; NULL where no live link says anything. Statements that agree go round in circles,
 * and each is a little slower than the one it came from: of them the freshest counts. */
static const struct statement *choose_hearsay(const struct herd_time *time, uint16_t node,
                                              int64_t now_ms)
{
    const struct statement *all = said_at(time, node, 0), *nearest = NULL, *best = NULL;
    int64_t freshest_ms = HERD_TIME_NEVER;
    for (uint16_t i = 0; i < time->link_count; i++)
        if (all[i].incarnation != 0 && is_live(&time->links[i], now_ms))
            freshest_ms = greatest(freshest_ms, all[i].heard_ms);
    for (uint16_t i = 0; i < time->link_count; i++)
        if (all[i].incarnation != 0 && is_live(&time->links[i], now_ms) &&
            all[i].heard_ms >= freshest_ms - time->fresh_ms &&
            (nearest == NULL || is_nearer(time, &all[i], nearest)))
            nearest = &all[i];
    for (uint16_t i = 0; i < time->link_count && nearest != NULL; i++)
        if (all[i].incarnation != 0 && is_live(&time->links[i], now_ms) &&
            distance(all[i].offset_ns, nearest->offset_ns) <= HERD_TIME_TRUST_NS &&
            (best == NULL || all[i].heard_ms > best->heard_ms))
            best = &all[i];
    return best;
}

/* What the node's clock showed when it spoke: the same on every way. */
static int64_t spoke_ns(const struct statement *said)
{
    return sum(mono_ns(said->heard_ms), said->offset_ns);
}

/* V2: what is said again of a node that has not spoken since has only come a longer way. */
static bool is_said_again(const struct statement *vote, const struct statement *said)
{
    return vote->incarnation == said->incarnation && vote->step == said->step &&
           distance(vote->offset_ns, said->offset_ns) <= HERD_TIME_TRUST_NS &&
           difference(spoke_ns(said), spoke_ns(vote)) < HERD_TIME_AGAIN_NS;
}

/* V3: the node's own word where we have it. */
static const struct statement *choose(const struct herd_time *time, uint16_t node, int64_t now_ms)
{
    uint16_t link = time->nodes[node].link;
    if (link != HERD_TIME_NONE && is_live(&time->links[link], now_ms) &&
        said_at(time, node, link)->incarnation != 0)
        return said_at(time, node, link);
    const struct statement *said = choose_hearsay(time, node, now_ms);
    const struct statement *vote = &time->nodes[node].vote;
    return said != NULL && is_said_again(vote, said) ? vote : said;
}

static void mark_unsaid(struct herd_time *time, uint16_t node)
{
    time->nodes[node].told_offset_ns = time->nodes[node].vote.offset_ns;
    for (uint16_t i = 0; i < time->link_count; i++)
        time->links[i].unsaid[node / HERD_TIME_WORD_BITS] |= UINT64_C(1)
                                                             << node % HERD_TIME_WORD_BITS;
}

static void vote(struct herd_time *time, uint16_t number, int64_t now_ms)
{
    struct node *node = &time->nodes[number];
    const struct statement *best = choose(time, number, now_ms);
    if (best == NULL)
        return;
    bool is_other = node->vote.incarnation != best->incarnation || node->vote.step != best->step;
    node->vote = *best;
    time->stale = true;
    if (is_other || distance(best->offset_ns, node->told_offset_ns) > HERD_TIME_STEP_NS)
        mark_unsaid(time, number);
}

/* A copy that comes after what was said later; of another incarnation anything may be new. */
static bool is_late(const struct link *link, const struct wire_clock *clock)
{
    if (clock->incarnation != link->last_incarnation)
        return false;
    return clock->step != link->last_step ? clock->step < link->last_step
                                          : clock->wall_ns < link->last_wall_ns;
}

/* V2, of itself: the largest of two halves has waited least on the way. */
static void hear_itself(struct herd_time *time, uint16_t index, const struct wire_clock *clock,
                        int64_t now_ms)
{
    struct link *link = &time->links[index];
    struct statement *said = said_at(time, link->node, index);
    int64_t offset_ns = difference(clock->wall_ns, mono_ns(now_ms));
    bool is_same = said->incarnation == clock->incarnation && said->step == clock->step;
    if (!is_same || now_ms - link->since_ms > 2 * HERD_TIME_HALF_MS) {
        link->best_ns = link->best_before_ns = offset_ns;
        link->since_ms = now_ms;
    } else if (now_ms - link->since_ms > HERD_TIME_HALF_MS) {
        link->best_before_ns = link->best_ns;
        link->best_ns = offset_ns;
        link->since_ms = now_ms;
    }
    link->best_ns = greatest(link->best_ns, offset_ns);
    *said = (struct statement){clock->incarnation, clock->step,
                               greatest(link->best_ns, link->best_before_ns), now_ms};
    link->last_incarnation = clock->incarnation;
    link->last_step = clock->step;
    link->last_wall_ns = clock->wall_ns;
    vote(time, link->node, now_ms);
}

/* All files list the nodes in the same order, and who says their clocks goes by that: this one is
 * mostly the node after the last. */
static uint16_t find_after(const struct herd_time *time, uint16_t last, struct span name)
{
    uint16_t next = (uint16_t)(last + 1);
    return next < time->node_count && span_equals(time->nodes[next].name, name)
               ? next
               : herd_time_find(time, name);
}

/* V2, of others: its latest word. */
static void hear_of(struct herd_time *time, uint16_t index, const struct wire_clock *clock,
                    uint16_t node, int64_t now_ms)
{
    if (node == HERD_TIME_NONE || node == time->own || node == time->links[index].node)
        return;
    int64_t age_ms = clock->age_ms < HERD_TIME_VOTE_MS ? (int64_t)clock->age_ms : HERD_TIME_VOTE_MS;
    *said_at(time, node, index) =
        (struct statement){clock->incarnation, clock->step,
                           difference(clock->wall_ns, mono_ns(now_ms)), now_ms - age_ms};
    vote(time, node, now_ms);
}

static void hear_of_others(struct herd_time *time, uint16_t index,
                           const struct wire_message *message, int64_t now_ms)
{
    uint16_t node = HERD_TIME_NONE;
    for (uint32_t i = 1; i < message->clock_count; i++) {
        node = find_after(time, node, message->clocks[i].node);
        hear_of(time, index, &message->clocks[i], node, now_ms);
    }
}

void herd_time_spoke(struct herd_time *time, size_t link, int64_t now_ms)
{
    assert(link < time->link_count);
    time->links[link].spoke_ms = now_ms;
}

void herd_time_hear(struct herd_time *time, size_t index, const struct wire_message *message,
                    int64_t now_ms)
{
    herd_time_spoke(time, index, now_ms);
    const struct link *link = &time->links[index];
    if (!time->has_clock || link->node == HERD_TIME_NONE || message->clock_count == 0)
        return;
    const struct wire_clock *own = &message->clocks[0];
    if (!span_equals(own->node, time->nodes[link->node].name)) {
        time->count->clocks_strange++;
        return;
    }
    if (is_late(link, own)) {
        time->count->clocks_late++;
        return;
    }
    hear_itself(time, (uint16_t)index, own, now_ms);
    int64_t best_ns = said_at(time, link->node, (uint16_t)index)->offset_ns;
    int64_t waited_ns = difference(best_ns, difference(own->wall_ns, mono_ns(now_ms)));
    if (waited_ns > HERD_TIME_WAITED_NS)
        time->count->clocks_delayed++;
    else
        hear_of_others(time, (uint16_t)index, message, now_ms);
    herd_time_move(time, now_ms);
}
/* ---- What we say ------------------------------------------------------------------------- */

/* Says what is known of a node, but to itself, and not twice in a message. */
static void say(struct herd_time *time, struct link *link, uint16_t number,
                struct wire_message *message, int64_t now_ms)
{
    const struct node *node = &time->nodes[number];
    if (number == link->node || number == time->own || !is_known(&node->vote, now_ms))
        return;
    link->unsaid[number / HERD_TIME_WORD_BITS] &= ~(UINT64_C(1) << number % HERD_TIME_WORD_BITS);
    message->clocks[message->clock_count++] = (struct wire_clock){
        .node = node->name,
        .incarnation = node->vote.incarnation,
        .step = node->vote.step,
        .wall_ns = sum(mono_ns(now_ms), node->vote.offset_ns),
        .age_ms = (uint64_t)(now_ms - node->vote.heard_ms),
    };
}

/* First what changed, then in turn: in a large herd not everybody is in each message. */
static void say_others(struct herd_time *time, struct link *link, struct wire_message *message,
                       int64_t now_ms)
{
    uint64_t unsaid[HERD_TIME_NODES_MAX / HERD_TIME_WORD_BITS + 1];
    size_t words = (time->node_count + HERD_TIME_WORD_BITS - 1u) / HERD_TIME_WORD_BITS;
    memcpy(unsaid, link->unsaid, words * sizeof *unsaid);
    for (uint16_t i = 0; i < time->node_count && message->clock_count < WIRE_CLOCKS_MAX; i++)
        if ((unsaid[i / HERD_TIME_WORD_BITS] >> i % HERD_TIME_WORD_BITS & 1) != 0)
            say(time, link, i, message, now_ms);
    for (uint16_t i = 0; i < time->node_count && message->clock_count < WIRE_CLOCKS_MAX; i++) {
        if ((unsaid[link->turn / HERD_TIME_WORD_BITS] >> link->turn % HERD_TIME_WORD_BITS & 1) == 0)
            say(time, link, link->turn, message, now_ms);
        link->turn = (uint16_t)((link->turn + 1) % time->node_count);
    }
}

void herd_time_tell(struct herd_time *time, size_t index, struct wire_message *message,
                    int64_t now_ms)
{
    assert(index < time->link_count);
    message->clock_count = 0;
    message->cut.ceiling_ns = herd_time_ceiling_ns(time, now_ms);
    if (!time->has_clock || time->own == HERD_TIME_NONE)
        return;
    message->clocks[message->clock_count++] = (struct wire_clock){
        .node = time->nodes[time->own].name,
        .incarnation = time->incarnation,
        .step = time->step,
        .wall_ns = herd_time_own_ns(time, now_ms),
    };
    say_others(time, &time->links[index], message, now_ms);
}
