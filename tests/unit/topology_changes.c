/* topology_changes: what a process says it will take at its next start only. */
#include "tests/unit/topology_text.h"
#include "topology/format/changes.h"
#include "topology/format/sections.h"

#define CUP    "node\n    name = Cup\n    clients = tcp://*:11502\n    bus = tcp://127.0.0.1:12502\n"
#define TO_CUP "link\n    between = Cup Ball\n"
#define KEY_A  "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define EAR    "observer\n    name = Ear\n    of = Ball\n    bus = tcp://127.0.0.1:12503\n"
#define PLACES                                                                                     \
    "places\n    gateways = tcp://127.0.0.1:13500\n    workers = tcp://127.0.0.1:13501\n"          \
    "    provider = landmarks\n    url = http://127.0.0.1:13580/a\n"
#define GOOGLE                                                                                     \
    "places\n    gateways = tcp://127.0.0.1:13500\n    workers = tcp://127.0.0.1:13501\n"          \
    "    provider = google\n    url = https://maps.example.org/a\n    key_file = a.key\n"          \
    "    fallback = photon\n    fallback_url = http://127.0.0.1:1/b\n    grid_m = 10\n"            \
    "    cache_s = 0\n    budget = 5\n"
#define PAIR HERD ALFORD BALL LINK

static void read_into(struct topology *into, const char *text)
{
    bool good = check_text(text);
    CHECK(good);
    if (!good)
        for (size_t i = 0; i < faults.count; i++)
            printf("    %u: %s\n", faults.list[i].line, faults.list[i].text);
    *into = topology;
    topology = (struct topology){0};
}

static char said[TOPOLOGY_CHANGES_BYTES_MAX];

static const char *compare_texts(const char *before, const char *after, const char *self)
{
    struct topology one, other;
    read_into(&one, before);
    read_into(&other, after);
    topology_changes_list(&one, &other, self, said);
    topology_free(&one);
    topology_free(&other);
    return said;
}

static void lists_what_differs(void)
{
    static const struct {
        const char *before, *after, *wanted;
    } rows[] = {
        {PAIR, PAIR, ""},
        {PAIR PLACES EAR, PAIR PLACES EAR, ""},
        {PAIR, PAIR CUP TO_CUP, "node Cup, link Cup-Ball"},
        {PAIR CUP TO_CUP, PAIR, "node Cup (removed), link Cup-Ball (removed)"},
        /* Neither the order of the parts nor that of a link's ends means anything. */
        {PAIR CUP TO_CUP, HERD CUP BALL ALFORD TO_CUP LINK, ""},
        {PAIR, HERD ALFORD BALL "link\n    between = Ball Alford\n", ""},
        {PAIR CUP TO_CUP, PAIR CUP "link\n    between = Alford Cup\n",
         "link Alford-Cup, link Cup-Ball (removed)"},
        {PAIR, PAIR EAR, "observer Ear"},
        {PAIR EAR, PAIR, "observer Ear (removed)"},
        {PAIR, PAIR PLACES, "places 1"},
        {PAIR PLACES, PAIR, "places 1 (removed)"},
        {HERD ALFORD CUP "link\n    between = Alford Cup\n", PAIR,
         "node Ball, node Cup (removed), link Alford-Ball, link Alford-Cup (removed)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = compare_texts(rows[i].before, rows[i].after, NULL);
        CHECK_BYTES(got, strlen(got), rows[i].wanted, strlen(rows[i].wanted));
    }
}

/* The text with its first `from` replaced. */
static const char *with(const char *text, const char *from, const char *to)
{
    static char changed[8192];
    const char *at = strstr(text, from);
    CHECK(at != NULL);
    if (at != NULL)
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to,
                 at + strlen(from));
    return changed;
}

#define KEYED                                                                                      \
    HERD "    keys = a.keys\n" ALFORD "    public_key = " KEY_A "\n" BALL                          \
         "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf8\n" LINK EAR                    \
         "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf9\n" GOOGLE                      \
         "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yfa\n"

struct row {
    enum topology_section_kind kind;
    size_t key;
    const char *text, *from, *to, *self, *wanted;
};

/* Each key of each section once. A name is whose part it is: another name is another part. */
static const struct row rows[] = {
    {SECTION_HERD, HERD_NAME, KEYED, "small", "large", NULL, "herd (name)"},
    {SECTION_HERD, HERD_KEYS, KEYED, "a.keys", "b.keys", NULL, "herd (keys)"},
    {SECTION_HERD, HERD_INSECURE, PAIR, "small\n", "small\n    insecure = yes\n", NULL,
     "herd (insecure)"},
    {SECTION_NODE, NODE_NAME, PAIR, "Alford\n    clients", "Alfred\n    clients", NULL, NULL},
    {SECTION_NODE, NODE_CLIENTS, KEYED, "11500", "11600", NULL, "node Alford (clients)"},
    {SECTION_NODE, NODE_BUS, KEYED, "12501", "12601", NULL, "node Ball (bus)"},
    {SECTION_NODE, NODE_BUS_AT, KEYED, "12501\n", "12501\n    bus_at = tcp://127.0.0.1:12601\n",
     NULL, "node Ball (bus_at)"},
    {SECTION_NODE, NODE_PUBLIC_KEY, KEYED, "yf7", "yf6", "Alford", "node Alford (public_key)"},
    {SECTION_LINK, LINK_BETWEEN, PAIR CUP LINK, "Alford Ball", "Cup Ball", NULL, NULL},
    {SECTION_OBSERVER, OBSERVER_NAME, PAIR EAR, "Ear", "Eye", NULL,
     "observer Eye, observer Ear (removed)"},
    {SECTION_OBSERVER, OBSERVER_OF, KEYED, "of = Ball", "of = Alford", NULL, "observer Ear (of)"},
    {SECTION_OBSERVER, OBSERVER_BUS, KEYED, "12503", "12603", NULL, "observer Ear (bus)"},
    {SECTION_OBSERVER, OBSERVER_BUS_AT, KEYED, "12503\n",
     "12503\n    bus_at = tcp://127.0.0.1:12603\n", NULL, "observer Ear (bus_at)"},
    {SECTION_OBSERVER, OBSERVER_PUBLIC_KEY, KEYED, "yf9", "yf6", "Ear",
     "observer Ear (public_key)"},
    {SECTION_PLACES, PLACES_GATEWAYS, KEYED, "13500", "13600", NULL, "places 1 (gateways)"},
    {SECTION_PLACES, PLACES_WORKERS, KEYED, "13501", "13601", NULL, "places 1 (workers)"},
    {SECTION_PLACES, PLACES_GATEWAYS_AT, KEYED, "13500\n",
     "13500\n    gateways_at = tcp://127.0.0.1:13600\n", NULL, "places 1 (gateways_at)"},
    {SECTION_PLACES, PLACES_WORKERS_AT, KEYED, "13501\n",
     "13501\n    workers_at = tcp://127.0.0.1:13601\n", NULL, "places 1 (workers_at)"},
    {SECTION_PLACES, PLACES_PROVIDER, KEYED, "= google\n", "= google-new\n", NULL,
     "places 1 (provider)"},
    {SECTION_PLACES, PLACES_URL, KEYED, "org/a", "org/b", NULL, "places 1 (url)"},
    {SECTION_PLACES, PLACES_KEY_FILE, KEYED, "a.key\n    f", "b.key\n    f", NULL,
     "places 1 (key_file)"},
    {SECTION_PLACES, PLACES_FALLBACK, KEYED, "photon", "overpass", NULL, "places 1 (fallback)"},
    {SECTION_PLACES, PLACES_FALLBACK_URL, KEYED, "1/b", "1/c", NULL, "places 1 (fallback_url)"},
    {SECTION_PLACES, PLACES_GRID_M, KEYED, "grid_m = 10", "grid_m = 20", NULL, "places 1 (grid_m)"},
    {SECTION_PLACES, PLACES_CACHE_S, KEYED, "    cache_s = 0\n", "", NULL, "places 1 (cache_s)"},
    {SECTION_PLACES, PLACES_BUDGET, KEYED, "budget = 5", "budget = 6", NULL, "places 1 (budget)"},
    {SECTION_PLACES, PLACES_DATABASE, PAIR PLACES, "landmarks\n",
     "landmarks\n    database = /a.db\n", NULL, "places 1 (database)"},
    {SECTION_PLACES, PLACES_PUBLIC_KEY, KEYED, "yfa", "yf6", "placesd", "places 1 (public_key)"},
};

static void names_the_key_that_differs(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (row->wanted == NULL)
            continue;
        const char *got = compare_texts(row->text, with(row->text, row->from, row->to), row->self);
        CHECK_BYTES(got, strlen(got), row->wanted, strlen(row->wanted));
    }
}

/* Whoever adds a key to topology files says here how its change is told. */
static void knows_every_key(void)
{
    for (int kind = 0; kind < SECTION_KINDS; kind++)
        for (size_t key = 0; key < SECTION_KEYS_MAX; key++) {
            const char *name = topology_sections_key((enum topology_section_kind)kind, key);
            bool found = name == NULL;
            for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                found = found || ((int)rows[i].kind == kind && rows[i].key == key);
            if (!found)
                printf("    no row for %s of section %d\n", name, kind);
            CHECK(found);
        }
}

static void leaves_out_the_keys_of_others(void)
{
    static const char *const froms[] = {"yf7", "yf8", "yf9", "yfa"};
    for (size_t i = 0; i < sizeof froms / sizeof *froms; i++) {
        CHECK(compare_texts(KEYED, with(KEYED, froms[i], "yf6"), NULL)[0] == '\0');
        CHECK(compare_texts(KEYED, with(KEYED, froms[i], "yf6"), "Cup")[0] == '\0');
    }
}

static void several_keys_of_one_part(void)
{
    char text[8192];
    snprintf(text, sizeof text, "%s", with(KEYED, "11500", "11600"));
    const char *got = compare_texts(KEYED, with(text, "12500", "12600"), NULL);
    CHECK(strcmp(got, "node Alford (clients, bus)") == 0);
    snprintf(text, sizeof text, "%s", with(KEYED, "    fallback = photon\n", ""));
    got = compare_texts(KEYED, with(text, "    fallback_url = http://127.0.0.1:1/b\n", ""), NULL);
    CHECK(strcmp(got, "places 1 (fallback, fallback_url)") == 0);
}

/* As many nodes as there can be, all linked to the first: 1,022 new nodes and links. */
static void what_does_not_fit_is_counted(void)
{
    static char text[1024 * 256];
    size_t bytes = (size_t)snprintf(text, sizeof text, "%s", PAIR);
    for (int i = 2; i < TOPOLOGY_NODES_MAX; i++)
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes,
                                  "node\n    name = N%d\n    clients = tcp://*:%d\n"
                                  "    bus = tcp://127.0.0.1:%d\nlink\n    between = Ball N%d\n",
                                  i, 20000 + i, 30000 + i, i);
    compare_texts(PAIR, text, NULL);
    size_t listed = 1;
    for (const char *at = said; (at = strstr(at, ", node ")) != NULL; at++)
        listed++;
    char wanted[64];
    snprintf(wanted, sizeof wanted, ", and %zu more", 2 * 1022 - listed);
    CHECK(strncmp(said, "node N2, node N3, ", 18) == 0);
    CHECK(strlen(said) > TOPOLOGY_CHANGES_BYTES_MAX - 64);
    CHECK(strlen(said) < TOPOLOGY_CHANGES_BYTES_MAX);
    CHECK(strcmp(said + strlen(said) - strlen(wanted), wanted) == 0);
}

static const struct check_case cases[] = {
    {"what is new, gone or different is listed", lists_what_differs},
    {"each key that differs is named", names_the_key_that_differs},
    {"no key of a topology file is forgotten", knows_every_key},
    {"public keys of others are none of it", leaves_out_the_keys_of_others},
    {"several keys of one part are one item", several_keys_of_one_part},
    {"what does not fit is counted", what_does_not_fit_is_counted},
};

CHECK_MAIN(cases)
