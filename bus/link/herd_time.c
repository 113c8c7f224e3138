#include "bus/link/herd_time_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/base/timestamp.h"

/* ---- Who there is ------------------------------------------------------------------------ */

/* The first place in by_name whose name is not less. */
static uint16_t place_of(const struct herd_time *time, struct span name)
{
    uint16_t first = 0, end = time->node_count;
    while (first < end) {
        uint16_t middle = (uint16_t)((first + end) / 2);
        if (span_compare(time->nodes[time->by_name[middle]].name, name) < 0)
            first = (uint16_t)(middle + 1);
        else
            end = middle;
    }
    return first;
}

uint16_t herd_time_find(const struct herd_time *time, struct span name)
{
    uint16_t place = place_of(time, name);
    if (place == time->node_count || !span_equals(time->nodes[time->by_name[place]].name, name))
        return HERD_TIME_NONE;
    return time->by_name[place];
}

static void add_node(struct herd_time *time, struct span name)
{
    assert(name.len > 0 && name.len <= WIRE_NAME_BYTES_MAX &&
           herd_time_find(time, name) == HERD_TIME_NONE);
    uint16_t place = place_of(time, name), added = time->node_count;
    char *copy = time->names + (size_t)added * WIRE_NAME_BYTES_MAX;
    memcpy(copy, name.data, name.len);
    time->nodes[added] = (struct node){.name = {copy, name.len}, .link = HERD_TIME_NONE};
    for (uint16_t i = added; i > place; i--)
        time->by_name[i] = time->by_name[i - 1];
    time->by_name[place] = added;
    time->node_count++;
}

static void add_link(struct herd_time *time, struct span name)
{
    size_t words = (time->node_count + HERD_TIME_WORD_BITS - 1u) / HERD_TIME_WORD_BITS;
    struct link *link = &time->links[time->link_count];
    *link = (struct link){.node = herd_time_find(time, name), .spoke_ms = HERD_TIME_NEVER};
    link->alarm.far_ms = HERD_TIME_NEVER;
    link->unsaid = time->unsaid + time->link_count * words;
    if (link->node != HERD_TIME_NONE)
        time->nodes[link->node].link = time->link_count;
    time->link_count++;
}

static void add_all(struct herd_time *time, const struct herd_time_options *options)
{
    for (size_t i = 0; i < options->node_count; i++)
        add_node(time, options->nodes[i]);
    if (options->node_count == 0) {
        add_node(time, options->node);
        for (size_t i = 0; i < options->peer_count; i++)
            add_node(time, options->peers[i]);
    }
    time->own = herd_time_find(time, options->node);
    for (size_t i = 0; i < options->peer_count; i++)
        add_link(time, options->peers[i]);
}

/* In a ring an honest word may have come through all other nodes: it must count beside the lie of a
 * neighbour, which is always fresh. */
static int64_t fresh_ms(int64_t nodes)
{
    int64_t messages = (nodes + WIRE_CLOCKS_MAX - 2) / (WIRE_CLOCKS_MAX - 1);
    return greatest(HERD_TIME_FRESH_MS, nodes * messages * HERD_TIME_HOP_MS);
}

struct herd_time *herd_time_new(const struct herd_time_options *options, struct events *events,
                                struct link_counters *count)
{
    size_t links = options->peer_count;
    size_t nodes = options->node_count > 0 ? options->node_count : links + 1;
    assert(options->node_count <= HERD_TIME_NODES_MAX && links <= LINK_PEERS_MAX);
    struct herd_time *time = bytes_zeroed(sizeof *time);
    time->events = events;
    time->count = count;
    time->incarnation = options->incarnation;
    time->names = bytes_zeroed(nodes * WIRE_NAME_BYTES_MAX);
    time->nodes = bytes_zeroed(nodes * sizeof *time->nodes);
    time->by_name = bytes_zeroed(nodes * sizeof *time->by_name);
    time->sorted = bytes_zeroed((nodes + 1) * sizeof *time->sorted);
    time->links = bytes_zeroed((links + 1) * sizeof *time->links);
    time->unsaid =
        bytes_zeroed((links + 1) * (nodes / HERD_TIME_WORD_BITS + 1) * sizeof *time->unsaid);
    time->said = bytes_zeroed(nodes * (links + 1) * sizeof *time->said);
    time->alarm.far_ms = HERD_TIME_NEVER;
    time->fresh_ms = fresh_ms((int64_t)nodes);
    add_all(time, options);
    return time;
}

void herd_time_destroy(struct herd_time **time_p)
{
    struct herd_time *time = *time_p;
    if (time == NULL)
        return;
    free(time->names);
    free(time->nodes);
    free(time->by_name);
    free(time->sorted);
    free(time->links);
    free(time->unsaid);
    free(time->said);
    free(time);
    *time_p = NULL;
}

/* The clock, the medians and what was told of them are no link's and no node's. */
static void keep_reckoning(struct herd_time *time, const struct herd_time *before)
{
    time->has_clock = before->has_clock;
    time->step = before->step;
    time->own_ns = before->own_ns;
    time->step_ns = before->step_ns;
    time->reckoned_ms = before->reckoned_ms;
    time->judged_ms = before->judged_ms;
    time->votes = before->votes;
    time->has_met = before->has_met;
    time->now = before->now;
    memcpy(time->held, before->held, sizeof time->held);
    time->second = before->second;
    time->hold = before->hold;
    time->alarm = before->alarm;
    time->stale = before->has_clock;
}

/* All that is known is said first over each link: the new ones have heard nothing. */
static void keep_nodes(struct herd_time *time, const struct herd_time *before, const size_t *was)
{
    for (uint16_t i = 0; i < time->node_count; i++) {
        struct node *node = &time->nodes[i];
        uint16_t number = herd_time_find(before, node->name);
        if (number == HERD_TIME_NONE)
            continue;
        node->vote = before->nodes[number].vote;
        node->told_offset_ns = before->nodes[number].told_offset_ns;
        for (uint16_t link = 0; link < time->link_count; link++) {
            if (was[link] != HERD_TIME_NEW_LINK)
                *said_at(time, i, link) = *said_at(before, number, (uint16_t)was[link]);
            time->links[link].unsaid[i / HERD_TIME_WORD_BITS] |= UINT64_C(1)
                                                                 << i % HERD_TIME_WORD_BITS;
        }
    }
}

/* What a link says itself was read as that of the node at its other end. */
static void keep_links(struct herd_time *time, const struct herd_time *before, const size_t *was)
{
    for (uint16_t i = 0; i < time->link_count; i++) {
        struct link *link = &time->links[i];
        if (was[i] == HERD_TIME_NEW_LINK)
            continue;
        struct link kept = before->links[was[i]];
        kept.node = link->node;
        kept.unsaid = link->unsaid;
        kept.turn = 0;
        *link = kept;
    }
}

void herd_time_change(struct herd_time **time_p, const struct herd_time_options *options,
                      const size_t *was)
{
    struct herd_time *before = *time_p;
    struct herd_time *time = herd_time_new(options, before->events, before->count);
    assert(time->incarnation == before->incarnation);
    keep_reckoning(time, before);
    keep_nodes(time, before, was);
    keep_links(time, before, was);
    herd_time_destroy(time_p);
    *time_p = time;
}

/* ---- Medians ----------------------------------------------------------------------------- */

/* V4. */
static bool was_set(int64_t offset_ns, int64_t now_ms)
{
    return sum(mono_ns(now_ms), offset_ns) >= HERD_TIME_EARLIEST_NS;
}

static int compare(const void *a_p, const void *b_p)
{
    const int64_t *a = a_p, *b = b_p;
    return (*a > *b) - (*a < *b);
}

static uint32_t sort_votes(struct herd_time *time, int64_t now_ms)
{
    uint32_t count = 0;
    if (time->own != HERD_TIME_NONE && was_set(time->own_ns, now_ms))
        time->sorted[count++] = time->own_ns;
    for (uint16_t i = 0; i < time->node_count; i++) {
        const struct statement *vote = &time->nodes[i].vote;
        if (!is_known(vote, now_ms) || !was_set(vote->offset_ns, now_ms))
            continue;
        time->sorted[count++] = vote->offset_ns;
        time->has_met = true;
    }
    qsort(time->sorted, count, sizeof *time->sorted, compare);
    return count;
}

/* V5. */
static struct medians take_medians(const struct herd_time *time, uint32_t votes)
{
    if (votes == 0)
        return (struct medians){.low_ns = HERD_TIME_NEVER, .high_ns = HERD_TIME_NEVER};
    return (struct medians){
        .low_ns = time->sorted[(votes - 1) / 2],
        .high_ns = time->sorted[votes / 2],
    };
}

/* V7. */
static void find_hold(struct herd_time *time)
{
    struct medians hold = time->held[0];
    for (int i = 1; i < HERD_TIME_SECONDS; i++) {
        hold.low_ns = least(hold.low_ns, time->held[i].low_ns);
        hold.high_ns = greatest(hold.high_ns, time->held[i].high_ns);
    }
    time->hold = hold;
}

/* The medians of now also held in the seconds of which nobody asked. */
static void begin_second(struct herd_time *time, int64_t now_ms)
{
    int64_t second = now_ms / 1000;
    for (int64_t i = greatest(time->second + 1, second - HERD_TIME_HOLD_S); i <= second; i++)
        time->held[i % HERD_TIME_SECONDS] = time->now;
    time->second = second;
    find_hold(time);
}

static void reckon(struct herd_time *time, int64_t now_ms)
{
    time->stale = false;
    time->reckoned_ms = now_ms;
    time->votes = sort_votes(time, now_ms);
    time->now = take_medians(time, time->votes);
    struct medians *held = &time->held[time->second % HERD_TIME_SECONDS];
    held->low_ns = least(held->low_ns, time->now.low_ns);
    held->high_ns = greatest(held->high_ns, time->now.high_ns);
    find_hold(time);
}

void herd_time_move(struct herd_time *time, int64_t now_ms)
{
    if (!time->has_clock)
        return;
    if (now_ms / 1000 > time->second)
        begin_second(time, now_ms);
    if (now_ms >= herd_time_deadline_ms(time))
        reckon(time, now_ms);
}

int64_t herd_time_deadline_ms(const struct herd_time *time)
{
    return time->stale ? time->reckoned_ms + HERD_TIME_RECKON_MS : INT64_MAX;
}

/* ---- Clocks that are off ----------------------------------------------------------------- */

enum verdict { NOTHING, IS_OFF, IS_RIGHT };

static enum verdict judge(struct alarm *alarm, int64_t off_ns, int64_t now_ms)
{
    uint64_t far_ns = distance(off_ns, 0);
    if (far_ns <= HERD_TIME_TRUST_NS)
        alarm->far_ms = HERD_TIME_NEVER;
    else if (alarm->far_ms == HERD_TIME_NEVER)
        alarm->far_ms = now_ms;
    if (alarm->is_told && far_ns < HERD_TIME_RIGHT_NS) {
        alarm->is_told = false;
        return IS_RIGHT;
    }
    bool lasts = alarm->far_ms != HERD_TIME_NEVER && now_ms - alarm->far_ms >= HERD_TIME_OFF_MS;
    if (alarm->is_told || !lasts || now_ms < alarm->quiet_ms)
        return NOTHING;
    alarm->is_told = true;
    alarm->quiet_ms = now_ms + HERD_TIME_REPEAT_MS;
    return IS_OFF;
}

/* "Bob" and "'s", or "ours" and "". */
static void push_event(struct herd_time *time, struct link_event *event, struct span whose,
                       const char *end, int64_t off_ns)
{
    bool is_off = event->kind == LINK_CLOCK_OFF || event->kind == LINK_OWN_CLOCK_OFF;
    char seconds[TIMESTAMP_APART_BYTES_MAX];
    snprintf(event->reason, sizeof event->reason, "%.*s%s is %s%s s %s the herd's%s",
             (int)whose.len, whose.data, end, is_off ? "" : "within ",
             timestamp_write_apart(seconds, off_ns),
             !is_off      ? "of"
             : off_ns < 0 ? "behind"
                          : "ahead of",
             is_off ? "" : " again");
    events_push(time->events, event);
}

static void judge_own(struct herd_time *time, int64_t now_ms)
{
    int64_t off_ns = herd_time_offset_ns(time);
    enum verdict verdict = judge(&time->alarm, off_ns, now_ms);
    if (verdict == NOTHING || time->own == HERD_TIME_NONE)
        return;
    time->count->clocks_off += verdict == IS_OFF;
    struct link_event event = {
        .kind = verdict == IS_OFF ? LINK_OWN_CLOCK_OFF : LINK_OWN_CLOCK_RIGHT,
    };
    push_event(time, &event, span_of("ours"), "", off_ns);
}

static void judge_neighbour(struct herd_time *time, uint16_t index, int64_t now_ms)
{
    struct link *link = &time->links[index];
    if (link->node == HERD_TIME_NONE || !is_live(link, now_ms))
        return;
    const struct statement *said = said_at(time, link->node, index);
    if (said->incarnation == 0)
        return;
    int64_t off_ns = difference(said->offset_ns, time->now.high_ns);
    enum verdict verdict = judge(&link->alarm, off_ns, now_ms);
    if (verdict == NOTHING)
        return;
    time->count->peer_clocks_off += verdict == IS_OFF;
    struct link_event event = {
        .kind = verdict == IS_OFF ? LINK_CLOCK_OFF : LINK_CLOCK_RIGHT,
        .peer = index,
    };
    push_event(time, &event, time->nodes[link->node].name, "'s", off_ns);
}

static void judge_all(struct herd_time *time, int64_t now_ms)
{
    if (time->votes == 0 || now_ms < time->judged_ms + 1000)
        return;
    time->judged_ms = now_ms;
    judge_own(time, now_ms);
    for (uint16_t i = 0; i < time->link_count; i++)
        judge_neighbour(time, i, now_ms);
}

/* ---- The own clock ----------------------------------------------------------------------- */

/* The first time: it has always been so, as far as anybody knows. */
static void begin(struct herd_time *time, int64_t now_ms, int64_t offset_ns)
{
    time->has_clock = true;
    time->own_ns = time->step_ns = offset_ns;
    time->second = now_ms / 1000;
    time->votes = sort_votes(time, now_ms);
    time->now = take_medians(time, time->votes);
    for (int i = 0; i < HERD_TIME_SECONDS; i++)
        time->held[i] = time->now;
    find_hold(time);
    time->reckoned_ms = now_ms - HERD_TIME_RECKON_MS; /* the first votes count at once */
    time->judged_ms = now_ms;
}

bool herd_time_set(struct herd_time *time, int64_t now_ms, int64_t wall_ns)
{
    assert(now_ms >= 0);
    int64_t offset_ns = difference(wall_ns, mono_ns(now_ms));
    if (!time->has_clock) {
        begin(time, now_ms, offset_ns);
        return false;
    }
    herd_time_move(time, now_ms);
    bool jumped = distance(offset_ns, time->step_ns) > HERD_TIME_STEP_NS;
    if (jumped) {
        time->step++;
        time->step_ns = offset_ns;
        time->count->clock_steps++;
    }
    time->own_ns = offset_ns;
    reckon(time, now_ms);
    judge_all(time, now_ms);
    return jumped;
}

/* ---- What it comes to -------------------------------------------------------------------- */

bool herd_time_has_clock(const struct herd_time *time)
{
    return time->has_clock;
}

int64_t herd_time_own_ns(const struct herd_time *time, int64_t now_ms)
{
    return time->has_clock ? sum(mono_ns(now_ms), time->own_ns) : 0;
}

uint32_t herd_time_votes(const struct herd_time *time)
{
    return time->votes;
}

bool herd_time_is_met(const struct herd_time *time)
{
    bool is_alone = time->node_count == 0 || (time->node_count == 1 && time->own != HERD_TIME_NONE);
    return is_alone || time->has_met;
}

int64_t herd_time_offset_ns(const struct herd_time *time)
{
    return time->votes > 0 ? difference(time->own_ns, time->now.high_ns) : 0;
}

/* V6. */
static int64_t trust(int64_t own_ns, int64_t herd_ns)
{
    return distance(own_ns, herd_ns) <= HERD_TIME_TRUST_NS ? own_ns : herd_ns;
}

int64_t herd_time_accept_ns(const struct herd_time *time, int64_t wall_ns, int64_t now_ms)
{
    if (time->votes == 0)
        return wall_ns;
    return trust(wall_ns, sum(mono_ns(now_ms), time->now.high_ns));
}

int64_t herd_time_forget_ns(const struct herd_time *time, int64_t wall_ns, int64_t now_ms)
{
    if (time->votes == 0)
        return wall_ns;
    return trust(wall_ns, sum(mono_ns(now_ms), time->now.low_ns));
}

int64_t herd_time_ceiling_ns(const struct herd_time *time, int64_t now_ms)
{
    if (!time->has_clock)
        return INT64_MAX;
    bool nobody = time->hold.high_ns == HERD_TIME_NEVER;
    int64_t high_ns = nobody ? time->own_ns : time->hold.high_ns;
    return sum(sum(mono_ns(now_ms), high_ns), HERD_TIME_AHEAD_NS);
}

int64_t herd_time_floor_ns(const struct herd_time *time, int64_t now_ms)
{
    if (!time->has_clock || time->hold.low_ns == HERD_TIME_NEVER)
        return INT64_MIN;
    return sum(mono_ns(now_ms), time->hold.low_ns);
}
