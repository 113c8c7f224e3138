/* hotpath: one piece of the path of a command, done so often that its instructions can be counted.
 *
 *     hotpath PIECE      prints how many times it did it
 *
 * The pieces stand in functions of their own, piece_*: callgrind counts only those
 * (tests/bench/instructions). Everything else, such as making the input, is not counted. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/packed.h"
#include "bus/flood.h"
#include "bus/link/wire.h"
#include "bus/table/at_line.h"
#include "bus/table/table.h"
#include "gateway/text/command.h"
#include "gateway/text/session.h"
#include "tests/bench/sample.h"

#define STAMP_NS UINT64_C(1621464827959498503)
#define CLIENTS  1000u
/* What one read brings of a client that does not wait for replies. */
#define LINES 16u
/* Reads, or UPDATEs: enough that what happens once does not count. */
#define ROUNDS     500u
#define BATCH      64u
#define LINE_BYTES (sizeof "IAMAT " + SAMPLE_BYTES)
/* Incarnations of the node and of its first neighbour. */
#define OURS      UINT64_C(0x123456789abcdef0)
#define THEIRS    UINT64_C(0x0fedcba987654321)
#define LINKS_MAX 3

#define PIECE __attribute__((noinline))

static const uint8_t hash_key[16] = "not so random...";

/* A read of LINES commands. Clients come round in turn, stamps rise. */
static size_t write_lines(char *out, uint32_t round)
{
    for (uint32_t i = 0; i < LINES; i++) {
        uint32_t number = round * LINES + i;
        char *line = out + i * LINE_BYTES;
        memcpy(line, "IAMAT ", 6);
        sample_write(number % CLIENTS, STAMP_NS + number, line + 6);
        line[LINE_BYTES - 1] = '\n';
    }
    return LINES * LINE_BYTES;
}

static struct location a_location(const char text[SAMPLE_BYTES], uint64_t stamp_ns)
{
    return (struct location){.client = {text, SAMPLE_ID_BYTES},
                             .position = {text + SAMPLE_POSITION_AT, SAMPLE_POSITION_BYTES},
                             .stamp = {text + SAMPLE_STAMP_AT, SAMPLE_STAMP_BYTES},
                             .origin = span_of("Alford"),
                             .difference_ns = 263873386,
                             .order_ns = (int64_t)stamp_ns};
}

/* ---- parse: bytes of a read to commands ---- */

PIECE static uint64_t piece_parse(struct lines *lines, char *bytes, size_t count)
{
    struct buffer answers = {0};
    struct command command;
    struct line taken[LINES];
    uint64_t good = 0;
    lines_feed(lines, bytes, count, &answers);
    for (size_t left = lines_take(lines, taken, LINES); left > 0; left--) {
        command_parse(taken[left - 1].text, 0, &command);
        good += command.kind == COMMAND_IAMAT;
    }
    lines_hold(lines);
    return good;
}

static uint64_t parse(void)
{
    char bytes[LINES * LINE_BYTES];
    struct lines lines = {0};
    uint64_t done = 0;
    for (uint32_t round = 0; round < ROUNDS; round++)
        done += piece_parse(&lines, bytes, write_lines(bytes, round));
    lines_free(&lines);
    return done;
}

/* ---- table: a newer location of a known client ---- */

PIECE static uint64_t piece_table(struct table *table, const struct location *location)
{
    uint32_t slot;
    return table_put(table, location, table_ref(table, location->client), &slot) == TABLE_NEWER;
}

static uint64_t table(void)
{
    struct table *table = table_new(hash_key);
    char text[SAMPLE_BYTES];
    uint64_t done = 0;
    for (uint32_t i = 0; i < ROUNDS * LINES; i++) {
        sample_write(i % CLIENTS, STAMP_NS + i, text);
        struct location location = a_location(text, STAMP_NS + i);
        if (i < CLIENTS)
            table_put(table, &location, table_ref(table, location.client), &(uint32_t){0});
        else
            done += piece_table(table, &location);
    }
    table_destroy(&table);
    return done;
}

/* ---- encode and decode: an UPDATE of BATCH locations ---- */

static struct wire_message *an_update(char texts[BATCH][SAMPLE_BYTES])
{
    struct wire_message *message = bytes_zeroed(sizeof *message);
    message->type = WIRE_UPDATE;
    message->from_incarnation = THEIRS;
    message->to_incarnation = OURS;
    message->upto = message->location_count = BATCH;
    for (uint32_t i = 0; i < BATCH; i++) {
        sample_write(i, STAMP_NS + i, texts[i]);
        message->locations[i] = a_location(texts[i], STAMP_NS + i);
    }
    return message;
}

PIECE static uint64_t piece_encode(const struct wire_message *message, char *out)
{
    return wire_write(message, out, WIRE_MESSAGE_BYTES_MAX) > 0 ? message->location_count : 0;
}

PIECE static uint64_t piece_decode(struct span bytes, struct wire_message *message)
{
    return wire_read(bytes, message) == WIRE_GOOD ? message->location_count : 0;
}

static uint64_t encode(void)
{
    static char texts[BATCH][SAMPLE_BYTES], out[WIRE_MESSAGE_BYTES_MAX];
    struct wire_message *message = an_update(texts);
    uint64_t done = 0;
    for (uint32_t round = 0; round < ROUNDS; round++)
        done += piece_encode(message, out);
    free(message);
    return done;
}

static uint64_t decode(void)
{
    static char texts[BATCH][SAMPLE_BYTES], bytes[WIRE_MESSAGE_BYTES_MAX];
    struct wire_message *message = an_update(texts);
    size_t count = wire_write(message, bytes, sizeof bytes);
    uint64_t done = 0;
    for (uint32_t round = 0; round < ROUNDS; round++)
        done += piece_decode((struct span){bytes, count}, message);
    free(message);
    return done;
}

/* ---- receive: a neighbour's UPDATE of BATCH locations, all newer ---- */

static void hear(struct flood *flood, size_t peer, struct wire_message *message)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    message->from_incarnation = THEIRS + peer;
    message->to_incarnation = OURS;
    flood_receive(flood, peer, (struct span){bytes, wire_write(message, bytes, sizeof bytes)}, 0);
}

/* A node whose neighbours have all said HELLO and named our incarnation, so that its links are up.
 */
static struct flood *a_node(size_t links)
{
    static const char *const names[LINKS_MAX] = {"Ball", "Campbell", "Hamilton"};
    struct span peers[LINKS_MAX];
    for (size_t i = 0; i < links; i++)
        peers[i] = span_of(names[i]);
    struct flood_options options = {.herd = span_of("trial"),
                                    .node = span_of("Alford"),
                                    .peers = peers,
                                    .peer_count = links,
                                    .incarnation = OURS,
                                    .clients_max = FLOOD_CLIENTS_DEFAULT};
    struct flood *flood = flood_new(&options);
    struct wire_message *hello = bytes_zeroed(sizeof *hello);
    hello->type = WIRE_HELLO;
    hello->herd = options.herd;
    hello->version = hello->version_min = WIRE_VERSION;
    for (size_t i = 0; i < links; i++) {
        hello->node = peers[i];
        hear(flood, i, hello);
    }
    free(hello);
    return flood;
}

PIECE static uint64_t piece_receive(struct flood *flood, struct span bytes)
{
    uint64_t before = flood_count(flood)->locations_news;
    flood_receive(flood, 0, bytes, 0);
    return flood_count(flood)->locations_news - before;
}

static uint64_t receive(void)
{
    static char texts[BATCH][SAMPLE_BYTES], bytes[WIRE_MESSAGE_BYTES_MAX];
    struct flood *flood = a_node(1);
    struct wire_message *message = an_update(texts);
    uint64_t done = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < BATCH; i++) {
            uint64_t stamp_ns = STAMP_NS + round * BATCH + i;
            sample_write(i, stamp_ns, texts[i]);
            message->locations[i] = a_location(texts[i], stamp_ns);
        }
        message->after = round * BATCH;
        message->upto = message->after + BATCH;
        done +=
            piece_receive(flood, (struct span){bytes, wire_write(message, bytes, sizeof bytes)});
    }
    free(message);
    flood_destroy(&flood);
    return done;
}

/* ---- spread_1, spread_3: BATCH newer locations of our own clients, sent to 1 or 3 links ---- */

static inline uint64_t spread(struct flood *flood, struct location *locations, char *out,
                              size_t links)
{
    struct span clients[BATCH];
    struct table_ref refs[BATCH];
    for (uint32_t i = 0; i < BATCH; i++)
        clients[i] = locations[i].client;
    flood_prefetch(flood, clients, refs, BATCH);
    for (uint32_t i = 0; i < BATCH; i++)
        flood_local_prefetched(flood, &locations[i], refs[i]);
    uint64_t messages = 0;
    for (size_t peer = 0; peer < links; peer++)
        while (flood_next(flood, peer, 0, out) > 0)
            messages++;
    return messages >= links ? BATCH : 0;
}

PIECE static uint64_t piece_spread_1(struct flood *flood, struct location *locations, char *out)
{
    return spread(flood, locations, out, 1);
}

PIECE static uint64_t piece_spread_3(struct flood *flood, struct location *locations, char *out)
{
    return spread(flood, locations, out, 3);
}

static uint64_t spread_to(size_t links,
                          uint64_t (*piece)(struct flood *, struct location *, char *))
{
    static char texts[BATCH][SAMPLE_BYTES], out[WIRE_MESSAGE_BYTES_MAX];
    struct flood *flood = a_node(links);
    struct wire_message *ack = bytes_zeroed(sizeof *ack);
    ack->type = WIRE_ACK;
    struct location locations[BATCH];
    struct packed packed[BATCH];
    uint64_t done = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < BATCH; i++) {
            uint64_t stamp_ns = STAMP_NS + round * BATCH + i;
            sample_write(i, stamp_ns, texts[i]);
            locations[i] = a_location(texts[i], stamp_ns);
            packed_read(locations[i].position, locations[i].stamp, &packed[i]);
            locations[i].packed = &packed[i];
        }
        done += piece(flood, locations, out);
        for (size_t peer = 0; peer < links; peer++) {
            ack->received = flood_link(flood, peer).sent;
            hear(flood, peer, ack);
        }
    }
    if (flood_count(flood)->locations_sent != done * links)
        done = 0;
    free(ack);
    flood_destroy(&flood);
    return done;
}

static uint64_t spread_1(void)
{
    return spread_to(1, piece_spread_1);
}

static uint64_t spread_3(void)
{
    return spread_to(3, piece_spread_3);
}

/* ---- reply: an AT line ---- */

PIECE static uint64_t piece_reply(struct buffer *out, const struct location *location)
{
    at_line_write(out, location);
    return 1;
}

static uint64_t reply(void)
{
    struct buffer out = {0};
    char text[SAMPLE_BYTES];
    uint64_t done = 0;
    sample_write(42, STAMP_NS, text);
    struct location location = a_location(text, STAMP_NS);
    for (uint32_t i = 0; i < ROUNDS * LINES; i++) {
        out.len = i % LINES == 0 ? 0 : out.len;
        done += piece_reply(&out, &location);
    }
    buffer_free(&out);
    return done;
}

/* ---- session: all of the above but the bus, from a read to its replies ---- */

struct rig {
    struct session_node node;
    struct session sessions[LINES]; /* all but one are for `turn` */
    struct turns turns;
    struct turns_session turns_of[LINES];
    struct logline log;
    struct buffer out;
};

static void make_rig(struct rig *rig, bool nearby)
{
    struct flood_options options = {.herd = span_of("trial"),
                                    .node = span_of("Alford"),
                                    .incarnation = 1,
                                    .clients_max = FLOOD_CLIENTS_DEFAULT,
                                    .nearby = nearby};
    *rig = (struct rig){0};
    turns_init(&rig->turns);
    for (uint32_t i = 0; i < LINES; i++)
        rig->sessions[i].number = i + 1;
    rig->node = (struct session_node){.flood = flood_new(&options),
                                      .log = &rig->log,
                                      .realtime_ns = (int64_t)STAMP_NS + 263873386,
                                      .accept_ns = (int64_t)STAMP_NS + 263873386,
                                      .id_bytes_max = LINES_BYTES_MAX};
}

static void free_rig(struct rig *rig)
{
    for (uint32_t i = 0; i < LINES; i++)
        session_free(&rig->sessions[i]);
    logline_free(&rig->log);
    buffer_free(&rig->out);
    flood_destroy(&rig->node.flood);
}

/* As the loop does it; the log's lines are written elsewhere. */
static inline void serve_one(struct rig *rig, struct session *session, char *bytes, size_t count,
                             const struct session_hint *hint)
{
    struct turns_session *turn = &rig->turns_of[session - rig->sessions];
    if (turns_wants_look(&rig->turns))
        turns_look(&rig->turns, 0);
    if (!turns_take(&rig->turns, turn))
        abort();
    session_attach_output(session, &rig->out);
    session_read(session, bytes, count);
    struct turns_budget used = session_work(session, &rig->node, turns_budget(turn), hint);
    /* Only the first turn, which has the budget of those in front, leaves anything. */
    while (session_has_work(session))
        used = session_work(session, &rig->node, turns_budget(turn), NULL);
    used.in_bytes = (uint32_t)count;
    session_wrote(session, session_output(session).len);
    session_detach_output(session, &rig->out);
    turns_done(&rig->turns, turn, &used, false);
    rig->log.lines.len = 0;
}

static inline void serve(struct rig *rig, char *bytes, size_t count)
{
    serve_one(rig, &rig->sessions[0], bytes, count, NULL);
}

PIECE static uint64_t piece_session(struct rig *rig, char *bytes, size_t count)
{
    serve(rig, bytes, count);
    return rig->node.count.iamats;
}

/* Without who is near (herd/nearby), or with it. */
static uint64_t converse(bool nearby, uint64_t (*piece)(struct rig *, char *, size_t))
{
    struct rig rig;
    char bytes[LINES * LINE_BYTES];
    uint64_t done = 0;
    make_rig(&rig, nearby);
    for (uint32_t round = 0; round < ROUNDS; round++)
        done = piece(&rig, bytes, write_lines(bytes, round));
    if (done != ROUNDS * LINES || flood_clients(rig.node.flood) != CLIENTS)
        done = 0;
    free_rig(&rig);
    return done;
}

static uint64_t session(void)
{
    return converse(false, piece_session);
}

/* ---- moves, leaps: the same with who is near; updates of up to 30 m, and of a degree ---- */

PIECE static uint64_t piece_moves(struct rig *rig, char *bytes, size_t count)
{
    serve(rig, bytes, count);
    return rig->node.count.iamats;
}

PIECE static uint64_t piece_leaps(struct rig *rig, char *bytes, size_t count)
{
    serve(rig, bytes, count);
    return rig->node.count.iamats;
}

static uint64_t moves(void)
{
    sample_choose(SAMPLE_DENSE);
    return converse(true, piece_moves);
}

static uint64_t leaps(void)
{
    return converse(true, piece_leaps);
}

/* ---- turn: the same commands, each of another client ---- */

PIECE static uint64_t piece_turn(struct rig *rig, char *bytes)
{
    struct span inputs[LINES];
    struct session_hint hints[LINES];
    for (uint32_t i = 0; i < LINES; i++)
        inputs[i] = (struct span){bytes + i * LINE_BYTES, LINE_BYTES};
    session_prefetch(&rig->node, inputs, hints, LINES);
    for (uint32_t i = 0; i < LINES; i++)
        serve_one(rig, &rig->sessions[i], bytes + i * LINE_BYTES, LINE_BYTES, &hints[i]);
    return rig->node.count.iamats;
}

static uint64_t turn(void)
{
    struct rig rig;
    char bytes[LINES * LINE_BYTES];
    uint64_t done = 0;
    make_rig(&rig, false);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        write_lines(bytes, round);
        done = piece_turn(&rig, bytes);
    }
    if (done != ROUNDS * LINES || flood_clients(rig.node.flood) != CLIENTS)
        done = 0;
    free_rig(&rig);
    return done;
}

/* ---- commands: the same while commands and replies are logged ---- */

PIECE static uint64_t piece_commands(struct rig *rig, char *bytes, size_t count)
{
    serve(rig, bytes, count);
    return rig->node.count.commands;
}

static uint64_t commands(void)
{
    struct rig rig;
    char bytes[LINES * LINE_BYTES];
    uint64_t done = 0;
    make_rig(&rig, false);
    rig.node.log_commands = true;
    for (uint32_t round = 0; round < ROUNDS; round++)
        done = piece_commands(&rig, bytes, write_lines(bytes, round));
    free_rig(&rig);
    return done;
}

/* ---- whatsat: questions for clients alone, which no places service is asked for ---- */

PIECE static uint64_t piece_whatsat(struct rig *rig, char *bytes, size_t count)
{
    serve(rig, bytes, count);
    return rig->node.count.whatsats;
}

static uint64_t whatsat(void)
{
    struct rig rig;
    char iamats[LINES * LINE_BYTES], bytes[LINES * LINE_BYTES];
    uint64_t done = 0;
    make_rig(&rig, false);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        serve(&rig, iamats, write_lines(iamats, round));
        size_t count = 0;
        for (uint32_t i = 0; i < LINES; i++) {
            memcpy(bytes + count, "WHATSAT ", 8);
            sample_write_id((round * LINES + i) % CLIENTS, bytes + count + 8);
            memcpy(bytes + count + 8 + SAMPLE_ID_BYTES, " 10 0\n", 6);
            count += 8 + SAMPLE_ID_BYTES + 6;
        }
        done = piece_whatsat(&rig, bytes, count);
    }
    if (rig.node.count.invalid > 0)
        done = 0;
    free_rig(&rig);
    return done;
}

int main(int count, char **values)
{
    static const struct {
        const char *name;
        uint64_t (*run)(void);
    } pieces[] = {{"parse", parse},       {"table", table},     {"encode", encode},
                  {"decode", decode},     {"receive", receive}, {"spread_1", spread_1},
                  {"spread_3", spread_3}, {"reply", reply},     {"session", session},
                  {"moves", moves},       {"leaps", leaps},     {"turn", turn},
                  {"commands", commands}, {"whatsat", whatsat}};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (count == 2 && strcmp(values[1], pieces[i].name) == 0) {
            uint64_t done = pieces[i].run();
            printf("%llu\n", (unsigned long long)done);
            return done > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    fputs("usage: hotpath PIECE\n", stderr);
    return EXIT_FAILURE;
}
