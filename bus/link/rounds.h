/* rounds: whom a turn of the loop sends to next, and when it has sent enough.
 *
 * First the peers for whom little waits: a client's change goes to them at once, whatever others
 * lack. Then those for whom much waits, because they came back or a load is heavy: one message each
 * in turn, because what was written for one serves the next if that is due the same, until the turn
 * has sent them ROUNDS_BYTES_MAX. The next turn goes on with the peer whose turn it would have
 * been. It knows no messages and no time.
 *
 * Invariant: between two messages to a peer with much, each other such peer gets at most one
 * message. */
#ifndef ZHERD_BUS_LINK_ROUNDS_H
#define ZHERD_BUS_LINK_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what goes to peers for whom much waits, in a turn: half a millisecond of work, for which the
 * node's clients wait. The message that reaches it still goes out. */
#define ROUNDS_BYTES_MAX (128 * 1024)
/* A peer that is sent a message of so many bytes has much, whatever waits: long ids, or lists of
 * what is compared. */
#define ROUNDS_LARGE_BYTES 4096

/* All zero has no peers. */
struct rounds {
    uint8_t *waits; /* for each peer */
    size_t count;
    size_t little, much; /* how many there are of each */
    size_t at;           /* whose turn it is */
    size_t first;        /* of those with much, in the next turn of the loop */
    size_t bytes;        /* sent to those with much in this one */
    bool is_much;        /* it is their turn */
    bool is_cut;         /* something was left for the next turn of the loop */
};

/* So many peers; nothing is left for any. */
void rounds_resize(struct rounds *rounds, size_t count);
void rounds_free(struct rounds *rounds);

/* A turn begins. Then rounds_expect says of each peer whether more than one message waits for it.
 */
void rounds_begin(struct rounds *rounds);
void rounds_expect(struct rounds *rounds, size_t peer, bool has_much);

/* Who is to be sent one message; false when the turn ends. After each rounds_sent, or rounds_over
 * where nothing is to be sent to it any more. `has_much`: more than one message waits for it now; a
 * peer with little then is one with much, and so it is after a large message. */
bool rounds_next(struct rounds *rounds, size_t *peer);
void rounds_sent(struct rounds *rounds, size_t bytes, bool has_much);
void rounds_over(struct rounds *rounds);

#endif
