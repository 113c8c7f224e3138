#include "gateway/text/client_limits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/link/newcomers.h"

struct client_limits {
    struct crowd crowd;
    size_t address_max, loopback_max, lookups_max;
    struct client_limits_bytes bytes_max;
    struct address_shares *shares;
    struct list_node stuck, lingering, lines;
    size_t lookups;
    size_t held_bytes[ADDRESS_HELD_KINDS];
    struct client_limits_counters count;
};

struct client_limits_bytes client_limits_divide_bytes(size_t bytes_max)
{
    size_t eighth = bytes_max / 8;
    return (struct client_limits_bytes){
        .lines = 3 * eighth, .replies = bytes_max - 4 * eighth, .lookups = eighth};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool client_limits_divide_descriptors(size_t limit, size_t open, size_t neighbours,
                                      size_t clients_max, struct client_limits_descriptors *shares)
{
    size_t links = neighbours * CLIENT_LIMITS_NEIGHBOUR_DESCRIPTORS, quarter = limit / 4;
    *shares = (struct client_limits_descriptors){
        .limit = limit,
        .open = open,
        .neighbours = least(CLIENT_LIMITS_NEIGHBOURS_DESCRIPTORS_MIN, 3 * quarter / 8),
        .strangers = newcomers_strangers_max(limit),
        .files = least(CLIENT_LIMITS_FILES_DESCRIPTORS, 3 * quarter / 8),
    };
    if (shares->neighbours < links)
        shares->neighbours = links;
    size_t taken = open + shares->neighbours + shares->strangers + shares->files;
    if (taken >= limit)
        return false;
    shares->clients = least(limit - taken, clients_max);
    return true;
}

void client_limits_say_descriptors(const struct client_limits_descriptors *shares,
                                   char text[CLIENT_LIMITS_DESCRIPTORS_BYTES_MAX])
{
    snprintf(text, CLIENT_LIMITS_DESCRIPTORS_BYTES_MAX,
             "descriptors: %zu, of them %zu for clients, %zu for neighbours, %zu for strangers at "
             "the bus, %zu for files and name servers, %zu open",
             shares->limit, shares->clients, shares->neighbours, shares->strangers, shares->files,
             shares->open);
}

static size_t percent_of(size_t all, unsigned percent)
{
    size_t part = all / 100 * percent + all % 100 * percent / 100;
    return part < 1 ? 1 : part;
}

static void divide(struct client_limits *limits, const struct client_limits_options *options)
{
    assert(options->connections_max >= 1);
    crowd_limit(&limits->crowd, options->connections_max);
    limits->address_max = percent_of(options->connections_max, CLIENT_LIMITS_ADDRESS_PERCENT);
    limits->loopback_max = percent_of(options->connections_max, CLIENT_LIMITS_LOOPBACK_PERCENT);
    limits->bytes_max = client_limits_divide_bytes(options->bytes_max);
    limits->lookups_max = limits->bytes_max.lookups / CLIENT_LIMITS_LOOKUP_BYTES;
    if (limits->lookups_max > options->lookups_max)
        limits->lookups_max = options->lookups_max;
}

struct client_limits *client_limits_new(const struct client_limits_options *options)
{
    struct client_limits *limits = bytes_zeroed(sizeof *limits);
    crowd_init(&limits->crowd, options->connections_max);
    divide(limits, options);
    limits->shares = address_shares_new(&options->shares);
    list_init(&limits->stuck);
    list_init(&limits->lingering);
    list_init(&limits->lines);
    return limits;
}

void client_limits_change(struct client_limits *limits, const struct client_limits_options *options)
{
    divide(limits, options);
    address_shares_change(limits->shares, &options->shares);
}

void client_limits_destroy(struct client_limits **limits)
{
    if (*limits == NULL)
        return;
    assert((*limits)->crowd.count == 0);
    address_shares_destroy(&(*limits)->shares);
    free(*limits);
    *limits = NULL;
}

/* ---- connections come and go ---- */

static size_t share_max(const struct client_limits *limits, const struct address_share *share,
                        const struct network_address *address)
{
    if (address_shares_is_trusted(limits->shares, share))
        return limits->crowd.places;
    return network_address_is_loopback(address) ? limits->loopback_max : limits->address_max;
}

enum client_limits_verdict client_limits_accept(struct client_limits *limits,
                                                const struct network_address *address,
                                                struct client_limits_connection *connection,
                                                int64_t now_ms)
{
    struct address_share *share = address_shares_find(limits->shares, address, now_ms);
    enum client_limits_verdict verdict = CLIENT_LIMITS_ACCEPTED;
    if (share->connections >= share_max(limits, share, address))
        verdict = CLIENT_LIMITS_ADDRESS_FULL;
    else if (crowd_is_full(&limits->crowd))
        verdict = CLIENT_LIMITS_FULL;
    if (verdict != CLIENT_LIMITS_ACCEPTED) {
        limits->count.full += verdict == CLIENT_LIMITS_FULL;
        limits->count.address_full += verdict == CLIENT_LIMITS_ADDRESS_FULL;
        address_shares_refuse(limits->shares, share, ADDRESS_REFUSED_CONNECTIONS);
        return verdict;
    }
    *connection = (struct client_limits_connection){.share = share};
    address_shares_connect(limits->shares, share);
    crowd_join(&limits->crowd, &connection->place, now_ms);
    limits->count.accepted++;
    return CLIENT_LIMITS_ACCEPTED;
}

static void remove_if_listed(struct list_node *node)
{
    if (list_holds(node))
        list_remove(node);
}

static void hold(struct client_limits *limits, struct client_limits_connection *connection,
                 enum address_held kind, size_t bytes)
{
    size_t before = connection->held_bytes[kind];
    if (bytes == before)
        return;
    limits->held_bytes[kind] += bytes - before;
    connection->held_bytes[kind] = bytes;
    address_shares_hold(limits->shares, connection->share, kind, before, bytes);
    if (before == 0)
        list_append(&connection->share->holders[kind], &connection->holds[kind]);
    else if (bytes == 0)
        list_remove(&connection->holds[kind]);
}

static void let_go(struct client_limits *limits, struct client_limits_connection *connection)
{
    for (int kind = 0; kind < ADDRESS_HELD_KINDS; kind++)
        hold(limits, connection, (enum address_held)kind, 0);
    remove_if_listed(&connection->waits);
    remove_if_listed(&connection->line);
}

void client_limits_leave(struct client_limits *limits, struct client_limits_connection *connection)
{
    let_go(limits, connection);
    connection->share->askers -= connection->lookups > 0;
    crowd_leave(&limits->crowd, &connection->place);
    address_shares_disconnect(limits->shares, connection->share);
    *connection = (struct client_limits_connection){0};
}

void client_limits_trust(struct client_limits *limits, struct client_limits_connection *connection)
{
    struct address_share *before = connection->share;
    size_t held[ADDRESS_HELD_KINDS];
    if (connection->lookups > 0 || connection->is_secured ||
        address_shares_is_trusted(limits->shares, before))
        return;
    for (int kind = 0; kind < ADDRESS_HELD_KINDS; kind++) {
        held[kind] = connection->held_bytes[kind];
        hold(limits, connection, (enum address_held)kind, 0);
    }
    connection->share = address_shares_trusted(limits->shares);
    address_shares_connect(limits->shares, connection->share);
    address_shares_disconnect(limits->shares, before);
    for (int kind = 0; kind < ADDRESS_HELD_KINDS; kind++)
        hold(limits, connection, (enum address_held)kind, held[kind]);
}

/* ---- what they do ---- */

static void move_to_end(struct list_node *head, struct list_node *node)
{
    remove_if_listed(node);
    list_append(head, node);
}

void client_limits_touch(struct client_limits *limits, struct client_limits_connection *connection,
                         int64_t now_ms)
{
    crowd_touch(&limits->crowd, &connection->place, connection->is_heard, now_ms);
}

/* Since when the line that is under way is under way. */
static void follow_line(struct client_limits *limits, struct client_limits_connection *connection,
                        const struct client_limits_state *state, int64_t now_ms)
{
    bool was_unfinished = list_holds(&connection->line);
    if (was_unfinished && (!state->has_unfinished || state->has_finished))
        list_remove(&connection->line);
    if (!state->has_unfinished || list_holds(&connection->line))
        return;
    connection->line_since_ms = now_ms;
    list_append(&limits->lines, &connection->line);
}

/* Since when it has taken nothing. */
static void follow_output(struct client_limits *limits, struct client_limits_connection *connection,
                          const struct client_limits_state *state, int64_t now_ms)
{
    struct list_node *holds = &connection->holds[ADDRESS_HELD_REPLIES];
    if (state->has_taken && list_holds(holds))
        move_to_end(&connection->share->holders[ADDRESS_HELD_REPLIES], holds);
    if (!state->has_output) {
        remove_if_listed(&connection->waits);
    } else if (state->has_taken || !list_holds(&connection->waits)) {
        connection->waits_since_ms = now_ms;
        move_to_end(&limits->stuck, &connection->waits);
    }
}

static bool is_over(const struct client_limits *limits)
{
    return limits->held_bytes[ADDRESS_HELD_LINES] > limits->bytes_max.lines ||
           limits->held_bytes[ADDRESS_HELD_REPLIES] > limits->bytes_max.replies;
}

bool client_limits_update(struct client_limits *limits, struct client_limits_connection *connection,
                          const struct client_limits_state *state, int64_t now_ms)
{
    assert(!connection->is_lingering);
    hold(limits, connection, ADDRESS_HELD_LINES, state->line_bytes);
    hold(limits, connection, ADDRESS_HELD_REPLIES, state->reply_bytes);
    if (state->has_unfinished || list_holds(&connection->line))
        follow_line(limits, connection, state, now_ms);
    if (state->has_output || list_holds(&connection->waits))
        follow_output(limits, connection, state, now_ms);
    crowd_follow(&limits->crowd, &connection->place, &connection->is_heard, state->has_finished,
                 state->has_watches, now_ms);
    return is_over(limits);
}

void client_limits_linger(struct client_limits *limits, struct client_limits_connection *connection,
                          int64_t now_ms)
{
    assert(!connection->is_lingering);
    let_go(limits, connection);
    connection->is_lingering = true;
    connection->waits_since_ms = now_ms;
    list_append(&limits->lingering, &connection->waits);
}

/* ---- whom to close ---- */

#define OWNER(node, member) LIST_OWNER(node, struct client_limits_connection, member)

static struct client_limits_connection *late_waiting(const struct list_node *list, int64_t limit_ms,
                                                     int64_t now_ms)
{
    struct list_node *first = list_first(list);
    bool is_late = first != NULL && now_ms - OWNER(first, waits)->waits_since_ms >= limit_ms;
    return is_late ? OWNER(first, waits) : NULL;
}

static struct client_limits_connection *late_line(const struct client_limits *limits,
                                                  int64_t now_ms)
{
    struct list_node *first = list_first(&limits->lines);
    bool is_late =
        first != NULL && now_ms - OWNER(first, line)->line_since_ms >= CLIENT_LIMITS_LINE_MS;
    return is_late ? OWNER(first, line) : NULL;
}

/* Where all together hold too many bytes in unfinished lines: the youngest of the address with
 * most. */
static struct client_limits_connection *line_too_many(const struct client_limits *limits)
{
    if (limits->held_bytes[ADDRESS_HELD_LINES] <= limits->bytes_max.lines)
        return NULL;
    struct address_share *share =
        address_shares_most(limits->shares, ADDRESS_HELD_LINES, limits->bytes_max.lines);
    return OWNER(list_last(&share->holders[ADDRESS_HELD_LINES]), holds[ADDRESS_HELD_LINES]);
}

/* Of the replies: whoever of that address has read nothing for longest. */
static struct client_limits_connection *reply_too_many(const struct client_limits *limits)
{
    if (limits->held_bytes[ADDRESS_HELD_REPLIES] <= limits->bytes_max.replies)
        return NULL;
    struct address_share *share =
        address_shares_most(limits->shares, ADDRESS_HELD_REPLIES, limits->bytes_max.replies);
    return OWNER(list_first(&share->holders[ADDRESS_HELD_REPLIES]), holds[ADDRESS_HELD_REPLIES]);
}

static struct client_limits_connection *silent(const struct client_limits *limits, int64_t now_ms)
{
    struct crowd_member *place = crowd_next_silent(&limits->crowd, now_ms);
    return place == NULL ? NULL : OWNER(place, place);
}

struct client_limits_connection *client_limits_next(struct client_limits *limits, int64_t now_ms,
                                                    enum client_limits_reason *reason)
{
    struct client_limits_connection *found;
    if ((found = late_waiting(&limits->lingering, CLIENT_LIMITS_LINGER_MS, now_ms)) != NULL)
        *reason = CLIENT_LIMITS_LINGERED;
    else if ((found = late_waiting(&limits->stuck, CLIENT_LIMITS_STUCK_MS, now_ms)) != NULL)
        *reason = CLIENT_LIMITS_STUCK;
    else if ((found = late_line(limits, now_ms)) != NULL)
        *reason = CLIENT_LIMITS_LINE_LATE;
    else if ((found = line_too_many(limits)) != NULL)
        *reason = CLIENT_LIMITS_LINES_FULL;
    else if ((found = reply_too_many(limits)) != NULL)
        *reason = CLIENT_LIMITS_REPLIES_FULL;
    else if ((found = silent(limits, now_ms)) != NULL)
        *reason = CLIENT_LIMITS_SILENT;
    else
        return NULL;
    return found;
}

struct client_limits_connection *client_limits_yield(struct client_limits *limits,
                                                     const struct network_address *address,
                                                     int64_t now_ms)
{
    struct crowd_member *place = crowd_first_unheard(&limits->crowd);
    if (!crowd_is_full(&limits->crowd) || place == NULL)
        return NULL;
    struct client_limits_connection *longest = OWNER(place, place);
    const struct address_share *share = address_shares_find(limits->shares, address, now_ms);
    if (longest->share->connections / 2 <= share->connections)
        return NULL;
    return longest;
}

const char *client_limits_say(enum client_limits_reason reason)
{
    static const char *const sentences[CLIENT_LIMITS_REASONS] = {
        [CLIENT_LIMITS_LINGERED] = "told to go",
        [CLIENT_LIMITS_STUCK] = "cut: did not read its replies for 10 s",
        [CLIENT_LIMITS_LINE_LATE] = "cut: did not finish its line within 60 s",
        [CLIENT_LIMITS_LINES_FULL] =
            "cut: unfinished lines take too much memory, and its address has most of them",
        [CLIENT_LIMITS_REPLIES_FULL] =
            "cut: unread replies take too much memory, and its address has most of them",
        [CLIENT_LIMITS_SILENT] =
            "closed: nearly all connections are taken, and this one was silent",
    };
    return sentences[reason];
}

/* ---- look-ups ---- */

/* How many are kept for connections of the address that have none. */
static size_t kept_for_others(const struct client_limits *limits, const struct address_share *share)
{
    size_t others = share->connections - share->askers, most = limits->lookups_max / 4;
    return others < most ? others : most;
}

bool client_limits_look_up(struct client_limits *limits,
                           struct client_limits_connection *connection)
{
    struct address_share *share = connection->share;
    /* More than the limit may be on their way: HUP can lower it. */
    size_t free_count =
        limits->lookups < limits->lookups_max ? limits->lookups_max - limits->lookups : 0;
    size_t address_left = free_count;
    if (!address_shares_is_trusted(limits->shares, share))
        address_left = share->lookups < free_count ? free_count - share->lookups : 0;
    /* One look-up makes what is left smaller by two: nobody else has it, and the address does. */
    size_t kept = connection->lookups > 0 ? 2 * kept_for_others(limits, share) : 0;
    if (connection->lookups >= address_left || kept >= address_left) {
        limits->count.lookups_refused++;
        return false;
    }
    limits->lookups++;
    share->askers += connection->lookups == 0;
    connection->lookups++;
    address_shares_look_up(limits->shares, share);
    return true;
}

void client_limits_answer(struct client_limits *limits, struct address_share *share,
                          struct client_limits_connection *connection)
{
    limits->lookups--;
    address_shares_answer(limits->shares, share);
    if (connection == NULL)
        return;
    connection->lookups--;
    share->askers -= connection->lookups == 0;
}

/* ---- for whoever shows it ---- */

struct address_shares *client_limits_shares(struct client_limits *limits)
{
    return limits->shares;
}

struct client_limits_usage client_limits_usage(const struct client_limits *limits,
                                               enum client_limits_resource resource)
{
    const struct client_limits_usage usages[CLIENT_LIMITS_RESOURCES] = {
        [CLIENT_LIMITS_CONNECTIONS] = {"connections", limits->crowd.count, limits->crowd.places,
                                       false},
        [CLIENT_LIMITS_LINES] = {"bytes of unfinished lines",
                                 limits->held_bytes[ADDRESS_HELD_LINES], limits->bytes_max.lines,
                                 false},
        [CLIENT_LIMITS_REPLIES] = {"bytes of unread replies",
                                   limits->held_bytes[ADDRESS_HELD_REPLIES],
                                   limits->bytes_max.replies, false},
        [CLIENT_LIMITS_LOOKUPS] = {"look-ups in flight", limits->lookups, limits->lookups_max,
                                   false},
    };
    struct client_limits_usage usage = usages[resource];
    usage.is_near = usage.used >= percent_of(usage.max, ADDRESS_SHARES_WARNING_PERCENT);
    return usage;
}

const struct client_limits_counters *client_limits_count(const struct client_limits *limits)
{
    return &limits->count;
}
