/* What a node does for its operators: requests are done once, in bounded parts, and answered. */
#include "bus/operators.h"

#include "tests/unit/rig.h"

#define WALL_NS INT64_C(1790000000000000000)

/* A herd of two, of which Ada hears operators, and what Ada answered last. */
struct scene {
    struct rig rig;
    struct operators *operators;
    struct operate_reply reply;
    char bytes[OPERATE_REPLY_BYTES_MAX], id[OPERATORS_ID_BYTES_MAX];
    size_t id_bytes;
    int turns; /* of work, until nothing was left */
};

static int64_t wall_ns(const struct scene *scene)
{
    return WALL_NS + scene->rig.now_ms * 1000000;
}

static struct scene *open_scene(void)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    rig_open(&scene.rig, 2, "01");
    for (int i = 0; i < 2; i++)
        flood_set_clock(scene.rig.node[i], scene.rig.now_ms, wall_ns(&scene));
    settle(&scene.rig);
    scene.operators = operators_new(scene.rig.node[0], span_of("Ada"), 1001);
    operators_allow_forget(scene.operators, true);
    return &scene;
}

static void close_scene(struct scene *scene)
{
    operators_destroy(&scene->operators);
    CHECK(scene->operators == NULL);
    rig_close(&scene->rig);
}

static void hear(struct scene *scene, const char *id, const char *name,
                 const struct operate_request *request)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    size_t count = operate_write_request(request, bytes, sizeof bytes);
    CHECK(count > 0);
    operators_receive(scene->operators, span_of(id), span_of(name), (struct span){bytes, count},
                      scene->rig.now_ms);
    memset(bytes, 0, count); /* nothing may borrow from it */
}

/* Takes one reply. */
static bool take(struct scene *scene)
{
    struct span id, reply;
    if (!operators_next_reply(scene->operators, &id, &reply))
        return false;
    memcpy(scene->id, id.data, id.len);
    scene->id_bytes = id.len;
    memcpy(scene->bytes, reply.data, reply.len);
    CHECK(operate_read_reply((struct span){scene->bytes, reply.len}, &scene->reply));
    CHECK(span_equals(scene->reply.node, span_of("Ada")) && scene->reply.from == 1001);
    return true;
}

#define TURNS_MAX 10000

static void work(struct scene *scene)
{
    scene->turns = 1;
    while (operators_work(scene->operators, wall_ns(scene), scene->rig.now_ms) &&
           scene->turns < TURNS_MAX)
        scene->turns++;
    CHECK(scene->turns < TURNS_MAX);
}

static struct operate_request forget(uint64_t number, bool acts)
{
    return (struct operate_request){.from = 77,
                                    .number = number,
                                    .kind = OPERATE_FORGET,
                                    .which = selection_of_all(),
                                    .acts = acts};
}

static struct operate_request forget_matching(uint64_t number, bool acts, const char *pattern)
{
    struct operate_request request = forget(number, acts);
    request.which.pattern = span_of(pattern);
    return request;
}

/* The request is heard, done, and answered once. */
static void do_it(struct scene *scene, const struct operate_request *request)
{
    hear(scene, "id", "op", request);
    work(scene);
    CHECK(take(scene));
    CHECK(!take(scene));
    CHECK_INT(scene->reply.number, request->number);
    CHECK_INT(scene->reply.to, request->from);
}

static bool text_has(const struct scene *scene, const char *words)
{
    return memmem(scene->reply.text.data, scene->reply.text.len, words, strlen(words)) != NULL;
}

/* ---- cases ---- */

static void a_ping_is_answered_to_whom_it_came_from(void)
{
    struct scene *scene = open_scene();
    struct operate_request ping = {
        .from = 5, .number = 3, .kind = OPERATE_PING, .which = selection_of_all()};
    hear(scene, "operator:op", "op", &ping);
    CHECK(!operators_are_busy(scene->operators));
    CHECK(take(scene));
    CHECK_BYTES(scene->id, scene->id_bytes, "operator:op", 11);
    CHECK(scene->reply.state == OPERATE_DONE && scene->reply.kind == OPERATE_PING);
    CHECK(scene->reply.to == 5 && scene->reply.number == 3);
    CHECK(!take(scene));
    close_scene(scene);
}

static void a_dry_run_counts_shows_and_changes_nothing(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 20);
    uint64_t digest = flood_digest(scene->rig.node[0]);
    struct operate_request request = forget_matching(1, false, "client-1*");
    do_it(scene, &request);
    CHECK_INT(scene->reply.state, OPERATE_DONE);
    CHECK_INT(scene->reply.matches, 11);
    CHECK_INT(scene->reply.forgotten, 0);
    CHECK(scene->reply.looked == 20 && scene->reply.of == 20);
    CHECK_INT(scene->reply.example_count, OPERATE_EXAMPLES_MAX);
    CHECK(span_equals(scene->reply.examples[0].client, span_of("client-1")));
    CHECK(span_equals(scene->reply.examples[0].origin, span_of("Ada")));
    CHECK_INT(scene->reply.examples[0].order_ns, 1001);
    CHECK(flood_digest(scene->rig.node[0]) == digest);
    close_scene(scene);
}

static void who_is_forgotten_is_so_everywhere_and_the_others_stay(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 20);
    settle(&scene->rig);
    struct operate_request request = forget_matching(1, true, "client-1*");
    do_it(scene, &request);
    CHECK(scene->reply.matches == 11 && scene->reply.forgotten == 11);
    CHECK_INT(scene->reply.text.len, 0);
    pass(&scene->rig, 1000);
    for (int i = 0; i < 2; i++) {
        CHECK(!knows(&scene->rig, i, "client-1", "+1-1"));
        CHECK(!knows(&scene->rig, i, "client-19", "+1-1"));
        CHECK(knows(&scene->rig, i, "client-2", "+1-1"));
    }
    request.number++;
    do_it(scene, &request);
    CHECK(scene->reply.matches == 0 && scene->reply.forgotten == 0);
    close_scene(scene);
}

static void ids_are_looked_up_and_must_meet_the_conditions(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 20);
    struct operate_request request = forget(1, true);
    request.id_count = 3;
    request.ids[0] = span_of("client-3");
    request.ids[1] = span_of("nobody");
    request.ids[2] = span_of("client-5");
    request.which.after_ns = 1003;
    do_it(scene, &request);
    CHECK(scene->reply.looked == 3 && scene->reply.of == 3);
    CHECK(scene->reply.matches == 1 && scene->reply.forgotten == 1);
    CHECK(knows(&scene->rig, 0, "client-3", "+1-1"));
    CHECK(!knows(&scene->rig, 0, "client-5", "+1-1"));
    close_scene(scene);
}

static void conditions_are_those_of_origin_and_order(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 3);
    CHECK_INT(tell_at(&scene->rig, 1, "far", 5000, "+2-2"), FLOOD_STORED);
    settle(&scene->rig);
    struct operate_request request = forget(1, false);
    request.which.origin = span_of("Bob");
    do_it(scene, &request);
    CHECK_INT(scene->reply.matches, 1);
    CHECK(span_equals(scene->reply.examples[0].client, span_of("far")));
    request = forget(2, false);
    request.which.after_ns = 1001;
    do_it(scene, &request);
    CHECK_INT(scene->reply.matches, 2);
    close_scene(scene);
}

static void what_is_above_the_ceiling_is_reached(void)
{
    struct scene *scene = open_scene();
    int64_t year_ns = INT64_C(31536000) * 1000000000;
    CHECK_INT(tell_at(&scene->rig, 0, "now", wall_ns(scene), "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&scene->rig, 0, "later", wall_ns(scene) + year_ns, "+1-1"), FLOOD_STORED);
    struct operate_request request = forget(1, true);
    request.which.after_ns = wall_ns(scene) + year_ns / 2;
    do_it(scene, &request);
    CHECK(scene->reply.matches == 1 && scene->reply.forgotten == 1);
    CHECK(!knows(&scene->rig, 0, "later", "+1-1") && knows(&scene->rig, 0, "now", "+1-1"));
    close_scene(scene);
}

static void an_age_counts_from_the_herds_time(void)
{
    struct scene *scene = open_scene();
    CHECK_INT(tell_at(&scene->rig, 0, "old", wall_ns(scene) - 60000000001, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&scene->rig, 0, "new", wall_ns(scene) - 60000000000, "+1-1"), FLOOD_STORED);
    struct operate_request request = forget(1, false);
    request.older_ms = 60000;
    do_it(scene, &request);
    CHECK_INT(scene->reply.matches, 1);
    CHECK(span_equals(scene->reply.examples[0].client, span_of("old")));
    request = forget(2, false);
    request.older_ms = UINT64_MAX;
    do_it(scene, &request);
    CHECK_INT(scene->reply.matches, 0);
    close_scene(scene);
}

static void a_turn_is_bounded_whatever_is_asked(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 10000);
    struct operate_request request = forget_matching(1, false, "*");
    do_it(scene, &request);
    CHECK_INT(scene->turns, (10000 + OPERATORS_TURN_LOOKS - 1) / OPERATORS_TURN_LOOKS);
    request = forget_matching(2, true, "*");
    do_it(scene, &request);
    CHECK_INT(scene->reply.forgotten, 10000);
    CHECK_INT(scene->turns,
              (10000 * OPERATORS_FORGET_LOOKS + OPERATORS_TURN_LOOKS - 1) / OPERATORS_TURN_LOOKS);
    close_scene(scene);
}

/* The file may be read again, and say no, in the midst of it. */
static void who_may_no_longer_gets_no_further(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 10000);
    struct operate_request request = forget_matching(1, true, "*");
    hear(scene, "id", "op", &request);
    CHECK(operators_work(scene->operators, wall_ns(scene), scene->rig.now_ms));
    operators_allow_forget(scene->operators, false);
    CHECK(!operators_work(scene->operators, wall_ns(scene), scene->rig.now_ms));
    CHECK(!operators_are_busy(scene->operators));
    for (int copies = 0; copies < 2; copies++) {
        CHECK(take(scene));
        CHECK_INT(scene->reply.state, OPERATE_REFUSED);
        CHECK(text_has(scene, "any more"));
        CHECK_INT(scene->reply.forgotten, OPERATORS_TURN_LOOKS / OPERATORS_FORGET_LOOKS);
        CHECK_INT(scene->reply.of, 10000);
        hear(scene, "id", "op", &request);
    }
    operators_allow_forget(scene->operators, true);
    CHECK(!operators_are_busy(scene->operators)); /* the same one does not begin again */
    CHECK(take(scene));
    request = forget_matching(2, true, "*");
    do_it(scene, &request);
    CHECK_INT(scene->reply.state, OPERATE_DONE);
    CHECK_INT(scene->reply.forgotten, 10000 - OPERATORS_TURN_LOOKS / OPERATORS_FORGET_LOOKS);
    close_scene(scene);
}

static void two_operators_share_the_turns(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 3 * OPERATORS_TURN_LOOKS);
    struct operate_request request = forget_matching(1, false, "*");
    hear(scene, "id-1", "op-1", &request);
    hear(scene, "id-2", "op-2", &request);
    work(scene);
    CHECK_INT(scene->turns, 6);
    for (int i = 1; i <= 2; i++) {
        CHECK(take(scene));
        CHECK(scene->id[3] == '0' + i);
        CHECK_INT(scene->reply.matches, 3 * OPERATORS_TURN_LOOKS);
    }
    close_scene(scene);
}

static void a_request_that_comes_again_is_done_once(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 2 * OPERATORS_TURN_LOOKS);
    struct operate_request request = forget_matching(1, true, "*");
    hear(scene, "id", "op", &request);
    operators_work(scene->operators, wall_ns(scene), scene->rig.now_ms);
    hear(scene, "id", "op", &request);
    CHECK(take(scene));
    CHECK_INT(scene->reply.state, OPERATE_WORKING);
    CHECK_INT(scene->reply.looked, OPERATORS_TURN_LOOKS / OPERATORS_FORGET_LOOKS);
    work(scene);
    CHECK(take(scene));
    CHECK_INT(scene->reply.state, OPERATE_DONE);
    CHECK_INT(scene->reply.forgotten, 2 * OPERATORS_TURN_LOOKS);
    hear(scene, "other-id", "op", &request);
    CHECK(!operators_are_busy(scene->operators));
    CHECK(take(scene));
    CHECK_BYTES(scene->id, scene->id_bytes, "other-id", 8);
    CHECK_INT(scene->reply.forgotten, 2 * OPERATORS_TURN_LOOKS);
    CHECK_INT(operators_count(scene->operators)->requests, 1);
    close_scene(scene);
}

static void an_operator_has_one_request_in_work(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 2 * OPERATORS_TURN_LOOKS);
    struct operate_request request = forget_matching(1, false, "*");
    hear(scene, "id", "op", &request);
    request.number = 2;
    hear(scene, "id-2", "op", &request);
    CHECK(take(scene));
    CHECK_INT(scene->reply.state, OPERATE_REFUSED);
    CHECK(text_has(scene, "another request"));
    CHECK_BYTES(scene->id, scene->id_bytes, "id-2", 4);
    work(scene);
    CHECK(take(scene));
    CHECK(scene->reply.state == OPERATE_DONE && scene->reply.number == 1);
    CHECK_BYTES(scene->id, scene->id_bytes, "id", 2);
    close_scene(scene);
}

static void who_may_not_or_says_not_whom_is_refused(void)
{
    struct scene *scene = open_scene();
    struct operate_request request = forget(1, true);
    fill(&scene->rig, 0, 3);
    do_it(scene, &request);
    CHECK_INT(scene->reply.state, OPERATE_REFUSED);
    CHECK(text_has(scene, "nothing says which"));
    operators_allow_forget(scene->operators, false);
    request = forget_matching(2, true, "*");
    do_it(scene, &request);
    CHECK_INT(scene->reply.state, OPERATE_REFUSED);
    CHECK(text_has(scene, "forget = yes"));
    request.number = 3;
    request.acts = false;
    do_it(scene, &request); /* ids are shown to nobody who may not forget them */
    CHECK_INT(scene->reply.state, OPERATE_REFUSED);
    request.kind = 99;
    do_it(scene, &request);
    CHECK_INT(scene->reply.state, OPERATE_REFUSED);
    CHECK(text_has(scene, "older than this program"));
    CHECK_INT(operators_count(scene->operators)->refused, 4);
    CHECK_INT(flood_clients(scene->rig.node[0]), 3);
    close_scene(scene);
}

static void who_asks_too_often_is_not_heard_for_a_while(void)
{
    struct scene *scene = open_scene();
    struct operate_request ping = {.from = 5, .kind = OPERATE_PING, .which = selection_of_all()};
    int answered = 0;
    for (int i = 0; i < OPERATORS_BURST + 5; i++) {
        hear(scene, "id", "op", &ping);
        answered += take(scene);
    }
    CHECK_INT(answered, OPERATORS_BURST);
    CHECK_INT(operators_count(scene->operators)->dropped, 5);
    hear(scene, "id", "other", &ping);
    CHECK(take(scene));
    scene->rig.now_ms += 1000 / OPERATORS_PER_S - 1;
    hear(scene, "id", "op", &ping);
    CHECK(!take(scene));
    scene->rig.now_ms += 1;
    hear(scene, "id", "op", &ping);
    CHECK(take(scene));
    scene->rig.now_ms += 3600 * 1000;
    for (answered = 0; answered <= OPERATORS_BURST; answered++) {
        hear(scene, "id", "op", &ping);
        if (!take(scene))
            break;
    }
    CHECK_INT(answered, OPERATORS_BURST);
    close_scene(scene);
}

static void the_operator_heard_longest_ago_makes_way(void)
{
    struct scene *scene = open_scene();
    char name[8];
    fill(&scene->rig, 0, 5000);
    struct operate_request request = forget_matching(1, false, "*");
    for (int i = 0; i < OPERATORS_MAX; i++) {
        snprintf(name, sizeof name, "op-%d", i);
        scene->rig.now_ms++;
        hear(scene, name, name, &request);
    }
    hear(scene, "new", "new", &request); /* all have work */
    CHECK_INT(operators_count(scene->operators)->dropped, 1);
    work(scene);
    while (take(scene))
        ;
    hear(scene, "new", "new", &request); /* now op-0 makes way */
    CHECK_INT(operators_count(scene->operators)->requests, OPERATORS_MAX + 1);
    hear(scene, "op-1", "op-1", &request);
    CHECK_INT(operators_count(scene->operators)->requests, OPERATORS_MAX + 1);
    work(scene);
    hear(scene, "op-0", "op-0", &request);
    CHECK_INT(operators_count(scene->operators)->requests, OPERATORS_MAX + 2);
    close_scene(scene);
}

static void replies_and_acts_that_nobody_takes_are_bounded(void)
{
    struct scene *scene = open_scene();
    char name[8];
    const char *act;
    int acts = 0, replies = 0;
    for (uint64_t round = 1; round <= 2; round++) {
        for (int i = 0; i < OPERATORS_MAX - 1; i++) {
            struct operate_request request = forget_matching(round, false, "*");
            snprintf(name, sizeof name, "op-%d", i);
            hear(scene, name, name, &request);
        }
        work(scene);
    }
    while (operators_next_act(scene->operators, &act))
        acts++;
    while (take(scene))
        replies++;
    CHECK_INT(acts, OPERATORS_ACTS_MAX);
    CHECK_INT(replies, OPERATORS_REPLIES_MAX);
    CHECK_INT(operators_count(scene->operators)->dropped,
              2 * (OPERATORS_MAX - 1) - OPERATORS_REPLIES_MAX);
    close_scene(scene);
}

static void the_log_says_who_how_many_and_by_which_kinds(void)
{
    struct scene *scene = open_scene();
    const char *act = "";
    fill(&scene->rig, 0, 20);
    struct operate_request request = forget_matching(1, true, "client-1*");
    request.which.origin = span_of("Ada");
    request.which.after_ns = 5;
    request.id_count = 1;
    request.ids[0] = span_of("client-11");
    request.older_ms = 1;
    do_it(scene, &request);
    CHECK(operators_next_act(scene->operators, &act));
    CHECK_BYTES(act, strlen(act), "op forgot 1 of 1 clients: ids, origin, after, older, pattern",
                60);
    CHECK(!operators_next_act(scene->operators, &act));
    request = forget_matching(2, false, "*");
    do_it(scene, &request);
    CHECK(operators_next_act(scene->operators, &act));
    CHECK_BYTES(act, strlen(act), "op counted 19 clients: pattern", 30);
    close_scene(scene);
}

static void what_is_no_request_is_counted_and_costs_nothing_else(void)
{
    struct scene *scene = open_scene();
    operators_receive(scene->operators, span_of("id"), span_of("op"), span_of("zh\x01nonsense"),
                      scene->rig.now_ms);
    operators_receive(scene->operators, span_of("id"), span_of("op"), (struct span){"", 0},
                      scene->rig.now_ms);
    CHECK_INT(operators_count(scene->operators)->malformed, 2);
    CHECK(!take(scene) && !operators_are_busy(scene->operators));
    close_scene(scene);
}

static void a_node_that_has_heard_no_clock_says_so(void)
{
    static const struct span nodes[] = {{"Ada", 3}, {"Bob", 3}};
    struct scene *scene = open_scene();
    operators_destroy(&scene->operators);
    rig_close(&scene->rig);
    rig_open_unstarted(&scene->rig, 2, "01");
    scene->rig.nodes = nodes;
    scene->rig.nodes_count = 2;
    start(&scene->rig, 0);
    flood_set_clock(scene->rig.node[0], scene->rig.now_ms, wall_ns(scene));
    scene->operators = operators_new(scene->rig.node[0], span_of("Ada"), 1001);
    operators_allow_forget(scene->operators, true);
    CHECK_INT(tell_at(&scene->rig, 0, "kiwi", wall_ns(scene), "+1-1"), FLOOD_STORED);
    struct operate_request request = forget_matching(1, true, "*");
    do_it(scene, &request);
    CHECK(scene->reply.matches == 1 && scene->reply.forgotten == 0);
    CHECK(text_has(scene, "has not heard the herd's time"));
    close_scene(scene);
}

static void a_long_id_is_forgotten_and_shown_in_part(void)
{
    struct scene *scene = open_scene();
    /* Beside it the stamp of a tombstone fits. */
    char *client = calloc(1, LOCATION_TEXT_BYTES_MAX);
    memset(client, 'x', LOCATION_TEXT_BYTES_MAX - 32);
    CHECK_INT(tell_at(&scene->rig, 0, client, 1000, "+1-1"), FLOOD_STORED);
    struct operate_request request = forget_matching(1, true, "x*");
    do_it(scene, &request);
    CHECK_INT(scene->reply.forgotten, 1);
    CHECK_INT(scene->reply.examples[0].client.len, OPERATE_EXAMPLE_BYTES_MAX);
    CHECK_INT(scene->reply.examples[0].bytes, LOCATION_TEXT_BYTES_MAX - 32);
    free(client);
    close_scene(scene);
}

static struct operate_status *ask_status(struct scene *scene, const char *name)
{
    static struct operate_status status;
    struct operate_request request = {
        .from = 5, .number = 3, .kind = OPERATE_STATUS, .which = selection_of_all()};
    hear(scene, "operator:op", name, &request);
    CHECK(take(scene));
    CHECK(scene->reply.state == OPERATE_DONE && scene->reply.kind == OPERATE_STATUS);
    CHECK(operate_read_status(scene->reply.status, &status));
    return &status;
}

static void who_asks_hears_how_the_node_is(void)
{
    struct scene *scene = open_scene();
    struct operate_status figures = {
        .version = span_of("7.8"), .commands = 100, .connections = 4, .lookups_p99_ms = WIRE_NEVER};
    operators_allow_forget(scene->operators, false); /* it needs none of that */
    operators_second(scene->operators, &figures, scene->rig.now_ms);
    fill(&scene->rig, 0, 20);
    pass(&scene->rig, 2000);
    figures.commands = 160;
    operators_second(scene->operators, &figures, scene->rig.now_ms);
    struct operate_status *status = ask_status(scene, "op");
    CHECK(span_equals(status->version, span_of("7.8")) && status->connections == 4);
    CHECK(status->clients == 20 && status->digest == flood_digest(scene->rig.node[0]));
    CHECK_INT(status->commands, 160);
    CHECK_INT(status->commands_per_s, 30);
    CHECK_INT(status->sent_per_s, 10);
    CHECK_INT(status->votes, 2);
    CHECK(status->links_all == 1 && status->link_count == 1);
    CHECK(span_equals(status->links[0].name, span_of("Bob")));
    CHECK(status->links[0].up && !status->links[0].is_observer && !status->links[0].differs);
    CHECK_INT(status->links[0].per_s, 10);
    CHECK(status->links[0].why.len == 0 && status->links[0].compared_age_ms < 2000);
    CHECK_INT(status->origins, 0);
    CHECK(!operators_are_busy(scene->operators));
    const char *act;
    CHECK(!operators_next_act(scene->operators, &act)); /* nor does the log hear of it */
    close_scene(scene);
}

static void a_link_that_is_down_says_why(void)
{
    struct scene *scene = open_scene();
    struct link_event event;
    scene->rig.cut[0][1] = scene->rig.cut[1][0] = true;
    pass(&scene->rig, 8000);
    while (flood_next_event(scene->rig.node[0], &event))
        continue;
    struct operate_status *status = ask_status(scene, "op");
    CHECK(!status->links[0].up && status->links[0].why.len > 0);
    CHECK_BYTES(status->links[0].why.data, 7, "silence", 7);
    scene->rig.cut[0][1] = scene->rig.cut[1][0] = false;
    pass(&scene->rig, 8000);
    while (flood_next_event(scene->rig.node[0], &event))
        continue;
    status = ask_status(scene, "op");
    CHECK(status->links[0].up && status->links[0].why.len == 0);
    close_scene(scene);
}

/* Ada is between Bob and Cy, and Dan is nobody's neighbour. */
static void a_node_says_whose_changes_leave(void)
{
    static struct scene scene;
    const struct span nodes[] = {span_of("Bob"), span_of("Cy"), span_of("Ada"), span_of("Dan")};
    memset(&scene, 0, sizeof scene);
    rig_open_unstarted(&scene.rig, 3, "01 02");
    scene.rig.nodes = nodes;
    scene.rig.nodes_count = 4;
    for (int i = 0; i < 3; i++)
        start(&scene.rig, i);
    settle(&scene.rig);
    scene.operators = operators_new(scene.rig.node[0], span_of("Ada"), 1001);
    CHECK_INT(ask_status(&scene, "op")->origins, 0);
    operators_set_nodes(scene.operators, nodes, 4, 77);
    struct operate_status *status = ask_status(&scene, "op");
    CHECK(status->topology == 77 && status->origins == 4 && status->ways.len == 2);
    CHECK(*operate_status_ways(status, 0) == 0xf0 && *operate_status_ways(status, 1) == 0xf0);
    fill(&scene.rig, 1, 1);
    settle(&scene.rig);
    scene.rig.now_ms += OPERATORS_STATUS_MS;
    status = ask_status(&scene, "op"); /* of Bob's nothing goes back to him */
    CHECK(*operate_status_ways(status, 0) == 0x70 && *operate_status_ways(status, 1) == 0xf0);
    scene.rig.cut[0][1] = scene.rig.cut[1][0] = true;
    pass(&scene.rig, 8000);
    status = ask_status(&scene, "op");
    CHECK(*operate_status_ways(status, 0) == 0 && *operate_status_ways(status, 1) == 0xf0);
    operators_set_nodes(scene.operators, nodes, 1, 78);
    status = ask_status(&scene, "op");
    CHECK(status->topology == 78 && status->origins == 1);
    close_scene(&scene);
}

/* What others take comes over the only link there is. */
static void a_leaf_sends_what_is_its_own(void)
{
    struct scene *scene = open_scene();
    const struct span nodes[] = {span_of("Bob"), span_of("Ada")};
    operators_set_nodes(scene->operators, nodes, 2, 1);
    CHECK_INT(*operate_status_ways(ask_status(scene, "op"), 0), 0x40);
    close_scene(scene);
}

static void many_who_ask_hear_the_same_for_a_moment(void)
{
    struct scene *scene = open_scene();
    CHECK_INT(ask_status(scene, "one")->clients, 0);
    fill(&scene->rig, 0, 3);
    scene->rig.now_ms += OPERATORS_STATUS_MS - 1;
    CHECK_INT(ask_status(scene, "another")->clients, 0);
    scene->rig.now_ms++;
    CHECK_INT(ask_status(scene, "another")->clients, 3);
    close_scene(scene);
}

/* Also beside one that is being worked on, and within the same limits. */
static void how_a_node_is_is_answered_at_once(void)
{
    struct scene *scene = open_scene();
    fill(&scene->rig, 0, 3);
    struct operate_request request = forget_matching(1, false, "client-*");
    hear(scene, "id", "op", &request);
    CHECK(operators_are_busy(scene->operators));
    CHECK_INT(ask_status(scene, "op")->clients, 3);
    work(scene);
    CHECK(take(scene));
    CHECK_INT(scene->reply.matches, 3);
    request.kind = OPERATE_STATUS;
    for (int i = 0; i < OPERATORS_BURST + 4; i++)
        hear(scene, "id", "another", &request);
    CHECK(operators_count(scene->operators)->dropped >= 4);
    for (int i = 0; i < OPERATORS_REPLIES_MAX; i++)
        CHECK(take(scene));
    CHECK(!take(scene));
    close_scene(scene);
}

static const struct check_case cases[] = {
    {"who asks hears how the node is", who_asks_hears_how_the_node_is},
    {"a link that is down says why", a_link_that_is_down_says_why},
    {"a node says whose changes leave", a_node_says_whose_changes_leave},
    {"a leaf sends what is its own", a_leaf_sends_what_is_its_own},
    {"many who ask hear the same for a moment", many_who_ask_hear_the_same_for_a_moment},
    {"how a node is, is answered at once", how_a_node_is_is_answered_at_once},
    {"a ping is answered to whom it came from", a_ping_is_answered_to_whom_it_came_from},
    {"a dry run counts, shows and changes nothing", a_dry_run_counts_shows_and_changes_nothing},
    {"who is forgotten is so everywhere, and the others stay",
     who_is_forgotten_is_so_everywhere_and_the_others_stay},
    {"ids are looked up, and must meet the conditions",
     ids_are_looked_up_and_must_meet_the_conditions},
    {"conditions are those of origin and order", conditions_are_those_of_origin_and_order},
    {"what is above the ceiling is reached", what_is_above_the_ceiling_is_reached},
    {"an age counts from the herd's time", an_age_counts_from_the_herds_time},
    {"a turn is bounded, whatever is asked", a_turn_is_bounded_whatever_is_asked},
    {"who may no longer gets no further", who_may_no_longer_gets_no_further},
    {"two operators share the turns", two_operators_share_the_turns},
    {"a request that comes again is done once", a_request_that_comes_again_is_done_once},
    {"an operator has one request in work", an_operator_has_one_request_in_work},
    {"who may not, or says not whom, is refused", who_may_not_or_says_not_whom_is_refused},
    {"who asks too often is not heard for a while", who_asks_too_often_is_not_heard_for_a_while},
    {"the operator heard longest ago makes way", the_operator_heard_longest_ago_makes_way},
    {"replies and acts that nobody takes are bounded",
     replies_and_acts_that_nobody_takes_are_bounded},
    {"the log says who, how many, and by which kinds",
     the_log_says_who_how_many_and_by_which_kinds},
    {"what is no request is counted and costs nothing else",
     what_is_no_request_is_counted_and_costs_nothing_else},
    {"a node that has heard no clock says so", a_node_that_has_heard_no_clock_says_so},
    {"a long id is forgotten, and shown in part", a_long_id_is_forgotten_and_shown_in_part},
};

CHECK_MAIN(cases)
