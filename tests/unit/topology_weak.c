/* topology_weak: what a good file allows and a careful operator would not. */
#include "tests/unit/topology_text.h"
#include "topology/format/weak.h"

#define FAR                                                                                        \
    "node\n    name = Far\n    clients = tcp://192.0.2.1:11510\n    bus = tcp://192.0.2.1:12510\n"
#define TO_FAR    "link\n    between = Far Alford\n"
#define EAR       "observer\n    name = Ear\n    of = Alford\n    bus = tcp://192.0.2.1:12503\n"
#define KEY(last) "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y" last "\n"
#define KEYS(last)                                                                                 \
    "    public_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y" last                                 \
    " rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yzz\n"
#define PLACES                                                                                     \
    "places\n    gateways = tcp://192.0.2.2:13500\n    workers = tcp://127.0.0.1:13501\n"          \
    "    provider = landmarks\n    url = http://127.0.0.1:13580/a\n"
#define RULED    HERD "    access = a.access\n"
#define INSECURE RULED "    insecure = yes\n"
#define KEYED    RULED "    keys = a.keys\n" ALFORD KEY("f7")

static struct topology_faults weak;

static void look(const char *text)
{
    bool good = check_text(text);
    CHECK(good);
    for (size_t i = 0; i < faults.count; i++)
        printf("    %u: %s\n", faults.list[i].line, faults.list[i].text);
    weak = (struct topology_faults){0};
    if (good)
        topology_weak(&topology, &weak);
    topology_free(&topology);
}

/* Of how many lines, and the first one begins so. */
static void has(const char *text, size_t count, const char *first)
{
    look(text);
    CHECK_INT(weak.count, count);
    if (weak.count > 0 && strncmp(weak.list[0].text, first, strlen(first)) != 0)
        printf("    %u: %s\n", weak.list[0].line, weak.list[0].text);
    CHECK(weak.count == 0 || strncmp(weak.list[0].text, first, strlen(first)) == 0);
}

static void a_herd_of_this_machine_needs_no_keys(void)
{
    has(RULED ALFORD BALL LINK, 0, "");
}

#define IN_TLS                                                                                     \
    "node\n    name = Alford\n    clients = tcp://127.0.0.1:11500\n"                               \
    "    bus = tcp://127.0.0.1:12500\n    clients_tls = tls://*:11600\n"                           \
    "    certificate = a.pem\n    certificate_key = a.key\n"

static void no_access_rules_are_one_where_others_reach_a_door(void)
{
    has(HERD ALFORD BALL LINK, 1,
        "there are no access rules, and whoever reaches tcp://*:11500 of Alford");
    has(HERD "node\n    name = Alford\n    clients = tcp://127.0.0.1:11500\n"
             "    bus = tcp://127.0.0.1:12500\n",
        0, "");
    has(HERD IN_TLS, 1, "there are no access rules, and whoever reaches tcp://*:11600 of Alford");
    has(HERD IN_TLS "    client_ca = b.pem\n", 0, "");
    has(RULED IN_TLS, 0, "");
}

#define EAR_OF_ALFORD "observer\n    name = Ear\n    of = Alford\n    bus = tcp://127.0.0.1:12590\n"
#define WEB_AT(host, more)                                                                         \
    "web\n    of = Alford\n    observer = Ear\n    listen = tcp://" host                           \
    ":14500\n    token_file = a.token\n" more

static void tokens_in_the_clear_are_one(void)
{
    has(RULED ALFORD EAR_OF_ALFORD WEB_AT("*", ""), 1,
        "tokens of access rules go to Ear at tcp://*:14500 in the clear");
    has(RULED ALFORD EAR_OF_ALFORD WEB_AT("127.0.0.1", ""), 0, "");
    has(RULED ALFORD EAR_OF_ALFORD WEB_AT("*",
                                          "    certificate = a.pem\n    certificate_key = a.key\n"),
        0, "");
}

static void in_the_clear_each_address_beyond_this_machine_is_one(void)
{
    has(INSECURE ALFORD BALL LINK, 1, "`insecure = yes` lets");
    look(INSECURE ALFORD FAR TO_FAR EAR PLACES);
    CHECK_INT(weak.count, 4);
    static const char *const owners[] = {"Far is reached at tcp://192.0.2.1:12510 ",
                                         "Ear is reached at ", "places is reached at "};
    for (size_t i = 0; i < 3; i++) {
        bool found = false;
        for (size_t j = 0; j < weak.count; j++)
            found = found || strncmp(weak.list[j].text, owners[i], strlen(owners[i])) == 0;
        CHECK(found);
    }
}

static void with_keys_none_of_them_is(void)
{
    has(KEYED FAR KEY("f8") TO_FAR EAR KEY("f9") PLACES KEY("fa"), 0, "");
}

static void two_keys_of_one_are(void)
{
    has(KEYED FAR KEYS("f8") TO_FAR, 1, "Far has two keys");
    has(KEYED FAR KEY("f8") TO_FAR EAR KEYS("f9"), 1, "Ear has two keys");
    has(KEYED FAR KEY("f8") TO_FAR PLACES KEYS("fa"), 1, "places has two keys");
    has(KEYED FAR KEY("f8") TO_FAR "operator\n    name = Ada\n" KEYS("fb"), 1, "Ada has two keys");
}

static const struct check_case cases[] = {
    {"a herd of this machine needs no keys", a_herd_of_this_machine_needs_no_keys},
    {"no access rules are one, where others reach a door",
     no_access_rules_are_one_where_others_reach_a_door},
    {"tokens that go to a web in the clear are one", tokens_in_the_clear_are_one},
    {"in the clear, each address beyond this machine is one",
     in_the_clear_each_address_beyond_this_machine_is_one},
    {"with keys none of them is", with_keys_none_of_them_is},
    {"two keys of one are", two_keys_of_one_are},
};

CHECK_MAIN(cases)
