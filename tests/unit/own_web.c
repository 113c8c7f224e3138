/* A connection that shows the token of who may be everybody, at a node with a web, is outside the
 * limits of its address: all the web's trackers are one address. */
#include "gateway/text/command.h"
#include "tests/unit/access_rules.h"
#include "tests/unit/session_rig.h"

static const uint8_t hash_key[16];
static char token_web[ACCESS_TOKEN_TEXT_BYTES + 1], token_ada[ACCESS_TOKEN_TEXT_BYTES + 1];

struct guarded {
    struct rig rig;
    struct access access;
    struct network_address from;
};

static void set_up(struct guarded *all, bool has_web)
{
    char text[1024], entry_web[ACCESS_ENTRY_TEXT_BYTES], entry_ada[ACCESS_ENTRY_TEXT_BYTES];
    uint8_t bytes[ACCESS_TOKEN_BYTES] = {1};
    struct client_limits_options options = {
        .connections_max = 100,
        .bytes_max = 80000,
        .lookups_max = 10,
        .shares = {.addresses_max = 4, .new_ids_per_s = 1, .new_ids_burst = 2}};
    access_write_token(bytes, token_web, entry_web);
    bytes[0] = 2;
    access_write_token(bytes, token_ada, entry_ada);
    snprintf(text, sizeof text,
             "person\n    name = Ear\n    token = %s\n    be = *\n    see = *\n"
             "person\n    name = ada\n    token = %s\n    be = a* b* c* d* e*\n",
             entry_web, entry_ada);
    all->access = rules_of(text);
    all->rig = rig_of(false);
    struct session_node *node = &all->rig.node;
    node->options = COMMAND_OPTION(COMMAND_AUTH);
    node->access = &all->access;
    node->has_web = has_web;
    node->watchers = watchers_new(flood_table(node->flood), hash_key, UINT64_MAX);
    node->limits = client_limits_new(&options);
    CHECK(network_address_parse(SPAN("192.0.2.1"), &all->from));
    CHECK_INT(client_limits_accept(node->limits, &all->from, &all->rig.session.limits, 0),
              CLIENT_LIMITS_ACCEPTED);
    CHECK(admission_judge(&all->rig.session, node, &all->from));
}

static void tear_down(struct guarded *all)
{
    client_limits_leave(all->rig.node.limits, &all->rig.session.limits);
    client_limits_destroy(&all->rig.node.limits);
    release(&all->rig);
    access_free(&all->access);
}

static void enter(struct guarded *all, const char *token)
{
    char line[128];
    snprintf(line, sizeof line, "AUTH %s\n", token);
    say(&all->rig, span_of(line));
    CHECK(all->rig.got.len > 5 && memcmp(all->rig.got.data, "AUTH ", 5) == 0);
    all->rig.got.len = 0;
}

/* Whether the third new id within a second is taken. */
static bool is_outside(struct guarded *all)
{
    say(&all->rig, SPAN(IAMAT("a") IAMAT("b") IAMAT("c")));
    bool is_taken = memmem(all->rig.got.data, all->rig.got.len, "? IAMAT c", 9) == NULL;
    CHECK(memmem(all->rig.got.data, all->rig.got.len, "AT Clark", 8) != NULL);
    all->rig.got.len = 0;
    return is_taken;
}

static void the_webs_connection_is_outside(void)
{
    struct guarded all;
    set_up(&all, true);
    struct client_limits_connection *connection = &all.rig.session.limits;
    struct address_shares *shares = client_limits_shares(all.rig.node.limits);
    struct address_share *before = connection->share;
    struct client_limits_state state = {.line_bytes = 100, .reply_bytes = 7};
    client_limits_update(all.rig.node.limits, connection, &state, 0);
    enter(&all, token_web);
    CHECK(address_shares_is_trusted(shares, connection->share));
    CHECK_INT(before->connections, 0);
    CHECK_INT(before->held_bytes[ADDRESS_HELD_LINES] + before->held_bytes[ADDRESS_HELD_REPLIES], 0);
    CHECK(list_first(&before->holders[ADDRESS_HELD_LINES]) == NULL);
    CHECK_INT(connection->share->connections, 1);
    CHECK_INT(connection->share->held_bytes[ADDRESS_HELD_LINES], 100);
    CHECK_INT(connection->share->held_bytes[ADDRESS_HELD_REPLIES], 7);
    CHECK(is_outside(&all));
    enter(&all, token_web);
    CHECK_INT(connection->share->connections, 1);
    tear_down(&all);
}

static void nobody_else_is(void)
{
    struct guarded all;
    set_up(&all, true);
    enter(&all, token_ada);
    CHECK(!is_outside(&all));
    tear_down(&all);
    set_up(&all, false); /* nor is it, where the node has no web */
    enter(&all, token_web);
    CHECK(!is_outside(&all));
    tear_down(&all);
}

/* What is counted where it began stays there. */
static void look_ups_and_tls_stay_where_they_began(void)
{
    struct guarded all;
    set_up(&all, true);
    struct client_limits_connection *connection = &all.rig.session.limits;
    struct address_share *share = connection->share;
    CHECK(client_limits_look_up(all.rig.node.limits, connection));
    enter(&all, token_web);
    CHECK(connection->share == share);
    client_limits_answer(all.rig.node.limits, share, connection);
    connection->is_secured = true;
    enter(&all, token_web);
    CHECK(connection->share == share);
    connection->is_secured = false;
    enter(&all, token_web);
    CHECK(connection->share != share);
    tear_down(&all);
}

static const struct check_case cases[] = {
    {"the web's connection is outside the limits of its address", the_webs_connection_is_outside},
    {"nobody else's is", nobody_else_is},
    {"look-ups and handshakes stay where they began", look_ups_and_tls_stay_where_they_began},
};
CHECK_MAIN(cases)
