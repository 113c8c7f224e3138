/* promises: which answers may leave, and when they are promised no more. */
#include "bus/promises.h"
#include "tests/unit/rig.h"

#define BY_NEIGHBOUR PROMISES_BY_NEIGHBOUR
#define BY_DISK      PROMISES_BY_DISK

static void open_herd(struct rig *rig, int count, const char *links, unsigned by)
{
    rig_open_unstarted(rig, count, links);
    rig->promises = by;
    for (int i = 0; i < count; i++)
        start(rig, i);
    pass(rig, 1000);
}

static uint64_t hold(struct rig *rig, int node, const char *client)
{
    return flood_hold(rig->node[node], span_of(client), rig->now_ms);
}

/* A client says where it is, and its answer is held. */
static uint64_t say(struct rig *rig, int node, const char *client, int64_t order_ns)
{
    CHECK_INT(tell_at(rig, node, client, order_ns, "+1-1"), FLOOD_STORED);
    return hold(rig, node, client);
}

static bool is_next(struct rig *rig, int node, uint64_t wanted, enum promises_state state)
{
    uint64_t epoch;
    if (!flood_next_settled(rig->node[node], rig->now_ms, &epoch))
        return false;
    CHECK_INT(epoch, wanted);
    return flood_promise(rig->node[node], epoch) == state;
}

static bool waits(struct rig *rig, int node)
{
    uint64_t epoch;
    return !flood_next_settled(rig->node[node], rig->now_ms, &epoch);
}

/* ---- neighbours ---- */

static void a_neighbours_ack_keeps_it_and_comes_at_once(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    CHECK(epoch != 0 && waits(&rig, 0));
    settle(&rig);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 1);
    CHECK_INT(rig.messages[1][0][WIRE_ACK], 2); /* one for its HELLO */
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    CHECK(waits(&rig, 0));
    rig_close(&rig);
}

static void nobody_who_holds_nothing_asks_for_acks(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 10, "+1-1"), FLOOD_STORED);
    settle(&rig);
    CHECK_INT(rig.messages[1][0][WIRE_ACK], 1);
    rig_close(&rig);
}

static void what_one_turn_holds_is_one_epoch(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    uint64_t first = say(&rig, 0, "kiwi", 10);
    CHECK_INT(say(&rig, 0, "plum", 10), first);
    CHECK_INT(say(&rig, 0, "kiwi", 11), first);
    CHECK(collect(&rig, 0, 1));
    CHECK_INT(say(&rig, 0, "kiwi", 12), first + 1);
    CHECK(collect(&rig, 0, 1));
    CHECK(waits(&rig, 0));
    settle(&rig);
    CHECK(is_next(&rig, 0, first, PROMISES_KEPT));
    CHECK(is_next(&rig, 0, first + 1, PROMISES_KEPT));
    rig_close(&rig);
}

/* The first may be refused while the second is on the way, so it counts for the first alone. */
static void an_ack_keeps_only_what_it_covers(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    uint64_t first = say(&rig, 0, "kiwi", 10);
    settle(&rig);
    CHECK(is_next(&rig, 0, first, PROMISES_KEPT));
    rig.cut[0][1] = true;
    say(&rig, 0, "kiwi", 11);
    settle(&rig);
    CHECK_INT(tell_at(&rig, 1, "plum", 10, "+1-1"), FLOOD_STORED); /* carries an ack of before */
    settle(&rig);
    CHECK(waits(&rig, 0));
    rig_close(&rig);
}

static void what_is_stale_is_held_as_if_it_was_new(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    uint64_t first = say(&rig, 0, "kiwi", 10);
    settle(&rig);
    CHECK(is_next(&rig, 0, first, PROMISES_KEPT));
    rig.cut[0][1] = true;
    CHECK_INT(tell_at(&rig, 0, "kiwi", 10, "+1-1"), FLOOD_STALE);
    CHECK(flood_is_due(rig.node[0], rig.now_ms) || hold(&rig, 0, "kiwi") == first + 1);
    CHECK(flood_is_due(rig.node[0], rig.now_ms));
    settle(&rig);
    CHECK(waits(&rig, 0));
    rig.cut[0][1] = false;
    pass(&rig, 1000);
    CHECK(is_next(&rig, 0, first + 1, PROMISES_KEPT));
    rig_close(&rig);
}

static void a_neighbour_that_refuses_keeps_nothing(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    rig.promises = BY_NEIGHBOUR;
    start(&rig, 0);
    rig.clients_max = 1; /* of neighbours, twice that */
    start(&rig, 1);
    pass(&rig, 1000);
    uint64_t epoch = say(&rig, 0, "a", 10);
    say(&rig, 0, "b", 10);
    settle(&rig);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    say(&rig, 0, "b", 11);
    epoch = say(&rig, 0, "c", 10);
    settle(&rig);
    pass(&rig, PROMISES_PATIENCE_MS - 1);
    CHECK(waits(&rig, 0));
    pass(&rig, 1);
    CHECK(is_next(&rig, 0, epoch, PROMISES_BROKEN));
    epoch = say(&rig, 0, "b", 12); /* and what it does not refuse is well */
    settle(&rig);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

/* Both are in one message, and nobody says which of them was refused. */
static void a_refusal_costs_all_that_its_ack_covers(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    rig.promises = BY_NEIGHBOUR;
    start(&rig, 0);
    rig.clients_max = 1;
    start(&rig, 1);
    pass(&rig, 1000);
    CHECK_INT(tell_at(&rig, 0, "a", 1, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&rig, 0, "b", 1, "+1-1"), FLOOD_STORED);
    pass(&rig, 1000);
    uint64_t first = say(&rig, 0, "a", 10);
    collect(&rig, 0, 1);
    uint64_t second = say(&rig, 0, "c", 10);
    collect(&rig, 0, 1);
    CHECK_INT(second, first + 1);
    deliver_one(&rig);
    deliver_one(&rig);
    settle(&rig);
    CHECK(waits(&rig, 0));
    CHECK(flood_promise(rig.node[0], first) == PROMISES_WAITS);
    rig_close(&rig);
}

static void an_observers_ack_is_none(void)
{
    static struct span nodes[1];
    struct rig rig;
    nodes[0] = span_of("Ada");
    rig_open_unstarted(&rig, 2, "01");
    rig.promises = BY_NEIGHBOUR;
    rig.nodes = nodes;
    rig.nodes_count = 1;
    start(&rig, 0);
    start(&rig, 1);
    pass(&rig, 1000);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    CHECK(flood_holds_in_vain(rig.node[0]));
    pass(&rig, PROMISES_PATIENCE_MS - 1);
    CHECK(knows(&rig, 1, "kiwi", "+1-1") && waits(&rig, 0));
    pass(&rig, 1);
    CHECK(is_next(&rig, 0, epoch, PROMISES_BROKEN));
    rig_close(&rig);
}

static void one_neighbour_of_several_is_enough(void)
{
    struct rig rig;
    open_herd(&rig, 3, "01 02", BY_NEIGHBOUR);
    rig.cut[0][1] = true;
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    CHECK(!flood_holds_in_vain(rig.node[0]));
    settle(&rig);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

static void without_neighbours_it_is_broken_in_time(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    flood_destroy(&rig.node[1]);
    pass(&rig, 10000);
    CHECK(!flood_holds_in_vain(rig.node[0]));
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    CHECK(flood_holds_in_vain(rig.node[0]));
    pass(&rig, PROMISES_PATIENCE_MS - 1);
    CHECK(waits(&rig, 0));
    pass(&rig, 1);
    CHECK(is_next(&rig, 0, epoch, PROMISES_BROKEN));
    CHECK(waits(&rig, 0) && !flood_holds_in_vain(rig.node[0]));
    rig_close(&rig);
}

static void a_lost_message_is_sent_again_and_keeps_it(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    rig.lose[0][1][WIRE_UPDATE] = 1;
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    settle(&rig);
    CHECK(waits(&rig, 0));
    pass(&rig, 1000);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

/* The place at which it was lost is passed over when that is sent again: it goes out at the end. */
static void what_changed_after_it_was_lost_is_kept_where_it_waits_now(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    rig.cut[0][1] = true;
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    settle(&rig);
    fill(&rig, 0, 1000);
    settle(&rig);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 11, "+1-1"), FLOOD_STORED);
    rig.now_ms += 1000;
    rig.cut[0][1] = false;
    while (!knows(&rig, 1, "kiwi", "+1-1") && (collect_all(&rig) || rig.first < rig.last)) {
        CHECK(waits(&rig, 0));
        deliver_one(&rig);
    }
    CHECK(flood_clients(rig.node[1]) > 256);
    settle(&rig);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

/* What the process before it had is gone with it, and what was held is told the new one. */
static void a_new_process_must_be_told_again(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    rig.cut[1][0] = true; /* the ack */
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    settle(&rig);
    CHECK(knows(&rig, 1, "kiwi", "+1-1") && waits(&rig, 0));
    restart(&rig, 1);
    rig.cut[1][0] = false;
    pass(&rig, 500);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    rig_close(&rig);
}

static void send_next(struct peer *peer)
{
    uint32_t slot;
    CHECK(ring_peek(&peer->window.ring, &slot));
    ring_take(&peer->window.ring);
}

/* A link whose other end is another process, and which begins with nothing that waits. */
static void what_is_held_waits_once_more_on_an_empty_ring(void)
{
    struct peer peer = {.theirs = 1};
    struct promises promises = {0};
    uint64_t epoch, settled;
    promises_init(&promises, BY_NEIGHBOUR, &peer, 1);
    peer_change(&peer, 7);
    epoch = promises_hold(&promises, 7, NULL, 0);
    promises_send(&promises, 0, 0);
    send_next(&peer);
    peer.theirs = 2;
    window_start_over(&peer.window);
    promises_hear(&promises, 0, 1, 0); /* as far as the one before had come */
    CHECK(!promises_next(&promises, NULL, 0, &settled));
    CHECK_INT(ring_due(&peer.window.ring), 1);
    send_next(&peer);
    promises_hear(&promises, 0, 2, 0);
    CHECK(promises_next(&promises, NULL, 0, &settled) && settled == epoch);
    promises_free(&promises);
    window_free(&peer.window);
}

/* And is closed because something is sent to another one. */
static void who_met_since_it_was_held_has_nothing(void)
{
    struct peer peers[2] = {{.theirs = 1}};
    struct promises promises = {0};
    uint64_t epoch, settled;
    promises_init(&promises, BY_NEIGHBOUR, peers, 2);
    peer_change(&peers[0], 7);
    epoch = promises_hold(&promises, 7, NULL, 0);
    peers[1].theirs = 2;
    window_start_over(&peers[1].window);
    promises_send(&promises, 0, 0);
    CHECK(!promises_next(&promises, NULL, 0, &settled));
    send_next(&peers[1]);
    promises_hear(&promises, 1, 1, 0);
    CHECK(promises_next(&promises, NULL, 0, &settled) && settled == epoch);
    promises_free(&promises);
    window_free(&peers[0].window);
    window_free(&peers[1].window);
}

/* Its ring is filled with everything, and only the end of that is where the slot is safe. */
static void an_ack_of_a_part_of_everything_keeps_nothing(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    fill(&rig, 0, 20000);
    pass(&rig, 3000);
    rig.cut[1][0] = rig.cut[0][1] = true;
    uint64_t epoch = say(&rig, 0, "client-19999", 50000);
    settle(&rig);
    restart(&rig, 1);
    rig.cut[1][0] = rig.cut[0][1] = false;
    for (int step = 0; step < 100000 && !knows(&rig, 1, "client-19999", "+1-1"); step++) {
        CHECK(waits(&rig, 0));
        if (!deliver_one(&rig) && !collect_all(&rig))
            rig.now_ms++;
    }
    settle(&rig);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

/* Of what it refused a CHECK says nothing. */
static void a_check_acknowledges_nothing(void)
{
    static struct wire_message message;
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    rig.cut[0][1] = true;
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    settle(&rig);
    message = (struct wire_message){.type = WIRE_CHECK,
                                    .from_incarnation = link_of(&rig, 0, 1).their_incarnation,
                                    .to_incarnation = link_of(&rig, 1, 0).their_incarnation,
                                    .received = link_of(&rig, 0, 1).sent,
                                    .level = 4};
    forge(&rig, 1, 0, &message);
    CHECK_INT(link_of(&rig, 0, 1).acked, message.received);
    CHECK(waits(&rig, 0));
    message.type = WIRE_ACK;
    message.has_checks = true;
    forge(&rig, 1, 0, &message);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

static void what_the_neighbour_tells_it_has(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    rig.cut[0][1] = true;
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    say(&rig, 0, "plum", 10);
    settle(&rig);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 10, "+1-1"), FLOOD_STORED); /* the same */
    settle(&rig);
    CHECK(waits(&rig, 0));
    CHECK_INT(tell_at(&rig, 1, "kiwi", 12, "+1-1"), FLOOD_STORED);
    settle(&rig);
    CHECK(waits(&rig, 0));
    CHECK_INT(tell_at(&rig, 1, "plum", 11, "+1-1"), FLOOD_STORED);
    settle(&rig);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

static void what_it_told_before_the_change_is_not_the_change(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    rig.cut[0][1] = true;
    say(&rig, 0, "kiwi", 10);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 11, "+1-1"), FLOOD_STORED);
    collect(&rig, 1, 0);
    deliver_one(&rig); /* in the same turn of Ada's */
    uint64_t epoch = say(&rig, 0, "kiwi", 12);
    settle(&rig);
    CHECK(waits(&rig, 0));
    CHECK_INT(tell_at(&rig, 1, "kiwi", 11, "+1-1"), FLOOD_STALE);
    rig.cut[0][1] = false;
    pass(&rig, 1000);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    rig_close(&rig);
}

/* ---- the disk ---- */

/* What a journal does to its marks. */
static void take_batch(struct marks *marks, uint32_t most)
{
    uint32_t slot;
    marks_begin_batch(marks);
    while (most-- > 0 && marks_next_due(marks, &slot))
        marks_take(marks, slot);
    marks_end_batch(marks);
}

static void open_disk(struct rig *rig, struct marks *marks, unsigned by)
{
    *marks = (struct marks){0};
    open_herd(rig, 2, "01", by);
    flood_mark(rig->node[0], marks);
}

static void close_disk(struct rig *rig, struct marks *marks)
{
    rig_close(rig);
    marks_free(marks);
}

static void a_sync_keeps_it(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    settle(&rig);
    CHECK(waits(&rig, 0) && flood_urges_disk(rig.node[0]));
    take_batch(&marks, 1);
    CHECK(waits(&rig, 0) && !flood_urges_disk(rig.node[0]));
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    close_disk(&rig, &marks);
}

static void a_batch_from_before_is_not_its_own(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t first = say(&rig, 0, "kiwi", 10);
    take_batch(&marks, 1);
    CHECK(waits(&rig, 0));
    uint64_t second = say(&rig, 0, "kiwi", 11);
    CHECK(second != first);
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, first, PROMISES_KEPT));
    CHECK(waits(&rig, 0) && flood_urges_disk(rig.node[0]));
    take_batch(&marks, 1);
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, second, PROMISES_KEPT));
    close_disk(&rig, &marks);
}

/* It is taken, and in no batch that could be synced yet. */
static void a_batch_that_is_put_together_counts_when_it_is_synced(void)
{
    struct rig rig;
    struct marks marks;
    uint32_t slot;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t first = say(&rig, 0, "kiwi", 10);
    take_batch(&marks, 1);
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, first, PROMISES_KEPT));
    uint64_t second = say(&rig, 0, "kiwi", 11);
    marks_begin_batch(&marks);
    CHECK(marks_next_due(&marks, &slot));
    marks_take(&marks, slot);
    hold(&rig, 0, "kiwi");
    CHECK(waits(&rig, 0));
    marks_end_batch(&marks);
    CHECK(waits(&rig, 0) && !flood_urges_disk(rig.node[0]));
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, second, PROMISES_KEPT));
    close_disk(&rig, &marks);
}

/* On a node without links, where nothing is sent that would end its epoch. */
static void what_needs_no_batch_is_kept_at_once(void)
{
    struct rig rig;
    struct marks marks = {0};
    open_herd(&rig, 1, "", BY_DISK);
    flood_mark(rig.node[0], &marks);
    uint64_t first = say(&rig, 0, "kiwi", 10);
    take_batch(&marks, 1);
    CHECK(waits(&rig, 0));
    uint64_t second = hold(&rig, 0, "kiwi"); /* its slot is in the batch */
    CHECK(second != first);
    CHECK(waits(&rig, 0));
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, first, PROMISES_KEPT));
    CHECK(is_next(&rig, 0, second, PROMISES_KEPT));
    uint64_t third = hold(&rig, 0, "kiwi"); /* and now it is on the disk */
    CHECK(is_next(&rig, 0, third, PROMISES_KEPT));
    CHECK(!flood_urges_disk(rig.node[0]));
    close_disk(&rig, &marks);
}

static void a_slot_that_is_freed_waits_for_no_batch(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    CHECK(waits(&rig, 0) && flood_urges_disk(rig.node[0]));
    marks_forget(&marks, 0);
    CHECK(waits(&rig, 0) && !flood_urges_disk(rig.node[0]));
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    close_disk(&rig, &marks);
}

static void it_waits_for_the_last_of_its_batches(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    say(&rig, 0, "plum", 10);
    take_batch(&marks, 1);
    CHECK(waits(&rig, 0));
    marks_synced(&marks);
    CHECK(waits(&rig, 0) && flood_urges_disk(rig.node[0]));
    take_batch(&marks, 1);
    CHECK(waits(&rig, 0));
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    close_disk(&rig, &marks);
}

/* A client that changes all the time is always due, and each change is in the next batch. */
static void a_client_that_always_changes_is_answered(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    for (int64_t i = 0; i < 10; i++) {
        take_batch(&marks, 1);
        CHECK(waits(&rig, 0));
        uint64_t next = say(&rig, 0, "kiwi", 11 + i);
        marks_synced(&marks);
        CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
        epoch = next;
    }
    close_disk(&rig, &marks);
}

static void a_failed_sync_keeps_nothing(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    take_batch(&marks, 1);
    CHECK(waits(&rig, 0));
    marks_failed(&marks, false);
    CHECK(waits(&rig, 0) && flood_urges_disk(rig.node[0]));
    take_batch(&marks, 1);
    CHECK(waits(&rig, 0));
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    close_disk(&rig, &marks);
}

static void a_disk_that_is_stuck_breaks_it(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    take_batch(&marks, 1);
    pass(&rig, PROMISES_PATIENCE_MS - 1);
    CHECK(waits(&rig, 0));
    pass(&rig, 1);
    CHECK(is_next(&rig, 0, epoch, PROMISES_BROKEN));
    close_disk(&rig, &marks);
}

static void what_is_on_the_disk_already_waits_for_no_batch(void)
{
    struct rig rig;
    struct marks marks;
    open_disk(&rig, &marks, BY_DISK);
    uint64_t epoch = say(&rig, 0, "kiwi", 10);
    take_batch(&marks, 1);
    uint64_t again = hold(&rig, 0, "kiwi"); /* the same, while it is written */
    CHECK(waits(&rig, 0) && !flood_urges_disk(rig.node[0]));
    marks_synced(&marks);
    CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
    CHECK(again == epoch || is_next(&rig, 0, again, PROMISES_KEPT));
    again = hold(&rig, 0, "kiwi");
    CHECK(!flood_urges_disk(rig.node[0]));
    settle(&rig);
    pass(&rig, 1);
    CHECK(is_next(&rig, 0, again, PROMISES_KEPT));
    close_disk(&rig, &marks);
}

static void both_is_both(void)
{
    for (int order = 0; order < 2; order++) {
        struct rig rig;
        struct marks marks;
        open_disk(&rig, &marks, BY_DISK | BY_NEIGHBOUR);
        uint64_t epoch = say(&rig, 0, "kiwi", 10);
        if (order == 0)
            settle(&rig);
        take_batch(&marks, 1);
        CHECK(waits(&rig, 0));
        if (order == 1) {
            marks_synced(&marks);
            CHECK(waits(&rig, 0));
            settle(&rig);
        } else {
            marks_synced(&marks);
        }
        CHECK(is_next(&rig, 0, epoch, PROMISES_KEPT));
        close_disk(&rig, &marks);
    }
}

/* ---- limits ---- */

static void so_many_are_held_and_not_one_more(void)
{
    struct rig rig;
    char client[16];
    open_herd(&rig, 1, "", BY_NEIGHBOUR);
    for (uint32_t i = 0; i < PROMISES_HOLDS_MAX; i++) {
        snprintf(client, sizeof client, "c%u", i);
        if (say(&rig, 0, client, 10) == 0) {
            CHECK(false);
            break;
        }
    }
    CHECK_INT(say(&rig, 0, "one-more", 10), 0);
    rig.now_ms += PROMISES_PATIENCE_MS;
    CHECK(is_next(&rig, 0, 1, PROMISES_BROKEN));
    CHECK(say(&rig, 0, "and-more", 10) != 0);
    rig_close(&rig);
}

static void there_are_never_more_epochs_than_fit(void)
{
    struct rig rig;
    open_herd(&rig, 2, "01", BY_NEIGHBOUR);
    rig.cut[0][1] = true;
    int64_t order_ns = 10;
    uint64_t oldest = 1, newest = 0, epoch;
    for (int ms = 0; ms < 3 * PROMISES_PATIENCE_MS; ms++) {
        for (int i = 0; i < 4; i++) {
            newest = say(&rig, 0, "kiwi", order_ns++);
            CHECK(newest != 0);
            if (ms == 0)
                CHECK_INT(newest, i + 1);
            collect(&rig, 0, 1);
        }
        rig.now_ms++;
        while (flood_next_settled(rig.node[0], rig.now_ms, &epoch)) {
            CHECK(flood_promise(rig.node[0], epoch) == PROMISES_BROKEN);
            oldest = epoch + 1;
        }
        CHECK(newest - oldest < PROMISES_EPOCHS_SOON + PROMISES_PATIENCE_MS + 2);
    }
    CHECK(newest - oldest >= PROMISES_EPOCHS_SOON);
    rig.cut[0][1] = false;
    for (int i = 0; i < 2000 && oldest <= newest; i++) {
        pass(&rig, 1);
        while (flood_next_settled(rig.node[0], rig.now_ms, &epoch))
            oldest = epoch + 1;
    }
    CHECK(flood_promise(rig.node[0], newest) == PROMISES_KEPT);
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"a neighbour's ack keeps it, and comes at once", a_neighbours_ack_keeps_it_and_comes_at_once},
    {"who holds nothing asks for no ack", nobody_who_holds_nothing_asks_for_acks},
    {"what one turn holds is one epoch", what_one_turn_holds_is_one_epoch},
    {"an ack keeps only what it covers", an_ack_keeps_only_what_it_covers},
    {"what is stale is held as if it was new", what_is_stale_is_held_as_if_it_was_new},
    {"a neighbour that refuses keeps nothing", a_neighbour_that_refuses_keeps_nothing},
    {"a refusal costs all that its ack covers", a_refusal_costs_all_that_its_ack_covers},
    {"an observer's ack is none", an_observers_ack_is_none},
    {"one neighbour of several is enough", one_neighbour_of_several_is_enough},
    {"without neighbours it is broken in time", without_neighbours_it_is_broken_in_time},
    {"a lost message is sent again, and keeps it", a_lost_message_is_sent_again_and_keeps_it},
    {"what changed after it was lost is kept where it waits now",
     what_changed_after_it_was_lost_is_kept_where_it_waits_now},
    {"a new process must be told again", a_new_process_must_be_told_again},
    {"what is held waits once more on an empty ring",
     what_is_held_waits_once_more_on_an_empty_ring},
    {"who met since it was held has nothing", who_met_since_it_was_held_has_nothing},
    {"an ack of a part of everything keeps nothing", an_ack_of_a_part_of_everything_keeps_nothing},
    {"a CHECK acknowledges nothing", a_check_acknowledges_nothing},
    {"what the neighbour tells, it has", what_the_neighbour_tells_it_has},
    {"what it told before a change is not the change",
     what_it_told_before_the_change_is_not_the_change},
    {"a sync keeps it", a_sync_keeps_it},
    {"a batch from before is not its own", a_batch_from_before_is_not_its_own},
    {"a batch that is put together counts when it is synced",
     a_batch_that_is_put_together_counts_when_it_is_synced},
    {"what needs no batch is kept at once", what_needs_no_batch_is_kept_at_once},
    {"a slot that is freed waits for no batch", a_slot_that_is_freed_waits_for_no_batch},
    {"it waits for the last of its batches", it_waits_for_the_last_of_its_batches},
    {"a client that always changes is answered", a_client_that_always_changes_is_answered},
    {"a failed sync keeps nothing", a_failed_sync_keeps_nothing},
    {"a disk that is stuck breaks it", a_disk_that_is_stuck_breaks_it},
    {"what is on the disk waits for no batch", what_is_on_the_disk_already_waits_for_no_batch},
    {"both is both, in either order", both_is_both},
    {"so many are held, and not one more", so_many_are_held_and_not_one_more},
    {"there are never more epochs than fit", there_are_never_more_epochs_than_fit},
};

CHECK_MAIN(cases)
