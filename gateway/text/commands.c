/* The commands: of each what its fields say, what it does, and its row. A command that clients say
 * a million times a second has a faster reader besides, in command.c. */
#include "bus/base/degrees.h"
#include "bus/base/hourly.h"
#include "bus/base/timestamp.h"
#include "bus/flood.h"
#include "bus/table/at_line.h"
#include "gateway/text/admission.h"
#include "gateway/text/command.h"
#include "gateway/text/nearby.h"
#include "gateway/text/reply.h"
#include "gateway/text/session.h"
#include "placesd/lookup.h"

#define METRES_PER_KM 1000u
#define MM_PER_METRE  1000u

/* A little more than half of the circumference. */
#define NEARBY_RADIUS_KM_MAX 20038u
#define WATCH_RADIUS_KM_MAX  1000u
#define RADIUS_DECIMALS_MAX  3u

/* ---- IAMAT ---- */

static const char *parse_iamat(const struct span *fields, struct command *command)
{
    struct degrees degrees;
    if (!degrees_read(fields[1], &degrees))
        return "the position is not like +34.068930-118.445127";
    if (!command_parse_stamp(fields[2], &command->stamp_ns))
        return "the time is not like 1621464827.959498503";
    command->client = fields[0];
    command->position = fields[1];
    command->stamp = fields[2];
    command->has_digits = false;
    return NULL;
}

/* The client's own clock is as far behind, or the position has waited: its line for an operator,
 * without the id, as any line but those of commands. */
__attribute__((cold, noinline)) static void
note_expired(struct session *session, struct session_node *node, const struct location *location)
{
    char behind[TIMESTAMP_APART_BYTES_MAX];
    if (hourly_is_due(&node->expired_noted, location->client, node->now_ms))
        logline_say(node->log, node->realtime_ns, "clock", session->number,
                    "a position is older than expire, and not stored: its client's clock is %s s "
                    "behind",
                    timestamp_write_apart(behind, node->accept_ns - location->order_ns));
}

/* A token of the address's new clients; true where there are no limits. */
static bool take_new_id(struct session *session, struct session_node *node)
{
    return node->limits == NULL || address_shares_take_new_id(client_limits_shares(node->limits),
                                                              session->limits.share, node->now_ms);
}

/* A client whose clock was set back says nothing that counts until it has caught up with itself:
 * some phones take the wrong one of the 1024 weeks that GPS tells apart. */
__attribute__((cold, noinline)) static void
note_stale(struct session *session, struct session_node *node, const struct location *said)
{
    struct location newest;
    char behind[TIMESTAMP_APART_BYTES_MAX];
    if (!flood_find(node->flood, said->client, &newest) ||
        newest.order_ns - said->order_ns <= SESSION_BACKWARD_NS)
        return;
    node->count.backward++;
    if (hourly_is_due(&node->backward_noted, said->client, node->now_ms))
        logline_say(node->log, node->realtime_ns, "clock", session->number,
                    "a client's stamps went back by %s s, and count for nothing until they are "
                    "as late again",
                    timestamp_write_apart(behind, newest.order_ns - said->order_ns));
}

/* Takes the location; a client that nobody has heard of is a new id of the address. NULL, or why
 * not, with `refusal`. */
static const char *store(struct session *session, struct session_node *node,
                         struct location *location, struct table_ref ref, bool *has_expired,
                         enum refusal *refusal)
{
    enum flood_outcome outcome = flood_local_known(node->flood, location, ref);
    if (outcome == FLOOD_UNKNOWN) {
        *refusal = REFUSAL_ADDRESS_FULL;
        if (!take_new_id(session, node))
            return "its address has brought too many new clients";
        outcome = flood_local_unknown(node->flood, location, ref);
    }
    *has_expired = outcome == FLOOD_EXPIRED;
    if (*has_expired)
        note_expired(session, node, location);
    if (outcome == FLOOD_STALE)
        note_stale(session, node, location);
    *refusal = REFUSAL_TABLE_FULL;
    return outcome == FLOOD_FULL ? "the table of clients is full" : NULL;
}

static void take_location(struct session *session, struct session_node *node,
                          const struct command *command, struct table_ref ref)
{
    /* A stamp is never negative and the clock fits, so the difference fits too. */
    struct location location = {
        .client = command->client,
        .position = command->position,
        .stamp = command->stamp,
        .difference_ns = node->realtime_ns - command->stamp_ns,
        .order_ns = location_order_ns(command->stamp_ns, node->accept_ns),
        .packed = command->has_digits ? &command->packed : NULL,
    };
    node->count.iamats++;
    bool has_expired = false;
    enum refusal refusal = REFUSAL_ID_TOO_LONG;
    const char *why = command->client.len > node->id_bytes_max
                          ? "the id is longer than max_id_bytes"
                          : store(session, node, &location, ref, &has_expired, &refusal);
    if (why != NULL) {
        session_refuse(session, node, command->text, refusal, why);
        return;
    }
    size_t start = session->out.len;
    at_line_write(&session->out, &location);
    session_end_line(session, node, start);
    if (__builtin_expect(node->holds_replies, false) && !has_expired)
        session_hold(session, node, command->text, command->client, start);
    /* Stamps from the future are ordered by when they were accepted, and one read may bring
     * several: no two of them are accepted in the same nanosecond. Both times move, so that while
     * they are the same the order follows from stamp and difference. */
    if (location.order_ns < command->stamp_ns) {
        node->realtime_ns++;
        node->accept_ns++;
    }
}

/* ---- WHATSAT ---- */

static const char *parse_whatsat(const struct span *fields, struct command *command)
{
    if (!command_parse_whole(fields[1], LOOKUP_RADIUS_KM_MAX, &command->radius_km))
        return "the radius is not a whole number of kilometres from 0 to 50";
    if (!command_parse_whole(fields[2], LOOKUP_BOUND_MAX, &command->bound))
        return "the bound is not a whole number from 0 to 20";
    command->client = fields[0];
    return NULL;
}

/* No look-up is made: says so in the JSON, at once. */
static void reply_failure(struct session *session, const struct session_node *node,
                          enum lookup_code code, const char *reason)
{
    struct buffer json = {0};
    lookup_write_failure(code, reason, &json);
    size_t start = session->out.len;
    reply_places(&session->out, (struct span){json.data, json.len});
    buffer_free(&json);
    session_end_places(session, node, code, session->out.len - start);
}

/* Asks, unless as many look-ups are under way as this client or all may have. */
static bool ask(struct session *session, struct session_node *node, const struct lookup *lookup,
                uint64_t *ticket)
{
    struct client_limits_connection *connection = &session->limits;
    if (node->limits == NULL)
        return requests_ask(node->requests, session->address, NULL, lookup, node->now_ms, ticket);
    if (!client_limits_look_up(node->limits, connection))
        return false;
    if (requests_ask(node->requests, session->address, connection->share, lookup, node->now_ms,
                     ticket))
        return true;
    client_limits_answer(node->limits, connection->share, connection);
    return false;
}

static void look_up(struct session *session, struct session_node *node,
                    const struct command *command, struct table_ref ref)
{
    struct location location;
    node->count.whatsats++;
    if (!flood_find_prefetched(node->flood, command->client, ref, &location)) {
        session_refuse(session, node, command->text, REFUSAL_UNKNOWN_CLIENT,
                       "nobody has heard of this client");
        return;
    }
    size_t start = session->out.len;
    at_line_write(&session->out, &location);
    session_end_line(session, node, start);

    if (command->bound == 0) {
        size_t json_start = session->out.len;
        reply_no_places(&session->out);
        session_end_places(session, node, LOOKUP_OK, session->out.len - json_start);
        return;
    }
    struct lookup lookup = {.radius_m = command->radius_km * METRES_PER_KM,
                            .bound = command->bound};
    struct degrees at;
    uint64_t ticket;
    bool is_on_globe = degrees_read(location.position, &at);
    if (is_on_globe) {
        lookup.latitude_nanodeg = at.latitude_nano;
        lookup.longitude_nanodeg = at.longitude_nano;
    }
    if (node->requests == NULL)
        reply_failure(session, node, LOOKUP_UNAVAILABLE, "this herd has no places service");
    else if (!is_on_globe)
        reply_failure(session, node, LOOKUP_INVALID, "the position is not one on the globe");
    else if (!ask(session, node, &lookup, &ticket))
        reply_failure(session, node, LOOKUP_BUSY, "too many look-ups are under way");
    else
        session_await_places(session, ticket, start, node->is_noted);
}

/* ---- NEARBY ---- */

static const char nearby_misfit[] =
    "too few or too many fields: NEARBY takes (client radius bound) "
    "or (AT position radius bound)";

/* "2.5": kilometres with up to three decimals. */
static bool parse_radius(struct span text, uint32_t km_max, int64_t *radius_mm)
{
    uint64_t metres;
    if (!decimal_read_parts(text, RADIUS_DECIMALS_MAX, km_max, &metres))
        return false;
    *radius_mm = (int64_t)(metres * MM_PER_METRE);
    return true;
}

/* The two that end both forms. */
static const char *parse_reach(const struct span *fields, struct command *command)
{
    if (!parse_radius(fields[0], NEARBY_RADIUS_KM_MAX, &command->radius_mm))
        return "the radius is not a number of kilometres from 0 to 20038, with up to three "
               "decimals";
    if (!command_parse_whole(fields[1], GRID_BOUND_MAX, &command->bound) || command->bound == 0)
        return "the bound is not a whole number from 1 to 1000";
    return NULL;
}

static const char *parse_nearby(const struct span *fields, struct command *command)
{
    command->client = fields[0];
    return parse_reach(fields + 1, command);
}

static const char *parse_nearby_at(const struct span *fields, struct command *command)
{
    if (!span_equals(fields[0], span_of("AT")))
        return nearby_misfit;
    if (!degrees_read(fields[1], &command->place))
        return "the position is not like +34.068930-118.445127";
    return parse_reach(fields + 2, command);
}

static void look_around(struct session *session, struct session_node *node,
                        const struct command *command, struct table_ref ref)
{
    const struct table *table = flood_table(node->flood);
    struct location location;
    struct degrees place;
    uint32_t slot;
    node->count.nearbys++;
    if (!flood_find_prefetched(node->flood, command->client, ref, &location) ||
        !table_find(table, command->client, ref, &slot)) {
        session_refuse(session, node, command->text, REFUSAL_UNKNOWN_CLIENT,
                       "nobody has heard of this client");
        return;
    }
    size_t start = session->out.len;
    at_line_write(&session->out, &location);
    bool is_on_globe = degrees_read(location.position, &place);
    session_end_line(session, node, start);
    struct nearby nearby;
    if (is_on_globe)
        nearby_begin(&nearby, table, &place, command->radius_mm, command->bound, &slot);
    else
        nearby_begin_nowhere(&nearby);
    session_search(session, node, &nearby);
}

static void look_around_place(struct session *session, struct session_node *node,
                              const struct command *command, struct table_ref ref)
{
    (void)ref;
    struct nearby nearby;
    node->count.nearbys++;
    nearby_begin(&nearby, flood_table(node->flood), &command->place, command->radius_mm,
                 command->bound, NULL);
    session_search(session, node, &nearby);
}

/* ---- WATCH and UNWATCH ---- */

static const char watch_misfit[] =
    "too few or too many fields: WATCH takes (client) or (*) or (client radius) "
    "or (AT position radius)";

static const char unwatch_misfit[] = "too many fields: UNWATCH takes none or (watch)";

static const char *parse_watch(const struct span *fields, struct command *command)
{
    command->client = fields[0];
    return NULL;
}

static const char *parse_circle(struct span radius, struct command *command)
{
    return parse_radius(radius, WATCH_RADIUS_KM_MAX, &command->radius_mm)
               ? NULL
               : "the radius is not a number of kilometres from 0 to 1000, with up to three "
                 "decimals";
}

static const char *parse_watch_around(const struct span *fields, struct command *command)
{
    command->client = fields[0];
    return parse_circle(fields[1], command);
}

static const char *parse_watch_at(const struct span *fields, struct command *command)
{
    if (!span_equals(fields[0], span_of("AT")))
        return watch_misfit;
    if (!degrees_read(fields[1], &command->place))
        return "the position is not like +34.068930-118.445127";
    return parse_circle(fields[2], command);
}

static void watch(struct session *session, struct session_node *node, const struct command *command,
                  const struct watchers_wanted *wanted)
{
    node->count.watches++;
    bool is_circle = wanted->kind == WATCHERS_CIRCLE || wanted->kind == WATCHERS_POINT;
    if (is_circle && !table_has_grid(flood_table(node->flood)))
        session_refuse(session, node, command->text, REFUSAL_NO_NEARBY,
                       "a circle needs `nearby = yes`");
    else
        session_watch(session, node, command->text, wanted);
}

static void watch_client(struct session *session, struct session_node *node,
                         const struct command *command, struct table_ref ref)
{
    (void)ref;
    bool is_all = span_equals(command->client, span_of("*"));
    watch(session, node, command,
          &(struct watchers_wanted){.kind = is_all ? WATCHERS_ALL : WATCHERS_CLIENT,
                                    .client = command->client});
}

static void watch_around(struct session *session, struct session_node *node,
                         const struct command *command, struct table_ref ref)
{
    (void)ref;
    watch(session, node, command,
          &(struct watchers_wanted){
              .kind = WATCHERS_CIRCLE, .client = command->client, .radius_mm = command->radius_mm});
}

static void watch_place(struct session *session, struct session_node *node,
                        const struct command *command, struct table_ref ref)
{
    (void)ref;
    watch(session, node, command,
          &(struct watchers_wanted){
              .kind = WATCHERS_POINT, .place = command->place, .radius_mm = command->radius_mm});
}

static const char *parse_unwatch_one(const struct span *fields, struct command *command)
{
    return command_parse_whole(fields[0], UINT32_MAX, &command->watch)
               ? NULL
               : "the watch is not a whole number";
}

/* 0 is the number of none. */
static uint32_t end_watches(struct session *session, struct session_node *node,
                            const struct command *command)
{
    bool is_one = command->kind == COMMAND_UNWATCH_ONE;
    if (!watchers_has_any(&session->watches) || (is_one && command->watch == 0))
        return 0;
    return watchers_end(node->watchers, &session->watches, is_one ? command->watch : 0);
}

static void unwatch(struct session *session, struct session_node *node,
                    const struct command *command, struct table_ref ref)
{
    (void)ref;
    uint32_t ended = end_watches(session, node, command);
    size_t start = session->out.len;
    reply_unwatch(&session->out, ended);
    session_end_line(session, node, start);
}

/* ---- FORGET ---- */

static const char *parse_forget(const struct span *fields, struct command *command)
{
    command->client = fields[0];
    return NULL;
}

/* Makes the tombstone, which costs all nodes what a new client does, and so a token of the address.
 * NULL, or why not, with `refusal`. */
static const char *bury(struct session *session, struct session_node *node, struct span client,
                        struct location *tombstone, enum refusal *refusal)
{
    *refusal = REFUSAL_UNKNOWN_CLIENT;
    if (!flood_find(node->flood, client, tombstone))
        return "nobody has heard of this client";
    *refusal = REFUSAL_ADDRESS_FULL;
    if (!take_new_id(session, node))
        return "its address has brought or forgotten too many clients";
    switch (flood_forget(node->flood, client, node->realtime_ns, node->now_ms, tombstone)) {
    case FLOOD_STORED:
        return NULL;
    case FLOOD_FULL:
        *refusal = REFUSAL_TABLE_FULL;
        return "the table of clients is full";
    default:
        *refusal = REFUSAL_NO_CLOCK;
        return "no other node's clock is known yet";
    }
}

static void forget(struct session *session, struct session_node *node,
                   const struct command *command, struct table_ref ref)
{
    (void)ref;
    struct location tombstone;
    node->count.forgets++;
    enum refusal refusal;
    const char *why = bury(session, node, command->client, &tombstone, &refusal);
    if (why != NULL) {
        session_refuse(session, node, command->text, refusal, why);
        return;
    }
    size_t start = session->out.len;
    at_line_write(&session->out, &tombstone);
    session_end_line(session, node, start);
    if (node->holds_replies)
        session_hold(session, node, command->text, command->client, start);
}

/* ---- those without fields, and what is none of them ---- */

static void help(struct session *session, struct session_node *node, const struct command *command,
                 struct table_ref ref)
{
    (void)command, (void)ref;
    size_t start = session->out.len;
    command_help(node->options, &session->out);
    session_end_lines(session, node, start, span_of("help"));
}

static void quit(struct session *session, struct session_node *node, const struct command *command,
                 struct table_ref ref)
{
    (void)node, (void)command, (void)ref;
    session->leaving = true;
}

static void turn_away(struct session *session, struct session_node *node,
                      const struct command *command, struct table_ref ref)
{
    (void)ref;
    session->leaving = true;
    session_refuse(session, node, command->text, REFUSAL_BROWSER, "this is a browser");
}

static void refuse(struct session *session, struct session_node *node,
                   const struct command *command, struct table_ref ref)
{
    (void)ref;
    session_refuse(session, node, command->text,
                   command->why == admission_forbidden ? REFUSAL_FORBIDDEN : REFUSAL_MALFORMED,
                   command->why);
}

/* ---- the table ---- */

/* The word of a row and its arguments, and both as the log shows them. */
#define TAKES(word_, arguments_)                                                                   \
    .word = (word_), .arguments = (arguments_),                                                    \
    .misfit = "too few or too many fields: " word_ " takes (" arguments_ ")"

const struct command_row command_rows[COMMAND_KINDS] = {
    [COMMAND_IAMAT] =
        {
            TAKES("IAMAT", "client position time"),
            .needs = COMMAND_NEEDS_BE,
            .parse = parse_iamat,
            .run = take_location,
            .help = "IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1621464827.959498503\n"
                    "    says where you are: your name, latitude and longitude in degrees,\n"
                    "    and the time in seconds since 1970\n",
        },
    [COMMAND_WHATSAT] =
        {
            TAKES("WHATSAT", "client radius bound"),
            .is_of_known = true,
            .needs = COMMAND_NEEDS_SEE,
            .parse = parse_whatsat,
            .run = look_up,
            .help = "WHATSAT kiwi.cs.ucla.edu 10 5\n"
                    "    asks what is near a client: its name, a radius of 0 to 50 km,\n"
                    "    and how many places at most, 0 to 20\n",
        },
    [COMMAND_NEARBY] =
        {
            .word = "NEARBY",
            .arguments = "client radius bound",
            .misfit = nearby_misfit,
            .or_else = COMMAND_NEARBY_AT,
            .is_optional = true,
            .is_of_known = true,
            .needs = COMMAND_NEEDS_SEE,
            .parse = parse_nearby,
            .run = look_around,
            .help = "NEARBY kiwi.cs.ucla.edu 2.5 10\n"
                    "    asks which clients are near a client: its name, a radius of 0 to\n"
                    "    20038 km, and how many clients at most, 1 to 1000\n"
                    "NEARBY AT +34.068930-118.445127 2.5 10\n"
                    "    asks which clients are near a place\n",
        },
    [COMMAND_NEARBY_AT] =
        {
            .arguments = "AT position radius bound",
            .misfit = nearby_misfit,
            .parse = parse_nearby_at,
            .run = look_around_place,
        },
    [COMMAND_WATCH] =
        {
            .word = "WATCH",
            .arguments = "client",
            .misfit = watch_misfit,
            .or_else = COMMAND_WATCH_AROUND,
            .is_optional = true,
            .parse = parse_watch,
            .run = watch_client,
            .help = "WATCH kiwi.cs.ucla.edu\n"
                    "    tells each new position of a client from now on, in lines that begin\n"
                    "    with `! `; WATCH * those of all clients\n"
                    "WATCH kiwi.cs.ucla.edu 2.5\n"
                    "    tells who comes into, moves in and leaves a circle around a client,\n"
                    "    with a radius of 0 to 1000 km\n"
                    "WATCH AT +34.068930-118.445127 2.5\n"
                    "    tells the same of a circle around a place\n",
        },
    [COMMAND_WATCH_AROUND] =
        {
            .arguments = "client radius",
            .misfit = watch_misfit,
            .or_else = COMMAND_WATCH_AT,
            .parse = parse_watch_around,
            .run = watch_around,
        },
    [COMMAND_WATCH_AT] =
        {
            .arguments = "AT position radius",
            .misfit = watch_misfit,
            .parse = parse_watch_at,
            .run = watch_place,
        },
    [COMMAND_UNWATCH] =
        {
            .word = "UNWATCH",
            .arguments = "",
            .misfit = unwatch_misfit,
            .or_else = COMMAND_UNWATCH_ONE,
            .is_optional = true,
            .run = unwatch,
            .help = "UNWATCH\n"
                    "    ends all watches of this connection\n"
                    "UNWATCH 1\n"
                    "    ends one, by the number that the answer to WATCH had\n",
        },
    [COMMAND_UNWATCH_ONE] =
        {
            .arguments = "watch",
            .misfit = unwatch_misfit,
            .parse = parse_unwatch_one,
            .run = unwatch,
        },
    [COMMAND_FORGET] =
        {
            TAKES("FORGET", "client"),
            .is_optional = true,
            .is_of_known = true,
            .needs = COMMAND_NEEDS_BE,
            .parse = parse_forget,
            .run = forget,
            .help = "FORGET kiwi.cs.ucla.edu\n"
                    "    makes all nodes forget where a client is, until its next IAMAT\n",
        },
    [COMMAND_AUTH] =
        {
            .word = "AUTH",
            .arguments = "token",
            .is_any_case = true,
            .is_optional = true,
            .is_secret = true,
            .is_for_everybody = true,
            .run = admission_auth,
            .help = "AUTH token\n"
                    "    says who you are, by the token that you were given\n",
        },
    [COMMAND_HELP] =
        {
            TAKES("HELP", ""),
            .is_any_case = true,
            .is_for_everybody = true,
            .run = help,
            .help = "HELP\n"
                    "    shows these lines\n",
        },
    [COMMAND_QUIT] =
        {
            TAKES("QUIT", ""),
            .is_any_case = true,
            .is_for_everybody = true,
            .run = quit,
            .help = "QUIT\n"
                    "    closes the connection\n",
        },
    [COMMAND_BROWSER] = {.is_for_everybody = true, .run = turn_away},
    [COMMAND_INVALID] = {.is_for_everybody = true, .run = refuse},
};

void command_help(uint32_t options, struct buffer *out)
{
    for (size_t i = 0; i < COMMAND_KINDS; i++) {
        const struct command_row *row = &command_rows[i];
        if (row->help != NULL && (!row->is_optional || (options & COMMAND_OPTION(i)) != 0))
            buffer_append(out, span_of(row->help));
    }
}
