#include "bus/link/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "bus/base/msgread.h"
#include "bus/base/msgshow.h"
#include "bus/link/wire_elements.h"

static_assert(WIRE_MESSAGE_BYTES_MAX >=
                  WIRE_HEAD_BYTES_MAX + WIRE_CLOCKS_MAX * WIRE_CLOCK_BYTES_MAX,
              "a HELLO and a HEARTBEAT of all clocks are messages");
static_assert(WIRE_MESSAGE_BYTES_MAX >= WIRE_HEAD_BYTES_MAX + WIRE_RANGES_MAX * WIRE_RANGE_BYTES,
              "a CHECK of all ranges is one");
static_assert(WIRE_MESSAGE_BYTES_MAX >= WIRE_HEAD_BYTES_MAX + WIRE_ENTRIES_MAX * WIRE_ENTRY_BYTES,
              "so is a full LIST, and a WANT, which is smaller");

/* ---- Reading ----------------------------------------------------------------------------
 *
 * Each take that says false has said where and why in the message's fault. That costs nothing until
 * it happens: what says so is never merged into what reads. */

#define NUMBER  "a whole number, 0 or more,"
#define INTEGER "a whole number"
#define TEXT    "text"
#define BINARY  "binary data"
#define NAME    "text of 1 to 63 bytes"
#define ARRAY   "an array"

static_assert(WIRE_NAME_BYTES_MAX == 63, "the rule of a name tells its limit");

/* What stands at `at` is not the field. */
MSGREAD_APART __attribute__((cold)) static bool
miss(struct wire_message *message, struct msgread at, const char *field, const char *rule)
{
    message->fault.at = at;
    message->fault.field = field;
    message->fault.rule = rule;
    return false;
}

/* The field is one, and cannot be: `wrong` ends the sentence that begins with it. */
static bool contradict(struct wire_message *message, const char *field, const char *wrong)
{
    return miss(message, (struct msgread){0}, field, wrong);
}

static bool take_number(struct msgread *in, struct wire_message *message, const char *field,
                        uint64_t *value)
{
    return msgread_take_uint(in, value) || miss(message, *in, field, NUMBER);
}

static bool take_bool(struct msgread *in, struct wire_message *message, const char *field,
                      bool *value)
{
    return msgread_take_bool(in, value) || miss(message, *in, field, "true or false");
}

static bool take_array(struct msgread *in, struct wire_message *message, const char *field,
                       uint32_t *count)
{
    return msgread_take_array(in, count) || miss(message, *in, field, ARRAY);
}

static bool take_integer(struct msgread *in, struct wire_message *message, const char *field,
                         int64_t *value)
{
    return msgread_take_int(in, value) || miss(message, *in, field, INTEGER);
}

static bool skip_some(struct msgread *in, struct wire_message *message, uint32_t count)
{
    while (count-- > 0)
        if (!msgread_skip(in))
            return miss(message, *in, "an element of a newer version", "an object");
    return true;
}

static bool take_name(struct msgread *in, struct wire_message *message, const char *field,
                      struct span *name)
{
    struct msgread start = *in;
    return (msgread_take_str(in, name) && name->len > 0 && name->len <= WIRE_NAME_BYTES_MAX) ||
           miss(message, start, field, NAME);
}

static bool take_clock(struct msgread *in, struct wire_message *message, struct wire_clock *clock)
{
    uint32_t elements;
    if (!take_array(in, message, "it", &elements))
        return false;
    if (elements < CLOCK_ELEMENTS)
        return contradict(message, "it", "has less than 5 elements");
    if (!take_name(in, message, "node", &clock->node) ||
        !take_number(in, message, "incarnation", &clock->incarnation) ||
        !take_number(in, message, "step", &clock->step) ||
        !take_integer(in, message, "wall_ns", &clock->wall_ns) ||
        !take_number(in, message, "age_ms", &clock->age_ms))
        return false;
    if (clock->incarnation == 0)
        return contradict(message, "incarnation", "is 0");
    return skip_some(in, message, elements - CLOCK_ELEMENTS);
}

static bool take_clocks(struct msgread *in, struct wire_message *message)
{
    if (!take_array(in, message, "clocks", &message->clock_count))
        return false;
    if (message->clock_count > WIRE_CLOCKS_MAX)
        return contradict(message, "clocks", "are more than 64");
    for (uint32_t i = 0; i < message->clock_count; i++) {
        message->fault.element = i;
        if (!take_clock(in, message, &message->clocks[i]))
            return false;
    }
    message->fault.element = WIRE_NO_ELEMENT;
    return true;
}

/* A key of a HELLO. It has one of the four; without any, its value is the clocks. */
struct hello_field {
    const char *key;
    struct span *name;
    uint64_t *number;
    int64_t *integer;
    bool *flag;
};

static bool take_hello_value(struct msgread *in, struct wire_message *message,
                             const struct hello_field *field)
{
    if (field->name != NULL)
        return take_name(in, message, field->key, field->name);
    if (field->number != NULL)
        return take_number(in, message, field->key, field->number);
    if (field->flag != NULL)
        return take_bool(in, message, field->key, field->flag);
    return field->integer != NULL ? take_integer(in, message, field->key, field->integer)
                                  : take_clocks(in, message);
}

/* One key of the HELLO map, and its value. Sets the key's bit in `seen`. */
static bool take_hello_key(struct msgread *in, struct wire_message *message,
                           const struct hello_field *fields, unsigned *seen)
{
    struct span key;
    if (!msgread_take_str(in, &key))
        return miss(message, *in, "a key", TEXT);
    for (unsigned i = 0; i < HELLO_KEYS_MAX; i++)
        if (span_equals(key, span_of(fields[i].key))) {
            *seen |= 1u << i;
            return take_hello_value(in, message, &fields[i]);
        }
    return skip_some(in, message, 1);
}

static bool take_hello(struct msgread *in, struct wire_message *message)
{
    const struct hello_field fields[HELLO_KEYS_MAX] = {
        {.key = "herd", .name = &message->herd},
        {.key = "node", .name = &message->node},
        {.key = "version", .number = &message->version},
        {.key = "version_min", .number = &message->version_min},
        {.key = "start", .number = &message->start},
        {.key = "have", .number = &message->received},
        /* Since version 2. */
        {.key = "ceiling", .integer = &message->cut.ceiling_ns},
        {.key = "clocks"},
        /* Of a herd that has them. */
        {.key = "expire", .number = &message->expire_ms},
        {.key = "forget", .flag = &message->forget},
        {.key = "clients", .number = &message->clients},
    };
    const unsigned checks = (1u << HELLO_KEYS) - 1, clients = 1u << (HELLO_KEYS_MAX - 1);
    uint32_t keys;
    unsigned seen = 0;
    message->clock_count = 0;
    message->expire_ms = 0;
    message->forget = false;
    if (!msgread_take_map(in, &keys))
        return miss(message, *in, "the fourth element", "a map");
    while (keys-- > 0)
        if (!take_hello_key(in, message, fields, &seen))
            return false;
    for (unsigned i = 0; i < HELLO_KEYS_MIN; i++)
        if ((seen & 1u << i) == 0)
            return contradict(message, fields[i].key, "is missing");
    message->has_checks = (seen & checks) == checks;
    message->has_clients = message->has_checks && (seen & clients) != 0;
    if (!message->has_checks)
        message->clock_count = 0;
    return message->version_min <= message->version ||
           contradict(message, "version_min", "is greater than version");
}

/* Which of the locations it is, so that the many that are good need not say it. */
MSGREAD_APART __attribute__((cold)) static bool miss_in(struct wire_message *message,
                                                        size_t element, struct msgread at,
                                                        const char *field, const char *rule)
{
    message->fault.element = (uint32_t)element;
    return miss(message, at, field, rule);
}

MSGREAD_SKIM bool skim_location(struct msgread *in, struct location *location, uint8_t *hops)
{
    uint32_t elements;
    int64_t links;
    location->packed = NULL;
    *hops = WIRE_HOPS_FAR;
    if (!msgread_skim_array(in, &elements) || elements < LOCATION_ELEMENTS_MIN ||
        !msgread_skim_bin(in, &location->client) || !msgread_skim_bin(in, &location->position) ||
        !msgread_skim_bin(in, &location->stamp) || !msgread_skim_str(in, &location->origin) ||
        !msgread_skim_int(in, &location->difference_ns) ||
        !msgread_skim_int(in, &location->order_ns))
        return false;
    if (elements == LOCATION_ELEMENTS_MIN)
        return true;
    if (!msgread_skim_int(in, &links))
        return false;
    *hops = links >= 0 && links < WIRE_HOPS_FAR ? (uint8_t)links : WIRE_HOPS_FAR;
    for (; elements > LOCATION_ELEMENTS; elements--)
        if (!msgread_skip(in))
            return false;
    return true;
}

bool wire_read_location(struct msgread *in, struct location *location)
{
    struct msgread start = *in;
    uint8_t hops;
    if (skim_location(in, location, &hops))
        return true;
    *in = start;
    return false;
}

/* Names the field at which skim_location failed, read from `in` on; the many good ones do not pay
 * for that. */
MSGREAD_APART __attribute__((cold)) static bool miss_location(struct wire_message *message,
                                                              uint32_t i, struct msgread in)
{
    struct span bytes;
    uint32_t elements;
    int64_t number;
    if (!msgread_take_array(&in, &elements))
        return miss_in(message, i, in, "it", ARRAY);
    if (elements < LOCATION_ELEMENTS_MIN)
        return miss_in(message, i, (struct msgread){0}, "it", "has less than 6 elements");
    return (msgread_take_bin(&in, &bytes) || miss_in(message, i, in, "client", BINARY)) &&
           (msgread_take_bin(&in, &bytes) || miss_in(message, i, in, "position", BINARY)) &&
           (msgread_take_bin(&in, &bytes) || miss_in(message, i, in, "stamp", BINARY)) &&
           (msgread_take_str(&in, &bytes) || miss_in(message, i, in, "origin", TEXT)) &&
           (msgread_take_int(&in, &number) || miss_in(message, i, in, "difference_ns", INTEGER)) &&
           (msgread_take_int(&in, &number) || miss_in(message, i, in, "order_ns", INTEGER)) &&
           (elements == LOCATION_ELEMENTS_MIN || msgread_take_int(&in, &number) ||
            miss_in(message, i, in, "hops", INTEGER)) &&
           skip_some(&in, message, elements < LOCATION_ELEMENTS ? 0 : elements - LOCATION_ELEMENTS);
}

static bool take_location(struct msgread *in, struct wire_message *message, uint32_t i)
{
    struct msgread start = *in;
    return skim_location(in, &message->locations[i], &message->hops[i]) ||
           miss_location(message, i, start);
}

/* Locations that the sender did not keep, which version 1 does not count. */
static bool take_refused_here(struct msgread *in, struct wire_message *message, bool is_there)
{
    message->has_checks = is_there;
    message->refused_here = 0;
    return !is_there || take_number(in, message, "refused", &message->refused_here);
}

static bool take_update(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    if (!take_number(in, message, "after", &message->after) ||
        !take_number(in, message, "upto", &message->upto) ||
        !take_number(in, message, "have", &message->received) ||
        !take_array(in, message, "locations", &message->location_count))
        return false;
    if (message->after > message->upto)
        return contradict(message, "after", "is greater than upto");
    if (message->location_count > WIRE_LOCATIONS_MAX)
        return contradict(message, "locations", "are more than 256");
    for (uint32_t i = 0; i < message->location_count; i++)
        if (!take_location(in, message, i))
            return false;
    message->ack_now = false;
    return take_refused_here(in, message, elements >= UPDATE_ELEMENTS_REFUSED) &&
           (elements < UPDATE_ELEMENTS || take_bool(in, message, "ack_now", &message->ack_now));
}

static_assert(WIRE_LOCATIONS_MAX == 256 && WIRE_LINKS_MAX == 256, "the faults tell the limits");
static_assert(LOCATION_ELEMENTS_MIN == 6 && LINK_ELEMENTS_MIN == 8 && CLOCK_ELEMENTS == 5 &&
                  WIRE_CLOCKS_MAX == 64,
              "so do these");

static bool take_ack(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    return take_number(in, message, "have", &message->received) &&
           take_bool(in, message, "gap", &message->gap) &&
           take_refused_here(in, message, elements >= ACK_ELEMENTS);
}

static bool take_horizon(struct msgread *in, struct wire_message *message)
{
    return take_number(in, message, "met", &message->cut.met) &&
           take_integer(in, message, "horizon", &message->cut.horizon_ns);
}

static bool take_way(struct msgread *in, struct wire_message *message, struct wire_way *way)
{
    uint32_t elements;
    if (!take_array(in, message, "a way", &elements))
        return false;
    if (elements < WAY_ELEMENTS)
        return contradict(message, "a way", "has less than 2 elements");
    return take_name(in, message, "origin", &way->node) &&
           take_number(in, message, "its number", &way->value) &&
           skip_some(in, message, elements - WAY_ELEMENTS);
}

/* What is declined, and the ways. */
static bool take_state(struct msgread *in, struct wire_message *message)
{
    if (!take_number(in, message, "version", &message->state_version) ||
        !take_array(in, message, "declined", &message->declined_count))
        return false;
    if (message->declined_count > WIRE_ORIGINS_MAX)
        return contradict(message, "declined", "are more than 1024");
    for (uint32_t i = 0; i < message->declined_count; i++)
        if (!take_name(in, message, "declined", &message->declined[i]))
            return false;
    if (!take_array(in, message, "ways", &message->way_count))
        return false;
    if (message->way_count > WIRE_ORIGINS_MAX)
        return contradict(message, "ways", "are more than 1024");
    for (uint32_t i = 0; i < message->way_count; i++)
        if (!take_way(in, message, &message->ways[i]))
            return false;
    return true;
}

static bool take_heartbeat(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    bool has_checks = elements >= HEARTBEAT_ELEMENTS_CHECKS;
    message->clock_count = 0;
    message->has_state = elements >= HEARTBEAT_ELEMENTS;
    if (!take_number(in, message, "head", &message->head) ||
        !take_number(in, message, "have", &message->received) ||
        !take_number(in, message, "digest", &message->digest) ||
        !take_number(in, message, "clients", &message->clients) ||
        !take_refused_here(in, message, has_checks))
        return false;
    return !has_checks || (take_clocks(in, message) &&
                           take_number(in, message, "position", &message->cut.position) &&
                           take_horizon(in, message) &&
                           take_integer(in, message, "ceiling", &message->cut.ceiling_ns) &&
                           take_number(in, message, "slots", &message->slots) &&
                           take_number(in, message, "whole", &message->whole) &&
                           (!message->has_state || take_state(in, message)));
}

/* Entries of `entry_bytes` each, at most `count_max`, which the fault's two sentences name. */
static bool take_entries(struct msgread *in, struct wire_message *message, size_t entry_bytes,
                         size_t count_max, const char *no_multiple, const char *too_many)
{
    if (!msgread_take_bin(in, &message->bin))
        return miss(message, *in, "bin", BINARY);
    if (message->bin.len % entry_bytes != 0)
        return contradict(message, "bin", no_multiple);
    return message->bin.len / entry_bytes <= count_max || contradict(message, "bin", too_many);
}

static_assert(WIRE_RANGE_BYTES == 4 && WIRE_RANGES_MAX == 16384 && WIRE_ENTRY_BYTES == 8 &&
                  WIRE_ID_BYTES == 4 && WIRE_ENTRIES_MAX == 2048,
              "the faults tell the sizes");
static_assert(WIRE_LEVEL_MAX == 16 && WIRE_PART_LEVEL_MAX == 24, "so do these the levels");

static bool take_ranges(struct msgread *in, struct wire_message *message)
{
    if (!take_number(in, message, "level", &message->level) ||
        !take_number(in, message, "first", &message->first) ||
        !take_entries(in, message, WIRE_RANGE_BYTES, WIRE_RANGES_MAX, "is no multiple of 4 bytes",
                      "has more than 16384 ranges"))
        return false;
    if (message->level > WIRE_LEVEL_MAX)
        return contradict(message, "level", "is greater than 16");
    uint64_t ranges = UINT64_C(1) << message->level, count = message->bin.len / WIRE_RANGE_BYTES;
    return (message->first < ranges && count <= ranges - message->first) ||
           contradict(message, "first", "and the ranges go beyond 2^level");
}

/* One range, or a part of one. */
static bool take_range(struct msgread *in, struct wire_message *message)
{
    if (!take_number(in, message, "level", &message->level) ||
        !take_number(in, message, "range", &message->first))
        return false;
    if (message->level < WIRE_LEVEL_MAX || message->level > WIRE_PART_LEVEL_MAX)
        return contradict(message, "level", "is not from 16 to 24");
    return message->first >> message->level == 0 ||
           contradict(message, "range", "is beyond 2^level");
}

static bool take_check(struct msgread *in, struct wire_message *message)
{
    return take_number(in, message, "position", &message->cut.position) &&
           take_number(in, message, "have", &message->received) && take_horizon(in, message) &&
           take_integer(in, message, "ceiling", &message->cut.ceiling_ns) &&
           take_ranges(in, message);
}

/* Which entries changed lately. */
static bool take_recent(struct msgread *in, struct wire_message *message)
{
    if (!take_bool(in, message, "settled", &message->is_settled))
        return false;
    if (!msgread_take_bin(in, &message->recent))
        return miss(message, *in, "recent", BINARY);
    return message->recent.len == (message->bin.len / WIRE_ENTRY_BYTES + 7) / 8 ||
           contradict(message, "recent", "has no bit for each entry");
}

static bool take_list(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    message->has_recent = elements >= LIST_ELEMENTS;
    return take_number(in, message, "position", &message->cut.position) &&
           take_number(in, message, "have", &message->received) && take_horizon(in, message) &&
           take_range(in, message) && take_number(in, message, "salt", &message->salt) &&
           take_entries(in, message, WIRE_ENTRY_BYTES, WIRE_ENTRIES_MAX,
                        "is no multiple of 8 bytes", "has more than 2048 entries") &&
           (!message->has_recent || take_recent(in, message));
}

static bool take_want(struct msgread *in, struct wire_message *message)
{
    return take_range(in, message) &&
           take_entries(in, message, WIRE_ID_BYTES, WIRE_ENTRIES_MAX, "is no multiple of 4 bytes",
                        "has more than 2048 ids");
}

static bool take_refused(struct msgread *in, struct wire_message *message)
{
    if (!take_number(in, message, "code", &message->code))
        return false;
    if (!msgread_take_str(in, &message->text))
        return miss(message, *in, "text", TEXT);
    if (message->text.len > WIRE_TEXT_BYTES_MAX)
        message->text.len = WIRE_TEXT_BYTES_MAX;
    return true;
}

static bool take_link(struct msgread *in, struct wire_message *message, struct wire_link *link)
{
    uint32_t elements;
    if (!take_array(in, message, "it", &elements))
        return false;
    if (elements < LINK_ELEMENTS_MIN)
        return contradict(message, "it", "has less than 8 elements");
    bool is_long = elements >= LINK_ELEMENTS;
    link->compared_age_ms = WIRE_NEVER;
    return take_name(in, message, "name", &link->name) && take_bool(in, message, "up", &link->up) &&
           take_number(in, message, "incarnation_age_ms", &link->incarnation_age_ms) &&
           take_number(in, message, "due", &link->due) &&
           take_number(in, message, "in_flight", &link->in_flight) &&
           take_number(in, message, "acked", &link->acked) &&
           take_number(in, message, "told", &link->sent) &&
           take_number(in, message, "head", &link->head) &&
           (!is_long || take_number(in, message, "compared_age_ms", &link->compared_age_ms)) &&
           skip_some(in, message,
                     elements - (uint32_t)(is_long ? LINK_ELEMENTS : LINK_ELEMENTS_MIN));
}

/* The end of a STATUS, of which older nodes send less. */
static bool take_load(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    message->has_load = elements >= STATUS_ELEMENTS_LOAD;
    return !message->has_load || (take_number(in, message, "clients_max", &message->clients_max) &&
                                  take_number(in, message, "bytes", &message->bytes) &&
                                  take_number(in, message, "bytes_max", &message->bytes_max) &&
                                  take_number(in, message, "refused", &message->refused));
}

static bool take_time(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    message->has_time = elements >= STATUS_ELEMENTS_TIME;
    return !message->has_time || (take_integer(in, message, "offset_ns", &message->offset_ns) &&
                                  take_number(in, message, "votes", &message->votes) &&
                                  take_number(in, message, "above", &message->above));
}

static bool take_journal(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    message->has_journal = elements >= STATUS_ELEMENTS;
    return !message->has_journal ||
           (take_number(in, message, "journal", &message->journal) &&
            take_number(in, message, "journal_due", &message->journal_due) &&
            take_number(in, message, "journal_age_ms", &message->journal_age_ms));
}

static bool take_status(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    if (!take_number(in, message, "digest", &message->digest) ||
        !take_number(in, message, "clients", &message->clients) ||
        !take_array(in, message, "links", &message->link_count))
        return false;
    if (message->link_count > WIRE_LINKS_MAX)
        return contradict(message, "links", "are more than 256");
    for (uint32_t i = 0; i < message->link_count; i++) {
        message->fault.element = i;
        if (!take_link(in, message, &message->links[i]))
            return false;
    }
    message->fault.element = WIRE_NO_ELEMENT;
    return take_load(in, message, elements) && take_time(in, message, elements) &&
           take_journal(in, message, elements);
}

/* What stands between the incarnations and the elements of newer versions, in a message of
 * `elements` elements. */
static bool take_fields(struct msgread *in, struct wire_message *message, uint32_t elements)
{
    switch (message->type) {
    case WIRE_HELLO:
        return take_hello(in, message);
    case WIRE_UPDATE:
        return take_update(in, message, elements);
    case WIRE_ACK:
        return take_ack(in, message, elements);
    case WIRE_HEARTBEAT:
        return take_heartbeat(in, message, elements);
    case WIRE_REFUSED:
        return take_refused(in, message);
    case WIRE_GOODBYE:
    case WIRE_STATUS_ASK:
        return true;
    case WIRE_STATUS:
        return take_status(in, message, elements);
    case WIRE_CHECK:
        return take_check(in, message);
    case WIRE_LIST:
        return take_list(in, message, elements);
    case WIRE_WANT:
        return take_want(in, message);
    case WIRE_STATE:
        return take_state(in, message);
    }
    return false;
}

/* A type grows by elements at its end, this many times at most. */
#define LENGTHS_MAX 4

/* Each type's name, and how many elements it had in each version, the first one first; none for a
 * type that is not known. Any other number is read as the next lower one of these. */
static const struct {
    const char *name;
    uint32_t lengths[LENGTHS_MAX];
} types[] = {
    [WIRE_HELLO] = {"HELLO", {HELLO_ELEMENTS}},
    [WIRE_UPDATE] = {"UPDATE", {UPDATE_ELEMENTS_MIN, UPDATE_ELEMENTS_REFUSED, UPDATE_ELEMENTS}},
    [WIRE_ACK] = {"ACK", {ACK_ELEMENTS_MIN, ACK_ELEMENTS}},
    [WIRE_HEARTBEAT] = {"HEARTBEAT",
                        {HEARTBEAT_ELEMENTS_MIN, HEARTBEAT_ELEMENTS_CHECKS, HEARTBEAT_ELEMENTS}},
    [WIRE_REFUSED] = {"REFUSED", {REFUSED_ELEMENTS}},
    [WIRE_GOODBYE] = {"GOODBYE", {GOODBYE_ELEMENTS}},
    [WIRE_STATUS_ASK] = {"STATUS-ASK", {STATUS_ASK_ELEMENTS}},
    [WIRE_STATUS] = {"STATUS",
                     {STATUS_ELEMENTS_MIN, STATUS_ELEMENTS_LOAD, STATUS_ELEMENTS_TIME,
                      STATUS_ELEMENTS}},
    [WIRE_CHECK] = {"CHECK", {CHECK_ELEMENTS}},
    [WIRE_LIST] = {"LIST", {LIST_ELEMENTS_MIN, LIST_ELEMENTS}},
    [WIRE_WANT] = {"WANT", {WANT_ELEMENTS}},
    [WIRE_STATE] = {"STATE", {STATE_ELEMENTS}},
};

static bool is_known(uint64_t type)
{
    return type < sizeof types / sizeof *types && types[type].lengths[0] > 0;
}

static uint32_t elements_taken(uint64_t type, uint32_t elements)
{
    uint32_t taken = types[type].lengths[0];
    for (uint32_t i = 1; i < LENGTHS_MAX && types[type].lengths[i] > 0; i++)
        if (elements >= types[type].lengths[i])
            taken = types[type].lengths[i];
    return taken;
}

static enum wire_result read_array(struct msgread *in, struct wire_message *message)
{
    uint32_t elements;
    uint64_t type;
    if (!take_array(in, message, "the message", &elements))
        return WIRE_MALFORMED;
    if (elements < COMMON_ELEMENTS) {
        contradict(message, "the message", "has less than 3 elements");
        return WIRE_MALFORMED;
    }
    if (!take_number(in, message, "the type", &type) ||
        !take_number(in, message, "from", &message->from_incarnation) ||
        !take_number(in, message, "to", &message->to_incarnation))
        return WIRE_MALFORMED;
    message->fault.type = is_known(type) ? (enum wire_type)type : 0;
    if (message->from_incarnation == 0) {
        contradict(message, "from", "is 0");
        return WIRE_MALFORMED;
    }
    if (!is_known(type))
        return skip_some(in, message, elements - COMMON_ELEMENTS) ? WIRE_UNKNOWN : WIRE_MALFORMED;
    message->type = (enum wire_type)type;
    uint32_t taken = elements_taken(type, elements);
    if (elements < taken) {
        contradict(message, "the message", "has too few elements");
        return WIRE_MALFORMED;
    }
    bool good = take_fields(in, message, elements) && skip_some(in, message, elements - taken);
    return good ? WIRE_GOOD : WIRE_MALFORMED;
}

enum wire_result wire_read(struct span bytes, struct wire_message *message)
{
    message->fault = (struct wire_fault){.element = WIRE_NO_ELEMENT};
    if (bytes.len < MAGIC_BYTES || bytes.len > WIRE_MESSAGE_BYTES_MAX || bytes.data[0] != 'z' ||
        bytes.data[1] != 'h')
        return WIRE_MALFORMED;
    if ((unsigned char)bytes.data[2] != WIRE_MAJOR) {
        message->version = (unsigned char)bytes.data[2];
        return WIRE_FOREIGN;
    }
    struct msgread in =
        msgread_of((struct span){bytes.data + MAGIC_BYTES, bytes.len - MAGIC_BYTES});
    enum wire_result result = read_array(&in, message);
    if (result == WIRE_MALFORMED || msgread_at_end(&in))
        return result;
    contradict(message, "the message", "goes on behind its array");
    return WIRE_MALFORMED;
}

/* ---- Explaining ------------------------------------------------------------------------- */

static void explain_frame(struct span bytes, char *out, size_t room)
{
    char begins[3 * MAGIC_BYTES + 1] = "";
    for (size_t i = 0; i < MAGIC_BYTES && i < bytes.len; i++)
        snprintf(begins + 3 * i, 4, " %02x", (unsigned char)bytes.data[i]);
    if (bytes.len == 0)
        snprintf(out, room, "the frame is empty");
    else if (bytes.len > WIRE_MESSAGE_BYTES_MAX)
        snprintf(out, room, "the frame has %zu bytes: %d are allowed", bytes.len,
                 WIRE_MESSAGE_BYTES_MAX);
    else
        snprintf(out, room, "the frame begins with%s: 7a 68 01 (zh, version 1) is needed", begins);
}

static const char *element_name(enum wire_type type)
{
    return type == WIRE_UPDATE ? "location" : type == WIRE_STATUS ? "link" : "clock";
}

void wire_explain(struct span bytes, const struct wire_fault *fault, char *out, size_t room)
{
    if (fault->field == NULL) {
        explain_frame(bytes, out, room);
        return;
    }
    char place[32] = "", shown[MSGSHOW_BYTES_MAX];
    const char *type = fault->type == 0 ? "" : types[fault->type].name;
    if (fault->element != WIRE_NO_ELEMENT)
        snprintf(place, sizeof place, "%s %" PRIu32 ": ", element_name(fault->type),
                 fault->element + 1);
    const char *colon = fault->type == 0 ? "" : ": ";
    if (fault->at.at == NULL) {
        snprintf(out, room, "%s%s%s%s %s", type, colon, place, fault->field, fault->rule);
        return;
    }
    msgshow(fault->at, shown);
    snprintf(out, room, "%s%s%s%s is %s: %s is needed", type, colon, place, fault->field, shown,
             fault->rule);
}
