/* clients: who is served when one client sends much, over real sockets. The loop is as a node has
 * it, without a bus: a turn takes what the system reports, and then serves whoever waits. Turns are
 * counted, not time. */
#include "gateway/node/clients.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/text/command.h"
#include "tests/bus/loopback.h"
#include "tests/check.h"
#include "topology/format/memory_share.h"

#define CLIENTS_TOTAL_MAX 401
#define GREEDY            400
#define GREEDY_LINES      (48 * 1024)
#define SPAN(text)        ((struct span){(text), sizeof(text) - 1})
#define IAMAT             "IAMAT kiwi +34.068930-118.445127 1621464827.5\n"

/* A client: what it has got, and how many of it. */
struct visitor {
    int fd;
    size_t got, ends; /* bytes and line ends */
    bool is_over;     /* the node has closed its side */
};

struct rig {
    uv_loop_t loop;
    struct topology_node self;
    struct session_node node;
    struct logline lines;
    struct log *log;
    struct clients *clients;
    struct visitor visitors[CLIENTS_TOTAL_MAX];
    size_t count;
    char folder[64];
};

static struct rig rig;

static void open_rig_of(size_t connections_max, struct address_shares_options shares,
                        bool has_places)
{
    struct flood_options options = {.herd = span_of("test"),
                                    .node = span_of("Clark"),
                                    .incarnation = 1,
                                    .clients_max = FLOOD_CLIENTS_DEFAULT};
    struct fault fault = {0};
    rig = (struct rig){.folder = "/tmp/zherd-clients-XXXXXX"};
    CHECK(mkdtemp(rig.folder) != NULL);
    CHECK(uv_loop_init(&rig.loop) == 0);
    snprintf(rig.self.clients.host, sizeof rig.self.clients.host, "127.0.0.1");
    loopback_endpoint(rig.self.clients.text);
    rig.log = log_open(&(struct log_options){.folder = rig.folder, .name = "Clark"}, &fault);
    rig.node = (struct session_node){.id_bytes_max = LINES_BYTES_MAX,
                                     .flood = flood_new(&options),
                                     .requests = has_places ? requests_new(1, 1) : NULL,
                                     .log = &rig.lines};
    struct clients_options clients = {.self = &rig.self,
                                      .connections_max = connections_max,
                                      .held_bytes_max = MEMORY_SHARE_HELD_BYTES_MAX,
                                      .shares = shares};
    rig.clients = clients_open(&rig.loop, &clients, &rig.node, rig.log, &fault);
    if (rig.log == NULL || rig.clients == NULL) {
        printf("%s\n", fault.text);
        exit(2);
    }
    clients_let_in(rig.clients);
}

static void open_rig(bool has_places)
{
    open_rig_of(CLIENTS_CONNECTIONS_MAX, (struct address_shares_options){0}, has_places);
}

static void turn(void)
{
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    clients_turn(rig.clients);
    rig.lines.lines.len = 0;
}

static void close_rig(void)
{
    char path[sizeof rig.folder + sizeof "/Clark.log"];
    for (size_t i = 0; i < rig.count; i++)
        if (rig.visitors[i].fd >= 0)
            close(rig.visitors[i].fd);
    clients_close(rig.clients);
    uv_run(&rig.loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&rig.loop) == 0);
    clients_free(&rig.clients);
    log_close(&rig.log, LOOPBACK_PATIENCE_MS);
    flood_destroy(&rig.node.flood);
    requests_destroy(&rig.node.requests);
    logline_free(&rig.lines);
    snprintf(path, sizeof path, "%s/Clark.log", rig.folder);
    unlink(path);
    CHECK(rmdir(rig.folder) == 0);
}

/* Turns until the condition holds; if it does not in time, that is a failed check. */
#define WAIT(condition)                                                                            \
    do {                                                                                           \
        int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;                               \
        while (!(condition) && loopback_now_ms() < until_ms)                                       \
            turn();                                                                                \
        CHECK(condition);                                                                          \
    } while (0)

/* ---- visitors ---- */

static struct visitor *connect_one(void)
{
    struct visitor *visitor = &rig.visitors[rig.count++];
    struct sockaddr_in address = loopback_address(rig.self.clients.text);
    visitor->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(visitor->fd, (struct sockaddr *)&address, sizeof address) == 0);
    fcntl(visitor->fd, F_SETFL, O_NONBLOCK);
    return visitor;
}

static struct visitor *visit(void)
{
    struct visitor *visitor = connect_one();
    WAIT(clients_count(rig.clients)->accepted == rig.count);
    return visitor;
}

/* All of it must fit into what the system holds. */
static void send_all(const struct visitor *visitor, struct span text)
{
    CHECK_INT(send(visitor->fd, text.data, text.len, MSG_NOSIGNAL), text.len);
}

/* Until the system has handed it over. */
static void wait_until_there(const struct visitor *visitor)
{
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    int left = 1;
    while (ioctl(visitor->fd, SIOCOUTQ, &left) == 0 && left > 0 && loopback_now_ms() < until_ms)
        continue;
    CHECK_INT(left, 0);
}

static void send_lines(const struct visitor *visitor, const char *line, size_t count)
{
    struct buffer lines = {0};
    for (size_t i = 0; i < count; i++)
        buffer_append(&lines, span_of(line));
    send_all(visitor, (struct span){lines.data, lines.len});
    buffer_free(&lines);
}

/* Reads all that is there. */
static void listen_to(struct visitor *visitor)
{
    static char bytes[64 * 1024];
    ssize_t count;
    while ((count = recv(visitor->fd, bytes, sizeof bytes, 0)) > 0) {
        visitor->got += (size_t)count;
        for (ssize_t i = 0; i < count; i++)
            visitor->ends += bytes[i] == '\n';
    }
    if (count == 0)
        visitor->is_over = true;
}

static size_t ends_of(struct visitor *visitor)
{
    listen_to(visitor);
    return visitor->ends;
}

static bool is_over(struct visitor *visitor)
{
    listen_to(visitor);
    return visitor->is_over;
}

static bool all_have_replies(size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ends_of(&rig.visitors[i]) == 0)
            return false;
    return true;
}

/* Leaves at once, whatever is on the way. */
static void reset(struct visitor *visitor)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(visitor->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(visitor->fd);
    visitor->fd = -1;
}

/* Whoever was sent the end says its own. */
static bool all_are_gone(void)
{
    for (size_t i = 0; i < rig.count; i++)
        if (is_over(&rig.visitors[i]))
            shutdown(rig.visitors[i].fd, SHUT_WR);
    return clients_connections(rig.clients) == 0;
}

/* Answers as many as that of what is asked, or all. */
static void answer_some(size_t most)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    uint32_t broker;
    uint64_t id;
    for (; most > 0 && requests_next(rig.node.requests, 0, &broker, &id, request) > 0; most--) {
        struct lookup_reply reply = {LOOKUP_OK, SPAN("{}")};
        struct requests_answer answer;
        struct buffer message = {0};
        requests_sent(rig.node.requests, 0);
        lookup_write_reply(&reply, &message);
        CHECK(requests_receive(rig.node.requests, id, (struct span){message.data, message.len}, 0,
                               &answer));
        clients_answer(rig.clients, &answer);
        buffer_free(&message);
    }
}

/* ---- cases ---- */

/* 400 clients with blank lines for many turns. Once an honest one is reported, one turn of one of
 * them may come before it, however slow the machine is. */
static void one_among_greedy_ones_is_served_next(void)
{
    open_rig(false);
    for (size_t i = 0; i < GREEDY; i++)
        visit();
    struct visitor *honest = visit();
    for (size_t i = 0; i < GREEDY; i++)
        send_lines(&rig.visitors[i], "\n", GREEDY_LINES);
    /* As new ones, they are served in front once. */
    WAIT(all_have_replies(GREEDY));
    for (size_t asked = 1; asked <= 50; asked++) {
        uint64_t before = rig.node.count.commands, start, iamats = rig.node.count.iamats;
        send_all(honest, SPAN(IAMAT));
        wait_until_there(honest);
        do {
            start = rig.node.count.commands;
            turn();
            /* Its time is up before all have been served. */
            CHECK(rig.node.count.commands - start < GREEDY * TURNS_BACK_COMMANDS_MAX / 2);
        } while (rig.node.count.iamats == iamats && start - before <= TURNS_BACK_COMMANDS_MAX);
        CHECK_INT(rig.node.count.iamats, iamats + 1);
        WAIT(ends_of(honest) == asked);
        CHECK(clients_wait(rig.clients)); /* the others have much left */
    }
    CHECK(rig.node.count.commands < (uint64_t)GREEDY * GREEDY_LINES);
    close_rig();
}

/* Nothing waits in a queue for ever: all replies come, then the end. */
static void all_replies_come_however_many_turns_they_take(void)
{
    static const struct {
        const char *line;
        size_t count, ends; /* lines, and line ends of the reply to each */
    } rows[] = {
        {"\n", 30000, 1},
        {"IAMAT kiwi +1-1 1\n", 3000, 1},
        {"nothing\r\n", 7000, 1},
        {"HELP\n", 2000, 0 /* as many as HELP says */},
        {"a\xff\xf1\r\n", 9000, 1},
        {"x\n", TURNS_FRONT_COMMANDS_MAX, 1},
        {"x\n", TURNS_FRONT_COMMANDS_MAX + 1, 1},
        {"x\n", TURNS_BACK_COMMANDS_MAX + TURNS_FRONT_COMMANDS_MAX, 1},
        {"x\n", TURNS_FRONT_IN_BYTES_MAX / 2, 1},
        {"x\n", TURNS_FRONT_IN_BYTES_MAX / 2 + 1, 1},
        {"x\n", TURNS_BACK_IN_BYTES_MAX, 1},
    };
    struct buffer help = {0};
    size_t help_ends = 0, count = sizeof rows / sizeof *rows;
    command_help(0, &help);
    for (size_t i = 0; i < help.len; i++)
        help_ends += help.data[i] == '\n';
    buffer_free(&help);
    open_rig(false);
    for (size_t i = 0; i < count; i++) {
        struct visitor *visitor = visit();
        send_lines(visitor, rows[i].line, rows[i].count);
        if (i % 2 == 0)
            shutdown(visitor->fd, SHUT_WR);
    }
    for (size_t i = 0; i < count; i++) {
        size_t wanted = rows[i].count * (rows[i].ends == 0 ? help_ends : rows[i].ends);
        WAIT(ends_of(&rig.visitors[i]) == wanted);
        if (i % 2 == 0)
            WAIT(is_over(&rig.visitors[i]));
        else
            send_all(&rig.visitors[i], SPAN("QUIT\n"));
    }
    WAIT(all_are_gone());
    CHECK(!clients_wait(rig.clients));
    close_rig();
}

/* What was sent before a reset counts, over as many turns as it takes. */
static void what_came_before_a_reset_is_carried_out(void)
{
    enum { LINES = 3000 };
    open_rig(false);
    struct visitor *visitor = visit();
    struct buffer lines = {0};
    for (int i = 0; i < LINES; i++) {
        char line[64];
        snprintf(line, sizeof line, "IAMAT c%d +1-1 1\n", i);
        buffer_append(&lines, span_of(line));
    }
    send_all(visitor, (struct span){lines.data, lines.len});
    buffer_free(&lines);
    WAIT(rig.node.count.commands > 0);
    CHECK(rig.node.count.commands < LINES);
    reset(visitor);
    WAIT(clients_connections(rig.clients) == 0);
    CHECK_INT(flood_clients(rig.node.flood), LINES);
    close_rig();
}

/* Whoever waits because it does not read, or for a look-up, goes on after that. */
static void whoever_had_to_wait_goes_on(void)
{
    enum { LOOKUPS = 3 * SESSION_LOOKUPS_MAX, LINES = 200 };
    open_rig(true);
    struct visitor *visitor = visit();
    send_all(visitor, SPAN(IAMAT));
    send_lines(visitor, "WHATSAT kiwi 1 1\n", LOOKUPS);
    send_lines(visitor, "x\n", LINES);
    WAIT(requests_in_flight(rig.node.requests) == SESSION_LOOKUPS_MAX);
    for (int answered = 0; answered < LOOKUPS; answered++) {
        WAIT(requests_in_flight(rig.node.requests) > 0);
        answer_some(1);
    }
    /* An AT line, an object on a line of its own and an empty line for each. */
    WAIT(ends_of(visitor) == 1 + 3 * LOOKUPS + LINES);
    CHECK(!clients_wait(rig.clients));
    close_rig();
}

/* A client that waits for its turn when the node stops is closed as all others are. */
static void a_stop_finds_whoever_waits(void)
{
    open_rig(false);
    for (size_t i = 0; i < 40; i++)
        visit();
    for (size_t i = 0; i < 40; i++)
        send_lines(&rig.visitors[i], "\n", 9000);
    WAIT(rig.node.count.commands > 0);
    CHECK(clients_wait(rig.clients));
    clients_stop(rig.clients);
    uint64_t before = rig.node.count.commands;
    WAIT(all_are_gone());
    CHECK_INT(rig.node.count.commands, before);
    CHECK(!clients_wait(rig.clients));
    close_rig();
}

static size_t used(enum client_limits_resource resource)
{
    return client_limits_usage(rig.node.limits, resource).used;
}

/* What a connection holds is known from its first byte to its last. */
static void what_is_held_is_counted(void)
{
    open_rig(false);
    struct visitor *half = visit(), *deaf = visit();
    CHECK_INT(used(CLIENT_LIMITS_CONNECTIONS), 2);
    send_all(half, SPAN("half a line"));
    WAIT(used(CLIENT_LIMITS_LINES) > 0);
    send_all(half, SPAN(" and the rest\n"));
    WAIT(used(CLIENT_LIMITS_LINES) == 0);
    WAIT(ends_of(half) == 1);
    send_lines(deaf, "HELP\n", 3000);
    WAIT(used(CLIENT_LIMITS_REPLIES) >= SESSION_OUTPUT_SOFT_BYTES && !clients_wait(rig.clients));
    CHECK(used(CLIENT_LIMITS_REPLIES) < 3 * SESSION_OUTPUT_SOFT_BYTES);
    CHECK(used(CLIENT_LIMITS_LINES) > 0);
    /* All replies may be gone before the last lines have had their turn. */
    WAIT((listen_to(deaf), used(CLIENT_LIMITS_REPLIES) + used(CLIENT_LIMITS_LINES) == 0));
    send_all(half, SPAN("half a line"));
    WAIT(used(CLIENT_LIMITS_LINES) > 0);
    reset(half);
    WAIT(used(CLIENT_LIMITS_CONNECTIONS) == 1);
    CHECK_INT(used(CLIENT_LIMITS_LINES), 0);
    close_rig();
}

/* Reads that many bytes, as they come. */
static void read_some(struct visitor *visitor, size_t bytes)
{
    static char some[4096];
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    while (bytes > 0 && loopback_now_ms() < until_ms) {
        ssize_t count = recv(visitor->fd, some, bytes < sizeof some ? bytes : sizeof some, 0);
        bytes -= count > 0 ? (size_t)count : 0;
    }
    CHECK_INT(bytes, 0);
}

/* The loop's clock goes on by the limit, until the next turn. */
static void second_after_the_limit(int64_t *now_ms)
{
    *now_ms += CLIENT_LIMITS_STUCK_MS;
    rig.loop.time = (uint64_t)*now_ms;
    clients_second(rig.clients);
}

/* More than its own buffer holds was read, so some of the node's is free, long before the system
 * says so: there is no turn in between. Whoever reads nothing is cut. */
static void whoever_reads_slowly_stays(void)
{
    enum { SLOW_BYTES = 64 * 1024, BUFFER_BYTES = 8192 };
    int buffer_bytes = BUFFER_BYTES;
    open_rig(false);
    struct visitor *slow = visit();
    CHECK(setsockopt(slow->fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) == 0);
    send_lines(slow, "HELP\n", 12000);
    WAIT(used(CLIENT_LIMITS_REPLIES) >= SESSION_OUTPUT_SOFT_BYTES && !clients_wait(rig.clients));
    int64_t now_ms = (int64_t)uv_now(&rig.loop);
    for (int i = 0; i < 3; i++) {
        read_some(slow, SLOW_BYTES);
        second_after_the_limit(&now_ms);
        CHECK_INT(rig.node.reasons.endings[ENDING_STUCK], 0);
        CHECK_INT(used(CLIENT_LIMITS_CONNECTIONS), 1);
        clients_turn(rig.clients);
    }
    WAIT((second_after_the_limit(&now_ms), used(CLIENT_LIMITS_CONNECTIONS) == 0));
    CHECK_INT(rig.node.reasons.endings[ENDING_STUCK], 1);
    close_rig();
}

static bool is_logged(const char *text)
{
    const struct buffer *lines = &rig.lines.lines;
    return lines->len > 0 && memmem(lines->data, lines->len, text, strlen(text)) != NULL;
}

/* Of ten connections an address of this machine may have nine. */
static void one_too_many_is_refused(void)
{
    open_rig_of(10, (struct address_shares_options){0}, false);
    for (int i = 0; i < 7; i++)
        visit();
    clients_second(rig.clients);
    CHECK(!is_logged("in use"));
    visit();
    clients_second(rig.clients);
    CHECK(is_logged(" fault - 8 of 10 connections are in use"));
    visit();
    clients_second(rig.clients);
    CHECK(!is_logged("in use")); /* it was said */
    struct visitor *refused = connect_one();
    WAIT(is_over(refused));
    CHECK_INT(refused->got, strlen("? too many connections\n"));
    CHECK_INT(used(CLIENT_LIMITS_CONNECTIONS), 9);
    rig.lines.lines.len = 0;
    clients_second(rig.clients);
    CHECK(is_logged(" fault - 1 connections refused: too many are open; most were from "
                    "127.0.0.1\n"));
    rig.lines.lines.len = 0;
    clients_second(rig.clients);
    CHECK(!is_logged("refused"));
    reset(&rig.visitors[0]);
    WAIT(used(CLIENT_LIMITS_CONNECTIONS) == 8);
    connect_one();
    WAIT(used(CLIENT_LIMITS_CONNECTIONS) == 9);
    close_rig();
}

/* Ten new clients at once and one a second; known ones are no matter of that. */
static void a_new_client_too_many_is_refused(void)
{
    open_rig_of(10, (struct address_shares_options){.new_ids_per_s = 1, .new_ids_burst = 10},
                false);
    struct visitor *visitor = visit();
    for (int i = 0; i < 7; i++) {
        char line[] = "IAMAT a +1-1 1\n";
        line[6] = (char)('a' + i);
        send_all(visitor, span_of(line));
    }
    WAIT(rig.node.count.iamats == 7);
    clients_second(rig.clients);
    CHECK(!is_logged(" fault "));
    send_all(visitor, SPAN("IAMAT h +1-1 1\nIAMAT i +1-1 1\nIAMAT j +1-1 1\n"));
    WAIT(rig.node.count.iamats == 10);
    clients_second(rig.clients);
    CHECK(is_logged(" fault - 127.0.0.1 has brought 80 % of the new clients that it may"));
    WAIT(flood_clients(rig.node.flood) == 10);
    send_lines(visitor, "IAMAT k +1-1 1\nIAMAT l +1-1 1\nIAMAT a +1-1 2\n", 1);
    WAIT(rig.node.count.iamats == 13);
    clients_second(rig.clients);
    CHECK_INT(rig.node.count.invalid, 2);
    CHECK(is_logged(
        " fault - 2 new clients and FORGETs refused: their address has brought too many; most were "
        "from 127.0.0.1\n"));
    close_rig();
}

/* After QUIT a client has CLIENT_LIMITS_LINGER_MS to close its side, and holds nothing meanwhile.
 */
static void whoever_lingers_is_closed(void)
{
    open_rig(false);
    struct visitor *visitor = visit();
    send_all(visitor, SPAN("x\nQUIT\nhalf a line"));
    WAIT(is_over(visitor));
    CHECK_INT(visitor->ends, 1);
    CHECK_INT(used(CLIENT_LIMITS_CONNECTIONS), 1);
    CHECK_INT(used(CLIENT_LIMITS_LINES) + used(CLIENT_LIMITS_REPLIES), 0);
    send_all(visitor, SPAN("what nobody reads\n"));
    WAIT((clients_second(rig.clients), used(CLIENT_LIMITS_CONNECTIONS) == 0));
    CHECK_INT(rig.node.reasons.endings[ENDING_QUIT], 1);
    CHECK_INT(rig.node.count.commands, 2);
    close_rig();
}

/* 300 clients that ask as much as they may, all from one address: each other one may ask, too. */
static void greedy_askers_leave_something(void)
{
    /* So that nobody has as many as a connection may, and all are read on. */
    enum { ASKERS = 300, EACH = SESSION_LOOKUPS_MAX - 3 };
    open_rig(true);
    for (size_t i = 0; i < ASKERS; i++)
        visit();
    struct visitor *honest = visit();
    send_all(honest, SPAN(IAMAT));
    WAIT(ends_of(honest) == 1);
    /* The first of them take what there is; then some are answered, and all ask for one more. */
    uint64_t asked_all = 0;
    for (int round = 1; round <= 3; round++) {
        size_t count = round == 1 ? EACH : 1;
        for (size_t i = 0; i < ASKERS; i++)
            send_lines(&rig.visitors[i], "WHATSAT kiwi 1 1\n", count);
        asked_all += ASKERS * count;
        WAIT(rig.node.count.whatsats == asked_all);
        answer_some(round < 3 ? 50 : 0);
    }
    size_t asked = requests_in_flight(rig.node.requests);
    CHECK(clients_count(rig.clients)->lookups_refused > 0);
    CHECK(asked > requests_in_flight_max(rig.node.requests) / 4);
    CHECK(asked < requests_in_flight_max(rig.node.requests) / 2);
    clients_second(rig.clients);
    CHECK(is_logged("look-ups refused: too many are under way"));
    CHECK(asked < REQUESTS_IN_FLIGHT_MAX / 2);
    send_all(honest, SPAN("WHATSAT kiwi 1 1\n"));
    WAIT(requests_in_flight(rig.node.requests) == asked + 1);
    CHECK_INT(used(CLIENT_LIMITS_LOOKUPS), asked + 1);
    /* Those that leave are counted until their answers are there. */
    for (size_t i = 0; i < ASKERS; i++)
        reset(&rig.visitors[i]);
    WAIT(used(CLIENT_LIMITS_CONNECTIONS) == 1);
    CHECK_INT(used(CLIENT_LIMITS_LOOKUPS), asked + 1);
    answer_some(SIZE_MAX);
    CHECK_INT(used(CLIENT_LIMITS_LOOKUPS), 0);
    WAIT(ends_of(honest) == 1 + 3);
    close_rig();
}

static const struct check_case cases[] = {
    {"beside 400 clients with blank lines an honest one waits for one of them at most",
     one_among_greedy_ones_is_served_next},
    {"all replies come, however many turns they take",
     all_replies_come_however_many_turns_they_take},
    {"what came before a reset is carried out", what_came_before_a_reset_is_carried_out},
    {"whoever had to wait for a look-up goes on after it", whoever_had_to_wait_goes_on},
    {"a stop finds whoever waits for its turn", a_stop_finds_whoever_waits},
    {"one connection too many of an address is refused, and logged", one_too_many_is_refused},
    {"a new client too many of an address is refused, and logged",
     a_new_client_too_many_is_refused},
    {"what a connection holds is counted as long as it holds it", what_is_held_is_counted},
    {"whoever reads slowly stays, and whoever reads nothing is cut", whoever_reads_slowly_stays},
    {"whoever lingers after QUIT is closed", whoever_lingers_is_closed},
    {"300 greedy askers leave something for another one", greedy_askers_leave_something},
};

CHECK_MAIN(cases)
