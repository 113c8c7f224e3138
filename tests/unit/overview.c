/* What all nodes of a herd say, put together: the verdict, and how it is shown. */
#include "topology/format/overview.h"

#include <jansson.h>

#include "tests/check.h"

/* Alford-Ball-Welsh, a line, and one places service. */
#define ALFORD 0
#define BALL   1
#define WELSH  2

static struct topology_node nodes[] = {{.name = "Alford"}, {.name = "Ball"}, {.name = "Welsh"}};
static struct topology_link links[] = {{0, 1, 0}, {1, 2, 0}};
static struct topology topology = {.herd = "trial",
                                   .nodes = nodes,
                                   .node_count = 3,
                                   .links = links,
                                   .link_count = 2,
                                   .places = {{.gateways_at = {.text = "tcp://127.0.0.1:1"}}},
                                   .places_count = 1};
static struct overview *overview;
static struct operate_status said[3];
static struct buffer text;

static struct operate_link up_to(const char *name)
{
    return (struct operate_link){
        .name = span_of(name), .up = true, .compared_age_ms = 700, .lag_ms = 3};
}

/* All three, and all is well. */
static void fill(void)
{
    for (int i = 0; i < 3; i++)
        said[i] = (struct operate_status){
            .version = span_of("1.0"),
            .topology = topology_fingerprint(&topology),
            .lookups_p99_ms = WIRE_NEVER,
            .broker_count = 1,
            .brokers = {{.endpoint = span_of(topology.places[0].gateways_at.text),
                         .up = true,
                         .speaks = true,
                         .workers = 1}},
        };
    said[ALFORD].links[said[ALFORD].link_count++] = up_to("Ball");
    said[BALL].links[said[BALL].link_count++] = up_to("Alford");
    said[BALL].links[said[BALL].link_count++] = up_to("Welsh");
    said[WELSH].links[said[WELSH].link_count++] = up_to("Ball");
    for (int i = 0; i < 3; i++)
        said[i].links_all = said[i].link_count;
}

static bool take(uint32_t node)
{
    char bytes[OPERATE_STATUS_BYTES_MAX];
    size_t count = operate_write_status(&said[node], bytes);
    bool good = overview_take(overview, node, (struct span){bytes, count});
    memset(bytes, 0, sizeof bytes); /* nothing may borrow from it */
    return good;
}

static void take_all(void)
{
    for (uint32_t i = 0; i < 3; i++)
        CHECK(take(i));
    overview_join(overview);
}

static void open_overview(void)
{
    overview_destroy(&overview);
    overview = overview_new(&topology);
    fill();
}

/* Exit statuses of `top --once` and of `status`. */
static void check_status(int of_links, int of_all)
{
    overview_join(overview);
    struct overview_verdict verdict = overview_judge(overview);
    CHECK_INT(overview_status_of_links(&verdict), of_links);
    CHECK_INT(overview_status_of_all(&verdict), of_all);
}

static bool shows(const struct overview_view *view, const char *words)
{
    text.len = 0;
    overview_write(overview, view, &text);
    bool found = memmem(text.data, text.len, words, strlen(words)) != NULL;
    if (!found)
        printf("no `%s` in\n%.*s", words, (int)text.len, text.data);
    return found;
}

static const struct overview_view all = {.picked = OVERVIEW_NOBODY, .all = true},
                                  plain = {.picked = OVERVIEW_NOBODY};

static void nobody_has_answered(void)
{
    open_overview();
    check_status(1, 2);
    CHECK(shows(&all, "0 of 3 nodes answer; 0 of 2 links up; tables: 0 equal, 0 differ, 2 not"));
    CHECK(shows(&all, "\nnode Alford does not answer (not asked yet), and no neighbour says "
                      "anything of it\n"));
    CHECK(shows(&all, "\nlink Alford-Ball: neither end says anything of it\n"));
}

static void all_is_well(void)
{
    open_overview();
    take_all();
    check_status(0, 0);
    CHECK(shows(&all,
                "herd trial: 3 of 3 nodes answer; 2 of 2 links up; tables: 2 equal, 0 differ, "
                "0 not compared; 1 of 1 places services well\n\n node "));
    CHECK(shows(&plain, "\n Alford-Ball           up          3 ms        0        0         0  "
                        "equal 0.7 s ago\n"));
}

static void what_was_not_compared_is_well(void)
{
    open_overview();
    said[ALFORD].links[0].compared_age_ms = said[BALL].links[0].compared_age_ms = WIRE_NEVER;
    take_all();
    check_status(0, 0);
    CHECK(shows(&plain, "1 equal, 0 differ, 1 not compared"));
    CHECK_INT(overview_link(overview, 0).tables, OVERVIEW_NOT_COMPARED);
    said[BALL].links[0].compared_age_ms = 5; /* one end knows */
    take_all();
    CHECK_INT(overview_link(overview, 0).tables, OVERVIEW_EQUAL);
    CHECK_INT(overview_link(overview, 0).compared_age_ms, 5);
}

static void observers_never_count(void)
{
    open_overview();
    struct operate_link *observer = &said[ALFORD].links[said[ALFORD].link_count++];
    *observer = up_to("Ear\x1b");
    observer->is_observer = observer->differs = true;
    observer->up = false;
    observer->lag_ms = 99;
    said[ALFORD].links_all++;
    take_all();
    check_status(0, 0);
    CHECK_INT(overview_lag_ms(&said[ALFORD]), 3);
    CHECK(shows(&plain, "\n Alford-Ear?           away       99 ms        0        0         0  "
                        "observer\n"));
    CHECK(shows(&plain, "\n Alford up          1/1 "));
}

static void either_end_tells_of_a_difference(void)
{
    for (int end = 0; end < 2; end++) {
        open_overview();
        said[end == 0 ? BALL : WELSH].links[end == 0 ? 1 : 0].differs = true;
        take_all();
        check_status(1, 1);
        CHECK(shows(&all, "\nthe tables of Ball and Welsh differ\n"));
        CHECK(shows(&plain, "1 equal, 1 differ"));
    }
}

static void either_end_tells_of_a_link_that_is_down(void)
{
    for (int end = 0; end < 2; end++) {
        open_overview();
        struct operate_link *link = &said[end == 0 ? ALFORD : BALL].links[0];
        link->up = false;
        link->differs = true; /* of before */
        link->why = span_of("silence\a");
        take_all();
        check_status(1, 1);
        CHECK(shows(&all, end == 0 ? "\nlink Alford-Ball is down: Alford says: silence?; Ball says "
                                     "it is up\n"
                                   : "\nlink Alford-Ball is down: Alford says it is up; Ball says: "
                                     "silence?\n"));
        CHECK(shows(&plain, end == 0 ? " Alford: silence?\n" : " Ball: silence?\n"));
        CHECK(shows(&plain, "0 differ"));
    }
}

static void a_node_that_is_silent_is_shown_by_its_neighbours(void)
{
    open_overview();
    take_all();
    overview_miss(overview, BALL, "no answer\x1b");
    check_status(0, 0); /* both say that it is there */
    CHECK(shows(&plain, "\n Ball   silent  up for 2 of 2 neighbours; no answer?\n"));
    CHECK(shows(&all, "it is up for 2 of 2 neighbours, so this does not count\n"));
    said[WELSH].links[0].up = false;
    CHECK(take(WELSH));
    check_status(1, 1);
    CHECK(shows(&plain, "\n Ball   silent  up for 1 of 2 neighbours; no answer?\n"));
    CHECK(shows(&all, "\nlink Ball-Welsh is down: Ball says nothing; Welsh says: not up yet\n"));
    overview_miss(overview, WELSH, "gone");
    check_status(1, 1);
    CHECK_INT(overview_link(overview, 1).state, OVERVIEW_UNKNOWN);
    CHECK_INT(overview_heard(overview, WELSH).said, 0);
}

static void a_link_that_is_in_one_file_alone_is_down(void)
{
    open_overview();
    said[BALL].links_all = said[BALL].link_count = 1;
    take_all();
    check_status(1, 1);
    CHECK(shows(&all, "Ball has no such link in its file"));
    said[BALL].links_all = 300; /* it may be among those that are not named */
    take_all();
    check_status(0, 0);
}

static void a_node_may_be_ill(void)
{
    static const struct {
        int64_t offset_ns;
        uint64_t votes, journal;
        int status;
        const char *sentence;
    } rows[] = {
        {OVERVIEW_CLOCK_NS_MAX, 3, WIRE_JOURNAL_GOOD, 0, NULL},
        {-OVERVIEW_CLOCK_NS_MAX, 3, WIRE_JOURNAL_NONE, 0, NULL},
        {OVERVIEW_CLOCK_NS_MAX + 1, 3, 0, 1, "\nnode Ball: its clock is off the herd's time\n"},
        {-OVERVIEW_CLOCK_NS_MAX - 1, 3, 0, 1, "\nnode Ball: its clock is off the herd's time\n"},
        {INT64_MIN, 0, 0, 0, NULL}, /* nobody knows the time */
        {0, 3, WIRE_JOURNAL_FAILED, 1, "\nnode Ball: its journal cannot be written\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_overview();
        said[BALL].offset_ns = rows[i].offset_ns;
        said[BALL].votes = rows[i].votes;
        said[BALL].journal = rows[i].journal;
        take_all();
        check_status(0, rows[i].status);
        CHECK(shows(&plain, rows[i].status == 0 ? "\n Ball   up " : "\n Ball   ill "));
        CHECK(rows[i].sentence == NULL || shows(&all, rows[i].sentence));
    }
}

static void a_places_service_may_be_ill(void)
{
    open_overview();
    said[BALL].brokers[0].up = false;
    take_all();
    check_status(0, 1);
    CHECK(shows(&all, "\nplaces service tcp://127.0.0.1:1: 2 of 3 nodes reach it\n"));
    open_overview();
    said[BALL].brokers[0].asked = 9; /* who asked last knows best */
    said[BALL].brokers[0].host_count = 2;
    said[BALL].brokers[0].hosts[0] = (struct operate_host){span_of("192.0.2.1"), 3};
    said[BALL].brokers[0].hosts[1] = (struct operate_host){span_of("::1\x1b"), 1};
    said[BALL].brokers[0].paused_ms = 4200;
    take_all();
    check_status(0, 1);
    CHECK(shows(&all, "its provider fails and is not asked for 4200 ms\n"));
    CHECK(shows(&plain, "  open 5 s"));
    CHECK(shows(&all, "\n    workers: 3 at 192.0.2.1, 1 at ::1?\n"));
    said[BALL].brokers[0].paused_ms = said[BALL].brokers[0].workers = 0;
    take_all();
    check_status(0, 1);
    CHECK(shows(&all, "tcp://127.0.0.1:1 has no worker\n"));
    said[BALL].brokers[0].speaks = said[ALFORD].brokers[0].speaks = said[WELSH].brokers[0].speaks =
        false;
    take_all();
    check_status(0, 0);
}

static void another_file_is_only_noted(void)
{
    open_overview();
    said[WELSH].topology++;
    take_all();
    check_status(0, 0);
    CHECK(shows(&all, "\nnote: the file that Welsh runs by says something else than this one\n"));
}

static void a_fingerprint_is_of_the_herd_as_a_whole(void)
{
    uint64_t before = topology_fingerprint(&topology);
    strcpy(nodes[0].public_keys.text[0], "key");
    CHECK(topology_fingerprint(&topology) == before);
    topology.expire_ms = 5; /* nor is it what HUP changes */
    CHECK(topology_fingerprint(&topology) == before);
    topology.expire_ms = 0;
    topology.nearby = true;
    CHECK(topology_fingerprint(&topology) != before);
    topology.nearby = false;
    links[1].b = 0;
    CHECK(topology_fingerprint(&topology) != before);
    links[1].b = 2;
    strcpy(nodes[1].bus_at.text, "tcp://a:1");
    CHECK(topology_fingerprint(&topology) != before);
    nodes[1].bus_at.text[0] = nodes[0].public_keys.text[0][0] = '\0';
    CHECK(topology_fingerprint(&topology) == before);
}

static void garbage_is_no_answer(void)
{
    open_overview();
    take_all();
    CHECK(!overview_take(overview, BALL, span_of("garbage")));
    overview_join(overview);
    CHECK(overview_node(overview, BALL)->said == NULL);
    CHECK(shows(&plain, "; what it answers cannot be read\n"));
}

static void check_order(enum overview_sort sort, uint32_t first, uint32_t second, uint32_t third)
{
    uint32_t order[3];
    overview_order(overview, sort, order);
    CHECK(order[0] == first && order[1] == second && order[2] == third);
}

static void nodes_stand_in_the_order_that_is_wanted(void)
{
    open_overview();
    strcpy(nodes[ALFORD].name, "Zoe");
    said[ALFORD].clients = 5;
    said[WELSH].clients = 7;
    said[BALL].commands_per_s = 1;
    said[WELSH].links[0].lag_ms = 40;
    take_all();
    check_order(OVERVIEW_BY_FILE, ALFORD, BALL, WELSH);
    check_order(OVERVIEW_BY_NAME, BALL, WELSH, ALFORD);
    check_order(OVERVIEW_BY_CLIENTS, WELSH, ALFORD, BALL);
    check_order(OVERVIEW_BY_RATE, BALL, ALFORD, WELSH);
    check_order(OVERVIEW_BY_LAG, WELSH, ALFORD, BALL);
    check_order(OVERVIEW_BY_STATE, ALFORD, BALL, WELSH);
    overview_miss(overview, BALL, "gone");
    check_order(OVERVIEW_BY_STATE, BALL, ALFORD, WELSH);
    strcpy(nodes[ALFORD].name, "Alford");
}

static void who_is_picked_has_details(void)
{
    struct overview_view view = {.picked = WELSH, .sort = OVERVIEW_BY_FILE};
    open_overview();
    said[WELSH].digest = 0xabc;
    said[WELSH].uptime_ms = UINT64_C(90061000);
    take_all();
    CHECK(shows(&view, "\n>Welsh "));
    CHECK(shows(&view, " 1d 1h\n    digest 0000000000000abc, "));
    size_t line = overview_write(overview, &view, &text), at = 0;
    const char *start = text.data;
    for (text.len = 0, at = overview_write(overview, &view, &text); at > 0; at--)
        start = strchr(start, '\n') + 1;
    CHECK_INT(line, 5);
    CHECK(strncmp(start, ">Welsh", 6) == 0);
}

/* Bits of Alford, Ball and Welsh. */
static void carry(uint32_t node, const char *bits)
{
    said[node].origins = 3;
    said[node].ways = (struct span){bits, said[node].link_count};
}

static void the_same_is_said_in_json(void)
{
    open_overview();
    carry(ALFORD, "\xa0");
    said[BALL].links[1].up = false;
    said[BALL].links[1].why = span_of("no\xff\"way");
    said[BALL].digest = UINT64_MAX;
    said[BALL].clients = UINT64_MAX;
    take_all();
    overview_miss(overview, WELSH, "gone");
    overview_join(overview);
    text.len = 0;
    overview_write_json(overview, true, &text);
    json_t *herd = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *why, *state, *tables, *digest, *silent;
    int well, answers;
    json_int_t clients;
    CHECK(herd != NULL && text.data[text.len - 1] == '\n');
    CHECK(json_unpack(herd, "{s:b, s:[{}, {s:s, s:I}, {s:b, s:s}], s:[{}, {s:s, s:s, s:[{s:s}]}]}",
                      "well", &well, "nodes", "digest", &digest, "clients", &clients, "answers",
                      &answers, "why", &silent, "links", "state", &state, "tables", &tables,
                      "sides", "why", &why) == 0);
    CHECK(!well && !answers && clients == INT64_MAX);
    CHECK(strcmp(digest, "ffffffffffffffff") == 0 && strcmp(silent, "gone") == 0);
    CHECK(strcmp(state, "down") == 0 && strcmp(tables, "not compared") == 0);
    CHECK(strcmp(why, "no?\"way") == 0);
    CHECK_INT(json_array_size(json_object_get(herd, "remarks")), 2);
    json_int_t carries;
    const char *first, *second;
    CHECK(json_unpack(herd, "{s:[{s:[{s:I, s:[s, s]}, {s:n}]}]}", "links", "sides", "carries",
                      &carries, "ways", &first, &second, "carries") == 0);
    CHECK(carries == 2 && strcmp(first, "Alford") == 0 && strcmp(second, "Welsh") == 0);
    json_decref(herd);
}

static bool writes(uint32_t origin, const char *lines)
{
    text.len = 0;
    overview_write_tree(overview, origin, &text);
    bool same = text.len == strlen(lines) && memcmp(text.data, lines, text.len) == 0;
    if (!same)
        printf("not `%s` but\n%.*s", lines, (int)text.len, text.data);
    return same;
}

static void links_say_whose_changes_they_carry(void)
{
    static const struct overview_view ways = {.picked = OVERVIEW_NOBODY, .ways = true};
    open_overview();
    carry(ALFORD, "\x80");
    carry(BALL, "\x60\xe0");
    carry(WELSH, "\x20");
    take_all();
    CHECK(shows(&plain, "  equal 0.7 s ago  1 of 3 from Alford, 2 from Ball\n"));
    CHECK(shows(&plain, "  equal 0.7 s ago  3 of 3 from Ball, 1 from Welsh\n"));
    CHECK(shows(&ways, "\n changes of Alford\n    go by Alford>Ball, Ball>Welsh\n"
                       " changes of Ball\n    go by Ball>Alford, Ball>Welsh\n"
                       " changes of Welsh\n    go by Welsh>Ball, Ball>Alford\n"
                       "    once more by Ball>Welsh\n"));
    CHECK(writes(ALFORD, "Alford\n  Ball\n    Welsh\n"));
    CHECK(writes(BALL, "Ball\n  Alford\n  Welsh\n"));
    CHECK(writes(WELSH, "Welsh\n  Ball\n    Alford\nonce more by Ball>Welsh\n"));
}

/* Of a version without ways, with another file, and one that does not answer. */
static void ways_that_are_not_known_are_none(void)
{
    for (int why = 0; why < 5; why++) {
        open_overview();
        carry(ALFORD, "\xe0");
        carry(WELSH, "\xe0");
        if (why != 0)
            carry(BALL, "\xe0\xe0");
        said[BALL].topology += why == 1;
        said[BALL].origins += why == 2;
        for (uint32_t i = 0; i < said[BALL].link_count && why == 3; i++)
            said[BALL].links[i].up = false;
        take_all();
        if (why == 4)
            overview_miss(overview, BALL, "gone");
        overview_join(overview);
        CHECK(shows(&plain, "  3 of 3 from Alford"));
        CHECK(!overview_carries(&(struct overview_link){0}, 0, 0));
        CHECK_INT(overview_link(overview, 0).ways[1] == NULL, true);
        CHECK(
            writes(ALFORD, "Alford\n  Ball\nonce more by Welsh>Ball\nnot known to reach Welsh\n"));
    }
}

#define MANY 40

/* A star of so many nodes: names that do not fit into a line go on in the next. Seven of these with
 * their indent take 100 columns, which leave no room for the comma. */
static void lines_are_broken_where_they_are_full(void)
{
    static char names[MANY][8];
    static struct topology_node many[MANY];
    static struct topology_link spokes[MANY - 1];
    struct topology star = {
        .herd = "star", .nodes = many, .node_count = MANY, .links = spokes, .link_count = MANY - 1};
    struct overview *wide = overview_new(&star);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "node%02u", i);
        names[0][strlen("node0")] = '\0';
        snprintf(many[i].name, sizeof many[i].name, "%s", names[i]);
        if (i > 0)
            spokes[i - 1] = (struct topology_link){0, i, 0};
    }
    said[0] = (struct operate_status){.topology = topology_fingerprint(&star), .origins = MANY};
    static char bits[(MANY - 1) * MANY / 8];
    memset(bits, 0xff, sizeof bits);
    said[0].ways = (struct span){bits, sizeof bits};
    for (uint32_t i = 1; i < MANY; i++)
        said[0].links[said[0].link_count++] = up_to(names[i]);
    char bytes[OPERATE_STATUS_BYTES_MAX];
    size_t count = operate_write_status(&said[0], bytes);
    CHECK(overview_take(wide, 0, (struct span){bytes, count}));
    overview_join(wide);
    text.len = 0;
    overview_write_ways(wide, &text);
    buffer_append(&text, (struct span){"", 1});
    CHECK(strstr(text.data, ",\n    node0>node07, ") != NULL);
    CHECK(strstr(text.data, "node0>node39\n changes of node01\n") != NULL);
    for (char *line = strtok(text.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
        CHECK(strlen(line) <= 100);
    overview_destroy(&wide);
}

static const struct check_case cases[] = {
    {"nobody has answered", nobody_has_answered},
    {"all is well", all_is_well},
    {"what was not compared is well", what_was_not_compared_is_well},
    {"observers never count", observers_never_count},
    {"either end tells of a difference", either_end_tells_of_a_difference},
    {"either end tells of a link that is down", either_end_tells_of_a_link_that_is_down},
    {"a node that is silent is shown by its neighbours",
     a_node_that_is_silent_is_shown_by_its_neighbours},
    {"a link that is in one file alone is down", a_link_that_is_in_one_file_alone_is_down},
    {"a node may be ill", a_node_may_be_ill},
    {"a places service may be ill", a_places_service_may_be_ill},
    {"another file is only noted", another_file_is_only_noted},
    {"a fingerprint is of the herd as a whole", a_fingerprint_is_of_the_herd_as_a_whole},
    {"garbage is no answer", garbage_is_no_answer},
    {"nodes stand in the order that is wanted", nodes_stand_in_the_order_that_is_wanted},
    {"who is picked has details", who_is_picked_has_details},
    {"the same is said in JSON", the_same_is_said_in_json},
    {"links say whose changes they carry", links_say_whose_changes_they_carry},
    {"ways that are not known are none", ways_that_are_not_known_are_none},
    {"lines are broken where they are full", lines_are_broken_where_they_are_full},
};

CHECK_MAIN(cases)
