#include "gateway/web/parse/newest.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/web/parse/iamat_line.h"

/* For the first clients; then twice as many each time. */
#define ENTRIES_MIN 16
/* For each entry there is room for: at most half of them are taken. */
#define PLACES_EACH 2
#define NO_ENTRY    0u

/* ---- which of two is newer ---- */

static struct span without_zeros(struct span digits)
{
    while (digits.len > 0 && digits.data[0] == '0')
        digits = iamat_line_skip(digits, 1);
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

/* ---- places ---- */

static size_t place_count(const struct newest *newest)
{
    return newest->room * PLACES_EACH;
}

static size_t home_of(const struct newest *newest, uint64_t hash)
{
    return (size_t)(hash % place_count(newest));
}

static struct newest_entry *entry_at(const struct newest *newest, size_t place)
{
    return &newest->entries[newest->places[place] - 1];
}

/* The place of the client, or the free one where it belongs. */
static size_t find_place(const struct newest *newest, struct span client, uint64_t hash)
{
    size_t place = home_of(newest, hash), count = place_count(newest);
    for (; newest->places[place] != NO_ENTRY; place = (place + 1) % count) {
        const struct newest_entry *entry = entry_at(newest, place);
        struct span line = {entry->line, entry->bytes};
        if (entry->hash == hash && span_equals(iamat_line_client(line), client))
            break;
    }
    return place;
}

static size_t place_of(const struct newest *newest, size_t number)
{
    size_t place = home_of(newest, newest->entries[number].hash), count = place_count(newest);
    while (newest->places[place] != number + 1)
        place = (place + 1) % count;
    return place;
}

/* Entries after a place that becomes free move up where they may, so that each is found. */
static void free_place(struct newest *newest, size_t place)
{
    size_t count = place_count(newest);
    newest->places[place] = NO_ENTRY;
    for (size_t next = (place + 1) % count; newest->places[next] != NO_ENTRY;
         next = (next + 1) % count) {
        size_t home = home_of(newest, entry_at(newest, next)->hash);
        bool may_move = (next - home + count) % count >= (next - place + count) % count;
        if (!may_move)
            continue;
        newest->places[place] = newest->places[next];
        newest->places[next] = NO_ENTRY;
        place = next;
    }
}

/* Memory for twice as many. All entries find their places again. */
static void grow(struct newest *newest)
{
    size_t room = newest->room == 0 ? ENTRIES_MIN : 2 * newest->room;
    newest->room = room < NEWEST_CLIENTS_MAX ? room : NEWEST_CLIENTS_MAX;
    newest->entries = bytes_resize(newest->entries, newest->room * sizeof *newest->entries);
    free(newest->places);
    newest->places = bytes_zeroed(place_count(newest) * sizeof *newest->places);
    for (size_t i = 0; i < newest->count; i++) {
        size_t place = home_of(newest, newest->entries[i].hash);
        while (newest->places[place] != NO_ENTRY)
            place = (place + 1) % place_count(newest);
        newest->places[place] = (uint32_t)(i + 1);
    }
}

/* ---- entries ---- */

static uint64_t hash_of(const struct newest *newest, struct span client)
{
    return siphash(client, newest->key);
}

size_t newest_count_unknown(const struct newest *newest, struct span lines)
{
    size_t count = 0;
    while (lines.len > 0) {
        struct span client = iamat_line_client(iamat_line_take(&lines));
        count += newest->count == 0 ||
                 newest->places[find_place(newest, client, hash_of(newest, client))] == NO_ENTRY;
    }
    return count;
}

static void keep_line(struct newest *newest, struct newest_entry *entry, struct span line)
{
    newest->bytes += line.len - entry->bytes;
    entry->line = bytes_resize(entry->line, line.len);
    entry->bytes = line.len;
    memcpy(entry->line, line.data, line.len);
}

bool newest_put(struct newest *newest, struct span line, uint32_t owner)
{
    if (newest->count == newest->room && newest->room < NEWEST_CLIENTS_MAX)
        grow(newest);
    struct span client = iamat_line_client(line);
    uint64_t hash = hash_of(newest, client);
    size_t place = find_place(newest, client, hash);
    if (newest->places[place] != NO_ENTRY) {
        struct newest_entry *entry = entry_at(newest, place);
        struct span before = {entry->line, entry->bytes};
        if (compare_stamps(iamat_line_stamp(before), iamat_line_stamp(line)) <= 0)
            keep_line(newest, entry, line);
        return true;
    }
    assert(newest->count < newest->room);
    struct newest_entry *entry = &newest->entries[newest->count++];
    newest->places[place] = (uint32_t)newest->count;
    *entry = (struct newest_entry){.hash = hash, .owner = owner};
    keep_line(newest, entry, line);
    return false;
}

struct span newest_line(const struct newest *newest, size_t number)
{
    assert(number < newest->count);
    return (struct span){newest->entries[number].line, newest->entries[number].bytes};
}

void newest_forget(struct newest *newest, size_t number)
{
    assert(number < newest->count);
    struct newest_entry *entry = &newest->entries[number];
    free_place(newest, place_of(newest, number));
    newest->bytes -= entry->bytes;
    free(entry->line);
    size_t last = --newest->count;
    if (number == last)
        return;
    newest->places[place_of(newest, last)] = (uint32_t)(number + 1);
    *entry = newest->entries[last];
}

void newest_free(struct newest *newest)
{
    for (size_t i = 0; i < newest->count; i++)
        free(newest->entries[i].line);
    free(newest->entries);
    free(newest->places);
    *newest = (struct newest){0};
}
