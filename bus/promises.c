#include "bus/promises.h"

#include <assert.h>
#include <stdlib.h>

/* Kept out of what is done for every change where nothing is held. */
#define APART __attribute__((noinline))

/* Of a link that has not met its process: no position is one of its. */
#define NOWHERE UINT64_MAX
/* Links from this one on keep an epoch by acknowledgements alone. */
#define DISK_BIT       63u
#define EPOCH_ROOM_MIN 64u
#define HOLD_ROOM_MIN  1024u
#define LATEST_MIN     4096u

static bool has_bit(const struct promises_hold *hold, size_t bit)
{
    return (hold->has >> bit & 1) != 0;
}

static void set_bit(struct promises_hold *hold, size_t bit)
{
    hold->has |= UINT64_C(1) << bit;
}

static struct promises_epoch *epoch_at(const struct promises *promises, uint64_t number)
{
    assert(number >= promises->first && number < promises->end);
    return &promises->epochs[number & (promises->epoch_room - 1)];
}

static struct promises_wait *wait_at(const struct promises *promises, uint64_t number, size_t peer)
{
    return &promises->waits[(number & (promises->epoch_room - 1)) * promises->peer_count + peer];
}

static struct promises_hold *hold_at(const struct promises *promises, uint64_t number)
{
    return &promises->holds[number & (promises->hold_room - 1)];
}

static bool is_open(const struct promises *promises, uint64_t number)
{
    return promises->is_open && number == promises->end - 1;
}

/* The number after its last hold. */
static uint64_t holds_end(const struct promises *promises, uint64_t number)
{
    return number + 1 < promises->end ? epoch_at(promises, number + 1)->first : promises->hold_end;
}

static uint32_t holds_of(const struct promises *promises, uint64_t number)
{
    return (uint32_t)(holds_end(promises, number) - epoch_at(promises, number)->first);
}

static bool counts(const struct promises *promises, size_t peer)
{
    return (promises->by & PROMISES_BY_NEIGHBOUR) != 0 && !promises->peers[peer].is_observer;
}

void promises_init(struct promises *promises, unsigned by, struct peer *peers, size_t peer_count)
{
    assert(by != 0);
    *promises = (struct promises){.peers = peers,
                                  .peer_count = peer_count,
                                  .by = by,
                                  .first = 1,
                                  .end = 1,
                                  .waiting = 1,
                                  .hold_first = 1,
                                  .hold_end = 1};
    promises->links = bytes_zeroed((peer_count + 1) * sizeof *promises->links);
    for (size_t i = 0; i < peer_count; i++)
        promises->links[i].next = 1;
}

void promises_free(struct promises *promises)
{
    free(promises->epochs);
    free(promises->waits);
    free(promises->holds);
    free(promises->latest);
    free(promises->links);
    *promises = (struct promises){0};
}

/* ---- Links that come and go --------------------------------------------------------------- */

/* Who has told us of a hold: of links beyond the bits nobody knows. */
static void change_bits(struct promises_hold *hold, size_t peer_count, const size_t *was)
{
    uint64_t has = hold->has & UINT64_C(1) << DISK_BIT;
    for (size_t i = 0; i < peer_count && i < DISK_BIT; i++)
        if (was[i] < DISK_BIT && has_bit(hold, was[i]))
            has |= UINT64_C(1) << i;
    hold->has = has;
}

static struct promises_wait *change_waits(const struct promises *promises, size_t peer_count,
                                          const size_t *was)
{
    struct promises_wait *waits =
        bytes_resize(NULL, (promises->epoch_room * peer_count + 1) * sizeof *waits);
    for (uint64_t number = promises->first; number < promises->end; number++)
        for (size_t i = 0; i < peer_count; i++) {
            struct promises_wait *wait =
                &waits[(number & (promises->epoch_room - 1)) * peer_count + i];
            *wait = was[i] == PROMISES_NEW_LINK ? (struct promises_wait){.target = NOWHERE}
                                                : *wait_at(promises, number, was[i]);
            if (i >= DISK_BIT || was[i] >= DISK_BIT)
                wait->told = 0;
        }
    return waits;
}

void promises_change(struct promises *promises, struct peer *peers, size_t peer_count,
                     const size_t *was)
{
    struct promises_link *links = bytes_zeroed((peer_count + 1) * sizeof *links);
    for (size_t i = 0; i < peer_count; i++)
        links[i] = was[i] == PROMISES_NEW_LINK ? (struct promises_link){.next = promises->waiting}
                                               : promises->links[was[i]];
    for (uint64_t number = promises->hold_first; number < promises->hold_end; number++)
        change_bits(hold_at(promises, number), peer_count, was);
    if (promises->epoch_room > 0) {
        struct promises_wait *waits = change_waits(promises, peer_count, was);
        free(promises->waits);
        promises->waits = waits;
    }
    free(promises->links);
    promises->links = links;
    promises->peers = peers;
    promises->peer_count = peer_count;
}

/* ---- Memory: what is refused costs a promise, never the node ----------------------------- */

static bool grow_epochs(struct promises *promises)
{
    uint64_t room = promises->epoch_room == 0 ? EPOCH_ROOM_MIN : 2 * promises->epoch_room;
    size_t peers = promises->peer_count;
    if (room > PROMISES_EPOCHS_MAX)
        return false;
    struct promises_epoch *epochs = malloc(room * sizeof *epochs);
    struct promises_wait *waits = malloc(room * (peers + 1) * sizeof *waits);
    if (epochs == NULL || waits == NULL) {
        free(epochs);
        free(waits);
        return false;
    }
    for (uint64_t number = promises->first; number < promises->end; number++) {
        uint64_t to = number & (room - 1);
        epochs[to] = *epoch_at(promises, number);
        for (size_t peer = 0; peer < peers; peer++)
            waits[to * peers + peer] = *wait_at(promises, number, peer);
    }
    free(promises->epochs);
    free(promises->waits);
    promises->epochs = epochs;
    promises->waits = waits;
    promises->epoch_room = room;
    return true;
}

static bool grow_holds(struct promises *promises)
{
    uint64_t room = promises->hold_room == 0 ? HOLD_ROOM_MIN : 2 * promises->hold_room;
    if (room > PROMISES_HOLDS_MAX)
        return false;
    struct promises_hold *holds = malloc(room * sizeof *holds);
    if (holds == NULL)
        return false;
    for (uint64_t number = promises->hold_first; number < promises->hold_end; number++)
        holds[number & (room - 1)] = *hold_at(promises, number);
    free(promises->holds);
    promises->holds = holds;
    promises->hold_room = room;
    return true;
}

static bool grow_latest(struct promises *promises, uint32_t slot)
{
    uint64_t room = promises->latest_room == 0 ? LATEST_MIN : promises->latest_room;
    while (room <= slot)
        room *= 2;
    uint32_t *latest = realloc(promises->latest, room * sizeof *latest);
    if (latest == NULL)
        return false;
    memset(latest + promises->latest_room, 0, (room - promises->latest_room) * sizeof *latest);
    promises->latest = latest;
    promises->latest_room = (uint32_t)room;
    return true;
}

/* Room for one more epoch and one more hold. */
static bool make_room(struct promises *promises, uint32_t slot)
{
    return (promises->end - promises->first < promises->epoch_room || grow_epochs(promises)) &&
           (promises->hold_end - promises->hold_first < promises->hold_room ||
            grow_holds(promises)) &&
           (slot < promises->latest_room || grow_latest(promises, slot));
}

/* ---- What is held ------------------------------------------------------------------------ */

/* The last hold of a slot that has not gone yet, from the lowest bits of its number; 0: none. */
static uint64_t live_hold(const struct promises *promises, uint32_t low_bits, uint32_t slot)
{
    uint64_t back = (uint32_t)((uint32_t)promises->hold_end - low_bits);
    if (back == 0 || back > promises->hold_end - promises->hold_first)
        return 0;
    uint64_t number = promises->hold_end - back;
    return hold_at(promises, number)->slot == slot ? number : 0;
}

/* The oldest that were settled and pulled go. */
static void let_go(struct promises *promises)
{
    while (promises->first < promises->end && epoch_at(promises, promises->first)->is_given)
        promises->first++;
    if (promises->waiting < promises->first)
        promises->waiting = promises->first;
    promises->hold_first = promises->first < promises->end
                               ? epoch_at(promises, promises->first)->first
                               : promises->hold_end;
}

static void settle(struct promises *promises, uint64_t number, enum promises_state state)
{
    struct promises_epoch *epoch = epoch_at(promises, number);
    assert(epoch->state == PROMISES_WAITS);
    epoch->state = (uint8_t)state;
    epoch->next_settled = 0;
    if (promises->settled_last != 0)
        epoch_at(promises, promises->settled_last)->next_settled = number;
    else
        promises->settled_first = number;
    promises->settled_last = number;
}

static void judge(struct promises *promises, uint64_t number)
{
    const struct promises_epoch *epoch = epoch_at(promises, number);
    if (epoch->state != PROMISES_WAITS || is_open(promises, number))
        return;
    if (((promises->by & PROMISES_BY_NEIGHBOUR) == 0 || epoch->has_neighbour) &&
        ((promises->by & PROMISES_BY_DISK) == 0 || epoch->has_disk))
        settle(promises, number, PROMISES_KEPT);
}

static void have_neighbour(struct promises *promises, uint64_t number)
{
    epoch_at(promises, number)->has_neighbour = true;
    judge(promises, number);
}

static void open_epoch(struct promises *promises, int64_t now_ms)
{
    uint64_t number = promises->end++;
    *epoch_at(promises, number) =
        (struct promises_epoch){.first = promises->hold_end, .opened_ms = now_ms};
    for (size_t i = 0; i < promises->peer_count; i++)
        *wait_at(promises, number, i) =
            (struct promises_wait){.low = promises->peers[i].window.ring.sent, .target = NOWHERE};
    promises->is_open = true;
}

/* The last epoch that is closed, and so has an end on the links; 0: none. */
static uint64_t last_closed(const struct promises *promises)
{
    uint64_t last = promises->end - 1 - promises->is_open;
    return last >= promises->first ? last : 0;
}

/* Goes on through the epochs of which the neighbour has all. */
static void advance(struct promises *promises, size_t peer)
{
    struct promises_link *link = &promises->links[peer];
    const struct ring *ring = &promises->peers[peer].window.ring;
    if (link->next < promises->waiting)
        link->next = promises->waiting;
    /* A slot that found no memory in the ring waits nowhere. */
    for (; link->next <= last_closed(promises) && !ring->lost; link->next++) {
        struct promises_wait *wait = wait_at(promises, link->next, peer);
        /* Places at the end were taken back: what waits is before the end there is. */
        if (wait->target != NOWHERE && wait->target > ring->head)
            wait->target = ring->head;
        if (wait->target > link->heard)
            return;
        if (!wait->refused)
            have_neighbour(promises, link->next);
    }
}

static void look_at_link(struct promises *promises, size_t index);

/* Its slots wait on the links: where the last of them do is where its end is. A link that met its
 * process since they were held has none of them before it is looked at. */
static void close_epoch(struct promises *promises)
{
    uint64_t number = promises->end - 1;
    struct promises_epoch *epoch = epoch_at(promises, number);
    promises->is_open = false;
    epoch->has_disk = epoch->unwritten == 0 && epoch->batch <= promises->synced;
    for (size_t i = 0; i < promises->peer_count; i++) {
        struct promises_wait *wait = wait_at(promises, number, i);
        if (!counts(promises, i))
            continue;
        look_at_link(promises, i);
        if (promises->peers[i].theirs != 0 && !wait->is_apart)
            wait->target = promises->peers[i].window.ring.head;
        if (wait->told == holds_of(promises, number))
            have_neighbour(promises, number);
        advance(promises, i);
    }
    judge(promises, number);
}

static bool may_close(const struct promises *promises, int64_t now_ms)
{
    if (!promises->is_open)
        return false;
    return promises->end - promises->first < PROMISES_EPOCHS_SOON ||
           epoch_at(promises, promises->end - 1)->opened_ms != now_ms;
}

/* What the disk has of a slot that was held: nothing is to be written of it, or it is in the batch
 * that was begun last. */
static bool take_from_disk(struct promises_epoch *epoch, struct promises_hold *hold,
                           const struct marks *marks)
{
    if (marks == NULL || marks_is_due(marks, hold->slot))
        return false;
    set_bit(hold, DISK_BIT);
    if (!marks_is_safe(marks, hold->slot))
        epoch->batch = marks->batches;
    return true;
}

/* What was had of the slot is not what it holds now. */
static void hold_again(struct promises *promises, uint64_t epoch_number, struct promises_hold *hold)
{
    for (size_t i = 0; i < promises->peer_count && i < DISK_BIT; i++)
        wait_at(promises, epoch_number, i)->told -= has_bit(hold, i);
    epoch_at(promises, epoch_number)->unwritten += has_bit(hold, DISK_BIT);
    hold->has = 0;
}

uint64_t promises_hold(struct promises *promises, uint32_t slot, const struct marks *marks,
                       int64_t now_ms)
{
    let_go(promises);
    if (promises->is_open && epoch_at(promises, promises->end - 1)->opened_ms != now_ms)
        close_epoch(promises);
    if (!make_room(promises, slot))
        return 0;
    if (!promises->is_open)
        open_epoch(promises, now_ms);
    uint64_t number = promises->end - 1, before = live_hold(promises, promises->latest[slot], slot);
    struct promises_epoch *epoch = epoch_at(promises, number);
    struct promises_hold *hold;
    if (before != 0 && before >= epoch->first) {
        hold = hold_at(promises, before);
        hold_again(promises, number, hold);
    } else {
        hold = hold_at(promises, promises->hold_end);
        *hold = (struct promises_hold){.slot = slot, .before = promises->latest[slot]};
        promises->latest[slot] = (uint32_t)promises->hold_end++;
        epoch->unwritten++;
    }
    epoch->unwritten -= take_from_disk(epoch, hold, marks);
    return number;
}

/* ---- Neighbours -------------------------------------------------------------------------- */

/* What the neighbour had of any epoch was another process's, or its ring was filled in another
 * order: all slots wait there, once more where they do not. */
static void push_again(struct promises *promises, size_t index)
{
    struct promises_link *link = &promises->links[index];
    struct peer *peer = &promises->peers[index];
    link->fills = peer->window.ring.fills;
    link->rewinds = peer->window.ring.rewinds;
    link->is_resending = false; /* nothing that was sent is kept */
    link->refused = link->heard = 0;
    link->next = promises->waiting;
    for (uint64_t number = promises->waiting; number < promises->end; number++) {
        struct promises_wait *wait = wait_at(promises, number, index);
        *wait = (struct promises_wait){.low = peer->window.ring.sent, .target = NOWHERE};
        if (epoch_at(promises, number)->state != PROMISES_WAITS)
            continue;
        uint64_t end = holds_end(promises, number);
        for (uint64_t i = epoch_at(promises, number)->first; i < end; i++) {
            struct promises_hold *hold = hold_at(promises, i);
            if (index < DISK_BIT)
                hold->has &= ~(UINT64_C(1) << index);
            peer_change(peer, hold->slot);
        }
    }
    for (uint64_t number = promises->waiting; number < promises->end && peer->theirs != 0; number++)
        wait_at(promises, number, index)->target = peer->window.ring.head;
}

/* Something is sent again, or all of that was. A slot that changed since it was sent is left out
 * where it stood, and goes out where it waits now: an acknowledgement says nothing of it before
 * that place. Where that is, is only known when all was sent again. */
static void move_ends(struct promises *promises, size_t index)
{
    struct promises_link *link = &promises->links[index];
    const struct peer *peer = &promises->peers[index];
    const struct ring *ring = &peer->window.ring;
    bool was_known = !link->is_resending, is_known = ring->next == ring->sent;
    if (link->rewinds == ring->rewinds && was_known == is_known)
        return;
    link->rewinds = ring->rewinds;
    link->is_resending = !is_known;
    uint64_t number = link->next > promises->waiting ? link->next : promises->waiting;
    for (; number < promises->end; number++) {
        struct promises_wait *wait = wait_at(promises, number, index);
        bool has_end = is_known && peer->theirs != 0 && !wait->is_apart;
        wait->target = has_end ? ring->head : NOWHERE;
    }
}

static void look_at_link(struct promises *promises, size_t index)
{
    const struct promises_link *link = &promises->links[index];
    const struct ring *ring = &promises->peers[index].window.ring;
    if (!counts(promises, index))
        return;
    if (link->fills != ring->fills)
        push_again(promises, index);
    else if (link->rewinds != ring->rewinds || link->is_resending)
        move_ends(promises, index);
}

void promises_skip(struct promises *promises, size_t peer)
{
    struct promises_wait *wait = wait_at(promises, promises->end - 1, peer);
    wait->is_apart = true;
    wait->target = NOWHERE; /* that of what was held before it */
}

/* No neighbour has acknowledged it for long: it waits on this link as well. */
static void join(struct promises *promises, uint64_t number, size_t index)
{
    struct peer *peer = &promises->peers[index];
    struct promises_wait *wait = wait_at(promises, number, index);
    uint64_t end = holds_end(promises, number);
    wait->is_apart = false;
    for (uint64_t i = epoch_at(promises, number)->first; i < end; i++)
        peer_change(peer, hold_at(promises, i)->slot);
    wait->target = peer->theirs != 0 && !promises->links[index].is_resending
                       ? peer->window.ring.head
                       : NOWHERE;
}

/* Where acknowledgements take longer than that it waits for one. */
static int64_t apart_ms(const struct promises *promises)
{
    int64_t took_ms = 0;
    for (size_t i = 0; i < promises->peer_count; i++)
        if (counts(promises, i) && promises->peers[i].window.took_ms > took_ms)
            took_ms = promises->peers[i].window.took_ms;
    return PROMISES_APART_MS +
           (took_ms < PROMISES_PATIENCE_MS / 2 ? took_ms : PROMISES_PATIENCE_MS / 2);
}

static bool is_apart_for_long(const struct promises *promises, uint64_t number, size_t index,
                              int64_t now_ms)
{
    const struct promises_epoch *epoch = epoch_at(promises, number);
    return wait_at(promises, number, index)->is_apart && epoch->state == PROMISES_WAITS &&
           !epoch->has_neighbour && now_ms >= epoch->opened_ms + apart_ms(promises);
}

static void join_all(struct promises *promises, size_t index, int64_t now_ms)
{
    for (uint64_t number = promises->waiting; number <= last_closed(promises); number++)
        if (is_apart_for_long(promises, number, index, now_ms))
            join(promises, number, index);
}

APART void promises_send(struct promises *promises, size_t peer, int64_t now_ms)
{
    look_at_link(promises, peer);
    if (counts(promises, peer))
        join_all(promises, peer, now_ms);
    if (may_close(promises, now_ms))
        close_epoch(promises);
}

APART bool promises_want_ack(const struct promises *promises, size_t peer, uint64_t after)
{
    uint64_t last = last_closed(promises);
    if (!counts(promises, peer) || last == 0 || promises->links[peer].next > last)
        return false;
    return after < wait_at(promises, last, peer)->target;
}

/* What it acknowledges is not all kept there: nobody knows what is not. */
static void doubt(struct promises *promises, size_t peer, uint64_t received)
{
    for (uint64_t number = promises->waiting; number < promises->end; number++) {
        struct promises_wait *wait = wait_at(promises, number, peer);
        wait->refused |= wait->low < received;
    }
}

void promises_hear(struct promises *promises, size_t peer, uint64_t received, uint64_t refused)
{
    struct promises_link *link = &promises->links[peer];
    const struct ring *ring = &promises->peers[peer].window.ring;
    look_at_link(promises, peer);
    if (!counts(promises, peer) || received > ring->sent)
        return;
    if (refused != link->refused)
        doubt(promises, peer, received);
    link->refused = refused;
    if (link->heard < received)
        link->heard = received;
    advance(promises, peer);
}

/* The epoch of a hold, looked for from the newest back. */
static uint64_t epoch_of(const struct promises *promises, uint64_t hold)
{
    uint64_t low = promises->first, high = promises->end;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (epoch_at(promises, middle)->first <= hold)
            low = middle;
        else
            high = middle;
    }
    return low;
}

APART void promises_told(struct promises *promises, size_t peer, uint32_t slot)
{
    if (!counts(promises, peer) || peer >= DISK_BIT || slot >= promises->latest_room)
        return;
    look_at_link(promises, peer);
    uint64_t number = live_hold(promises, promises->latest[slot], slot);
    while (number != 0) {
        struct promises_hold *hold = hold_at(promises, number);
        uint64_t epoch = epoch_of(promises, number);
        struct promises_wait *wait = wait_at(promises, epoch, peer);
        wait->told += !has_bit(hold, peer);
        set_bit(hold, peer);
        if (wait->told == holds_of(promises, epoch) && !is_open(promises, epoch))
            have_neighbour(promises, epoch);
        uint64_t before = live_hold(promises, hold->before, slot);
        number = before < number ? before : 0; /* the bits of an old number may be another's */
    }
    advance(promises, peer); /* its place in the ring may have been the last */
}

/* ---- The disk ---------------------------------------------------------------------------- */

/* Which of its slots a batch has taken since. */
static void look_at_slots(struct promises *promises, uint64_t number, const struct marks *marks)
{
    struct promises_epoch *epoch = epoch_at(promises, number);
    uint64_t end = holds_end(promises, number);
    for (uint64_t i = epoch->first; i < end && epoch->unwritten > 0; i++)
        if (!has_bit(hold_at(promises, i), DISK_BIT))
            epoch->unwritten -= take_from_disk(epoch, hold_at(promises, i), marks);
}

/* Nobody knows what of a batch is on the disk, and what was in it is due again. */
static void forget_batches(struct promises *promises, uint64_t number)
{
    struct promises_epoch *epoch = epoch_at(promises, number);
    uint64_t end = holds_end(promises, number);
    epoch->unwritten = holds_of(promises, number);
    for (uint64_t i = epoch->first; i < end; i++)
        hold_at(promises, i)->has &= ~(UINT64_C(1) << DISK_BIT);
    epoch->batch = 0;
}

bool promises_want_batch(const struct promises *promises)
{
    if ((promises->by & PROMISES_BY_DISK) == 0)
        return false;
    for (uint64_t number = promises->end; number > promises->waiting; number--) {
        const struct promises_epoch *epoch = epoch_at(promises, number - 1);
        if (epoch->state == PROMISES_WAITS && epoch->unwritten > 0)
            return true;
    }
    return false;
}

static void look_at_disk(struct promises *promises, const struct marks *marks)
{
    bool has_failed = marks->failed != promises->failed;
    /* Slots that were freed since wait for no batch. */
    bool is_written = marks->complete != promises->complete ||
                      (marks->due.count == 0 && promises_want_batch(promises));
    if (!has_failed && !is_written && marks->synced == promises->synced)
        return;
    promises->failed = marks->failed;
    promises->synced = marks->synced;
    promises->complete = marks->complete;
    for (uint64_t number = promises->waiting; number < promises->end; number++) {
        struct promises_epoch *epoch = epoch_at(promises, number);
        if (epoch->state != PROMISES_WAITS || epoch->has_disk)
            continue;
        if (has_failed)
            forget_batches(promises, number);
        if (has_failed || is_written)
            look_at_slots(promises, number, marks);
        epoch->has_disk =
            epoch->unwritten == 0 && epoch->batch <= marks->synced && !is_open(promises, number);
        judge(promises, number);
    }
}

/* ---- What becomes of them ---------------------------------------------------------------- */

static void move_on(struct promises *promises)
{
    while (promises->waiting < promises->end &&
           epoch_at(promises, promises->waiting)->state != PROMISES_WAITS)
        promises->waiting++;
}

static void expire(struct promises *promises, int64_t now_ms)
{
    for (; promises->waiting < promises->end; promises->waiting++) {
        struct promises_epoch *epoch = epoch_at(promises, promises->waiting);
        if (epoch->state != PROMISES_WAITS)
            continue;
        if (now_ms < epoch->opened_ms + PROMISES_PATIENCE_MS)
            return;
        if (is_open(promises, promises->waiting))
            promises->is_open = false;
        settle(promises, promises->waiting, PROMISES_BROKEN);
    }
}

void promises_settle_all(struct promises *promises, enum promises_state state)
{
    promises->is_open = false;
    for (; promises->waiting < promises->end; promises->waiting++)
        if (epoch_at(promises, promises->waiting)->state == PROMISES_WAITS)
            settle(promises, promises->waiting, state);
}

bool promises_next(struct promises *promises, const struct marks *marks, int64_t now_ms,
                   uint64_t *epoch)
{
    if ((promises->by & PROMISES_BY_DISK) != 0 && marks != NULL) {
        /* What is held from now on is in no batch that is there; and what needs none waits for none
         * that would end it. */
        bool needs_none =
            promises->is_open && epoch_at(promises, promises->end - 1)->unwritten == 0;
        if ((needs_none || marks->complete != promises->complete) && may_close(promises, now_ms))
            close_epoch(promises);
        look_at_disk(promises, marks);
    }
    expire(promises, now_ms);
    move_on(promises);
    *epoch = promises->settled_first;
    if (*epoch == 0)
        return false;
    struct promises_epoch *given = epoch_at(promises, *epoch);
    given->is_given = true;
    promises->settled_first = given->next_settled;
    if (promises->settled_first == 0)
        promises->settled_last = 0;
    return true;
}

enum promises_state promises_state(const struct promises *promises, uint64_t epoch)
{
    return (enum promises_state)epoch_at(promises, epoch)->state;
}

int64_t promises_deadline_ms(const struct promises *promises)
{
    if (promises->waiting == promises->end)
        return INT64_MAX;
    if (promises->is_open && promises->end - promises->first >= PROMISES_EPOCHS_SOON)
        return epoch_at(promises, promises->end - 1)->opened_ms + 1;
    int64_t opened_ms = epoch_at(promises, promises->waiting)->opened_ms;
    for (size_t i = 0; i < promises->peer_count; i++)
        if (is_apart_for_long(promises, promises->waiting, i, INT64_MAX))
            return opened_ms + apart_ms(promises);
    return opened_ms + PROMISES_PATIENCE_MS;
}

bool promises_waiting(const struct promises *promises)
{
    return promises->waiting < promises->end;
}
