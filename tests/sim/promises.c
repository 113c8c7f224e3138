/* Answers that promise more than memory, and what must hold of them:
 *   - when one leaves, the neighbour or the disk that it waited for has what it is about, or
 *     something newer of that client;
 *   - it is there in the end, at all nodes, but for what a promise does not cover: by a neighbour
 *     alone, two ends of processes since the command; by the disk, a disk that lost something;
 *   - it leaves, or is promised no more, 2 s after the command at most;
 *   - where nothing is in the way, it leaves at once. */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bus/base/bytes.h"

#define ROOM_FIRST 16u
/* After its 2 s a turn may be late, and a crystal slow. */
#define PATIENCE_US (PROMISES_PATIENCE_MS * INT64_C(1000) + 10000)

static bool is_newer_or_same(const struct sim *sim, uint32_t held, uint32_t record)
{
    return held != WORLD_NO_RECORD &&
           !record_newer(&sim->records[record].location, &sim->records[held].location);
}

static void add(struct answers *answers, const struct answer *answer)
{
    if (answers->count == answers->room) {
        answers->room = answers->room == 0 ? ROOM_FIRST : 2 * answers->room;
        answers->all = bytes_resize(answers->all, answers->room * sizeof *answers->all);
    }
    answers->all[answers->count++] = *answer;
}

/* What a process said may come so long after its end. */
static int64_t flight_us(const struct sim *sim)
{
    return sim->options.latency_us_max + sim->options.late_us_max;
}

/* Processes that ended, and of which nothing comes any more. */
static uint32_t silent_ends(const struct sim *sim)
{
    uint32_t ends = sim->ends;
    for (uint32_t i = 0; i < sim->node_count; i++)
        ends -= sim->nodes[i].ended_us >= sim->now_us - flight_us(sim);
    return ends;
}

void promises_note(struct sim *sim, uint32_t index, uint32_t client)
{
    struct node *node = &sim->nodes[index];
    if (node->promises == 0 || node->holds[client] == WORLD_NO_RECORD)
        return;
    struct answer answer = {
        .client = client,
        .record = node->holds[client],
        .node = index,
        .place = journal_place(node, client),
        .ends = silent_ends(sim),
        .held_us = sim->now_us,
        .epoch = flood_hold(node->flood, sim->clients[client].id, node_clock_ms(sim, node))};
    if (answer.epoch == 0)
        sim_fail(sim, "%s holds no answer", sim->names[index]);
    sim->counters->answers_held++;
    add(&node->waiting, &answer);
}

/* ---- When it leaves ---------------------------------------------------------------------- */

/* Whether a process at the other end of one of the node's links has it, or ended since it may have
 * said so. */
static bool has_neighbour(const struct sim *sim, const struct answer *answer)
{
    const struct node *node = &sim->nodes[answer->node];
    for (uint32_t i = 0; i < node->channel_count; i++) {
        uint32_t to = sim->channels[node->first_channel + i].to;
        for (uint32_t j = 0; j < sim->node_count; j++) {
            const struct node *there = &sim->nodes[j];
            bool is_it = j == to || (j >= sim->herd_count && to == sim->options.mimicked);
            if (is_it && (there->ended_us >= answer->held_us - flight_us(sim) ||
                          (there->flood != NULL &&
                           is_newer_or_same(sim, there->holds[answer->client], answer->record))))
                return true;
        }
    }
    return false;
}

/* Where a clock is wrong, something older may win; and who forges may say anything. */
static bool is_judged(const struct sim *sim)
{
    return sim->options.skew_s_max == 0 && !sim->options.has_clocks && !sim->forged;
}

static bool is_over_at(const struct sim *sim, const struct node *node, const struct answer *answer)
{
    return sim->records[answer->record].location.order_ns <
           flood_time(node->flood, node_clock_ms(sim, node)).horizon_ns;
}

/* What is over since it was held needs no disk any more. */
static void leave(struct sim *sim, const struct answer *answer)
{
    const struct node *node = &sim->nodes[answer->node];
    sim->counters->answers_kept++;
    if ((node->promises & PROMISES_BY_DISK) != 0 && !journal_has(node, answer) &&
        !is_over_at(sim, node, answer))
        sim_fail(sim, "%s answers client %" PRIu32 " before its disk has that",
                 sim->names[answer->node], answer->client);
    if (!is_judged(sim))
        return;
    if ((node->promises & PROMISES_BY_NEIGHBOUR) != 0 && !has_neighbour(sim, answer))
        sim_fail(sim, "%s answers client %" PRIu32 " before a neighbour has that",
                 sim->names[answer->node], answer->client);
    add(&sim->kept, answer);
}

void promises_settle(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    struct answers *waiting = &node->waiting;
    int64_t now_ms = node_clock_ms(sim, node);
    uint64_t epoch;
    while (flood_next_settled(node->flood, now_ms, &epoch)) {
        bool is_kept = flood_promise(node->flood, epoch) == PROMISES_KEPT;
        uint32_t left = 0;
        for (uint32_t i = 0; i < waiting->count; i++) {
            if (waiting->all[i].epoch != epoch) {
                waiting->all[left++] = waiting->all[i];
                continue;
            }
            int64_t took_us = sim->now_us - waiting->all[i].held_us;
            sim->counters->answers_broken += !is_kept;
            if (took_us > sim->answer_us_max)
                sim->answer_us_max = took_us;
            if (is_kept)
                leave(sim, &waiting->all[i]);
        }
        waiting->count = left;
    }
    for (uint32_t i = 0; i < waiting->count; i++)
        if (sim->now_us - waiting->all[i].held_us > PATIENCE_US)
            sim_fail(sim, "%s holds an answer for too long", sim->names[index]);
}

/* ---- What becomes of it ------------------------------------------------------------------ */

static bool is_on_disk(const struct sim *sim, const struct answer *answer)
{
    return journal_has(&sim->nodes[answer->node], answer);
}

static bool is_somewhere(const struct sim *sim, const struct answer *answer)
{
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (sim->nodes[i].flood != NULL && !sim->nodes[i].strange &&
            is_newer_or_same(sim, sim->nodes[i].holds[answer->client], answer->record))
            return true;
    return false;
}

/* Whether what the answer is about is over by now, or a newer one was: nobody need have it. */
static bool is_over(const struct sim *sim, const struct answer *answer)
{
    for (uint32_t i = 0; i < sim->herd_count; i++) {
        const struct node *node = &sim->nodes[i];
        if (node->flood != NULL && is_over_at(sim, node, answer))
            return true;
    }
    return false;
}

void promises_end(struct sim *sim, uint32_t index)
{
    uint32_t left = 0;
    sim->ends++;
    sim->nodes[index].ended_us = sim->now_us;
    sim->nodes[index].waiting.count = 0;
    for (uint32_t i = 0; i < sim->kept.count; i++) {
        const struct answer *answer = &sim->kept.all[i];
        bool is_there = is_on_disk(sim, answer) || is_somewhere(sim, answer);
        if (!is_there && sim->ends - answer->ends <= 1 && !is_over(sim, answer))
            sim_fail(sim, "the end of %s takes an answer to client %" PRIu32 " back",
                     sim->names[index], answer->client);
        if (is_there)
            sim->kept.all[left++] = *answer;
    }
    sim->kept.count = left;
}

void promises_restart(struct sim *sim, uint32_t index)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < sim->kept.count; i++) {
        struct answer *answer = &sim->kept.all[i];
        bool is_lost =
            answer->node == index &&
            !is_newer_or_same(sim, sim->nodes[index].holds[answer->client], answer->record);
        if (is_lost)
            answer->place = 0;
        if (!is_lost || is_somewhere(sim, answer))
            sim->kept.all[left++] = *answer;
    }
    sim->kept.count = left;
}

void sim_judge_promises(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->kept.count; i++) {
        const struct answer *answer = &sim->kept.all[i];
        for (uint32_t j = 0; j < sim->herd_count && !is_over(sim, answer); j++)
            if (!is_newer_or_same(sim, sim->nodes[j].holds[answer->client], answer->record))
                sim_fail(sim, "%s does not hold what client %" PRIu32 " was promised",
                         sim->names[j], answer->client);
        sim->counters->answers_judged++;
    }
}

void promises_delete(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->node_count; i++)
        free(sim->nodes[i].waiting.all);
    free(sim->kept.all);
}

void sim_judge_answers(struct sim *sim, int64_t us_max)
{
    if (sim->answer_us_max > us_max)
        sim_fail(sim, "an answer takes %" PRId64 " us, though nothing is in the way",
                 sim->answer_us_max);
}

void sim_time_answers(struct sim *sim)
{
    sim->answer_us_max = 0;
}
