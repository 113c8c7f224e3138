#include "bus/link/rounds.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/base/bytes.h"

enum { NOTHING, LITTLE, MUCH };

void rounds_resize(struct rounds *rounds, size_t count)
{
    rounds_free(rounds);
    /* One more than needed, because the size may not be 0. */
    rounds->waits = bytes_zeroed(count + 1);
    rounds->count = count;
}

void rounds_free(struct rounds *rounds)
{
    free(rounds->waits);
    *rounds = (struct rounds){0};
}

void rounds_begin(struct rounds *rounds)
{
    rounds->little = rounds->much = rounds->at = rounds->bytes = 0;
    rounds->is_much = rounds->is_cut = false;
}

void rounds_expect(struct rounds *rounds, size_t peer, bool has_much)
{
    assert(peer < rounds->count);
    rounds->waits[peer] = has_much ? MUCH : LITTLE;
    rounds->little += !has_much;
    rounds->much += has_much;
}

/* From those with little to those with much. */
static void change_over(struct rounds *rounds)
{
    if (rounds->is_much || rounds->little > 0)
        return;
    rounds->is_much = true;
    rounds->at = rounds->first < rounds->count ? rounds->first : 0;
}

bool rounds_next(struct rounds *rounds, size_t *peer)
{
    change_over(rounds);
    size_t left = rounds->is_much ? rounds->much : rounds->little;
    rounds->is_cut = rounds->is_much && left > 0 && rounds->bytes >= ROUNDS_BYTES_MAX;
    if (left == 0 || rounds->is_cut) {
        rounds->first = rounds->at;
        return false;
    }
    while (rounds->waits[rounds->at] != (rounds->is_much ? MUCH : LITTLE))
        rounds->at = (rounds->at + 1) % rounds->count;
    *peer = rounds->at;
    return true;
}

static void go_on(struct rounds *rounds)
{
    rounds->at = (rounds->at + 1) % rounds->count;
}

/* What waits was found while the message was made. */
static void move_to_much(struct rounds *rounds)
{
    rounds->waits[rounds->at] = MUCH;
    rounds->little--;
    rounds->much++;
}

void rounds_sent(struct rounds *rounds, size_t bytes, bool has_much)
{
    has_much |= bytes >= ROUNDS_LARGE_BYTES;
    if (!rounds->is_much && has_much)
        move_to_much(rounds);
    if (rounds->is_much || has_much)
        rounds->bytes += bytes;
    go_on(rounds);
}

void rounds_over(struct rounds *rounds)
{
    rounds->waits[rounds->at] = NOTHING;
    rounds->little -= !rounds->is_much;
    rounds->much -= rounds->is_much;
    go_on(rounds);
}
