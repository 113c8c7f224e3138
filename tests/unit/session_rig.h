/* session_rig: a node with one client, without a socket, for tests.
 *
 * What a case says arrives as one read; what the client takes is kept until `expect` looks at it.
 * The wall clock stands still unless a case moves it. */
#ifndef ZHERD_TESTS_UNIT_SESSION_RIG_H
#define ZHERD_TESTS_UNIT_SESSION_RIG_H

#include "gateway/text/session.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define WALL_NS     INT64_C(1621464828000000000)
#define IAMAT(name) "IAMAT " name " +34.068930-118.445127 1621464827.5\n"
#define AT(name)    "AT Clark +0.500000000 " name " +34.068930-118.445127 1621464827.5\n"
#define JSON(name)  "{\"name\": \"" name "\"}"

/* A node with one client, and what that client has read. */
struct rig {
    struct session_node node;
    struct logline log;
    struct session session;
    struct buffer shared, got;
};

static inline struct rig make_rig(uint32_t clients_max, bool has_places)
{
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .incarnation = 1,
                                    .clients_max = clients_max};
    struct rig rig = {.session = {.number = 17, .address = 1700}};
    rig.node = (struct session_node){.flood = flood_new(&options),
                                     .requests = has_places ? requests_new(1, 1) : NULL,
                                     .realtime_ns = WALL_NS,
                                     .accept_ns = WALL_NS,
                                     .id_bytes_max = LINES_BYTES_MAX};
    return rig;
}

static inline struct rig rig_of(bool has_places)
{
    return make_rig(1000, has_places);
}

static inline void release(struct rig *rig)
{
    session_end_watches(&rig->session, &rig->node);
    session_free(&rig->session);
    watchers_destroy(&rig->node.watchers);
    flood_destroy(&rig->node.flood);
    requests_destroy(&rig->node.requests);
    logline_free(&rig->log);
    buffer_free(&rig->shared);
    buffer_free(&rig->got);
}

/* Carries out all that waits, turn after turn of a session that is served at the back. */
static inline void work(struct rig *rig, const struct session_hint *hint)
{
    static const struct turns_budget budget = {TURNS_BACK_COMMANDS_MAX, TURNS_BACK_IN_BYTES_MAX,
                                               TURNS_BACK_OUT_BYTES_MAX};
    do {
        struct turns_budget used = session_work(&rig->session, &rig->node, &budget, hint);
        CHECK(used.commands <= budget.commands);
        hint = NULL;
    } while (session_has_work(&rig->session));
}

/* The client reads at most `bytes`. */
static inline void take(struct rig *rig, size_t bytes)
{
    struct span output = session_output(&rig->session);
    if (output.len > bytes)
        output.len = bytes;
    buffer_append(&rig->got, output);
    session_wrote(&rig->session, output.len);
    work(rig, NULL);
}

/* The client will send no more. */
static inline void end_input(struct rig *rig)
{
    session_end_input(&rig->session);
    work(rig, NULL);
}

/* The client sends; nothing is read. The bytes are gone after the call, as in the loop's buffer. It
 * is as if others had sent in the same turn, so there is a hint. */
static inline void send_only(struct rig *rig, struct span text)
{
    struct session_hint hint;
    char *bytes = check_at_page_end(text.data, text.len);
    session_attach_output(&rig->session, &rig->shared);
    session_prefetch(&rig->node, &(struct span){bytes, text.len}, &hint, 1);
    session_read(&rig->session, bytes, text.len);
    work(rig, &hint);
    session_detach_output(&rig->session, &rig->shared);
    memset(bytes, '#', text.len);
}

static inline void say(struct rig *rig, struct span text)
{
    send_only(rig, text);
    take(rig, SIZE_MAX);
}

static inline void expect(struct rig *rig, const char *wanted)
{
    CHECK_BYTES(rig->got.data, rig->got.len, wanted, strlen(wanted));
    rig->got.len = 0;
}

/* Sends every request that is due; the ids of the last ones. */
static inline size_t send_requests(struct rig *rig, uint64_t *ids, size_t ids_max)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    uint64_t id;
    uint32_t broker;
    size_t count = 0;
    while (requests_next(rig->node.requests, rig->node.now_ms, &broker, &id, request) > 0) {
        requests_sent(rig->node.requests, rig->node.now_ms);
        CHECK(count < ids_max);
        ids[count++] = id;
    }
    return count;
}

static inline void answer(struct rig *rig, uint64_t id, struct span json)
{
    struct lookup_reply reply = {LOOKUP_OK, json};
    struct requests_answer told;
    struct buffer message = {0};
    lookup_write_reply(&reply, &message);
    CHECK(requests_receive(rig->node.requests, id, (struct span){message.data, message.len},
                           rig->node.now_ms, &told));
    CHECK(told.asker == 1700);
    session_attach_output(&rig->session, &rig->shared);
    session_answer(&rig->session, &rig->node, &told);
    work(rig, NULL);
    session_detach_output(&rig->session, &rig->shared);
    buffer_free(&message);
}

#endif
