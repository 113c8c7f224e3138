/* A herd as containers: what its file says there, what is refused, and names and quotes in the
 * manifests. Whole manifests are tests/system/export.py's. */
#include "topology/format/containers.h"

#include "tests/unit/topology_text.h"

#define INSECURE HERD "    insecure = yes\n"
#define PLACES                                                                                     \
    "places\n    gateways = tcp://127.0.0.1:13500\n    workers = tcp://127.0.0.1:13501\n"          \
    "    provider = landmarks\n    url = http://127.0.0.1:13580/x\n"
#define BEGINS(text, with) (strncmp(text, with, strlen(with)) == 0)

/* Checks the text and adapts it; the faults are those of the containers. */
static bool adapt(enum containers_kind kind, const char *text, struct buffer *adapted)
{
    CHECK(check_text(text));
    faults = (struct topology_faults){0};
    *adapted = (struct buffer){0};
    buffer_append(adapted, span_of(text));
    containers_adapt(kind, &topology, adapted, &faults);
    return faults.count == 0;
}

static void check_adapted(enum containers_kind kind, const char *text, const char *wanted)
{
    struct buffer adapted;
    CHECK(adapt(kind, text, &adapted));
    CHECK_BYTES(adapted.data, adapted.len, wanted, strlen(wanted));
    buffer_free(&adapted);
    topology_free(&topology);
}

static void everything_is_bound_in_its_container_and_reached_by_name(void)
{
    check_adapted(CONTAINERS_COMPOSE, INSECURE ALFORD BALL LINK PLACES,
                  INSECURE "node\n    name = Alford\n    clients = tcp://*:11500\n"
                           "    bus = tcp://*:12500\n    bus_at = tcp://alford:12500\n"
                           "node\n    name = Ball\n    clients = tcp://*:11500\n"
                           "    bus = tcp://*:12500\n    bus_at = tcp://ball:12500\n" LINK
                           "places\n    gateways = tcp://*:13500\n    workers = tcp://*:13501\n"
                           "    provider = landmarks\n    url = http://127.0.0.1:13580/x\n"
                           "    gateways_at = tcp://placesd-1:13500\n"
                           "    workers_at = tcp://placesd-1:13501\n");
    check_adapted(CONTAINERS_KUBERNETES, INSECURE ALFORD BALL LINK PLACES,
                  INSECURE "node\n    name = Alford\n    clients = tcp://*:11500\n"
                           "    bus = tcp://*:12500\n"
                           "    bus_at = tcp://zherd-small-0.zherd-small:12500\n"
                           "node\n    name = Ball\n    clients = tcp://*:11500\n"
                           "    bus = tcp://*:12500\n"
                           "    bus_at = tcp://zherd-small-1.zherd-small:12500\n" LINK
                           "places\n    gateways = tcp://*:13500\n    workers = tcp://*:13501\n"
                           "    provider = landmarks\n    url = http://127.0.0.1:13580/x\n"
                           "    gateways_at = tcp://zherd-small-placesd-1:13500\n"
                           "    workers_at = tcp://zherd-small-placesd-1:13501\n");
}

static void observers_stay_at_home_and_secrets_have_one_folder(void)
{
    check_adapted(CONTAINERS_COMPOSE,
                  "observer\n    name = Ear\n    of = A\n    bus = tcp://127.0.0.1:3\n\n"
                  "web\n    of = A\n    observer = Ear\n    listen = tcp://127.0.0.1:4\n\n" HERD
                  "    keys = x.keys\n"
                  "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://127.0.0.1:2\n",
                  "\n\n" HERD "    keys = /run/secrets/zherd\n"
                  "node\n    name = A\n    clients = tcp://*:11500\n    bus = tcp://*:12500\n"
                  "    bus_at = tcp://a:12500\n");
    check_adapted(CONTAINERS_KUBERNETES,
                  INSECURE "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://h:2\n"
                           "    bus_at = tcp://there:3\n"
                           "places\n    gateways = tcp://h:4\n    workers = tcp://h:5\n"
                           "    provider = google\n    url = https://x/\n    key_file = g.key\n",
                  INSECURE "node\n    name = A\n    clients = tcp://*:11500\n"
                           "    bus = tcp://*:12500\n"
                           "    bus_at = tcp://zherd-small-0.zherd-small:12500\n"
                           "places\n    gateways = tcp://*:13500\n    workers = tcp://*:13501\n"
                           "    provider = google\n    url = https://x/\n"
                           "    key_file = /run/secrets/zherd/provider-1.key\n"
                           "    gateways_at = tcp://zherd-small-placesd-1:13500\n"
                           "    workers_at = tcp://zherd-small-placesd-1:13501\n");
}

static void a_monitor_with_a_token_is_reached_from_outside(void)
{
    check_adapted(CONTAINERS_KUBERNETES,
                  HERD "    keys = x.keys\n"
                       "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://127.0.0.1:2\n"
                       "    monitor = tcp://127.0.0.1:3\n    monitor_token_file = a.token\n",
                  HERD "    keys = /run/secrets/zherd\n"
                       "node\n    name = A\n    clients = tcp://*:11500\n    bus = tcp://*:12500\n"
                       "    monitor = tcp://*:9550\n"
                       "    monitor_token_file = /run/secrets/zherd/monitor.token\n"
                       "    bus_at = tcp://zherd-small-0.zherd-small:12500\n");
}

#define NODE(name, port, bus)                                                                      \
    "node\n    name = " name "\n    clients = tcp://*:" port "\n    bus = tcp://127.0.0.1:" bus "\n"

static void what_containers_cannot_have_is_refused(void)
{
    static const struct {
        const char *text, *compose, *kubernetes;
    } rows[] = {
        {HERD ALFORD, "1: containers reach each other over a network", "1: containers reach"},
        {INSECURE ALFORD, NULL, NULL},
        {HERD "    keys = k\n" ALFORD, NULL, NULL},
        {INSECURE ALFORD PLACES "    database = x.db\n", "8: `database` is", "8: `database` is"},
        {INSECURE ALFORD "    monitor = tcp://127.0.0.1:3\n", NULL, NULL},
        {INSECURE ALFORD "    monitor = tcp://127.0.0.1:3\n    monitor_token_file = t\n",
         "8: a monitor's token is for Kubernetes alone",
         "8: a monitor with a token is reached over a network, and this herd has no keys"},
        {INSECURE ALFORD PLACES "    monitor_token_file = t\n    monitor = tcp://127.0.0.1:3\n",
         "14: a monitor's token is for Kubernetes alone",
         "14: a monitor with a token is reached over a network"},
        {HERD "    keys = k\n" ALFORD "    monitor = tcp://*:3\n    monitor_token_file = t\n",
         "8: a monitor's token is for Kubernetes alone", NULL},
        {INSECURE ALFORD
         "    clients_tls = tls://*:1\n    certificate = a\n    certificate_key = b\n",
         "8: certificates are files", "8: certificates are files"},
        {INSECURE NODE("a_b", "1", "2") NODE("A-B", "3", "4") "link\n    between = a_b A-B\n",
         "8: the containers of a_b and A-B would both be called a-b", NULL},
        {INSECURE NODE("Eth0", "1", "2"), "4: nobody can connect to a container called eth0", NULL},
        {INSECURE NODE("-a", "1", "2"), "4: nobody can connect to a container called -a", NULL},
        {INSECURE NODE("_", "1", "2"), "4: nobody can connect to a container called -;", NULL},
        {INSECURE NODE("a.", "1", "2"), "4: nobody can connect to a container called a.", NULL},
        {INSECURE NODE("1", "1", "2"), "4: nobody can connect to a container called 1", NULL},
        {INSECURE NODE("a.b", "1", "2") NODE("a-b", "3", "4") "link\n    between = a.b a-b\n", NULL,
         NULL},
        {INSECURE "node\n    name = a\n    clients = tcp://10.0.0.1:1\n    bus = tcp://10.0.0.1:2\n"
                  "node\n    name = b\n    clients = tcp://10.0.0.2:1\n    bus = tcp://10.0.0.2:2\n"
                  "link\n    between = a b\n",
         "10: port 1 is published for a already", NULL},
        {INSECURE NODE("Placesd-1", "1", "2") PLACES,
         "4: a container would be called placesd-1, and `placesd` is how those of places", NULL},
        {INSECURE NODE("PLACESD", "1", "2"), "4: a container would be called placesd,", NULL},
        {INSECURE NODE("Places", "1", "2"), NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (enum containers_kind kind = CONTAINERS_COMPOSE; kind <= CONTAINERS_KUBERNETES;
             kind++) {
            const char *wanted = kind == CONTAINERS_COMPOSE ? rows[i].compose : rows[i].kubernetes;
            char got[TOPOLOGY_FAULT_BYTES_MAX + 32] = "";
            struct buffer adapted;
            CHECK(adapt(kind, rows[i].text, &adapted) == (wanted == NULL));
            CHECK_INT(faults.count, wanted != NULL);
            snprintf(got, sizeof got, "%u: %s", faults.list[0].line, faults.list[0].text);
            if (wanted && !BEGINS(got, wanted))
                CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
            if (wanted)
                CHECK_BYTES(adapted.data, adapted.len, rows[i].text, strlen(rows[i].text));
            buffer_free(&adapted);
            topology_free(&topology);
        }
    }
}

static void names_are_those_of_dns(void)
{
    static const struct {
        const char *herd, *wanted;
    } herds[] = {
        {"fall2016", "zherd-fall2016"},
        {"Fall_2016.b", "zherd-fall-2016-b"},
        {"--", "zherd"},
        {"-a-", "zherd--a"},
        {"no", "zherd-no"},
        {"abcdefghijklmnopqrstuvwxyzabcd", "zherd-abcdefghijklmnopqrstuvwxyzabcd"},
        {"abcdefghijklmnopqrstuvwxyzabcde", "zherd-abcdefghijklmnopqrstuvwxyzabcd"},
        {"abcdefghijklmnopqrstuvwxyzabc_e", "zherd-abcdefghijklmnopqrstuvwxyzabc"},
    };
    static const struct {
        const char *node, *wanted;
    } nodes[] = {
        {"Alford", "alford"},
        {"A_b.C-9", "a-b.c-9"},
        {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789abC",
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789abc"},
    };
    char name[CONTAINERS_NAME_BYTES_MAX];
    for (size_t i = 0; i < sizeof herds / sizeof *herds; i++) {
        struct topology herd = {0};
        strcpy(herd.herd, herds[i].herd);
        containers_name_herd(&herd, name);
        CHECK_BYTES(name, strlen(name), herds[i].wanted, strlen(herds[i].wanted));
    }
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        struct topology_node node = {0};
        snprintf(node.name, sizeof node.name, "%.63s", nodes[i].node);
        containers_name_node(&node, name);
        CHECK_BYTES(name, strlen(name), nodes[i].wanted, strlen(node.name));
    }
}

static void quotes_hold_whatever_is_in_them(void)
{
    static const struct {
        const char *text, *compose, *kubernetes;
    } rows[] = {
        {"", "\"\"", "\"\""},
        {"no: # {}", "\"no: # {}\"", "\"no: # {}\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
        {"$x ${y}", "\"$$x $${y}\"", "\"$x ${y}\""},
        {"1\n2\r\x1b\x7f\xc3\xa9", "\"1?2?????\"", "\"1?2?????\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (enum containers_kind kind = CONTAINERS_COMPOSE; kind <= CONTAINERS_KUBERNETES;
             kind++) {
            const char *wanted = kind == CONTAINERS_COMPOSE ? rows[i].compose : rows[i].kubernetes;
            struct buffer yaml = {0};
            containers_put_quoted(&yaml, kind, rows[i].text);
            CHECK_BYTES(yaml.data, yaml.len, wanted, strlen(wanted));
            buffer_free(&yaml);
        }
    }
}

static void a_line_is_cut_at_its_limit(void)
{
    struct buffer yaml = {0};
    containers_put(&yaml, "%*d", CONTAINERS_LINE_BYTES_MAX - 1, 7);
    CHECK_INT(yaml.len, CONTAINERS_LINE_BYTES_MAX - 1);
    containers_put(&yaml, "%*d", CONTAINERS_LINE_BYTES_MAX, 7);
    CHECK_INT(yaml.len, 2 * (CONTAINERS_LINE_BYTES_MAX - 1));
    buffer_free(&yaml);
}

/* Every prefix, too: a file may end anywhere. */
static void the_file_stands_in_its_block(void)
{
    static const char text[] = "\n# K\xc3\xb6ln\t$x \n\r\n  a = b\r\n";
    static const char wanted[] = "\n  # K??ln $$x\n\n    a = b\n";
    struct containers containers = {.text = {text, sizeof text - 1}};
    struct buffer yaml = {0};
    containers_put_file(&yaml, &containers, 2);
    CHECK_BYTES(yaml.data, yaml.len, wanted, sizeof wanted - 1);
    for (size_t bytes = 0; bytes < sizeof text; bytes++) {
        containers.text = (struct span){check_at_page_end(text, bytes), bytes};
        yaml.len = 0;
        containers_put_file(&yaml, &containers, 2);
        CHECK(bytes == 0 || yaml.data[yaml.len - 1] == '\n');
    }
    buffer_free(&yaml);
}

/* As many nodes as there may be, with the longest names. */
static void the_largest_herd_has_its_manifests(void)
{
    static struct topology_node nodes[TOPOLOGY_NODES_MAX];
    struct topology herd = {.nodes = nodes, .node_count = TOPOLOGY_NODES_MAX, .keys = "/k"};
    memset(herd.herd, 'h', TOPOLOGY_NAME_BYTES_MAX);
    for (size_t i = 0; i < TOPOLOGY_NODES_MAX; i++)
        snprintf(nodes[i].name, sizeof nodes[i].name, "%063zu", i);
    for (herd.places_count = 0; herd.places_count < TOPOLOGY_PLACES_MAX; herd.places_count++)
        memset(herd.places[herd.places_count].key_file, 'k', TOPOLOGY_PATH_BYTES_MAX);
    for (enum containers_kind kind = CONTAINERS_COMPOSE; kind <= CONTAINERS_KUBERNETES; kind++) {
        struct containers containers = {kind, &herd, span_of("herd\n"), "file", "1"};
        struct buffer yaml = {0};
        containers_write(&containers, &yaml);
        CHECK(memmem(yaml.data, yaml.len, nodes[TOPOLOGY_NODES_MAX - 1].name,
                     TOPOLOGY_NAME_BYTES_MAX) != NULL);
        CHECK(memmem(yaml.data, yaml.len, "provider-8.key", 14) != NULL);
        CHECK(memmem(yaml.data, yaml.len, "provider-9", 10) == NULL);
        CHECK(yaml.data[yaml.len - 1] == '\n');
        buffer_free(&yaml);
    }
}

static void what_is_local_stays_so_when_published(void)
{
    static const struct {
        const char *clients, *wanted;
    } rows[] = {
        {"*", "ports: [\"11500:11500\"]\n"},
        {"192.0.2.1", "ports: [\"11500:11500\"]\n"},
        {"localhost", "ports: [\"127.0.0.1:11500:11500\"]\n"},
        {"lo", "ports: [\"127.0.0.1:11500:11500\"]\n"},
        {"::1", "ports: [\"[::1]:11500:11500\"]\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology_node node = {.name = "A", .clients = {.port = 11500}};
        struct topology herd = {.herd = "small", .nodes = &node, .node_count = 1};
        struct containers containers = {CONTAINERS_COMPOSE, &herd, {0}, "file", "1"};
        struct buffer yaml = {0};
        strcpy(node.clients.host, rows[i].clients);
        containers_write(&containers, &yaml);
        CHECK(memmem(yaml.data, yaml.len, rows[i].wanted, strlen(rows[i].wanted)) != NULL);
        buffer_free(&yaml);
    }
}

static void a_path_is_one_word_of_the_command(void)
{
    static const struct {
        const char *path, *wanted;
    } rows[] = {
        {"/etc/g-1_2.key", "=/etc/g-1_2.key\n"},
        {"/a b", "='/a b'\n"},
        {"/it's", "='/it'\\''s'\n"},
        {"/$HOME;*", "='/$HOME;*'\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology herd = {.herd = "small", .places_count = 1};
        struct containers containers = {CONTAINERS_KUBERNETES, &herd, {0}, "file", "1"};
        struct buffer yaml = {0};
        strcpy(herd.places[0].key_file, rows[i].path);
        containers_write(&containers, &yaml);
        CHECK(memmem(yaml.data, yaml.len, rows[i].wanted, strlen(rows[i].wanted)) != NULL);
        buffer_free(&yaml);
    }
}

static const struct check_case cases[] = {
    {"a monitor with a token is reached from outside",
     a_monitor_with_a_token_is_reached_from_outside},
    {"everything is bound in its container and reached by name",
     everything_is_bound_in_its_container_and_reached_by_name},
    {"observers stay at home and secrets have one folder",
     observers_stay_at_home_and_secrets_have_one_folder},
    {"what containers cannot have is refused", what_containers_cannot_have_is_refused},
    {"names are those of DNS", names_are_those_of_dns},
    {"quotes hold whatever is in them", quotes_hold_whatever_is_in_them},
    {"a line is cut at its limit", a_line_is_cut_at_its_limit},
    {"the file stands in its block", the_file_stands_in_its_block},
    {"what is local stays so when published", what_is_local_stays_so_when_published},
    {"a path is one word of the command", a_path_is_one_word_of_the_command},
    {"the largest herd has its manifests", the_largest_herd_has_its_manifests},
};

CHECK_MAIN(cases)
