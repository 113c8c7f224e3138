#include "gateway/web/parse/relay.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#include "bus/base/token.h"

/* For the first clients; then twice as many each time. */
#define ENTRIES_MIN 16
/* For each entry there is room for: at most half of them are taken. */
#define PLACES_EACH 2
#define NO_ENTRY    0u
/* "IAMAT " */
#define WORD_BYTES 6

/* The newest IAMAT of a client that is remembered. */
struct entry {
    uint64_t hash; /* of its client */
    size_t bytes;
    char *line; /* with its line end; owned */
};

struct relay {
    struct buffer stream; /* IAMATs without an answer, from `first` on */
    size_t first, sent;   /* sent: up to here they are written */
    uint64_t last;        /* the number of the last IAMAT in the stream */
    size_t unanswered;    /* how many are in the stream */
    uint64_t answered;    /* a number */
    bool is_open;
    struct buffer said; /* of an answer that is not whole yet */
    /* What is remembered: `entries` without a gap, and open addressing with linear probing. */
    struct entry *entries;
    uint32_t *places; /* the number of an entry and 1, or NO_ENTRY */
    size_t entry_count, entry_bytes;
    size_t entry_room; /* entries there is memory for; places are PLACES_EACH times as many */
    struct relay_figures figures;
};

/* ---- lines ---- */

static struct span skip(struct span text, size_t count)
{
    return (struct span){text.data + count, text.len - count};
}

/* With its line end. */
static struct span take_line(struct span *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    assert(end != NULL);
    struct span line = {rest->data, (size_t)(end + 1 - rest->data)};
    *rest = skip(*rest, line.len);
    return line;
}

static struct span client_of(struct span line)
{
    struct span rest = skip(line, WORD_BYTES);
    return (struct span){rest.data, token_bytes(rest)};
}

static struct span stamp_of(struct span line)
{
    struct span rest = skip(line, WORD_BYTES + client_of(line).len + 1);
    rest = skip(rest, token_bytes(rest) + 1);
    return (struct span){rest.data, token_bytes(rest)};
}

/* ---- which of two is newer ---- */

static struct span without_zeros(struct span digits)
{
    while (digits.len > 0 && digits.data[0] == '0')
        digits = skip(digits, 1);
    return digits;
}

static size_t whole_digits(struct span stamp)
{
    const char *point = memchr(stamp.data, '.', stamp.len);
    return point == NULL ? stamp.len : (size_t)(point - stamp.data);
}

/* As the numbers that they are, however many digits they have. */
static int compare_stamps(struct span a, struct span b)
{
    a = without_zeros(a);
    b = without_zeros(b);
    size_t one = a.len == 0 ? 0 : whole_digits(a), other = b.len == 0 ? 0 : whole_digits(b);
    if (one != other)
        return one < other ? -1 : 1;
    /* "7" is less than "7.5", and than "7.0", which is as good as equal. */
    return span_compare(a, b);
}

/* ---- what is remembered ---- */

static size_t place_count(const struct relay *relay)
{
    return relay->entry_room * PLACES_EACH;
}

static size_t home_of(const struct relay *relay, uint64_t hash)
{
    return (size_t)(hash % place_count(relay));
}

static struct entry *entry_at(const struct relay *relay, size_t place)
{
    return &relay->entries[relay->places[place] - 1];
}

/* The place of the client, or the free one where it belongs. */
static size_t find_place(const struct relay *relay, struct span client, uint64_t hash)
{
    size_t place = home_of(relay, hash), count = place_count(relay);
    for (; relay->places[place] != NO_ENTRY; place = (place + 1) % count) {
        const struct entry *entry = entry_at(relay, place);
        struct span line = {entry->line, entry->bytes};
        if (entry->hash == hash && span_equals(client_of(line), client))
            break;
    }
    return place;
}

/* Entries after a place that becomes free move up where they may, so that each is found. */
static void free_place(struct relay *relay, size_t place)
{
    size_t count = place_count(relay);
    relay->places[place] = NO_ENTRY;
    for (size_t next = (place + 1) % count; relay->places[next] != NO_ENTRY;
         next = (next + 1) % count) {
        size_t home = home_of(relay, entry_at(relay, next)->hash);
        bool may_move = (next - home + count) % count >= (next - place + count) % count;
        if (!may_move)
            continue;
        relay->places[place] = relay->places[next];
        relay->places[next] = NO_ENTRY;
        place = next;
    }
}

/* Memory for twice as many. All entries find their places again. */
static void grow(struct relay *relay)
{
    size_t room = relay->entry_room == 0 ? ENTRIES_MIN : 2 * relay->entry_room;
    relay->entry_room = room < RELAY_CLIENTS_MAX ? room : RELAY_CLIENTS_MAX;
    relay->entries = bytes_resize(relay->entries, relay->entry_room * sizeof *relay->entries);
    free(relay->places);
    relay->places = bytes_zeroed(place_count(relay) * sizeof *relay->places);
    for (size_t i = 0; i < relay->entry_count; i++) {
        size_t place = home_of(relay, relay->entries[i].hash);
        while (relay->places[place] != NO_ENTRY)
            place = (place + 1) % place_count(relay);
        relay->places[place] = (uint32_t)(i + 1);
    }
}

static void remember(struct relay *relay, struct span line)
{
    if (relay->entry_count == relay->entry_room && relay->entry_room < RELAY_CLIENTS_MAX)
        grow(relay);
    struct span client = client_of(line);
    uint64_t hash = XXH3_64bits(client.data, client.len);
    size_t place = find_place(relay, client, hash);
    struct entry *entry;
    if (relay->places[place] == NO_ENTRY) {
        entry = &relay->entries[relay->entry_count++];
        relay->places[place] = (uint32_t)relay->entry_count;
        *entry = (struct entry){.hash = hash};
    } else {
        entry = entry_at(relay, place);
        struct span before = {entry->line, entry->bytes};
        relay->figures.replaced++;
        if (compare_stamps(stamp_of(before), stamp_of(line)) > 0)
            return;
    }
    relay->entry_bytes += line.len - entry->bytes;
    entry->line = bytes_resize(entry->line, line.len);
    entry->bytes = line.len;
    memcpy(entry->line, line.data, line.len);
}

/* Forgets the last entry, whose line is freed. */
static void forget_last(struct relay *relay)
{
    struct entry *entry = &relay->entries[--relay->entry_count];
    size_t place = home_of(relay, entry->hash), count = place_count(relay);
    while (relay->places[place] != relay->entry_count + 1)
        place = (place + 1) % count;
    free_place(relay, place);
    relay->entry_bytes -= entry->bytes;
    free(entry->line);
}

static size_t count_lines(struct span lines)
{
    size_t count = 0;
    while (lines.len > 0) {
        take_line(&lines);
        count++;
    }
    return count;
}

static size_t stream_bytes(const struct relay *relay)
{
    return relay->stream.len - relay->first;
}

/* How many more clients and bytes there is room for: what is in the stream may have to be
 * remembered, too. */
static bool has_room(const struct relay *relay, size_t clients, size_t bytes)
{
    return clients <= RELAY_CLIENTS_MAX - relay->entry_count - relay->unanswered &&
           bytes <= RELAY_BYTES_MAX - relay->entry_bytes - stream_bytes(relay);
}

static size_t count_unknown(const struct relay *relay, struct span lines)
{
    size_t count = 0;
    while (lines.len > 0) {
        struct span client = client_of(take_line(&lines));
        uint64_t hash = XXH3_64bits(client.data, client.len);
        count += relay->places[find_place(relay, client, hash)] == NO_ENTRY;
    }
    return count;
}

/* ---- the stream ---- */

/* What is answered is dropped once it is more than what is left, so that a byte moves once. */
static void compact(struct relay *relay)
{
    if (relay->first <= stream_bytes(relay))
        return;
    buffer_consume(&relay->stream, relay->first);
    relay->sent -= relay->first;
    relay->first = 0;
}

static bool fits_stream(const struct relay *relay, size_t bytes)
{
    return relay->is_open && bytes <= RELAY_STREAM_BYTES_MAX - stream_bytes(relay);
}

/* The newest remembered first: it waits least, and costs nothing to take. */
static void send_remembered(struct relay *relay)
{
    while (relay->entry_count > 0) {
        const struct entry *entry = &relay->entries[relay->entry_count - 1];
        if (!fits_stream(relay, entry->bytes))
            return;
        buffer_append(&relay->stream, (struct span){entry->line, entry->bytes});
        relay->last++;
        relay->unanswered++;
        forget_last(relay);
    }
}

bool relay_put(struct relay *relay, struct span lines, uint64_t *number)
{
    size_t count = count_lines(lines);
    if (fits_stream(relay, lines.len) && has_room(relay, count, lines.len)) {
        buffer_append(&relay->stream, lines);
        relay->last += count;
        relay->unanswered += count;
        *number = relay->last;
        return true;
    }
    if (!has_room(relay, count_unknown(relay, lines), lines.len)) {
        relay->figures.turned_down++;
        return false;
    }
    while (lines.len > 0)
        remember(relay, take_line(&lines));
    *number = UINT64_MAX;
    return true;
}

uint64_t relay_answered(const struct relay *relay)
{
    return relay->answered;
}

void relay_open(struct relay *relay)
{
    relay->is_open = true;
}

void relay_close(struct relay *relay)
{
    struct span rest = {relay->stream.data + relay->first, stream_bytes(relay)};
    relay->is_open = false;
    while (rest.len > 0)
        remember(relay, take_line(&rest));
    buffer_free(&relay->stream);
    relay->first = relay->sent = relay->unanswered = 0;
    relay->said.len = 0;
}

struct span relay_pending(struct relay *relay)
{
    if (!relay->is_open)
        return (struct span){0};
    compact(relay);
    send_remembered(relay);
    return (struct span){relay->stream.data + relay->sent, relay->stream.len - relay->sent};
}

void relay_wrote(struct relay *relay, size_t bytes)
{
    assert(bytes <= relay->stream.len - relay->sent);
    relay->sent += bytes;
}

/* ---- answers ---- */

/* "AT ..." or "? IAMAT ...", whose IAMAT was written as a whole. */
static bool take_answer(struct relay *relay, struct span answer)
{
    static const char accepted[] = "AT ", refused[] = "? IAMAT ";
    bool is_accepted =
        answer.len >= strlen(accepted) && memcmp(answer.data, accepted, strlen(accepted)) == 0;
    bool is_refused =
        answer.len >= strlen(refused) && memcmp(answer.data, refused, strlen(refused)) == 0;
    struct span rest = {relay->stream.data + relay->first, relay->sent - relay->first};
    if ((!is_accepted && !is_refused) || rest.len == 0 || memchr(rest.data, '\n', rest.len) == NULL)
        return false;
    relay->first += take_line(&rest).len;
    relay->answered = relay->last - --relay->unanswered;
    relay->figures.answered += is_accepted;
    relay->figures.refused += is_refused;
    return true;
}

bool relay_heard(struct relay *relay, struct span bytes)
{
    while (bytes.len > 0) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        size_t count = end == NULL ? bytes.len : (size_t)(end - bytes.data);
        struct span piece = {bytes.data, count};
        bytes = skip(bytes, count + (end != NULL));
        if (relay->said.len + count > RELAY_ANSWER_BYTES_MAX)
            return false;
        if (relay->said.len > 0 || end == NULL) {
            buffer_append(&relay->said, piece);
            piece = (struct span){relay->said.data, relay->said.len};
        }
        if (end == NULL)
            return true;
        relay->said.len = 0;
        if (!take_answer(relay, piece))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

struct relay *relay_new(void)
{
    struct relay *relay = bytes_zeroed(sizeof *relay);
    grow(relay);
    return relay;
}

void relay_destroy(struct relay **relay)
{
    if (*relay == NULL)
        return;
    while ((*relay)->entry_count > 0)
        forget_last(*relay);
    buffer_free(&(*relay)->stream);
    buffer_free(&(*relay)->said);
    free((*relay)->entries);
    free((*relay)->places);
    free(*relay);
    *relay = NULL;
}

void relay_count(const struct relay *relay, struct relay_figures *figures)
{
    *figures = relay->figures;
    figures->waiting = relay->unanswered;
    figures->remembered = relay->entry_count;
}
