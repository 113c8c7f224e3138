#include "bus/operators.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_S  1000
#define NS_PER_MS INT64_C(1000000)

#define NOT_ALLOWED                                                                                \
    "this node lets operators forget nobody: its herd has no keys, and no `forget = yes`"
#define NO_LONGER_ALLOWED "this node lets operators forget nobody any more"
#define NO_CONDITION      "nothing says which clients; to mean all of them, match *"
#define IS_BUSY           "another request of this operator is in work"
#define TABLE_IS_FULL     "some were not forgotten: the table is full"
#define NOT_NOW                                                                                    \
    "some were not forgotten: they changed meanwhile, or this node has not heard the herd's time"

/* A client that matched, kept for the reply. */
struct example {
    char client[OPERATE_EXAMPLE_BYTES_MAX], origin[WIRE_NAME_BYTES_MAX];
    size_t client_bytes, origin_bytes;
    uint64_t bytes;
    int64_t order_ns;
};

/* An operator and the last request of his that was begun. */
struct session {
    char name[WIRE_NAME_BYTES_MAX + 1]; /* "": the place is free */
    int64_t heard_ms;
    uint32_t tokens;                 /* requests that may still be read, */
    int64_t filled_ms;               /* and when one was added last */
    char id[OPERATORS_ID_BYTES_MAX]; /* where the reply goes */
    size_t id_bytes;

    bool works;
    bool begins;                    /* it has not been worked on */
    bool is_cut;                    /* it ended before its end, as `remark` says */
    struct buffer message;          /* while it works: what the request borrows from */
    struct operate_request request; /* of one that is done, only the numbers count */
    uint32_t at, of;                /* slots or ids */
    uint64_t matches, forgotten;
    const char *remark;
    uint32_t example_count;
    struct example examples[OPERATE_EXAMPLES_MAX];
};

struct reply {
    char id[OPERATORS_ID_BYTES_MAX];
    size_t id_bytes;
    struct buffer bytes; /* mostly short */
};

/* A counter, as it was a second ago, and how much it grew in the second before that. */
struct rate {
    uint64_t count, per_s;
};

struct operators {
    struct flood *flood;
    struct span node;
    uint64_t incarnation;
    bool may_forget;
    struct session sessions[OPERATORS_MAX];
    size_t working; /* sessions that are */
    size_t turn;    /* whose turn it is to be worked for */
    struct reply replies[OPERATORS_REPLIES_MAX];
    size_t first_reply, reply_count;
    char acts[OPERATORS_ACTS_MAX][OPERATORS_ACT_BYTES_MAX];
    size_t first_act, act_count;
    struct buffer client;                         /* the id of the client that is being forgotten */
    struct operate_status figures;                /* as they were said last */
    struct rate commands, sent, received, *links; /* of links: what was to be sent */
    int64_t second_ms;                            /* when that was; INT64_MIN: never */
    uint16_t *nodes;                              /* the flood's numbers of the topology's */
    size_t node_count;
    uint8_t ways[OPERATE_WAYS_BYTES_MAX];
    struct operate_status status; /* as it was put together last, as bytes, too, and when */
    char status_bytes[OPERATE_STATUS_BYTES_MAX];
    size_t status_byte_count;
    int64_t status_ms;
    char reply_bytes[OPERATE_REPLY_BYTES_MAX];
    struct operators_counters count;
};

struct operators *operators_new(struct flood *flood, struct span node, uint64_t incarnation)
{
    assert(incarnation != 0 && node.len > 0 && node.len <= WIRE_NAME_BYTES_MAX);
    struct operators *operators = bytes_zeroed(sizeof *operators);
    operators->flood = flood;
    operators->node = node;
    operators->incarnation = incarnation;
    operators->links = bytes_zeroed((flood_links(flood) + 1) * sizeof *operators->links);
    operators->second_ms = INT64_MIN;
    return operators;
}

void operators_set_nodes(struct operators *operators, const struct span *nodes, size_t count,
                         uint64_t fingerprint)
{
    assert(count <= OPERATE_ORIGINS_MAX);
    operators->nodes = bytes_resize(operators->nodes, (count + 1) * sizeof *operators->nodes);
    for (size_t i = 0; i < count; i++)
        operators->nodes[i] = flood_origin(operators->flood, nodes[i]);
    operators->node_count = count;
    operators->figures.topology = fingerprint;
    operators->status_byte_count = 0;
}

void operators_change_links(struct operators *operators, const size_t *was)
{
    size_t count = flood_links(operators->flood);
    struct rate *links = bytes_zeroed((count + 1) * sizeof *links);
    for (size_t i = 0; i < count; i++)
        if (was[i] != FLOOD_NEW_LINK)
            links[i] = operators->links[was[i]];
    free(operators->links);
    operators->links = links;
}

void operators_destroy(struct operators **operators_at)
{
    struct operators *operators = *operators_at;
    *operators_at = NULL;
    if (operators == NULL)
        return;
    for (size_t i = 0; i < OPERATORS_MAX; i++)
        buffer_free(&operators->sessions[i].message);
    for (size_t i = 0; i < OPERATORS_REPLIES_MAX; i++)
        buffer_free(&operators->replies[i].bytes);
    buffer_free(&operators->client);
    free(operators->links);
    free(operators->nodes);
    free(operators);
}

void operators_allow_forget(struct operators *operators, bool allowed)
{
    operators->may_forget = allowed;
}

/* ---- replies ---- */

static void put_reply(struct operators *operators, struct span id,
                      const struct operate_reply *reply)
{
    if (operators->reply_count == OPERATORS_REPLIES_MAX) {
        operators->count.dropped++;
        return;
    }
    size_t place = (operators->first_reply + operators->reply_count++) % OPERATORS_REPLIES_MAX;
    struct reply *put = &operators->replies[place];
    memcpy(put->id, id.data, id.len);
    put->id_bytes = id.len;
    size_t bytes = operate_write_reply(reply, operators->reply_bytes);
    put->bytes.len = 0;
    buffer_append(&put->bytes, (struct span){operators->reply_bytes, bytes});
}

static struct operate_reply begin_reply(const struct operators *operators,
                                        const struct operate_request *request,
                                        enum operate_state state, const char *text)
{
    return (struct operate_reply){
        .from = operators->incarnation,
        .to = request->from,
        .number = request->number,
        .kind = request->kind,
        .state = state,
        .text = text != NULL ? span_of(text) : (struct span){"", 0},
        .node = operators->node,
    };
}

static void refuse(struct operators *operators, struct span id,
                   const struct operate_request *request, const char *why)
{
    struct operate_reply reply = begin_reply(operators, request, OPERATE_REFUSED, why);
    operators->count.refused++;
    put_reply(operators, id, &reply);
}

/* How far the session's request is, or how it ended. */
static void report(struct operators *operators, const struct session *session)
{
    enum operate_state state = session->works    ? OPERATE_WORKING
                               : session->is_cut ? OPERATE_REFUSED
                                                 : OPERATE_DONE;
    struct operate_reply reply = begin_reply(operators, &session->request, state, session->remark);
    reply.looked = session->at;
    reply.of = session->of;
    reply.matches = session->matches;
    reply.forgotten = session->forgotten;
    reply.example_count = session->example_count;
    for (uint32_t i = 0; i < session->example_count; i++) {
        const struct example *example = &session->examples[i];
        reply.examples[i] = (struct operate_example){
            .client = {example->client, example->client_bytes},
            .bytes = example->bytes,
            .origin = {example->origin, example->origin_bytes},
            .order_ns = example->order_ns,
        };
    }
    put_reply(operators, (struct span){session->id, session->id_bytes}, &reply);
}

bool operators_next_reply(struct operators *operators, struct span *id, struct span *reply)
{
    if (operators->reply_count == 0)
        return false;
    const struct reply *next = &operators->replies[operators->first_reply];
    operators->first_reply = (operators->first_reply + 1) % OPERATORS_REPLIES_MAX;
    operators->reply_count--;
    *id = (struct span){next->id, next->id_bytes};
    *reply = (struct span){next->bytes.data, next->bytes.len};
    return true;
}

/* ---- acts ---- */

/* "Ada forgot 12 of 12 clients: ids, origin". Of the conditions only the kinds: a pattern may be
 * the id of somebody who wants to be forgotten. */
static void note_act(struct operators *operators, const struct session *session)
{
    const struct operate_request *request = &session->request;
    const struct selection *which = &request->which;
    const struct {
        bool is_there;
        const char *word;
    } conditions[] = {
        {request->id_count > 0, "ids"},          {which->origin.len > 0, "origin"},
        {which->after_ns != INT64_MIN, "after"}, {request->older_ms > 0, "older"},
        {which->pattern.len > 0, "pattern"},
    };
    char words[64] = "", did[64];
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        size_t bytes = strlen(words);
        if (conditions[i].is_there)
            snprintf(words + bytes, sizeof words - bytes, "%s%s", bytes > 0 ? ", " : "",
                     conditions[i].word);
    }
    if (request->acts)
        snprintf(did, sizeof did, "forgot %" PRIu64 " of %" PRIu64, session->forgotten,
                 session->matches);
    else
        snprintf(did, sizeof did, "counted %" PRIu64, session->matches);
    if (operators->act_count == OPERATORS_ACTS_MAX) {
        operators->first_act = (operators->first_act + 1) % OPERATORS_ACTS_MAX;
        operators->act_count--;
    }
    char line[OPERATORS_ACT_BYTES_MAX];
    snprintf(line, sizeof line, "%s %s clients: %s", session->name, did, words);
    size_t place = (operators->first_act + operators->act_count++) % OPERATORS_ACTS_MAX;
    memcpy(operators->acts[place], line, sizeof line);
}

bool operators_next_act(struct operators *operators, const char **text)
{
    if (operators->act_count == 0)
        return false;
    *text = operators->acts[operators->first_act];
    operators->first_act = (operators->first_act + 1) % OPERATORS_ACTS_MAX;
    operators->act_count--;
    return true;
}

/* ---- how the node is ---- */

static void take_rate(struct rate *rate, uint64_t count, int64_t passed_ms)
{
    uint64_t more = count > rate->count ? count - rate->count : 0;
    rate->per_s = passed_ms > 0 ? more * MS_PER_S / (uint64_t)passed_ms : 0;
    rate->count = count;
}

void operators_second(struct operators *operators, const struct operate_status *figures,
                      int64_t now_ms)
{
    const struct link_counters *count = flood_count(operators->flood);
    int64_t passed_ms = operators->second_ms == INT64_MIN ? 0 : now_ms - operators->second_ms;
    operators->figures = *figures;
    operators->second_ms = now_ms;
    take_rate(&operators->commands, figures->commands, passed_ms);
    take_rate(&operators->sent, count->locations_sent, passed_ms);
    take_rate(&operators->received, count->locations_received, passed_ms);
    for (size_t i = 0; i < flood_links(operators->flood); i++)
        take_rate(&operators->links[i], flood_link(operators->flood, i).head, passed_ms);
}

static struct operate_link describe_link(const struct operators *operators, size_t index)
{
    struct flood_link link = flood_link(operators->flood, index);
    return (struct operate_link){
        .name = link.name,
        .up = link.up,
        .is_observer = link.is_observer,
        .differs = link.differs,
        .met_age_ms = link.met_age_ms,
        .due = link.due,
        .in_flight = link.in_flight,
        .per_s = operators->links[index].per_s,
        .lag_ms = link.lag_ms,
        .compared_age_ms = link.compared_age_ms,
        .why = span_of(link.why),
    };
}

static void describe_node(const struct operators *operators, struct operate_status *status,
                          int64_t now_ms)
{
    const struct flood *flood = operators->flood;
    struct flood_load load = flood_load(flood);
    struct flood_time time = flood_time(flood, now_ms);
    struct flood_journal journal = flood_journal(flood);
    *status = operators->figures;
    status->digest = flood_digest(flood);
    status->clients = load.clients;
    status->clients_max = load.clients_max;
    status->table_bytes = load.bytes;
    status->table_bytes_max = load.bytes_max;
    status->refused = load.refused;
    status->offset_ns = time.offset_ns;
    status->votes = time.votes;
    status->above = flood_above(flood);
    status->journal = journal.state;
    status->journal_due = journal.due;
    status->journal_age_ms = journal.age_ms;
    status->commands_per_s = operators->commands.per_s;
    status->sent_per_s = operators->sent.per_s;
    status->received_per_s = operators->received.per_s;
    status->links_all = flood_links(flood);
    status->link_count = 0;
    for (size_t i = 0; i < status->links_all && i < OPERATE_LINKS_MAX; i++)
        status->links[status->link_count++] = describe_link(operators, i);
}

const struct operate_status *operators_status(struct operators *operators, int64_t now_ms)
{
    describe_node(operators, &operators->status, now_ms);
    return &operators->status;
}

/* Who asks for the ways only: a page that is read each second costs nothing for them. */
static void describe_ways(struct operators *operators, struct operate_status *status)
{
    size_t each = (operators->node_count + 7) / 8;
    status->origins = operators->node_count;
    for (uint32_t i = 0; i < status->link_count; i++)
        flood_write_ways(operators->flood, i, operators->nodes, operators->node_count,
                         operators->ways + i * each);
    status->ways = (struct span){(const char *)operators->ways, status->link_count * each};
}

static void tell_status(struct operators *operators, struct span id,
                        const struct operate_request *request, int64_t now_ms)
{
    struct operate_reply reply = begin_reply(operators, request, OPERATE_DONE, NULL);
    if (operators->status_byte_count == 0 || now_ms >= operators->status_ms + OPERATORS_STATUS_MS) {
        describe_node(operators, &operators->status, now_ms);
        describe_ways(operators, &operators->status);
        operators->status_byte_count =
            operate_write_status(&operators->status, operators->status_bytes);
        operators->status_ms = now_ms;
    }
    reply.status = (struct span){operators->status_bytes, operators->status_byte_count};
    put_reply(operators, id, &reply);
}

/* ---- sessions ---- */

static bool has_name(const struct session *session, struct span name)
{
    return span_equals(span_of(session->name), name);
}

/* The operator's session, or one that is free or whose operator was not heard for longest; NULL
 * where all have work. */
static struct session *find_session(struct operators *operators, struct span name, int64_t now_ms)
{
    struct session *oldest = NULL;
    for (size_t i = 0; i < OPERATORS_MAX; i++) {
        struct session *session = &operators->sessions[i];
        if (has_name(session, name))
            return session;
        bool is_free = session->name[0] == '\0';
        if (!session->works &&
            (oldest == NULL ||
             (oldest->name[0] != '\0' && (is_free || session->heard_ms < oldest->heard_ms))))
            oldest = session;
    }
    if (oldest == NULL)
        return NULL;
    *oldest = (struct session){.tokens = OPERATORS_BURST, .filled_ms = now_ms};
    memcpy(oldest->name, name.data, name.len);
    return oldest;
}

static bool take_token(struct session *session, int64_t now_ms)
{
    int64_t more = (now_ms - session->filled_ms) * OPERATORS_PER_S / MS_PER_S;
    if (more > 0) {
        bool is_full = more >= OPERATORS_BURST - (int64_t)session->tokens;
        session->tokens = is_full ? OPERATORS_BURST : session->tokens + (uint32_t)more;
        session->filled_ms =
            is_full ? now_ms : session->filled_ms + more * MS_PER_S / OPERATORS_PER_S;
    }
    if (session->tokens == 0)
        return false;
    session->tokens--;
    return true;
}

static bool is_the_same(const struct session *session, const struct operate_request *request)
{
    return session->request.from == request->from && session->request.number == request->number;
}

static bool says_which(const struct operate_request *request)
{
    const struct selection *which = &request->which;
    return request->id_count > 0 || request->older_ms > 0 || which->origin.len > 0 ||
           which->pattern.len > 0 || which->after_ns != INT64_MIN;
}

/* Reads the message again, from a copy that stays. */
static void begin(struct operators *operators, struct session *session, struct span message)
{
    const char *why;
    session->message.len = 0;
    buffer_append(&session->message, message);
    struct span copy = {session->message.data, session->message.len};
    enum operate_result result = operate_read_request(copy, &session->request, &why);
    assert(result == OPERATE_GOOD);
    session->works = session->begins = true;
    session->is_cut = false;
    operators->working++;
    session->at = 0;
    session->of =
        session->request.id_count > 0 ? session->request.id_count : flood_slots(operators->flood);
    session->matches = session->forgotten = 0;
    session->remark = NULL;
    session->example_count = 0;
    operators->count.requests++;
}

static void take_request(struct operators *operators, struct session *session,
                         const struct operate_request *request, struct span id, struct span message,
                         int64_t now_ms)
{
    if (request->kind == OPERATE_STATUS) {
        tell_status(operators, id, request, now_ms);
        return;
    }
    if (request->kind == OPERATE_PING) {
        struct operate_reply reply = begin_reply(operators, request, OPERATE_DONE, NULL);
        put_reply(operators, id, &reply);
        return;
    }
    bool is_the_same_one = is_the_same(session, request);
    if (!is_the_same_one && session->works) {
        refuse(operators, id, request, IS_BUSY);
        return;
    }
    if (!is_the_same_one && !operators->may_forget) {
        refuse(operators, id, request, NOT_ALLOWED);
        return;
    }
    if (!is_the_same_one && !says_which(request)) {
        refuse(operators, id, request, NO_CONDITION);
        return;
    }
    memcpy(session->id, id.data, id.len);
    session->id_bytes = id.len;
    if (is_the_same_one)
        report(operators, session);
    else
        begin(operators, session, message);
}

void operators_receive(struct operators *operators, struct span id, struct span name,
                       struct span message, int64_t now_ms)
{
    assert(id.len <= OPERATORS_ID_BYTES_MAX);
    assert(name.len > 0 && name.len <= WIRE_NAME_BYTES_MAX);
    struct operate_request request;
    const char *why;
    struct session *session = find_session(operators, name, now_ms);
    if (session == NULL || !take_token(session, now_ms)) {
        operators->count.dropped++;
        return;
    }
    session->heard_ms = now_ms;
    switch (operate_read_request(message, &request, &why)) {
    case OPERATE_GOOD:
        take_request(operators, session, &request, id, message, now_ms);
        break;
    case OPERATE_UNKNOWN:
        refuse(operators, id, &request, why);
        break;
    case OPERATE_MALFORMED:
        operators->count.malformed++;
        break;
    }
}

/* ---- work ---- */

static void keep_example(struct session *session, const struct location *location)
{
    struct example *example = &session->examples[session->example_count++];
    example->bytes = location->client.len;
    example->client_bytes = location->client.len < OPERATE_EXAMPLE_BYTES_MAX
                                ? location->client.len
                                : OPERATE_EXAMPLE_BYTES_MAX;
    example->origin_bytes = location->origin.len;
    example->order_ns = location->order_ns;
    memcpy(example->client, location->client.data, example->client_bytes);
    memcpy(example->origin, location->origin.data, example->origin_bytes);
}

static void forget(struct operators *operators, struct session *session, struct span client,
                   int64_t wall_ns, int64_t now_ms)
{
    struct location tombstone;
    operators->client.len = 0; /* what the id is borrowed from may not outlive the look */
    buffer_append(&operators->client, client);
    struct span copy = {operators->client.data, operators->client.len};
    switch (flood_forget(operators->flood, copy, wall_ns, now_ms, &tombstone)) {
    case FLOOD_STORED:
        session->forgotten++;
        break;
    case FLOOD_FULL:
        session->remark = TABLE_IS_FULL;
        break;
    default:
        session->remark = NOT_NOW;
        break;
    }
}

/* Looks at the next slot or id; what that cost. */
static uint32_t look(struct operators *operators, struct session *session, int64_t wall_ns,
                     int64_t now_ms)
{
    const struct operate_request *request = &session->request;
    struct location location;
    uint32_t at = session->at++;
    bool found = request->id_count > 0 ? flood_find(operators->flood, request->ids[at], &location)
                                       : flood_read_slot(operators->flood, at, &location);
    if (!found || !selection_has(&request->which, &location))
        return 1;
    session->matches++;
    if (session->example_count < OPERATE_EXAMPLES_MAX)
        keep_example(session, &location);
    if (!request->acts)
        return 1;
    forget(operators, session, location.client, wall_ns, now_ms);
    return OPERATORS_FORGET_LOOKS;
}

/* From now on the age is a moment of the herd's time, the same for the whole walk. */
static void fix_age(struct operators *operators, struct session *session, int64_t wall_ns,
                    int64_t now_ms)
{
    struct flood_time time = flood_time(operators->flood, now_ms);
    int64_t now_ns = time.has_clock ? time.forget_ns : wall_ns;
    uint64_t older_ms = session->request.older_ms;
    if (older_ms > 0)
        session->request.which.before_ns = older_ms > (uint64_t)(INT64_MAX / NS_PER_MS)
                                               ? INT64_MIN
                                               : now_ns - (int64_t)older_ms * NS_PER_MS;
    session->begins = false;
}

static void end(struct operators *operators, struct session *session)
{
    session->works = false;
    operators->working--;
    note_act(operators, session);
    report(operators, session);
    buffer_free(&session->message);
}

static void work_on(struct operators *operators, struct session *session, int64_t wall_ns,
                    int64_t now_ms)
{
    if (!operators->may_forget) {
        session->is_cut = true;
        session->remark = NO_LONGER_ALLOWED;
        end(operators, session);
        return;
    }
    if (session->begins)
        fix_age(operators, session, wall_ns, now_ms);
    for (uint32_t cost = 0; session->at < session->of && cost < OPERATORS_TURN_LOOKS;)
        cost += look(operators, session, wall_ns, now_ms);
    if (session->at == session->of)
        end(operators, session);
}

bool operators_are_busy(const struct operators *operators)
{
    return operators->working > 0;
}

bool operators_work(struct operators *operators, int64_t wall_ns, int64_t now_ms)
{
    for (size_t i = 0; i < OPERATORS_MAX && operators_are_busy(operators); i++) {
        struct session *session = &operators->sessions[operators->turn];
        operators->turn = (operators->turn + 1) % OPERATORS_MAX;
        if (session->works) {
            work_on(operators, session, wall_ns, now_ms);
            break;
        }
    }
    return operators_are_busy(operators);
}

const struct operators_counters *operators_count(const struct operators *operators)
{
    return &operators->count;
}
