#include "gateway/text/turns.h"

#include <assert.h>

#define KIB_SHIFT 10

static const struct turns_budget front_budget = {TURNS_FRONT_COMMANDS_MAX, TURNS_FRONT_IN_BYTES_MAX,
                                                 TURNS_FRONT_OUT_BYTES_MAX};
static const struct turns_budget back_budget = {TURNS_BACK_COMMANDS_MAX, TURNS_BACK_IN_BYTES_MAX,
                                                TURNS_BACK_OUT_BYTES_MAX};

void turns_init(struct turns *turns)
{
    *turns = (struct turns){0};
    list_init(&turns->front);
    list_init(&turns->back);
}

void turns_begin(struct turns *turns, int64_t now_ns)
{
    turns->begun_ns = now_ns;
    turns->cost = 0;
    turns->is_over = false;
}

static void enqueue(struct turns *turns, struct turns_session *session)
{
    list_append(session->is_greedy ? &turns->back : &turns->front, &session->node);
    session->place = TURNS_QUEUED;
    turns->count++;
}

void turns_wait(struct turns *turns, struct turns_session *session)
{
    if (session->place == TURNS_IDLE)
        enqueue(turns, session);
}

static void take(struct turns *turns, struct turns_session *session, bool from_back)
{
    turns->run = from_back ? 0 : turns->run + 1;
    session->place = TURNS_TAKEN;
    session->has_big_turn = from_back;
}

struct turns_session *turns_next(struct turns *turns)
{
    if (turns->is_over)
        return NULL;
    assert(!turns_wants_look(turns));
    struct list_node *front = list_first(&turns->front), *back = list_first(&turns->back);
    bool from_back = front == NULL || (back != NULL && turns->run >= TURNS_FRONT_RUN_MAX);
    struct list_node *node = from_back ? back : front;
    if (node == NULL)
        return NULL;
    struct turns_session *session = LIST_OWNER(node, struct turns_session, node);
    list_remove(node);
    turns->count--;
    take(turns, session, from_back);
    return session;
}

bool turns_take(struct turns *turns, struct turns_session *session)
{
    if (turns->count > 0 || turns->is_over || turns_wants_look(turns) ||
        session->place != TURNS_IDLE)
        return false;
    take(turns, session, session->is_greedy);
    return true;
}

const struct turns_budget *turns_budget(const struct turns_session *session)
{
    assert(session->place == TURNS_TAKEN);
    return session->has_big_turn ? &back_budget : &front_budget;
}

void turns_done(struct turns *turns, struct turns_session *session, const struct turns_budget *used,
                bool waits)
{
    assert(session->place == TURNS_TAKEN);
    session->is_greedy = used->commands >= front_budget.commands ||
                         used->in_bytes >= front_budget.in_bytes ||
                         used->out_bytes >= front_budget.out_bytes;
    turns->cost += TURNS_SESSION_COST + used->commands + (used->in_bytes >> KIB_SHIFT) +
                   (used->out_bytes >> KIB_SHIFT);
    session->place = TURNS_IDLE;
    if (waits)
        enqueue(turns, session);
}

void turns_forget(struct turns *turns, struct turns_session *session)
{
    if (session->place == TURNS_QUEUED) {
        list_remove(&session->node);
        turns->count--;
    }
    *session = (struct turns_session){0};
}

bool turns_wants_look(const struct turns *turns)
{
    return turns->cost >= TURNS_LOOK_COST;
}

void turns_look(struct turns *turns, int64_t now_ns)
{
    turns->cost = 0;
    turns->is_over = now_ns < turns->begun_ns || now_ns - turns->begun_ns >= TURNS_TURN_NS;
}

size_t turns_waiting(const struct turns *turns)
{
    return turns->count;
}

/* ---- what was read ---- */

char *turns_batch_room(struct turns_batch *batch)
{
    assert(batch->bytes + TURNS_BATCH_READ_BYTES <= sizeof batch->memory);
    return batch->memory + batch->bytes;
}

bool turns_batch_add(struct turns_batch *batch, struct client *client, size_t bytes)
{
    assert(batch->count < TURNS_BATCH_READS_MAX && bytes <= TURNS_BATCH_READ_BYTES);
    batch->all[batch->count++] = (struct turns_batch_entry){client, turns_batch_room(batch), bytes};
    batch->bytes += bytes;
    return batch->count == TURNS_BATCH_READS_MAX || batch->bytes >= TURNS_BATCH_BYTES_AIM;
}

void turns_batch_forget(struct turns_batch *batch, const struct client *client)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->all[i].client == client)
            batch->all[i].client = NULL;
}

void turns_batch_clear(struct turns_batch *batch)
{
    batch->count = batch->bytes = 0;
}
