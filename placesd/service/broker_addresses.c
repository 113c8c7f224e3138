/* Where a running broker listens changes: asked by another thread, done by the broker's, whose
 * sockets they are (placesd/service/broker.h). */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bus/net/binding.h"
#include "bus/net/hangup.h"
#include "placesd/service/broker_state.h"

void broker_open_moves(struct broker *broker)
{
    pthread_mutex_init(&broker->move.lock, NULL);
    pthread_cond_init(&broker->move.changed, NULL);
    broker->move.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(broker->move.wake >= 0);
}

void broker_close_moves(struct broker *broker)
{
    free(broker->move.front.next_at);
    free(broker->move.back.next_at);
    close(broker->move.wake);
    pthread_cond_destroy(&broker->move.changed);
    pthread_mutex_destroy(&broker->move.lock);
}

/* ---- the broker's thread, under the lock ---- */

static void unbind(zsock_t *socket, const char *at)
{
    zmq_unbind(zsock_resolve(socket), at);
}

static void leave(struct broker_side *side)
{
    if (side->next_at != NULL)
        unbind(*side->socket, side->next_at);
    free(side->next_at);
    side->next_at = NULL;
}

static bool bind_beside(struct broker_side *side, struct fault *fault)
{
    leave(side);
    if (strcmp(side->wanted, side->endpoint) == 0)
        return true;
    if (!binding_zmq(zsock_resolve(*side->socket), side->wanted, fault))
        return fault_set(fault, "cannot listen on %s: %s", side->wanted, fault->text);
    side->next_at = zsock_last_endpoint(*side->socket);
    return true;
}

/* ZeroMQ ends the connections that came over the address before; who asked over them asks again. */
static void take(struct broker_side *side)
{
    if (side->next_at == NULL)
        return;
    unbind(*side->socket, *side->at);
    free(*side->at);
    *side->at = side->next_at;
    *side->port = hangup_port(*side->at);
    side->next_at = NULL;
    strcpy(side->endpoint, side->wanted);
}

static void obey(struct broker_move *move)
{
    switch (move->asked) {
    case BROKER_MOVE_READ:
        move->is_good =
            bind_beside(&move->front, &move->fault) && bind_beside(&move->back, &move->fault);
        break;
    case BROKER_MOVE_TAKE:
        take(&move->front);
        take(&move->back);
        break;
    case BROKER_MOVE_LEAVE:
        leave(&move->front);
        leave(&move->back);
        break;
    case BROKER_MOVE_NONE:
        return;
    }
    move->asked = BROKER_MOVE_NONE;
    pthread_cond_signal(&move->changed);
}

void broker_move_if_asked(struct broker *broker)
{
    uint64_t times;
    if (read(broker->move.wake, &times, sizeof times) != sizeof times)
        return;
    pthread_mutex_lock(&broker->move.lock);
    obey(&broker->move);
    pthread_mutex_unlock(&broker->move.lock);
}

void broker_end_moves(struct broker *broker)
{
    pthread_mutex_lock(&broker->move.lock);
    broker->move.is_over = true;
    pthread_cond_signal(&broker->move.changed);
    pthread_mutex_unlock(&broker->move.lock);
}

/* ---- another thread ---- */

/* Waits until the broker's thread has done it, or ends; under the lock. */
static bool ask(struct broker_move *move, enum broker_move_kind kind)
{
    uint64_t once = 1;
    move->asked = kind;
    bool is_woken = write(move->wake, &once, sizeof once) == sizeof once;
    assert(is_woken);
    while (move->asked != BROKER_MOVE_NONE && !move->is_over)
        pthread_cond_wait(&move->changed, &move->lock);
    bool is_done = move->asked == BROKER_MOVE_NONE;
    move->asked = BROKER_MOVE_NONE;
    return is_done;
}

bool broker_read_addresses(struct broker *broker, const char *front, const char *back,
                           struct fault *fault)
{
    struct broker_move *move = &broker->move;
    pthread_mutex_lock(&move->lock);
    snprintf(move->front.wanted, sizeof move->front.wanted, "%s", front);
    snprintf(move->back.wanted, sizeof move->back.wanted, "%s", back);
    bool is_done = ask(move, BROKER_MOVE_READ);
    bool is_good = is_done && move->is_good;
    fault_set(fault, "%s", is_done ? move->fault.text : "the broker stops");
    pthread_mutex_unlock(&move->lock);
    return is_good;
}

static void ask_alone(struct broker *broker, enum broker_move_kind kind)
{
    pthread_mutex_lock(&broker->move.lock);
    ask(&broker->move, kind);
    pthread_mutex_unlock(&broker->move.lock);
}

void broker_take_addresses(struct broker *broker)
{
    ask_alone(broker, BROKER_MOVE_TAKE);
}

void broker_leave_addresses(struct broker *broker)
{
    ask_alone(broker, BROKER_MOVE_LEAVE);
}
