#include "topology/supervisor.h"
#include "tests/check.h"

static struct topology_node nodes[] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};
static struct topology_link links[] = {{0, 1, 0}, {2, 1, 0}};
static struct topology topology = {
    .nodes = nodes, .node_count = 3, .links = links, .link_count = 2, .places_count = 1};

enum { A, B, C, PLACES, CHILDREN };

static bool says(struct supervisor *core, size_t child, const char *line)
{
    struct status status;
    CHECK(status_read(line, &status));
    return supervisor_take_status(core, child, &status);
}

static void start_all(struct supervisor *core, int64_t now_ms)
{
    for (size_t child; supervisor_next_start(core, now_ms, &child);)
        supervisor_started(core, child, now_ms);
}

static struct supervisor *make_whole(void)
{
    struct supervisor *core = supervisor_new(&topology);
    start_all(core, 0);
    for (size_t i = 0; i < CHILDREN; i++)
        says(core, i, "ready");
    says(core, A, "link B up");
    says(core, B, "link A up");
    says(core, B, "link C up");
    says(core, C, "link B up");
    return core;
}

static void starts_everybody_once(void)
{
    struct supervisor *core = supervisor_new(&topology);
    size_t child, seen = 0;
    CHECK_INT(supervisor_children(core), CHILDREN);
    CHECK(strcmp(supervisor_name(core, B), "B") == 0);
    CHECK(strcmp(supervisor_name(core, PLACES), "placesd") == 0);
    while (supervisor_next_start(core, -5, &child)) {
        CHECK_INT(child, seen++);
        supervisor_started(core, child, -5);
    }
    CHECK_INT(seen, CHILDREN);
    CHECK_INT(supervisor_deadline_ms(core), INT64_MAX);
    supervisor_destroy(&core);
    CHECK(core == NULL);
    supervisor_destroy(&core);
}

static void each_places_has_its_placesd(void)
{
    topology.places_count = 0;
    struct supervisor *core = supervisor_new(&topology);
    CHECK_INT(supervisor_children(core), 3);
    supervisor_destroy(&core);
    topology.places_count = 2;
    core = supervisor_new(&topology);
    CHECK_INT(supervisor_children(core), 5);
    CHECK(strcmp(supervisor_name(core, PLACES), "placesd") == 0);
    CHECK(strcmp(supervisor_name(core, PLACES + 1), "placesd-2") == 0);
    supervisor_destroy(&core);
    topology.places_count = 1;
}

/* Every single thing that is needed, left out once. */
static void is_whole_only_with_everything(void)
{
    static const struct {
        size_t child;
        const char *line;
    } rows[] = {
        {A, "ready"},     {B, "ready"},     {C, "ready"},     {PLACES, "ready"},
        {A, "link B up"}, {B, "link A up"}, {B, "link C up"}, {C, "link B up"},
    };
    size_t count = sizeof rows / sizeof *rows;
    for (size_t missing = 0; missing < count; missing++) {
        struct supervisor *core = supervisor_new(&topology);
        start_all(core, 0);
        for (size_t i = 0; i < count; i++) {
            if (i != missing)
                CHECK(says(core, rows[i].child, rows[i].line));
            CHECK(!supervisor_is_whole(core) && !supervisor_was_whole(core));
        }
        CHECK(says(core, rows[missing].child, rows[missing].line));
        CHECK(supervisor_is_whole(core) && supervisor_was_whole(core));
        supervisor_destroy(&core);
    }
}

static void knows_news(void)
{
    struct supervisor *core = make_whole();
    CHECK(supervisor_is_whole(core));
    CHECK(!says(core, A, "ready"));
    CHECK(!says(core, A, "link B up"));
    CHECK(!says(core, A, "link C up"));
    CHECK(!says(core, PLACES, "link A up"));
    CHECK(!says(core, A, "link Nobody down"));
    CHECK(says(core, A, "link B down"));
    CHECK(!says(core, A, "link B down"));
    CHECK(!supervisor_is_whole(core) && supervisor_was_whole(core));
    CHECK(says(core, A, "link B up"));
    CHECK(supervisor_is_whole(core));
    supervisor_destroy(&core);
}

static void a_death_takes_its_word_back(void)
{
    struct supervisor *core = make_whole();
    int64_t pause_ms;
    size_t child;
    CHECK_INT(supervisor_exited(core, B, -1, 1000, &pause_ms), UP_START_AGAIN);
    CHECK_INT(pause_ms, UP_PAUSE_MS_MIN);
    CHECK_INT(supervisor_deadline_ms(core), 1000 + UP_PAUSE_MS_MIN);
    CHECK(!supervisor_next_start(core, 999 + UP_PAUSE_MS_MIN, &child));
    CHECK(supervisor_next_start(core, 1000 + UP_PAUSE_MS_MIN, &child));
    CHECK_INT(child, B);
    supervisor_started(core, B, 1000 + UP_PAUSE_MS_MIN);
    CHECK(says(core, B, "ready"));
    CHECK(!supervisor_is_whole(core));
    CHECK(says(core, B, "link A up"));
    CHECK(says(core, B, "link C up"));
    CHECK(supervisor_is_whole(core));
    supervisor_destroy(&core);
}

static void pauses_double_to_their_limit(void)
{
    static const int64_t wanted[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct supervisor *core = make_whole();
    int64_t now_ms = 0, pause_ms;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        supervisor_exited(core, C, 1, now_ms, &pause_ms);
        CHECK_INT(pause_ms, wanted[i]);
        now_ms += pause_ms;
        supervisor_started(core, C, now_ms);
    }
    /* One millisecond short of having recovered, and then recovered. */
    now_ms += UP_RECOVERED_MS - 1;
    supervisor_exited(core, C, 1, now_ms, &pause_ms);
    CHECK_INT(pause_ms, 5000);
    now_ms += pause_ms;
    supervisor_started(core, C, now_ms);
    supervisor_exited(core, C, 1, now_ms + UP_RECOVERED_MS, &pause_ms);
    CHECK_INT(pause_ms, 100);
    supervisor_destroy(&core);
}

static void gives_up_only_a_refused_start(void)
{
    int64_t pause_ms;
    struct supervisor *core = supervisor_new(&topology);
    start_all(core, 0);
    CHECK_INT(supervisor_exited(core, A, 1, 10, &pause_ms), UP_GIVE_UP);
    CHECK_INT(supervisor_exited(core, B, -1, 10, &pause_ms), UP_START_AGAIN);
    CHECK_INT(supervisor_exited(core, PLACES, 2, 10, &pause_ms), UP_GIVE_UP);
    supervisor_started(core, PLACES, 110);
    CHECK_INT(supervisor_exited(core, PLACES, 3, 120, &pause_ms), UP_START_AGAIN);
    says(core, C, "ready");
    CHECK_INT(supervisor_exited(core, C, 1, 10, &pause_ms), UP_START_AGAIN);
    supervisor_destroy(&core);

    core = make_whole();
    supervisor_exited(core, A, -1, 10, &pause_ms);
    supervisor_started(core, A, 200);
    CHECK_INT(supervisor_exited(core, A, 1, 201, &pause_ms), UP_START_AGAIN);
    supervisor_destroy(&core);
}

static void names_what_is_missing(void)
{
    char missing[UP_MISSING_BYTES_MAX];
    struct supervisor *core = supervisor_new(&topology);
    supervisor_name_missing(core, missing);
    CHECK(strcmp(missing, "A, B, C, placesd, link A-B, link C-B") == 0);
    start_all(core, 0);
    says(core, A, "ready");
    says(core, B, "ready");
    says(core, C, "ready");
    says(core, A, "link B up");
    says(core, B, "link A up");
    says(core, B, "link C up");
    supervisor_name_missing(core, missing);
    CHECK(strcmp(missing, "placesd, link C-B") == 0);
    supervisor_destroy(&core);

    static struct topology_node many[100];
    struct topology large = {.nodes = many, .node_count = 100};
    for (size_t i = 0; i < 100; i++)
        snprintf(many[i].name, sizeof many[i].name, "node-%zu", i);
    core = supervisor_new(&large);
    supervisor_name_missing(core, missing);
    CHECK_INT(strlen(missing), UP_MISSING_BYTES_MAX - 1);
    CHECK(strcmp(missing + strlen(missing) - 3, "...") == 0);
    supervisor_destroy(&core);
}

static const struct check_case cases[] = {
    {"everybody is started once, placesd last", starts_everybody_once},
    {"each places of a herd has its placesd", each_places_has_its_placesd},
    {"a herd is whole only with everything", is_whole_only_with_everything},
    {"what was said before is no news", knows_news},
    {"a death takes back what the child had said", a_death_takes_its_word_back},
    {"pauses double up to their limit and begin anew after recovery", pauses_double_to_their_limit},
    {"only a start that was refused is given up", gives_up_only_a_refused_start},
    {"what is missing is named, and cut", names_what_is_missing},
};

CHECK_MAIN(cases)
