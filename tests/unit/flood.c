/* Whole floods wired to each other by hand: every message passes through the test, which may
 * deliver, lose, keep or refuse it. Time stands still unless a case lets it pass. */
#include "bus/flood.h"

#include "bus/wire.h"
#include "tests/check.h"

#define NODES_MAX   4
#define WAITING_MAX 4096

static const char *const node_names[NODES_MAX] = {"Ada", "Bob", "Cy", "Dee"};

struct letter {
    int from, to;
    size_t bytes;
    char *at;
};

/* A small herd. Nodes know each other by the order of the linked ones. */
struct rig {
    int count;
    bool linked[NODES_MAX][NODES_MAX];
    bool cut[NODES_MAX][NODES_MAX];    /* what is sent is lost */
    bool refuse[NODES_MAX][NODES_MAX]; /* the transport does not take it */
    bool keep[NODES_MAX][NODES_MAX];   /* what is sent waits in `kept` for release() */
    int lose[NODES_MAX][NODES_MAX][WIRE_GOODBYE + 1]; /* so many of a type are lost */
    struct flood *node[NODES_MAX];
    uint64_t sessions; /* drawn so far */
    uint32_t clients_max;
    int64_t now_ms;
    struct letter waiting[WAITING_MAX], kept[WAITING_MAX];
    int first, last, kept_count;
    uint64_t messages[NODES_MAX][NODES_MAX][WIRE_GOODBYE + 1]; /* sent, by type */
};

static size_t peer_number(const struct rig *rig, int node, int other)
{
    size_t number = 0;
    for (int i = 0; i < other; i++)
        number += rig->linked[node][i];
    return number;
}

static void start(struct rig *rig, int node)
{
    struct span peers[NODES_MAX];
    size_t count = 0;
    for (int i = 0; i < rig->count; i++)
        if (rig->linked[node][i])
            peers[count++] = span_of(node_names[i]);
    rig->node[node] = flood_new(&(struct flood_options){
        .herd = span_of("test"),
        .node = span_of(node_names[node]),
        .peers = peers,
        .peer_count = count,
        .session = 1000 + ++rig->sessions,
        .clients_max = rig->clients_max,
        .hash_key = {(uint8_t)rig->sessions},
    });
}

static void restart(struct rig *rig, int node)
{
    flood_destroy(&rig->node[node]);
    start(rig, node);
}

/* `links` names pairs of nodes by number: "01 12" is a chain of three. */
static void rig_open_unstarted(struct rig *rig, int count, const char *links)
{
    memset(rig, 0, sizeof *rig);
    rig->count = count;
    rig->clients_max = FLOOD_CLIENTS_DEFAULT;
    rig->now_ms = 5000000;
    for (const char *at = links; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
        rig->linked[at[0] - '0'][at[1] - '0'] = true;
        rig->linked[at[1] - '0'][at[0] - '0'] = true;
    }
}

static void rig_open(struct rig *rig, int count, const char *links)
{
    rig_open_unstarted(rig, count, links);
    for (int i = 0; i < count; i++)
        start(rig, i);
}

static void rig_close(struct rig *rig)
{
    for (int i = 0; i < rig->count; i++) {
        if (rig->node[i] != NULL)
            CHECK(flood_is_sound(rig->node[i]));
        flood_destroy(&rig->node[i]);
    }
    for (; rig->first < rig->last; rig->first++)
        free(rig->waiting[rig->first % WAITING_MAX].at);
    while (rig->kept_count > 0)
        free(rig->kept[--rig->kept_count].at);
}

static enum wire_type type_of(const char *bytes, size_t count)
{
    static struct wire_message message;
    enum wire_result result = wire_read((struct span){bytes, count}, &message);
    CHECK_INT(result, WIRE_GOOD);
    return message.type;
}

static void put(struct rig *rig, struct letter letter)
{
    CHECK(rig->last - rig->first < WAITING_MAX);
    rig->waiting[rig->last++ % WAITING_MAX] = letter;
}

static void post(struct rig *rig, int from, int to, const char *bytes, size_t count)
{
    struct letter letter = {from, to, count, malloc(count)};
    memcpy(letter.at, bytes, count);
    if (rig->keep[from][to] && rig->kept_count < WAITING_MAX)
        rig->kept[rig->kept_count++] = letter;
    else
        put(rig, letter);
}

/* What was kept arrives now, late. */
static void release(struct rig *rig)
{
    for (int i = 0; i < rig->kept_count; i++)
        put(rig, rig->kept[i]);
    rig->kept_count = 0;
}

/* Everything `from` has to say to `to` right now. */
static bool collect(struct rig *rig, int from, int to)
{
    static char bytes[FLOOD_MESSAGE_BYTES_MAX];
    size_t peer = peer_number(rig, from, to), count;
    bool any = false;
    while ((count = flood_next(rig->node[from], peer, rig->now_ms, bytes)) > 0) {
        if (rig->refuse[from][to]) {
            flood_refused(rig->node[from], peer, rig->now_ms);
            return any;
        }
        any = true;
        enum wire_type type = type_of(bytes, count);
        rig->messages[from][to][type]++;
        if (rig->lose[from][to][type] > 0)
            rig->lose[from][to][type]--;
        else if (!rig->cut[from][to])
            post(rig, from, to, bytes, count);
    }
    return any;
}

static bool collect_all(struct rig *rig)
{
    bool any = false;
    for (int from = 0; from < rig->count; from++)
        for (int to = 0; to < rig->count; to++)
            if (rig->linked[from][to] && rig->node[from] != NULL)
                any |= collect(rig, from, to);
    return any;
}

static bool deliver_one(struct rig *rig)
{
    if (rig->first == rig->last)
        return false;
    struct letter letter = rig->waiting[rig->first++ % WAITING_MAX];
    if (rig->node[letter.to] != NULL)
        flood_receive(rig->node[letter.to], peer_number(rig, letter.to, letter.from),
                      (struct span){letter.at, letter.bytes}, rig->now_ms);
    free(letter.at);
    return true;
}

/* Sends and delivers until nobody has anything to say in this instant. */
static void settle(struct rig *rig)
{
    int turns = 0;
    while (collect_all(rig) || rig->first < rig->last) {
        while (deliver_one(rig))
            ;
        if (++turns > 10000) {
            CHECK(!"the nodes talk without end");
            return;
        }
    }
}

static int64_t next_deadline(const struct rig *rig)
{
    int64_t deadline = INT64_MAX;
    for (int i = 0; i < rig->count; i++)
        if (rig->node[i] != NULL && flood_deadline_ms(rig->node[i]) < deadline)
            deadline = flood_deadline_ms(rig->node[i]);
    return deadline;
}

/* Lets time pass from deadline to deadline. */
static void pass(struct rig *rig, int64_t ms)
{
    int64_t until = rig->now_ms + ms;
    settle(rig);
    while (rig->now_ms < until) {
        int64_t deadline = next_deadline(rig);
        CHECK(deadline > rig->now_ms || deadline == INT64_MAX);
        rig->now_ms = deadline <= rig->now_ms ? rig->now_ms + 1 : deadline;
        if (rig->now_ms > until)
            rig->now_ms = until;
        settle(rig);
    }
}

static struct location place(const char *client, int64_t order_ns, const char *position)
{
    return (struct location){
        .client = span_of(client),
        .position = span_of(position),
        .stamp = span_of("1"),
        .origin = span_of("Ada"),
        .difference_ns = 7,
        .order_ns = order_ns,
    };
}

static enum flood_outcome tell_at(struct rig *rig, int node, const char *client, int64_t order_ns,
                                  const char *position)
{
    struct location location = place(client, order_ns, position);
    location.origin = span_of(node_names[node]);
    return flood_local(rig->node[node], &location);
}

static bool knows(const struct rig *rig, int node, const char *client, const char *position)
{
    struct location location;
    return flood_find(rig->node[node], span_of(client), &location) &&
           span_equals(location.position, span_of(position));
}

static bool all_equal(const struct rig *rig)
{
    for (int i = 1; i < rig->count; i++)
        if (flood_digest(rig->node[i]) != flood_digest(rig->node[0]) ||
            flood_clients(rig->node[i]) != flood_clients(rig->node[0]))
            return false;
    return true;
}

/* The link of `node` towards `other`. */
static struct flood_link link_of(const struct rig *rig, int node, int other)
{
    return flood_link(rig->node[node], peer_number(rig, node, other));
}

static void cut_link(struct rig *rig, int a, int b, bool cut)
{
    rig->cut[a][b] = rig->cut[b][a] = cut;
}

/* How many events of a kind wait; the last one's reason in `reason`. Takes all of them. */
static int count_events(struct rig *rig, int node, enum flood_event_kind kind, char *reason)
{
    struct flood_event event;
    int count = 0;
    while (flood_next_event(rig->node[node], &event))
        if (event.kind == kind) {
            count++;
            if (reason != NULL)
                memcpy(reason, event.reason, sizeof event.reason);
        }
    return count;
}

static void fill(struct rig *rig, int node, int count)
{
    for (int i = 0; i < count; i++) {
        char client[32];
        snprintf(client, sizeof client, "client-%d", i);
        CHECK_INT(tell_at(rig, node, client, 1000 + i, "+1-1"), FLOOD_STORED);
    }
}

/* Bytes of a message that a test makes up. */
static void forge(struct rig *rig, int from, int to, struct wire_message *message)
{
    static char bytes[FLOOD_MESSAGE_BYTES_MAX];
    size_t count = wire_write(message, bytes, sizeof bytes);
    CHECK(count > 0);
    flood_receive(rig->node[to], peer_number(rig, to, from), (struct span){bytes, count},
                  rig->now_ms);
}

static const struct flood_counters *count_of(const struct rig *rig, int node)
{
    return flood_count(rig->node[node]);
}

/* ---- First contact ---------------------------------------------------------------------- */

static void two_nodes_meet_and_tell_all_they_know(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 1000);
    CHECK_INT(tell_at(&rig, 1, "bob", 5, "+2+2"), FLOOD_STORED);
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), 1001);
    CHECK(knows(&rig, 0, "bob", "+2+2"));
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_UP, NULL), 1);
    CHECK_INT(count_events(&rig, 1, FLOOD_LINK_UP, NULL), 1);
    rig_close(&rig);
}

static void a_late_starter_is_linked_in_the_moment_it_speaks(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    fill(&rig, 0, 3);
    pass(&rig, 60000);
    start(&rig, 1);
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void a_stranger_is_greeted_often_at_first_and_then_every_second(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    pass(&rig, 1999);
    CHECK_INT(rig.messages[0][1][WIRE_HELLO], 20);
    pass(&rig, 10000);
    CHECK_INT(rig.messages[0][1][WIRE_HELLO], 30);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 0);
    rig_close(&rig);
}

static void nothing_is_taken_from_a_session_that_never_said_hello(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    static struct wire_message update = {.type = WIRE_UPDATE,
                                         .from_session = 77,
                                         .to_session = 1001,
                                         .upto = 1,
                                         .location_count = 1};
    update.locations[0] = place("mallory", 1, "+6-6");
    forge(&rig, 1, 0, &update);
    CHECK_INT(flood_clients(rig.node[0]), 0);
    CHECK_INT(count_of(&rig, 0)->messages_strange, 1);
    settle(&rig);
    update.to_session = 999;
    update.from_session = link_of(&rig, 0, 1).their_session;
    forge(&rig, 1, 0, &update);
    CHECK_INT(flood_clients(rig.node[0]), 0);
    CHECK_INT(count_of(&rig, 0)->messages_strange, 2);
    rig_close(&rig);
}

static void another_herd_is_refused_on_both_sides_and_left_in_peace(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    flood_destroy(&rig.node[1]);
    struct span peer = span_of("Ada");
    rig.node[1] = flood_new(&(struct flood_options){.herd = span_of("other"),
                                                    .node = span_of("Bob"),
                                                    .peers = &peer,
                                                    .peer_count = 1,
                                                    .session = 5,
                                                    .clients_max = 10});
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 29000);
    char reason[FLOOD_REASON_BYTES_MAX];
    CHECK(!link_of(&rig, 0, 1).up && !link_of(&rig, 1, 0).up);
    CHECK_INT(flood_clients(rig.node[1]), 0);
    CHECK(count_events(&rig, 0, FLOOD_LINK_REFUSED, reason) > 0);
    CHECK(strstr(reason, "herd") != NULL);
    CHECK(count_events(&rig, 1, FLOOD_LINK_REFUSED, NULL) > 0);
    CHECK(rig.messages[0][1][WIRE_HELLO] <= 2);
    uint64_t before = rig.messages[0][1][WIRE_HELLO];
    pass(&rig, 31000);
    CHECK(rig.messages[0][1][WIRE_HELLO] > before);
    rig_close(&rig);
}

static void a_refused_node_that_comes_back_right_is_taken_at_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    flood_destroy(&rig.node[1]);
    struct span peer = span_of("Ada");
    rig.node[1] = flood_new(&(struct flood_options){.herd = span_of("other"),
                                                    .node = span_of("Bob"),
                                                    .peers = &peer,
                                                    .peer_count = 1,
                                                    .session = 5,
                                                    .clients_max = 10});
    pass(&rig, 1000);
    restart(&rig, 1);
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    rig_close(&rig);
}

static void a_node_that_hears_itself_refuses(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    char reason[FLOOD_REASON_BYTES_MAX];
    struct wire_message hello = {.type = WIRE_HELLO,
                                 .from_session = 1001,
                                 .herd = span_of("test"),
                                 .node = span_of("Bob"),
                                 .version = 1,
                                 .version_min = 1};
    forge(&rig, 1, 0, &hello);
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_REFUSED, reason), 1);
    CHECK(strstr(reason, "same process") != NULL);
    hello.from_session = 5;
    hello.version = 9;
    hello.version_min = 8;
    forge(&rig, 1, 0, &hello);
    CHECK_INT(count_of(&rig, 0)->refusals, 2);
    hello.version_min = hello.version = 1;
    hello.node = span_of("Mal");
    forge(&rig, 1, 0, &hello);
    CHECK_INT(count_of(&rig, 0)->refusals, 3);
    CHECK_INT(link_of(&rig, 0, 1).their_session, 0);
    rig_close(&rig);
}

static void another_major_version_is_an_event_and_nothing_else(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    count_events(&rig, 0, FLOOD_LINK_UP, NULL);
    for (int i = 0; i < 3; i++)
        flood_receive(rig.node[0], 0, (struct span){"zh\x02whatever", 11}, rig.now_ms);
    CHECK_INT(count_of(&rig, 0)->refusals, 3);
    CHECK_INT(count_of(&rig, 0)->messages_malformed, 0);
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_REFUSED, NULL), 1);
    CHECK(link_of(&rig, 0, 1).up);
    rig_close(&rig);
}

/* ---- Changes ---------------------------------------------------------------------------- */

static void a_change_walks_along_a_chain(void)
{
    struct rig rig;
    rig_open(&rig, 4, "01 12 23");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    settle(&rig);
    CHECK(knows(&rig, 3, "kiwi", "+1-1"));
    tell_at(&rig, 3, "kiwi", 2, "+2-2");
    settle(&rig);
    CHECK(knows(&rig, 0, "kiwi", "+2-2"));
    rig_close(&rig);
}

static void a_change_is_not_sent_back_where_it_came_from(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 10000);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 1);
    CHECK_INT(rig.messages[1][0][WIRE_UPDATE], 0);
    CHECK_INT(link_of(&rig, 0, 1).acked, 1);
    rig_close(&rig);
}

static void a_change_ends_its_walk_in_a_mesh(void)
{
    struct rig rig;
    rig_open(&rig, 4, "01 02 03 12 13 23");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 1000);
    CHECK(all_equal(&rig));
    uint64_t locations = 0;
    for (int i = 0; i < 4; i++)
        locations += count_of(&rig, i)->locations_sent;
    CHECK(locations >= 3 && locations <= 2 * 6 - 4 + 1);
    rig_close(&rig);
}

static void what_changes_while_it_waits_goes_out_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    for (int i = 1; i <= 1000; i++)
        tell_at(&rig, 0, "busy", i, i == 1000 ? "+9-9" : "+1-1");
    CHECK_INT(link_of(&rig, 0, 1).head, 1);
    settle(&rig);
    CHECK_INT(count_of(&rig, 0)->locations_sent, 1);
    CHECK(knows(&rig, 1, "busy", "+9-9"));
    rig_close(&rig);
}

static void a_busy_client_does_not_push_others_back(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.keep[0][1] = true;
    for (int i = 0; i < 20; i++) {
        tell_at(&rig, 0, "busy", 1 + i, "+1-1");
        settle(&rig);
    }
    CHECK_INT(link_of(&rig, 0, 1).in_flight, 8);
    tell_at(&rig, 0, "quiet", 1, "+2-2");
    tell_at(&rig, 0, "busy", 1000, "+3-3");
    CHECK_INT(link_of(&rig, 0, 1).head - link_of(&rig, 0, 1).told, 2);
    rig.keep[0][1] = false;
    release(&rig);
    settle(&rig);
    pass(&rig, 100);
    CHECK(knows(&rig, 1, "quiet", "+2-2") && knows(&rig, 1, "busy", "+3-3"));
    rig_close(&rig);
}

static void an_equal_or_older_stamp_changes_nothing(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 10, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 10, "+9-9"), FLOOD_STALE);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 9, "+9-9"), FLOOD_STALE);
    settle(&rig);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 10, "+9-9"), FLOOD_STALE);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 11, "+2-2"), FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 0, "kiwi", "+2-2") && knows(&rig, 1, "kiwi", "+2-2"));
    rig_close(&rig);
}

static void equal_stamps_at_two_nodes_end_equal_everywhere(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 12 02");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 10, "+1-1");
    tell_at(&rig, 2, "kiwi", 10, "+2-2");
    tell_at(&rig, 1, "kiwi", 10, "+3-3");
    settle(&rig);
    CHECK(all_equal(&rig));
    CHECK(knows(&rig, 0, "kiwi", "+2-2")); /* Cy is the greatest name */
    rig_close(&rig);
}

/* ---- Restarts --------------------------------------------------------------------------- */

static void a_restarted_receiver_gets_everything_again(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 600);
    pass(&rig, 1000);
    restart(&rig, 1);
    CHECK_INT(flood_clients(rig.node[1]), 0);
    pass(&rig, 100);
    CHECK(all_equal(&rig));
    CHECK_INT(count_of(&rig, 0)->session_changes, 1);
    char reason[FLOOD_REASON_BYTES_MAX];
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "restarted") == 0);
    rig_close(&rig);
}

static void a_restarted_sender_gets_its_own_locations_back(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 600);
    pass(&rig, 1000);
    restart(&rig, 0);
    pass(&rig, 100);
    CHECK_INT(flood_clients(rig.node[0]), 600);
    CHECK(all_equal(&rig));
    tell_at(&rig, 0, "new", 1, "+1-1");
    pass(&rig, 100);
    CHECK(knows(&rig, 1, "new", "+1-1"));
    rig_close(&rig);
}

static void what_a_restarted_node_told_once_is_told_to_it_again(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 12");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    settle(&rig);
    restart(&rig, 0);
    pass(&rig, 100);
    CHECK(knows(&rig, 0, "kiwi", "+1-1"));
    rig_close(&rig);
}

static void a_late_hello_of_an_older_session_heals(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    rig.keep[1][0] = true;
    settle(&rig); /* Bob's first HELLO is held back */
    rig.keep[1][0] = false;
    restart(&rig, 1);
    fill(&rig, 0, 300);
    tell_at(&rig, 1, "bob", 5, "+2+2");
    pass(&rig, 1000);
    CHECK(all_equal(&rig));
    release(&rig);
    settle(&rig);
    tell_at(&rig, 0, "after", 1, "+3-3");
    tell_at(&rig, 1, "after-too", 1, "+3-3");
    CHECK(count_of(&rig, 0)->session_changes > 0);
    pass(&rig, 2000);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), 303);
    rig_close(&rig);
}

/* ---- Losses ----------------------------------------------------------------------------- */

static void a_hole_is_mended_without_waiting(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.lose[0][1][WIRE_UPDATE] = 1;
    tell_at(&rig, 0, "lost", 1, "+1-1");
    settle(&rig);
    CHECK(!knows(&rig, 1, "lost", "+1-1"));
    tell_at(&rig, 0, "next", 1, "+2-2");
    settle(&rig);
    CHECK_INT(count_of(&rig, 1)->holes, 1);
    CHECK_INT(count_of(&rig, 0)->rewinds, 1);
    CHECK(knows(&rig, 1, "lost", "+1-1") && knows(&rig, 1, "next", "+2-2"));
    pass(&rig, 3000);
    CHECK_INT(count_of(&rig, 0)->rewinds, 1);
    CHECK_INT(link_of(&rig, 0, 1).acked, link_of(&rig, 0, 1).head);
    rig_close(&rig);
}

static void many_complaints_about_one_hole_rewind_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.lose[0][1][WIRE_UPDATE] = 1;
    for (int i = 0; i < 8; i++) { /* a whole window, each change in an UPDATE of its own */
        char client[8];
        snprintf(client, sizeof client, "c%d", i);
        tell_at(&rig, 0, client, 1, "+1-1");
        collect(&rig, 0, 1);
    }
    settle(&rig);
    pass(&rig, 100);
    CHECK_INT(count_of(&rig, 1)->holes, 7);
    CHECK_INT(count_of(&rig, 0)->rewinds, 1);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void a_lost_last_update_is_sent_again_after_a_second(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.lose[0][1][WIRE_UPDATE] = 2;
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 999);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 1);
    pass(&rig, 1);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 2);
    pass(&rig, 1999);
    CHECK(!knows(&rig, 1, "kiwi", "+1-1"));
    pass(&rig, 1);
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    rig_close(&rig);
}

static void lost_acknowledgements_lose_no_change(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 100);
    pass(&rig, 1000);
    rig.cut[1][0] = true;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 20; i++) {
            char client[32];
            snprintf(client, sizeof client, "client-%d", (round + i * 3) % 100);
            tell_at(&rig, 0, client, 100000 + round, "+5-5");
        }
        pass(&rig, 100); /* four seconds in all: below the limit of silence */
    }
    rig.cut[1][0] = false;
    pass(&rig, 10000);
    CHECK(all_equal(&rig));
    CHECK(count_of(&rig, 0)->rewinds > 0);
    CHECK_INT(link_of(&rig, 0, 1).acked, link_of(&rig, 0, 1).head);
    rig_close(&rig);
}

static void a_late_acknowledgement_hides_no_newer_change(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.keep[1][0] = true;
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 100); /* told, stored over there, acknowledged, but the ACK is held back */
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    rig.cut[0][1] = true;
    pass(&rig, 1000); /* told again, which is lost */
    tell_at(&rig, 0, "kiwi", 2, "+2-2");
    rig.keep[1][0] = false;
    release(&rig); /* the acknowledgement of the first telling */
    settle(&rig);
    rig.cut[0][1] = false;
    pass(&rig, 10000);
    CHECK(knows(&rig, 1, "kiwi", "+2-2"));
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void repeated_and_reordered_messages_do_no_harm(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.keep[0][1] = rig.keep[1][0] = true;
    for (int i = 0; i < 6; i++) {
        char client[8];
        snprintf(client, sizeof client, "c%d", i);
        tell_at(&rig, 0, client, i + 1, "+1-1");
        tell_at(&rig, 1, client, 10 - i, "+2-2");
        settle(&rig);
    }
    rig.keep[0][1] = rig.keep[1][0] = false;
    for (int i = 0, j = rig.kept_count - 1; i < j; i++, j--) {
        struct letter letter = rig.kept[i];
        rig.kept[i] = rig.kept[j];
        rig.kept[j] = letter;
    }
    int kept = rig.kept_count;
    for (int i = 0; i < kept; i++)
        post(&rig, rig.kept[i].from, rig.kept[i].to, rig.kept[i].at, rig.kept[i].bytes);
    release(&rig);
    settle(&rig);
    pass(&rig, 10000);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

/* ---- Links that come and go ------------------------------------------------------------- */

static void silence_brings_a_link_down_and_a_word_brings_it_back(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    count_events(&rig, 0, FLOOD_LINK_UP, NULL);
    cut_link(&rig, 0, 1, true);
    pass(&rig, 5999);
    CHECK(link_of(&rig, 0, 1).up);
    pass(&rig, 1);
    CHECK(!link_of(&rig, 0, 1).up);
    tell_at(&rig, 0, "meanwhile", 1, "+1-1");
    tell_at(&rig, 1, "as-well", 1, "+1-1");
    pass(&rig, 60000);
    cut_link(&rig, 0, 1, false);
    pass(&rig, 1100);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    CHECK_INT(count_of(&rig, 0)->session_changes, 0);
    CHECK_INT(count_of(&rig, 0)->locations_sent, 1);
    char reason[FLOOD_REASON_BYTES_MAX];
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "silence") == 0);
    rig_close(&rig);
}

static void a_refused_message_is_due_again_a_little_later(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.refuse[0][1] = true;
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    settle(&rig);
    char reason[FLOOD_REASON_BYTES_MAX];
    CHECK(!link_of(&rig, 0, 1).up);
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "no connection") == 0);
    pass(&rig, 3000); /* Bob still speaks; that alone does not bring the link back */
    CHECK(!link_of(&rig, 0, 1).up);
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_UP, NULL), 0);
    rig.refuse[0][1] = false;
    pass(&rig, 100);
    CHECK(link_of(&rig, 0, 1).up);
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    rig_close(&rig);
}

static void an_absent_neighbour_costs_one_attempt_a_second(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    rig.refuse[0][1] = true;
    pass(&rig, 2000);
    int attempts = 0;
    for (int ms = 0; ms < 10000; ms++) {
        rig.now_ms++;
        static char bytes[FLOOD_MESSAGE_BYTES_MAX];
        while (flood_next(rig.node[0], 0, rig.now_ms, bytes) > 0) {
            attempts++;
            flood_refused(rig.node[0], 0, rig.now_ms);
        }
    }
    CHECK_INT(attempts, 10);
    rig_close(&rig);
}

static void a_goodbye_comes_last_and_is_understood(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    fill(&rig, 0, 2000);
    flood_say_goodbye(rig.node[0]);
    CHECK(!flood_is_over(rig.node[0]));
    pass(&rig, 500);
    CHECK(flood_is_over(rig.node[0]));
    CHECK_INT(flood_clients(rig.node[1]), 2000);
    CHECK_INT(rig.messages[0][1][WIRE_GOODBYE], 1);
    CHECK(!link_of(&rig, 1, 0).up);
    char reason[FLOOD_REASON_BYTES_MAX];
    CHECK_INT(count_events(&rig, 1, FLOOD_LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "goodbye") == 0);
    uint64_t sent = rig.messages[0][1][WIRE_HELLO];
    pass(&rig, 5000);
    CHECK_INT(rig.messages[0][1][WIRE_HELLO], sent);
    restart(&rig, 0);
    pass(&rig, 100);
    CHECK(link_of(&rig, 1, 0).up && all_equal(&rig));
    rig_close(&rig);
}

static void a_goodbye_does_not_wait_for_the_absent(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    fill(&rig, 0, 3);
    settle(&rig);
    CHECK(!flood_is_over(rig.node[0]));
    flood_say_goodbye(rig.node[0]);
    CHECK(flood_is_over(rig.node[0]));
    rig_close(&rig);
}

/* ---- Digests ---------------------------------------------------------------------------- */

static void equal_digests_are_seen_soon_and_told_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 100);
    pass(&rig, 500);
    struct flood_event event;
    int equal = 0;
    while (flood_next_event(rig.node[1], &event))
        if (event.kind == FLOOD_DIGESTS_EQUAL && event.clients == 100) {
            equal++;
            CHECK(event.digest == flood_digest(rig.node[0]));
        }
    CHECK_INT(equal, 1);
    pass(&rig, 10000);
    CHECK_INT(count_events(&rig, 1, FLOOD_DIGESTS_EQUAL, NULL), 0);
    tell_at(&rig, 0, "one-more", 1, "+1-1");
    pass(&rig, 500);
    CHECK_INT(count_events(&rig, 1, FLOOD_DIGESTS_EQUAL, NULL), 1);
    CHECK_INT(count_events(&rig, 0, FLOOD_DIGESTS_EQUAL, NULL), 2);
    rig_close(&rig);
}

static void a_quiet_link_carries_heartbeats_only(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 100);
    pass(&rig, 1000);
    memset(rig.messages, 0, sizeof rig.messages);
    pass(&rig, 20000);
    CHECK_INT(rig.messages[0][1][WIRE_HEARTBEAT], 10);
    for (int type = WIRE_HELLO; type <= WIRE_GOODBYE; type++)
        if (type != WIRE_HEARTBEAT)
            CHECK_INT(rig.messages[0][1][type] + rig.messages[1][0][type], 0);
    rig_close(&rig);
}

static void unequal_tables_at_rest_are_a_fault_and_heal(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 10);
    pass(&rig, 1000);
    /* Bob hears from "Ada" what she never said: no position moves, so nobody notices. */
    static struct wire_message update = {.type = WIRE_UPDATE, .location_count = 1};
    update.from_session = link_of(&rig, 1, 0).their_session;
    update.to_session = link_of(&rig, 0, 1).their_session;
    update.locations[0] = place("flipped", 1, "+6-6");
    forge(&rig, 0, 1, &update);
    CHECK(!all_equal(&rig));
    pass(&rig, 10000);
    CHECK(all_equal(&rig));
    CHECK(knows(&rig, 0, "flipped", "+6-6"));
    CHECK(count_of(&rig, 1)->digest_faults > 0);
    CHECK(count_events(&rig, 1, FLOOD_DIGESTS_DIFFER, NULL) > 0);
    rig_close(&rig);
}

/* ---- Limits and nonsense ---------------------------------------------------------------- */

static void a_full_table_refuses_new_local_clients_only(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    rig.clients_max = 3;
    start(&rig, 0);
    rig.clients_max = 100;
    start(&rig, 1);
    settle(&rig);
    fill(&rig, 0, 3);
    CHECK_INT(tell_at(&rig, 0, "one-too-many", 1, "+1-1"), FLOOD_FULL);
    CHECK_INT(count_of(&rig, 0)->clients_refused, 1);
    CHECK_INT(tell_at(&rig, 0, "client-1", 999999, "+7-7"), FLOOD_STORED);
    tell_at(&rig, 1, "remote", 1, "+1-1");
    pass(&rig, 100);
    CHECK_INT(flood_clients(rig.node[0]), 4);
    CHECK(all_equal(&rig));
    CHECK_INT(tell_at(&rig, 0, "remote", 2, "+2-2"), FLOOD_STORED);
    rig_close(&rig);
}

static void the_largest_location_travels(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    static char text[LOCATION_TEXT_BYTES_MAX];
    memset(text, 'x', sizeof text);
    for (size_t longest = 0; longest < 3; longest++) {
        struct location location = place("a", 1 + (int64_t)longest, "+1-1");
        struct span *spans[] = {&location.client, &location.position, &location.stamp};
        for (size_t i = 0; i < 3; i++)
            *spans[i] = (struct span){text, i == longest ? sizeof text - 2 : 1};
        CHECK_INT(flood_local(rig.node[0], &location), FLOOD_STORED);
        tell_at(&rig, 0, "small", 1 + (int64_t)longest, "+1-1");
        pass(&rig, 100);
        CHECK(all_equal(&rig));
    }
    rig_close(&rig);
}

static void invalid_locations_are_skipped_and_acknowledged(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    static struct wire_message update = {.type = WIRE_UPDATE, .upto = 5, .location_count = 5};
    update.from_session = link_of(&rig, 1, 0).their_session;
    update.to_session = link_of(&rig, 0, 1).their_session;
    for (int i = 0; i < 5; i++)
        update.locations[i] = place("good", 1 + i, "+1-1");
    update.locations[1].client = span_of("two words");
    update.locations[2].position = span_of("");
    update.locations[3].origin = span_of("line\nbreak");
    forge(&rig, 0, 1, &update);
    CHECK_INT(count_of(&rig, 1)->locations_invalid, 3);
    CHECK_INT(count_of(&rig, 1)->locations_received, 5);
    CHECK_INT(count_of(&rig, 1)->locations_news, 2);
    CHECK_INT(flood_clients(rig.node[1]), 1);
    CHECK_INT(link_of(&rig, 1, 0).have, 5);
    rig_close(&rig);
}

static void bytes_that_are_no_message_are_counted(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    static const char *const nonsense[] = {
        "", "z", "zh", "zh\x01", "GET / HTTP/1.0\r\n\r\n", "zh\x01\xc1"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        flood_receive(rig.node[0], 0, span_of(nonsense[i]), rig.now_ms);
    CHECK_INT(count_of(&rig, 0)->messages_malformed, sizeof nonsense / sizeof *nonsense);
    CHECK(link_of(&rig, 0, 1).up);
    rig_close(&rig);
}

static void an_acknowledgement_beyond_the_told_is_not_believed(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    struct wire_message ack = {.type = WIRE_ACK, .have = 1};
    ack.from_session = link_of(&rig, 0, 1).their_session;
    ack.to_session = link_of(&rig, 1, 0).their_session;
    forge(&rig, 1, 0, &ack);
    CHECK_INT(count_of(&rig, 0)->messages_strange, 1);
    CHECK_INT(link_of(&rig, 0, 1).acked, 0);
    rig_close(&rig);
}

static void a_stranger_s_words_cannot_forge_a_line_of_a_log(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    struct wire_message refused = {.type = WIRE_REFUSED, .from_session = 9, .code = 99};
    refused.to_session = link_of(&rig, 1, 0).their_session;
    refused.text = span_of("no\nlink Bob up\x1b[0m");
    forge(&rig, 1, 0, &refused);
    char reason[FLOOD_REASON_BYTES_MAX] = "";
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "it refuses us: no?link Bob up?[0m") == 0);
    refused.to_session = 9;
    forge(&rig, 1, 0, &refused);
    CHECK_INT(count_events(&rig, 0, FLOOD_LINK_REFUSED, NULL), 0);
    rig_close(&rig);
}

static void a_burst_of_events_drops_the_oldest(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    for (int i = 0; i < 1200; i++) {
        rig.now_ms += 30000;
        flood_receive(rig.node[0], 0, (struct span){"zh\x02", 3}, rig.now_ms);
    }
    flood_receive(rig.node[0], 0, (struct span){"zh\x09", 3}, rig.now_ms + 30000);
    struct flood_event event = {0};
    int count = 0;
    while (flood_next_event(rig.node[0], &event))
        count++;
    CHECK_INT(count, FLOOD_PEERS_MAX);
    CHECK(strcmp(event.reason, "major version 9 meets major version 1") == 0);
    rig_close(&rig);
}

static void a_node_without_links_is_a_herd_too(void)
{
    struct rig rig;
    rig_open(&rig, 1, "");
    pass(&rig, 10);
    CHECK(flood_deadline_ms(rig.node[0]) == INT64_MAX);
    CHECK_INT(tell_at(&rig, 0, "alone", 1, "+1-1"), FLOOD_STORED);
    CHECK(knows(&rig, 0, "alone", "+1-1"));
    flood_say_goodbye(rig.node[0]);
    CHECK(flood_is_over(rig.node[0]));
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"two nodes meet and tell all they know", two_nodes_meet_and_tell_all_they_know},
    {"a late starter is linked in the moment it speaks",
     a_late_starter_is_linked_in_the_moment_it_speaks},
    {"a stranger is greeted often at first and then every second",
     a_stranger_is_greeted_often_at_first_and_then_every_second},
    {"nothing is taken from a session that never said hello",
     nothing_is_taken_from_a_session_that_never_said_hello},
    {"another herd is refused on both sides and left in peace",
     another_herd_is_refused_on_both_sides_and_left_in_peace},
    {"a refused node that comes back right is taken at once",
     a_refused_node_that_comes_back_right_is_taken_at_once},
    {"a node that hears itself refuses", a_node_that_hears_itself_refuses},
    {"another major version is an event and nothing else",
     another_major_version_is_an_event_and_nothing_else},
    {"a change walks along a chain", a_change_walks_along_a_chain},
    {"a change is not sent back where it came from", a_change_is_not_sent_back_where_it_came_from},
    {"a change ends its walk in a mesh", a_change_ends_its_walk_in_a_mesh},
    {"what changes while it waits goes out once", what_changes_while_it_waits_goes_out_once},
    {"a busy client does not push others back", a_busy_client_does_not_push_others_back},
    {"an equal or older stamp changes nothing", an_equal_or_older_stamp_changes_nothing},
    {"equal stamps at two nodes end equal everywhere",
     equal_stamps_at_two_nodes_end_equal_everywhere},
    {"a restarted receiver gets everything again", a_restarted_receiver_gets_everything_again},
    {"a restarted sender gets its own locations back",
     a_restarted_sender_gets_its_own_locations_back},
    {"what a restarted node told once is told to it again",
     what_a_restarted_node_told_once_is_told_to_it_again},
    {"a late hello of an older session heals", a_late_hello_of_an_older_session_heals},
    {"a hole is mended without waiting", a_hole_is_mended_without_waiting},
    {"many complaints about one hole rewind once", many_complaints_about_one_hole_rewind_once},
    {"a lost last update is sent again after a second",
     a_lost_last_update_is_sent_again_after_a_second},
    {"lost acknowledgements lose no change", lost_acknowledgements_lose_no_change},
    {"a late acknowledgement hides no newer change", a_late_acknowledgement_hides_no_newer_change},
    {"repeated and reordered messages do no harm", repeated_and_reordered_messages_do_no_harm},
    {"silence brings a link down and a word brings it back",
     silence_brings_a_link_down_and_a_word_brings_it_back},
    {"a refused message is due again a little later",
     a_refused_message_is_due_again_a_little_later},
    {"an absent neighbour costs one attempt a second",
     an_absent_neighbour_costs_one_attempt_a_second},
    {"a goodbye comes last and is understood", a_goodbye_comes_last_and_is_understood},
    {"a goodbye does not wait for the absent", a_goodbye_does_not_wait_for_the_absent},
    {"equal digests are seen soon and told once", equal_digests_are_seen_soon_and_told_once},
    {"a quiet link carries heartbeats only", a_quiet_link_carries_heartbeats_only},
    {"unequal tables at rest are a fault and heal", unequal_tables_at_rest_are_a_fault_and_heal},
    {"a full table refuses new local clients only", a_full_table_refuses_new_local_clients_only},
    {"the largest location travels", the_largest_location_travels},
    {"invalid locations are skipped and acknowledged",
     invalid_locations_are_skipped_and_acknowledged},
    {"bytes that are no message are counted", bytes_that_are_no_message_are_counted},
    {"an acknowledgement beyond the told is not believed",
     an_acknowledgement_beyond_the_told_is_not_believed},
    {"a stranger's words cannot forge a line of a log",
     a_stranger_s_words_cannot_forge_a_line_of_a_log},
    {"a burst of events drops the oldest", a_burst_of_events_drops_the_oldest},
    {"a node without links is a herd too", a_node_without_links_is_a_herd_too},
};

CHECK_MAIN(cases)
