/* topology_changes: what of a file that is read again a process takes, leaves and refuses. */
#include "tests/unit/topology_text.h"
#include "topology/format/changes.h"
#include "topology/format/schema.h"

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
#define PLACES_2                                                                                   \
    "places\n    gateways = tcp://127.0.0.1:13600\n    workers = tcp://127.0.0.1:13601\n"          \
    "    provider = landmarks\n    url = http://127.0.0.1:13590/a\n"
#define BALL_2                                                                                     \
    "node\n    name = Ball\n    clients = tcp://*:11601\n    bus = tcp://127.0.0.1:12601\n"
#define WEB      "web\n    of = Ball\n    observer = Ear\n    listen = tcp://127.0.0.1:14500\n"
#define DOOR     "    name = Door\n"
#define WEB_TLS  WEB "    certificate = a.pem\n    certificate_key = a.key\n"
#define AT_SPY   "web\n    of = Alford\n    observer = Spy\n    listen = tcp://127.0.0.1:14500\n"
#define AT_SPY_2 "web\n    of = Alford\n    observer = Spy\n    listen = tcp://127.0.0.1:14501\n"
#define SPY      "observer\n    name = Spy\n    of = Alford\n    bus = tcp://127.0.0.1:12505\n"
#define EYE      "observer\n    name = Eye\n    of = Ball\n    bus = tcp://127.0.0.1:12504\n"
#define PAIR     HERD ALFORD BALL LINK

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

static struct topology_changes changes;
static char said[8192];

/* All that differs, separated by commas: `! ` is refused, `later ` waits for the next start. */
static const char *compare_texts_for(const char *before, const char *after,
                                     enum topology_asker asker, const char *self)
{
    static const char *const marks[] = {
        [TOPOLOGY_CHANGE_NOW] = "",
        [TOPOLOGY_CHANGE_AT_START] = "later ",
        [TOPOLOGY_CHANGE_REFUSED] = "! ",
    };
    struct topology one, other;
    size_t bytes = 0;
    read_into(&one, before);
    read_into(&other, after);
    topology_changes_list(&one, &other, asker, self, &changes);
    topology_free(&one);
    topology_free(&other);
    said[0] = '\0';
    for (size_t i = 0; i < changes.count; i++)
        bytes +=
            (size_t)snprintf(said + bytes, sizeof said - bytes, "%s%s%s", bytes > 0 ? ", " : "",
                             marks[changes.list[i].when], changes.list[i].text);
    return said;
}

static const char *compare_texts(const char *before, const char *after, const char *self)
{
    return compare_texts_for(before, after, TOPOLOGY_ASKER_NODE, self);
}

static void lists_what_differs(void)
{
    static const struct {
        const char *before, *after, *self, *wanted;
    } rows[] = {
        {PAIR, PAIR, "Ball", ""},
        {PAIR PLACES EAR, PAIR PLACES EAR, "Ball", ""},
        {PAIR, PAIR CUP TO_CUP, "Ball", "node Cup, link Cup-Ball"},
        {PAIR CUP TO_CUP, PAIR, "Ball", "node Cup (removed), link Cup-Ball (removed)"},
        {PAIR CUP TO_CUP, PAIR, "Cup", "! node Cup (removed), link Cup-Ball (removed)"},
        /* Neither the order of the parts nor that of a link's ends means anything. */
        {PAIR CUP TO_CUP, HERD CUP BALL ALFORD TO_CUP LINK, "Ball", ""},
        {PAIR, HERD ALFORD BALL "link\n    between = Ball Alford\n", "Ball", ""},
        {PAIR CUP TO_CUP, PAIR CUP "link\n    between = Alford Cup\n", "Ball",
         "link Alford-Cup, link Cup-Ball (removed)"},
        {PAIR, PAIR EAR, "Ball", "observer Ear"},
        {PAIR EAR, PAIR, "Ball", "observer Ear (removed)"},
        {PAIR EAR, PAIR EAR WEB, "Ball", "web Ear"},
        {PAIR EAR WEB, PAIR EAR, "Ball", "web Ear (removed)"},
        {PAIR EAR SPY WEB DOOR, PAIR EAR SPY AT_SPY DOOR, "Ball", "web Door (of, observer)"},
        {PAIR, PAIR "operator\n    name = Ada\n", "Ball", "operator Ada"},
        {PAIR "operator\n    name = Ada\n", PAIR, "Ball", "operator Ada (removed)"},
        {PAIR, PAIR PLACES, "Ball", "places 1"},
        {PAIR PLACES, PAIR, "Ball", "places 1 (removed)"},
        {HERD ALFORD CUP "link\n    between = Alford Cup\n", PAIR, "Alford",
         "node Ball, node Cup (removed), link Alford-Ball, link Alford-Cup (removed)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = compare_texts(rows[i].before, rows[i].after, rows[i].self);
        CHECK_BYTES(got, strlen(got), rows[i].wanted, strlen(rows[i].wanted));
    }
}

/* The same file is another matter for each who goes by it. */
static void each_asker_takes_what_it_can(void)
{
    static const struct {
        enum topology_asker asker;
        const char *before, *after, *self, *wanted;
    } rows[] = {
        {TOPOLOGY_ASKER_BROKER, PAIR PLACES, PAIR CUP TO_CUP PLACES, "1",
         "node Cup, link Cup-Ball"},
        {TOPOLOGY_ASKER_BROKER, PAIR PLACES, PAIR PLACES PLACES_2, "1", "places 2"},
        {TOPOLOGY_ASKER_BROKER, PAIR PLACES PLACES_2, PAIR PLACES, "1", "places 2 (removed)"},
        {TOPOLOGY_ASKER_BROKER, PAIR PLACES PLACES_2, PAIR PLACES, "2", "! places 2 (removed)"},
        {TOPOLOGY_ASKER_BROKER, PAIR GOOGLE, PAIR PLACES, "2",
         "places 1 (provider, url, key_file, fallback, fallback_url, grid_m, cache_s, budget)"},
        {TOPOLOGY_ASKER_WORKER, PAIR PLACES PLACES_2, PAIR PLACES, NULL, "places 2 (removed)"},
        {TOPOLOGY_ASKER_WORKER, PAIR PLACES, PAIR GOOGLE, NULL,
         "places 1 (provider, url, key_file, fallback, fallback_url, grid_m, cache_s, budget)"},
        {TOPOLOGY_ASKER_UP, PAIR PLACES, PAIR CUP TO_CUP PLACES, NULL,
         "later node Cup, link Cup-Ball"},
        {TOPOLOGY_ASKER_UP, PAIR CUP TO_CUP, PAIR, NULL,
         "later node Cup (removed), link Cup-Ball (removed)"},
        {TOPOLOGY_ASKER_UP, PAIR PLACES, PAIR, NULL, "later places 1 (removed)"},
        {TOPOLOGY_ASKER_OBSERVER, PAIR EAR, PAIR CUP TO_CUP EAR PLACES, "Ear",
         "node Cup, link Cup-Ball, places 1"},
        {TOPOLOGY_ASKER_OBSERVER, PAIR EAR, PAIR, "Ear", "later observer Ear (removed)"},
        {TOPOLOGY_ASKER_OBSERVER, PAIR EAR EYE, PAIR EAR, "Ear", "observer Eye (removed)"},
        {TOPOLOGY_ASKER_OBSERVER, PAIR EAR WEB, PAIR EAR, "Ear", "web Ear (removed)"},
        {TOPOLOGY_ASKER_BROKER, PAIR EAR PLACES, PAIR EAR WEB PLACES, NULL, "web Ear"},
        {TOPOLOGY_ASKER_UP, PAIR EAR, PAIR EAR WEB, NULL, "later web Ear"},
        {TOPOLOGY_ASKER_UP, PAIR EAR WEB, PAIR EAR, NULL, "later web Ear (removed)"},
        {TOPOLOGY_ASKER_UP, PAIR EAR SPY WEB DOOR, PAIR EAR SPY AT_SPY DOOR, NULL,
         "web Door (of, observer)"},
        {TOPOLOGY_ASKER_WEB, PAIR EAR WEB, PAIR CUP TO_CUP EAR EYE WEB PLACES, "Ear",
         "node Cup, link Cup-Ball, observer Eye, places 1"},
        {TOPOLOGY_ASKER_WEB, PAIR EAR WEB, HERD ALFORD BALL_2 LINK EAR WEB, "Ear",
         "node Ball (bus), later node Ball (clients)"},
        {TOPOLOGY_ASKER_WEB, PAIR EAR SPY AT_SPY, HERD ALFORD BALL_2 LINK EAR SPY AT_SPY, "Spy",
         "node Ball (clients, bus)"},
        {TOPOLOGY_ASKER_WEB, PAIR EAR WEB, PAIR EAR, "Ear", "later web Ear (removed)"},
        {TOPOLOGY_ASKER_WEB, PAIR EAR SPY WEB DOOR, PAIR EAR SPY AT_SPY DOOR, "Door",
         "later web Door (of, observer)"},
        {TOPOLOGY_ASKER_WEB, PAIR EAR SPY WEB, PAIR EAR SPY AT_SPY_2, "Ear",
         "web Spy, later web Ear (removed)"},
        {TOPOLOGY_ASKER_WEB, PAIR EAR SPY WEB AT_SPY_2, PAIR EAR SPY WEB, "Ear",
         "web Spy (removed)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got =
            compare_texts_for(rows[i].before, rows[i].after, rows[i].asker, rows[i].self);
        CHECK_BYTES(got, strlen(got), rows[i].wanted, strlen(rows[i].wanted));
    }
}

/* The text with its first `from` replaced. */
static const char *with(const char *text, const char *from, const char *to)
{
    static char changed[1024 * 256];
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
         "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf9\n"                             \
         "operator\n    name = Ada\n"                                                              \
         "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yfb\n" GOOGLE                      \
         "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yfa\n"

#define KEYED_PAIR                                                                                 \
    HERD "    keys = a.keys\n" ALFORD "    public_key = " KEY_A "\n" BALL                          \
         "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf8\n" LINK

#define SECURE                                                                                     \
    HERD ALFORD "    clients_tls = tls://*:11600\n    certificate = a.pem\n"                       \
                "    certificate_key = a.key\n    client_ca = b.pem\n" BALL LINK

#define NODE     TOPOLOGY_ASKER_NODE
#define OBSERVER TOPOLOGY_ASKER_OBSERVER
#define SERVICE  TOPOLOGY_ASKER_BROKER
#define SERVER   TOPOLOGY_ASKER_WEB
#define UP       TOPOLOGY_ASKER_UP

struct row {
    enum topology_section_kind kind;
    const char *key, *text, *from, *to;
    struct {
        enum topology_asker asker;
        const char *self, *wanted; /* NULL: no more */
    } by[4];
};

/* Each key of each section once. A name is whose part it is: another name is another part. */
static const struct row rows[] = {
    {SECTION_HERD,
     "name",
     KEYED,
     "small",
     "large",
     {{NODE, "Ball", "! herd (name)"},
      {SERVICE, "1", "later herd (name)"},
      {UP, NULL, "later herd (name)"}}},
    {SECTION_HERD,
     "keys",
     KEYED,
     "a.keys",
     "b.keys",
     {{NODE, "Ball", "later herd (keys)"},
      {SERVICE, "1", "later herd (keys)"},
      {UP, NULL, "later herd (keys)"}}},
    {SECTION_HERD,
     "insecure",
     PAIR,
     "small\n",
     "small\n    insecure = yes\n",
     {{NODE, "Ball", "herd (insecure)"},
      {SERVICE, "1", "herd (insecure)"},
      {OBSERVER, "Ear", "herd (insecure)"}}},
    {SECTION_HERD,
     "max_id_bytes",
     PAIR,
     "small\n",
     "small\n    max_id_bytes = 255\n",
     {{NODE, "Ball", "herd (max_id_bytes)"},
      {SERVICE, "1", "herd (max_id_bytes)"},
      {OBSERVER, "Ear", "herd (max_id_bytes)"}}},
    {SECTION_HERD,
     "former",
     PAIR,
     "small\n",
     "small\n    former = Gus Ann\n",
     {{NODE, "Ball", "herd (former)"},
      {SERVICE, "1", "herd (former)"},
      {OBSERVER, "Ear", "herd (former)"}}},
    {SECTION_HERD,
     "expire",
     PAIR,
     "small\n",
     "small\n    expire = 1h\n",
     {{NODE, "Ball", "herd (expire)"},
      {SERVICE, "1", "herd (expire)"},
      {OBSERVER, "Ear", "herd (expire)"}}},
    {SECTION_HERD,
     "forget",
     PAIR,
     "small\n",
     "small\n    forget = yes\n",
     {{NODE, "Ball", "herd (forget)"},
      {SERVICE, "1", "herd (forget)"},
      {OBSERVER, "Ear", "herd (forget)"}}},
    {SECTION_HERD,
     "access",
     PAIR,
     "small\n",
     "small\n    access = small.access\n",
     {{NODE, "Ball", "herd (access)"},
      {SERVICE, "1", "herd (access)"},
      {OBSERVER, "Ear", "herd (access)"}}},
    {SECTION_HERD,
     "nearby",
     PAIR,
     "small\n",
     "small\n    nearby = no\n",
     {{NODE, "Ball", "! herd (nearby)"},
      {SERVICE, "1", "later herd (nearby)"},
      {OBSERVER, "Ear", "later herd (nearby)"}}},
    {SECTION_HERD,
     "watch",
     PAIR,
     "small\n",
     "small\n    watch = no\n",
     {{NODE, "Ball", "! herd (watch)"},
      {SERVICE, "1", "later herd (watch)"},
      {OBSERVER, "Ear", "later herd (watch)"}}},
    {SECTION_HERD,
     "journal",
     PAIR,
     "small\n",
     "small\n    journal = always\n",
     {{NODE, "Ball", "! herd (journal)"},
      {SERVICE, "1", "later herd (journal)"},
      {OBSERVER, "Ear", "later herd (journal)"}}},
    {SECTION_HERD,
     "answers_after",
     PAIR,
     "small\n",
     "small\n    answers_after = neighbour\n",
     {{NODE, "Ball", "herd (answers_after)"},
      {SERVICE, "1", "herd (answers_after)"},
      {OBSERVER, "Ear", "herd (answers_after)"}}},
    {SECTION_HERD,
     "max_clients",
     PAIR,
     "small\n",
     "small\n    max_clients = 5\n",
     {{NODE, "Ball", "herd (max_clients)"},
      {SERVICE, "1", "herd (max_clients)"},
      {OBSERVER, "Ear", "herd (max_clients)"}}},
    {SECTION_HERD,
     "max_table_bytes",
     PAIR,
     "small\n",
     "small\n    max_table_bytes = 2M\n",
     {{NODE, "Ball", "herd (max_table_bytes)"},
      {SERVICE, "1", "herd (max_table_bytes)"},
      {OBSERVER, "Ear", "herd (max_table_bytes)"}}},
    {SECTION_HERD,
     "new_clients",
     PAIR,
     "small\n",
     "small\n    new_clients = 1/2\n",
     {{NODE, "Ball", "herd (new_clients)"},
      {SERVICE, "1", "herd (new_clients)"},
      {OBSERVER, "Ear", "herd (new_clients)"}}},
    {SECTION_HERD,
     "log",
     PAIR,
     "small\n",
     "small\n    log = events\n",
     {{NODE, "Ball", "herd (log)"}, {SERVICE, "1", "herd (log)"}, {OBSERVER, "Ear", "herd (log)"}}},
    {SECTION_HERD,
     "log_rate",
     PAIR,
     "small\n",
     "small\n    log_rate = 5\n",
     {{NODE, "Ball", "herd (log_rate)"},
      {SERVICE, "1", "herd (log_rate)"},
      {OBSERVER, "Ear", "herd (log_rate)"}}},
    {SECTION_HERD,
     "log_level",
     PAIR,
     "small\n",
     "small\n    log_level = debug\n",
     {{NODE, "Ball", "herd (log_level)"},
      {SERVICE, "1", "herd (log_level)"},
      {OBSERVER, "Ear", "herd (log_level)"}}},
    {SECTION_HERD,
     "log_file",
     PAIR,
     "small\n",
     "small\n    log_file = -\n",
     {{NODE, "Ball", "herd (log_file)"},
      {SERVICE, "1", "herd (log_file)"},
      {OBSERVER, "Ear", "herd (log_file)"}}},
    {SECTION_HERD,
     "log_max_bytes",
     PAIR,
     "small\n",
     "small\n    log_max_bytes = 64K\n",
     {{NODE, "Ball", "herd (log_max_bytes)"},
      {SERVICE, "1", "herd (log_max_bytes)"},
      {OBSERVER, "Ear", "herd (log_max_bytes)"}}},
    {SECTION_HERD,
     "log_format",
     PAIR,
     "small\n",
     "small\n    log_format = json\n",
     {{NODE, "Ball", "herd (log_format)"},
      {SERVICE, "1", "herd (log_format)"},
      {OBSERVER, "Ear", "herd (log_format)"}}},
    {SECTION_HERD,
     "certificate",
     PAIR,
     "small\n",
     "small\n    certificate = a.pem\n",
     {{NODE, "Ball", "herd (certificate)"},
      {SERVICE, "1", "herd (certificate)"},
      {OBSERVER, "Ear", "herd (certificate)"}}},
    {SECTION_HERD,
     "certificate_key",
     PAIR,
     "small\n",
     "small\n    certificate_key = a.key\n",
     {{NODE, "Ball", "herd (certificate_key)"},
      {SERVICE, "1", "herd (certificate_key)"},
      {OBSERVER, "Ear", "herd (certificate_key)"}}},
    {SECTION_HERD,
     "client_ca",
     PAIR,
     "small\n",
     "small\n    client_ca = b.pem\n",
     {{NODE, "Ball", "herd (client_ca)"},
      {SERVICE, "1", "herd (client_ca)"},
      {OBSERVER, "Ear", "herd (client_ca)"}}},
    {SECTION_NODE,
     "name",
     PAIR,
     "Alford\n    clients",
     "Alfred\n    clients",
     {{NODE, NULL, NULL}}},
    {SECTION_NODE,
     "clients",
     KEYED,
     "11500",
     "11600",
     {{NODE, "Alford", "node Alford (clients)"},
      {NODE, "Ball", "node Alford (clients)"},
      {UP, NULL, "node Alford (clients)"}}},
    {SECTION_NODE,
     "bus",
     KEYED,
     "12501",
     "12601",
     {{NODE, "Ball", "! node Ball (bus)"},
      {NODE, "Alford", "node Ball (bus)"},
      {OBSERVER, "Ear", "later node Ball (bus)"}}},
    {SECTION_NODE,
     "bus_at",
     KEYED,
     "12501\n",
     "12501\n    bus_at = tcp://127.0.0.1:12601\n",
     {{NODE, "Ball", "node Ball (bus_at)"},
      {NODE, "Alford", "node Ball (bus_at)"},
      {OBSERVER, "Ear", "later node Ball (bus_at)"}}},
    {SECTION_NODE,
     "public_key",
     KEYED,
     "yf7",
     "yf6",
     {{NODE, "Alford", "later node Alford (public_key)"},
      {NODE, "Ball", "node Alford (public_key)"},
      {SERVICE, "1", "node Alford (public_key)"}}},
    {SECTION_NODE,
     "trusted",
     KEYED,
     "12501\n",
     "12501\n    trusted = 192.0.2.1\n",
     {{NODE, "Ball", "node Ball (trusted)"},
      {NODE, "Alford", "node Ball (trusted)"},
      {SERVICE, "1", "node Ball (trusted)"}}},
    {SECTION_NODE,
     "monitor",
     KEYED,
     "12501\n",
     "12501\n    monitor = tcp://127.0.0.1:14501\n",
     {{NODE, "Ball", "later node Ball (monitor)"},
      {NODE, "Alford", "node Ball (monitor)"},
      {SERVICE, "1", "node Ball (monitor)"}}},
    {SECTION_NODE,
     "monitor_token_file",
     KEYED,
     "12501\n",
     "12501\n    monitor = tcp://127.0.0.1:14501\n    monitor_token_file = a\n",
     {{NODE, "Ball", "later node Ball (monitor, monitor_token_file)"},
      {NODE, "Alford", "node Ball (monitor, monitor_token_file)"}}},
    {SECTION_NODE,
     "max_clients",
     PAIR,
     "11500\n",
     "11500\n    max_clients = 5\n",
     {{NODE, "Alford", "node Alford (max_clients)"},
      {NODE, "Ball", "node Alford (max_clients)"},
      {SERVICE, "1", "node Alford (max_clients)"}}},
    {SECTION_NODE,
     "max_table_bytes",
     PAIR,
     "11500\n",
     "11500\n    max_table_bytes = 2M\n",
     {{NODE, "Alford", "node Alford (max_table_bytes)"},
      {NODE, "Ball", "node Alford (max_table_bytes)"},
      {SERVICE, "1", "node Alford (max_table_bytes)"}}},
    {SECTION_NODE,
     "new_clients",
     PAIR,
     "11500\n",
     "11500\n    new_clients = 1/2\n",
     {{NODE, "Alford", "node Alford (new_clients)"},
      {NODE, "Ball", "node Alford (new_clients)"},
      {SERVICE, "1", "node Alford (new_clients)"}}},
    {SECTION_NODE,
     "log",
     PAIR,
     "11500\n",
     "11500\n    log = events\n",
     {{NODE, "Alford", "node Alford (log)"},
      {NODE, "Ball", "node Alford (log)"},
      {SERVICE, "1", "node Alford (log)"}}},
    {SECTION_NODE,
     "log_rate",
     PAIR,
     "11500\n",
     "11500\n    log_rate = 5\n",
     {{NODE, "Alford", "node Alford (log_rate)"},
      {NODE, "Ball", "node Alford (log_rate)"},
      {SERVICE, "1", "node Alford (log_rate)"}}},
    {SECTION_NODE,
     "log_level",
     PAIR,
     "11500\n",
     "11500\n    log_level = debug\n",
     {{NODE, "Alford", "node Alford (log_level)"},
      {NODE, "Ball", "node Alford (log_level)"},
      {SERVICE, "1", "node Alford (log_level)"}}},
    {SECTION_NODE,
     "log_file",
     PAIR,
     "11500\n",
     "11500\n    log_file = -\n",
     {{NODE, "Alford", "node Alford (log_file)"},
      {NODE, "Ball", "node Alford (log_file)"},
      {SERVICE, "1", "node Alford (log_file)"}}},
    {SECTION_NODE,
     "log_max_bytes",
     PAIR,
     "11500\n",
     "11500\n    log_max_bytes = 64K\n",
     {{NODE, "Alford", "node Alford (log_max_bytes)"},
      {NODE, "Ball", "node Alford (log_max_bytes)"},
      {SERVICE, "1", "node Alford (log_max_bytes)"}}},
    {SECTION_NODE,
     "log_format",
     PAIR,
     "11500\n",
     "11500\n    log_format = json\n",
     {{NODE, "Alford", "node Alford (log_format)"},
      {NODE, "Ball", "node Alford (log_format)"},
      {SERVICE, "1", "node Alford (log_format)"}}},
    {SECTION_NODE,
     "clients_tls",
     SECURE,
     "11600",
     "11601",
     {{NODE, "Alford", "node Alford (clients_tls)"},
      {NODE, "Ball", "node Alford (clients_tls)"},
      {UP, NULL, "node Alford (clients_tls)"}}},
    {SECTION_NODE,
     "certificate",
     SECURE,
     "a.pem",
     "c.pem",
     {{NODE, "Alford", "node Alford (certificate)"},
      {NODE, "Ball", "node Alford (certificate)"},
      {SERVICE, "1", "node Alford (certificate)"}}},
    {SECTION_NODE,
     "certificate_key",
     SECURE,
     "a.key",
     "c.key",
     {{NODE, "Alford", "node Alford (certificate_key)"},
      {NODE, "Ball", "node Alford (certificate_key)"},
      {SERVICE, "1", "node Alford (certificate_key)"}}},
    {SECTION_NODE,
     "client_ca",
     SECURE,
     "b.pem",
     "c.pem",
     {{NODE, "Alford", "node Alford (client_ca)"},
      {NODE, "Ball", "node Alford (client_ca)"},
      {SERVICE, "1", "node Alford (client_ca)"}}},
    {SECTION_LINK, "between", PAIR CUP LINK, "Alford Ball", "Cup Ball", {{NODE, NULL, NULL}}},
    {SECTION_OBSERVER,
     "name",
     PAIR EAR,
     "Ear",
     "Eye",
     {{NODE, "Ball", "observer Eye, observer Ear (removed)"}}},
    {SECTION_OBSERVER,
     "of",
     KEYED,
     "of = Ball",
     "of = Alford",
     {{NODE, "Ball", "observer Ear (of)"},
      {OBSERVER, "Ear", "later observer Ear (of)"},
      {OBSERVER, "Eye", "observer Ear (of)"}}},
    {SECTION_OBSERVER,
     "bus",
     KEYED,
     "12503",
     "12603",
     {{NODE, "Ball", "observer Ear (bus)"},
      {OBSERVER, "Ear", "later observer Ear (bus)"},
      {OBSERVER, "Eye", "observer Ear (bus)"}}},
    {SECTION_OBSERVER,
     "bus_at",
     KEYED,
     "12503\n",
     "12503\n    bus_at = tcp://127.0.0.1:12603\n",
     {{NODE, "Ball", "observer Ear (bus_at)"},
      {OBSERVER, "Ear", "later observer Ear (bus_at)"},
      {OBSERVER, "Eye", "observer Ear (bus_at)"}}},
    {SECTION_OBSERVER,
     "public_key",
     KEYED,
     "yf9",
     "yf6",
     {{NODE, "Ball", "observer Ear (public_key)"},
      {OBSERVER, "Ear", "later observer Ear (public_key)"},
      {OBSERVER, "Eye", "observer Ear (public_key)"}}},
    {SECTION_OPERATOR,
     "name",
     KEYED,
     "Ada",
     "Eve",
     {{NODE, "Ball", "operator Eve, operator Ada (removed)"}}},
    {SECTION_OPERATOR,
     "public_key",
     KEYED,
     "yfb",
     "yfc",
     {{NODE, "Ball", "operator Ada (public_key)"}, {SERVICE, "1", "operator Ada (public_key)"}}},
    {SECTION_WEB,
     "name",
     PAIR EAR WEB,
     "14500\n",
     "14500\n" DOOR,
     {{NODE, "Ball", "web Door, web Ear (removed)"},
      {SERVER, "Ear", "web Door, later web Ear (removed)"},
      {UP, NULL, "later web Door, later web Ear (removed)"}}},
    {SECTION_WEB, "of", PAIR EAR WEB, NULL, NULL, {{NODE, NULL, NULL}}},
    {SECTION_WEB, "observer", PAIR EAR WEB, NULL, NULL, {{NODE, NULL, NULL}}},
    {SECTION_WEB,
     "listen",
     PAIR EAR WEB,
     "14500",
     "14600",
     {{NODE, "Ball", "web Ear (listen)"},
      {OBSERVER, "Ear", "web Ear (listen)"},
      {SERVER, "Ear", "later web Ear (listen)"},
      {UP, NULL, "web Ear (listen)"}}},
    {SECTION_WEB,
     "token_file",
     PAIR EAR WEB,
     "14500\n",
     "14500\n    token_file = a.token\n",
     {{NODE, "Ball", "web Ear (token_file)"},
      {OBSERVER, "Ear", "web Ear (token_file)"},
      {SERVER, "Ear", "web Ear (token_file)"},
      {UP, NULL, "web Ear (token_file)"}}},
    {SECTION_WEB,
     "certificate",
     PAIR EAR WEB_TLS,
     "a.pem",
     "b.pem",
     {{NODE, "Ball", "web Ear (certificate)"},
      {SERVER, "Ear", "web Ear (certificate)"},
      {UP, NULL, "web Ear (certificate)"}}},
    {SECTION_WEB,
     "certificate_key",
     PAIR EAR WEB_TLS,
     "a.key",
     "b.key",
     {{NODE, "Ball", "web Ear (certificate_key)"},
      {SERVER, "Ear", "web Ear (certificate_key)"},
      {UP, NULL, "web Ear (certificate_key)"}}},
    {SECTION_WEB,
     "tiles",
     PAIR EAR WEB,
     "14500\n",
     "14500\n    tiles = https://a.example/{z}/{x}/{y}.png\n",
     {{NODE, "Ball", "web Ear (tiles)"},
      {SERVER, "Ear", "later web Ear (tiles)"},
      {UP, NULL, "web Ear (tiles)"}}},
    {SECTION_PLACES,
     "gateways",
     KEYED,
     "13500",
     "13600",
     {{NODE, "Ball", "places 1 (gateways)"},
      {SERVICE, "1", "places 1 (gateways)"},
      {OBSERVER, "Ear", "places 1 (gateways)"}}},
    {SECTION_PLACES,
     "gateways_at",
     KEYED,
     "13500\n",
     "13500\n    gateways_at = tcp://127.0.0.1:13600\n",
     {{NODE, "Ball", "places 1 (gateways_at)"},
      {SERVICE, "1", "places 1 (gateways_at)"},
      {OBSERVER, "Ear", "places 1 (gateways_at)"}}},
    {SECTION_PLACES,
     "workers",
     KEYED,
     "13501",
     "13601",
     {{NODE, "Ball", "places 1 (workers)"},
      {SERVICE, "1", "places 1 (workers)"},
      {UP, NULL, "places 1 (workers)"}}},
    {SECTION_PLACES,
     "workers_at",
     KEYED,
     "13501\n",
     "13501\n    workers_at = tcp://127.0.0.1:13601\n",
     {{NODE, "Ball", "places 1 (workers_at)"},
      {SERVICE, "1", "places 1 (workers_at)"},
      {UP, NULL, "places 1 (workers_at)"}}},
    {SECTION_PLACES,
     "provider",
     KEYED,
     "= google\n",
     "= google-new\n",
     {{NODE, "Ball", "places 1 (provider)"},
      {SERVICE, "1", "later places 1 (provider)"},
      {UP, NULL, "places 1 (provider)"}}},
    {SECTION_PLACES,
     "url",
     KEYED,
     "org/a",
     "org/b",
     {{NODE, "Ball", "places 1 (url)"},
      {SERVICE, "1", "later places 1 (url)"},
      {UP, NULL, "places 1 (url)"}}},
    {SECTION_PLACES,
     "key_file",
     KEYED,
     "a.key\n    f",
     "b.key\n    f",
     {{NODE, "Ball", "places 1 (key_file)"},
      {SERVICE, "1", "later places 1 (key_file)"},
      {UP, NULL, "places 1 (key_file)"}}},
    {SECTION_PLACES,
     "fallback",
     KEYED,
     "photon",
     "overpass",
     {{NODE, "Ball", "places 1 (fallback)"},
      {SERVICE, "1", "later places 1 (fallback)"},
      {UP, NULL, "places 1 (fallback)"}}},
    {SECTION_PLACES,
     "fallback_url",
     KEYED,
     "1/b",
     "1/c",
     {{NODE, "Ball", "places 1 (fallback_url)"},
      {SERVICE, "1", "later places 1 (fallback_url)"},
      {UP, NULL, "places 1 (fallback_url)"}}},
    {SECTION_PLACES,
     "grid_m",
     KEYED,
     "grid_m = 10",
     "grid_m = 20",
     {{NODE, "Ball", "places 1 (grid_m)"},
      {SERVICE, "1", "later places 1 (grid_m)"},
      {UP, NULL, "places 1 (grid_m)"}}},
    {SECTION_PLACES,
     "cache_s",
     KEYED,
     "    cache_s = 0\n",
     "",
     {{NODE, "Ball", "places 1 (cache_s)"},
      {SERVICE, "1", "later places 1 (cache_s)"},
      {UP, NULL, "places 1 (cache_s)"}}},
    {SECTION_PLACES,
     "budget",
     KEYED,
     "budget = 5",
     "budget = 6",
     {{NODE, "Ball", "places 1 (budget)"},
      {SERVICE, "1", "later places 1 (budget)"},
      {UP, NULL, "places 1 (budget)"}}},
    {SECTION_PLACES,
     "database",
     PAIR PLACES,
     "landmarks\n",
     "landmarks\n    database = /a.db\n",
     {{NODE, "Ball", "places 1 (database)"}, {SERVICE, "1", "later places 1 (database)"}}},
    {SECTION_PLACES,
     "monitor",
     KEYED,
     "13501\n",
     "13501\n    monitor = tcp://127.0.0.1:14501\n",
     {{NODE, "Ball", "places 1 (monitor)"}, {SERVICE, "1", "later places 1 (monitor)"}}},
    {SECTION_PLACES,
     "monitor_token_file",
     KEYED,
     "13501\n",
     "13501\n    monitor = tcp://127.0.0.1:14501\n    monitor_token_file = a\n",
     {{NODE, "Ball", "places 1 (monitor, monitor_token_file)"},
      {SERVICE, "1", "later places 1 (monitor, monitor_token_file)"}}},
    {SECTION_PLACES,
     "public_key",
     KEYED,
     "yfa",
     "yf6",
     {{NODE, "Ball", "places 1 (public_key)"}, {SERVICE, "1", "later places 1 (public_key)"}}},
};

static void names_the_key_that_differs(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        for (size_t by = 0; by < 4 && row->by[by].wanted != NULL; by++) {
            const char *wanted = row->by[by].wanted;
            const char *got = compare_texts_for(row->text, with(row->text, row->from, row->to),
                                                row->by[by].asker, row->by[by].self);
            CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
        }
    }
}

/* Each key of topology files needs a row here that says how its change is reported. */
static void knows_every_key(void)
{
    for (int kind = 0; kind < SECTION_KINDS; kind++)
        for (size_t key = 0; key < topology_schemas[kind].count; key++) {
            const char *name = topology_schemas[kind].keys[key].name;
            bool found = false;
            for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                found = found || ((int)rows[i].kind == kind && strcmp(rows[i].key, name) == 0);
            if (!found)
                printf("    no row for %s of %s\n", name, topology_schemas[kind].name);
            CHECK(found);
        }
}

/* One speaks with CURVE, the other in the clear. */
static void what_runs_neither_gets_keys_nor_loses_them(void)
{
    const char *got = compare_texts(KEYED_PAIR, PAIR, "Ball");
    CHECK(strstr(got, "! herd (keys, which it has)") != NULL);
    got = compare_texts(PAIR, KEYED_PAIR, "Ball");
    CHECK(strstr(got, "! herd (keys, which it has not)") != NULL);
    got = compare_texts_for(PAIR, KEYED_PAIR, TOPOLOGY_ASKER_BROKER, "1");
    CHECK(strstr(got, "! herd (keys, which it has not)") != NULL);
    got = compare_texts_for(KEYED_PAIR, PAIR, TOPOLOGY_ASKER_WORKER, NULL);
    CHECK(strstr(got, "! herd (keys, which it has)") != NULL);
    got = compare_texts_for(PAIR, KEYED_PAIR, TOPOLOGY_ASKER_UP, NULL);
    CHECK(strstr(got, "!") == NULL && strstr(got, "later herd (keys)") != NULL);
}

static void several_keys_of_one_part(void)
{
    char text[8192];
    snprintf(text, sizeof text, "%s", with(KEYED, "11500", "11600"));
    const char *got = compare_texts(KEYED, with(text, "12500", "12600"), "Ball");
    CHECK(strcmp(got, "node Alford (clients, bus)") == 0);
    snprintf(text, sizeof text, "%s", with(KEYED, "yf7", "yf6"));
    got = compare_texts(KEYED, with(text, "12500\n", "12500\n    max_clients = 5\n"), "Alford");
    CHECK(strcmp(got, "node Alford (max_clients), later node Alford (public_key)") == 0);
    snprintf(text, sizeof text, "%s", with(KEYED, "    fallback = photon\n", ""));
    got = compare_texts(KEYED, with(text, "    fallback_url = http://127.0.0.1:1/b\n", ""), "Ball");
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
    compare_texts_for(PAIR, text, TOPOLOGY_ASKER_NODE, "Ball");
    CHECK_INT(changes.count, TOPOLOGY_CHANGES_MAX);
    CHECK_INT(changes.more, 2 * 1022 - TOPOLOGY_CHANGES_MAX);
    CHECK_INT(changes.counts[TOPOLOGY_CHANGE_NOW], 2 * 1022);
    CHECK(strncmp(said, "node N2, node N3, ", 18) == 0);
    /* What is refused counts wherever it stands, and is in the list though it comes last. */
    compare_texts_for(PAIR, with(text, "12501", "12999"), TOPOLOGY_ASKER_NODE, "Ball");
    CHECK_INT(changes.count, TOPOLOGY_CHANGES_MAX);
    CHECK(strstr(said, "! node Ball (bus)") != NULL);
    compare_texts_for(text, PAIR, TOPOLOGY_ASKER_NODE, "N1000");
    CHECK_INT(changes.counts[TOPOLOGY_CHANGE_REFUSED], 1); /* its own */
}

static void what_waits_for_the_next_start_is_one_line(void)
{
    static char text[1024 * 256];
    char later[TOPOLOGY_LATER_BYTES_MAX];
    compare_texts_for(PAIR PLACES, PAIR CUP TO_CUP PLACES PLACES_2, TOPOLOGY_ASKER_UP, NULL);
    topology_changes_at_start(&changes, later);
    CHECK(strcmp(later, "node Cup, places 2") == 0);
    compare_texts_for(PAIR, PAIR EAR, TOPOLOGY_ASKER_UP, NULL);
    topology_changes_at_start(&changes, later);
    CHECK(later[0] == '\0');
    size_t bytes = (size_t)snprintf(text, sizeof text, "%s", PAIR);
    for (int i = 0; i < 200; i++)
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes,
                                  "node\n    name = A-name-of-some-length-%d\n"
                                  "    clients = tcp://*:%d\n    bus = tcp://127.0.0.1:%d\n"
                                  "link\n    between = Ball A-name-of-some-length-%d\n",
                                  i, 20000 + i, 30000 + i, i);
    compare_texts_for(PAIR, text, TOPOLOGY_ASKER_UP, NULL);
    topology_changes_at_start(&changes, later);
    size_t listed = 1;
    for (const char *at = later; (at = strstr(at, ", node ")) != NULL; at++)
        listed++;
    char wanted[64];
    snprintf(wanted, sizeof wanted, ", and %zu more", 200 - listed);
    CHECK(strlen(later) < TOPOLOGY_LATER_BYTES_MAX && strlen(later) > 500);
    CHECK(strcmp(later + strlen(later) - strlen(wanted), wanted) == 0);
}

static const struct check_case cases[] = {
    {"what is new, gone or different is listed", lists_what_differs},
    {"each asker takes what it can", each_asker_takes_what_it_can},
    {"each key that differs is named", names_the_key_that_differs},
    {"no key of a topology file is forgotten", knows_every_key},
    {"a running node neither gets keys nor loses them", what_runs_neither_gets_keys_nor_loses_them},
    {"several keys of one part are one item", several_keys_of_one_part},
    {"what does not fit is counted", what_does_not_fit_is_counted},
    {"what waits for the next start is one line", what_waits_for_the_next_start_is_one_line},
};

CHECK_MAIN(cases)
