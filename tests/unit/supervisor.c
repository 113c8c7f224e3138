#include "topology/supervisor.h"
#include "tests/check.h"

static struct topology_node nodes[] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};
static struct topology_link links[] = {{0, 1, 0}, {2, 1, 0}};
static struct topology topology = {
    .nodes = nodes, .node_count = 3, .links = links, .link_count = 2, .places_count = 1};

enum { A, B, C, PLACES, CHILDREN };

static bool says_at(struct supervisor *core, size_t child, const char *line, int64_t now_ms)
{
    struct status status;
    CHECK(status_read(line, &status));
    return supervisor_take_status(core, child, &status, now_ms);
}

static bool says(struct supervisor *core, size_t child, const char *line)
{
    return says_at(core, child, line, 0);
}

static void start_all(struct supervisor *core, int64_t now_ms)
{
    for (size_t child; supervisor_next_start(core, now_ms, &child);)
        supervisor_started(core, child, now_ms);
}

static struct supervisor *make_whole(void)
{
    struct supervisor *core = supervisor_new(&topology, NULL);
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
    struct supervisor *core = supervisor_new(&topology, NULL);
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
    struct supervisor *core = supervisor_new(&topology, NULL);
    CHECK_INT(supervisor_children(core), 3);
    supervisor_destroy(&core);
    topology.places_count = 2;
    core = supervisor_new(&topology, NULL);
    CHECK_INT(supervisor_children(core), 5);
    CHECK(strcmp(supervisor_name(core, PLACES), "placesd") == 0);
    CHECK(strcmp(supervisor_name(core, PLACES + 1), "placesd-2") == 0);
    supervisor_destroy(&core);
    topology.places_count = 1;
}

static void each_web_is_a_child_after_them(void)
{
    topology.web_count = 1;
    strcpy(topology.webs[0].name, "Door");
    struct supervisor *core = make_whole();
    CHECK_INT(supervisor_children(core), CHILDREN + 1);
    CHECK(strcmp(supervisor_name(core, PLACES), "placesd") == 0);
    CHECK(strcmp(supervisor_name(core, CHILDREN), "Door") == 0);
    CHECK(!supervisor_is_whole(core));
    CHECK(says(core, CHILDREN, "ready"));
    CHECK(supervisor_is_whole(core));
    supervisor_destroy(&core);
    topology.web_count = 0;
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
        struct supervisor *core = supervisor_new(&topology, NULL);
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
    CHECK_INT(supervisor_deadline_ms(core), 1000 + UP_PAUSE_MS_MIN); /* who dies is not watched */
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
    static const int64_t wanted[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
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
    CHECK_INT(pause_ms, UP_PAUSE_MS_MAX);
    now_ms += pause_ms;
    supervisor_started(core, C, now_ms);
    supervisor_exited(core, C, 1, now_ms + UP_RECOVERED_MS, &pause_ms);
    CHECK_INT(pause_ms, UP_PAUSE_MS_MIN);
    supervisor_destroy(&core);
}

static void gives_up_only_a_refused_start(void)
{
    int64_t pause_ms;
    struct supervisor *core = supervisor_new(&topology, NULL);
    start_all(core, 0);
    CHECK_INT(supervisor_exited(core, A, 1, 10, &pause_ms), UP_GIVE_UP);
    CHECK_INT(supervisor_exited(core, B, -1, 10, &pause_ms), UP_START_AGAIN);
    CHECK_INT(supervisor_exited(core, PLACES, 2, 10, &pause_ms), UP_GIVE_UP);
    supervisor_started(core, PLACES, 110);
    CHECK_INT(supervisor_exited(core, PLACES, 3, 120, &pause_ms), UP_START_AGAIN);
    says(core, C, "ready");
    CHECK_INT(supervisor_exited(core, C, 1, 10, &pause_ms), UP_START_AGAIN);
    supervisor_started(core, C, 1010);
    CHECK_INT(supervisor_exited(core, C, 1, 1020, &pause_ms), UP_START_AGAIN);
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
    struct supervisor *core = supervisor_new(&topology, NULL);
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
    core = supervisor_new(&large, NULL);
    supervisor_name_missing(core, missing);
    CHECK_INT(strlen(missing), UP_MISSING_BYTES_MAX - 1);
    CHECK(strcmp(missing + strlen(missing) - 3, "...") == 0);
    supervisor_destroy(&core);
}

static bool is_ended(struct supervisor *core, int64_t now_ms, size_t child, bool by_kill)
{
    size_t found = CHILDREN;
    bool at_once = !by_kill;
    bool any = supervisor_next_silent(core, now_ms, &found, &at_once);
    return any && found == child && at_once == by_kill;
}

static bool is_calm(struct supervisor *core, int64_t now_ms)
{
    size_t child;
    bool at_once;
    return !supervisor_next_silent(core, now_ms, &child, &at_once);
}

static void who_is_silent_is_ended_and_then_killed(void)
{
    struct supervisor *core = supervisor_new(&topology, NULL);
    int64_t pause_ms;
    start_all(core, 0);
    CHECK(is_calm(core, 1000000)); /* nobody is watched that has said nothing yet */
    CHECK_INT(supervisor_deadline_ms(core), INT64_MAX);
    says_at(core, A, "ready", 500);
    supervisor_alive(core, B, 700);
    CHECK_INT(supervisor_deadline_ms(core), 500 + UP_SILENCE_MS);
    supervisor_alive(core, A, 600);
    says_at(core, B, "ready", 800); /* is heard already */
    CHECK(is_calm(core, 599 + UP_SILENCE_MS));
    CHECK(is_ended(core, 600 + UP_SILENCE_MS, A, false));
    CHECK(is_calm(core, 600 + UP_SILENCE_MS));
    CHECK(is_ended(core, 700 + UP_SILENCE_MS, B, false));
    CHECK_INT(supervisor_deadline_ms(core), 600 + UP_SILENCE_MS + UP_ABORT_MS);
    supervisor_exited(core, B, -1, 710 + UP_SILENCE_MS, &pause_ms);
    supervisor_alive(core, A, 800 + UP_SILENCE_MS); /* too late */
    CHECK(is_calm(core, 599 + UP_SILENCE_MS + UP_ABORT_MS));
    CHECK(is_ended(core, 600 + UP_SILENCE_MS + UP_ABORT_MS, A, true));
    CHECK(is_calm(core, INT64_MAX - 1));
    supervisor_exited(core, A, -1, 0, &pause_ms);
    supervisor_started(core, A, 0);
    CHECK(is_calm(core, INT64_MAX - 1));
    supervisor_destroy(&core);
}

/* All of them were stopped, and who watches them, too. */
static void nobody_is_ended_who_could_not_be_heard(void)
{
    struct supervisor *core = make_whole();
    CHECK(is_calm(core, UP_SILENCE_MS + UP_AWAY_MS + 1));
    CHECK_INT(supervisor_deadline_ms(core), 2 * UP_SILENCE_MS + UP_AWAY_MS + 1);
    CHECK(is_ended(core, 2 * UP_SILENCE_MS + 2 * UP_AWAY_MS + 1, A, false));
    /* Who is ended is killed in any case. */
    CHECK(is_ended(core, 1000000, A, true));
    supervisor_destroy(&core);
}

static void what_is_elsewhere_is_nobodys_child(void)
{
    static const bool is_here[CHILDREN] = {[B] = true};
    struct supervisor *core = supervisor_new(&topology, is_here);
    char missing[UP_MISSING_BYTES_MAX];
    size_t child;
    for (size_t i = 0; i < CHILDREN; i++)
        CHECK(supervisor_has(core, i) == is_here[i]);
    CHECK(supervisor_next_start(core, 0, &child) && child == B);
    supervisor_started(core, B, 0);
    CHECK(!supervisor_next_start(core, INT64_MAX, &child));
    supervisor_name_missing(core, missing);
    CHECK(strcmp(missing, "B, link A-B, link C-B") == 0);
    says(core, B, "ready");
    says(core, B, "link A up");
    CHECK(!supervisor_is_whole(core));
    says(core, B, "link C up");
    CHECK(supervisor_is_whole(core));
    supervisor_destroy(&core);
}

static const struct check_case cases[] = {
    {"everybody is started once, placesd last", starts_everybody_once},
    {"each places of a herd has its placesd", each_places_has_its_placesd},
    {"each web is a child, after nodes and places", each_web_is_a_child_after_them},
    {"a herd is whole only with everything", is_whole_only_with_everything},
    {"what was said before is no news", knows_news},
    {"a death takes back what the child had said", a_death_takes_its_word_back},
    {"pauses double up to their limit and start over after recovery", pauses_double_to_their_limit},
    {"only a start that was refused is given up", gives_up_only_a_refused_start},
    {"who is silent is ended, and then killed", who_is_silent_is_ended_and_then_killed},
    {"nobody is ended who could not be heard", nobody_is_ended_who_could_not_be_heard},
    {"what is elsewhere is nobody's child", what_is_elsewhere_is_nobodys_child},
    {"what is missing is named, and cut", names_what_is_missing},
};

CHECK_MAIN(cases)
