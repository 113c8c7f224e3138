/* What watchers are told, against the table: a reader of their lines never finds one that
 * contradicts those before it, and after the last one knows what the table says.
 *
 *     test_unit_watchers             some hundred stories
 *     test_unit_watchers 100000      so many
 *     test_unit_watchers 1 77        the story of seed 77 */
#include "gateway/text/watchers.h"

#include "bus/table/at_line.h"
#include "bus/table/changes.h"
#include "bus/table/grid.h"
#include "tests/check.h"

#define STORIES       250u
#define STEPS_A_STORY 300u
#define CLIENTS       60u
#define CONNECTIONS   5u
#define WATCHES_MAX   48u /* of a connection, in all of its life */
#define TEXT_BYTES    400
#define FREED_MAX     4
#define HERD_NS       (1621464827 * NANO)
#define OUT_BYTES_MAX (1024 * 1024)

static const uint8_t key[16] = {2, 7, 1, 8};
static uint64_t state = 1;
static uint32_t stories_max = STORIES;
static uint64_t first_seed = 1;

static uint64_t roll(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static int64_t between(int64_t low, int64_t high)
{
    return low + (int64_t)roll((uint64_t)(high - low) + 1);
}

/* ---- what a reader knows ---- */

struct known {
    bool is_in;
    char at[TEXT_BYTES]; /* the last AT line */
};

struct reader {
    enum watchers_kind kind;
    bool is_open; /* the reply was read, and it was not ended */
    uint32_t client;
    struct degrees place;
    int64_t radius_mm;
    struct known known[CLIENTS];
};

struct line {
    struct watchers_connection connection;
    struct reader readers[WATCHES_MAX + 1]; /* by number */
    struct buffer out;
    bool is_given;
    bool is_slow;
};

struct world {
    struct table *table;
    struct watchers *watchers;
    int64_t now_ns;
    uint32_t region;
    bool is_log_small; /* so that it does not hold all that changes between two looks at it */
    uint64_t lines, seed;
    struct line lines_of[CONNECTIONS];
};

static const char *const ids[] = {"", "-of-a-long-id-that-is-text", "\xff", "x"};

static struct span id_of(uint32_t client, char *to)
{
    return (struct span){to, (size_t)sprintf(to, "c%u%s", client, ids[client % 4])};
}

static bool find(const struct world *world, uint32_t client, uint32_t *slot)
{
    char id[64];
    struct span name = id_of(client, id);
    return table_find(world->table, name, table_ref(world->table, name), slot) &&
           !table_slot_is_tombstone(world->table, *slot);
}

/* The AT line that the table has, without its end; empty: none. */
static void read_at(const struct world *world, uint32_t client, char *to)
{
    char text[PACKED_TEXT_BYTES_MAX];
    struct buffer line = {0};
    struct location location;
    uint32_t slot;
    to[0] = '\0';
    if (!find(world, client, &slot))
        return;
    table_read(world->table, slot, text, &location);
    at_line_write(&line, &location);
    memcpy(to, line.data, line.len - 1);
    to[line.len - 1] = '\0';
    buffer_free(&line);
}

static bool find_place(const struct world *world, uint32_t client, struct degrees *place)
{
    uint32_t slot;
    return find(world, client, &slot) && grid_slot_place(world->table, slot, place);
}

/* Whether the client is in the watch, by the table. */
static bool is_in(const struct world *world, const struct reader *reader, uint32_t client,
                  int64_t *mm)
{
    struct degrees centre = reader->place, place;
    uint32_t slot;
    *mm = 0;
    if (reader->kind == WATCHERS_ALL || reader->kind == WATCHERS_CLIENT)
        return (reader->kind == WATCHERS_ALL || client == reader->client) &&
               find(world, client, &slot);
    if (reader->kind == WATCHERS_CIRCLE &&
        (client == reader->client || !find_place(world, reader->client, &centre)))
        return false;
    if (!find_place(world, client, &place))
        return false;
    struct arc_point from = arc_point(centre), to = arc_point(place);
    *mm = arc_distance_mm(&from, &to, arc_haversine(&from, &to));
    return *mm <= reader->radius_mm;
}

#define STORY_CHECK(world, condition)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("    in the story of seed %llu\n", (unsigned long long)(world)->seed);          \
            CHECK(condition);                                                                      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static uint32_t client_of(const char *at_line)
{
    unsigned client;
    const char *id = at_line;
    if (strncmp(at_line, "AT ", 3) == 0)
        id = strchr(strchr(at_line + 3, ' ') + 1, ' ') + 1;
    return sscanf(id, "c%u", &client) == 1 && client < CLIENTS ? client : CLIENTS;
}

static void check_metres(const struct world *world, const struct reader *reader, uint32_t client,
                         const char *metres)
{
    int64_t mm;
    char wanted[32];
    STORY_CHECK(world, is_in(world, reader, client, &mm));
    snprintf(wanted, sizeof wanted, "%lld.%lld ", (long long)((mm + 50) / 1000),
             (long long)((mm + 50) / 100 % 10));
    STORY_CHECK(world, strncmp(metres, wanted, strlen(wanted)) == 0);
}

/* One line, which was written a moment ago, so that it is true of the table now. */
static void read_line(struct world *world, struct line *from, const char *text)
{
    char event[8], now[TEXT_BYTES];
    unsigned number;
    int rest = 0;
    STORY_CHECK(world, sscanf(text, "! %7s %u %n", event, &number, &rest) == 2 && rest > 0);
    STORY_CHECK(world, number > 0 && number <= WATCHES_MAX && from->readers[number].is_open);
    struct reader *reader = &from->readers[number];
    const char *what = text + rest, *at = strstr(what, "AT ");
    bool is_gone = strcmp(event, "GONE") == 0;
    uint32_t client = client_of(is_gone ? what : at);
    STORY_CHECK(world, client < CLIENTS);
    struct known *known = &reader->known[client];
    world->lines++;
    if (is_gone && reader->kind == WATCHERS_CIRCLE && client == reader->client) {
        memset(reader->known, 0, sizeof reader->known);
        return;
    }
    if (is_gone) {
        STORY_CHECK(world, known->is_in);
        known->is_in = false;
        return;
    }
    int64_t mm;
    read_at(world, client, now);
    STORY_CHECK(world, strcmp(now, at) == 0);
    bool is_free = reader->kind == WATCHERS_ALL || reader->kind == WATCHERS_CLIENT;
    if (strcmp(event, "MOVE") == 0) {
        STORY_CHECK(world, is_free || known->is_in);
        STORY_CHECK(world, is_in(world, reader, client, &mm));
        STORY_CHECK(world, reader->kind == WATCHERS_ALL || world->is_log_small || !known->is_in ||
                               strcmp(known->at, at) != 0);
    } else if (strcmp(event, "ENTER") == 0) {
        STORY_CHECK(world, !is_free && !known->is_in);
        check_metres(world, reader, client, what);
    } else {
        STORY_CHECK(world, !is_free && strcmp(event, "LEAVE") == 0 && known->is_in);
        STORY_CHECK(world, !is_in(world, reader, client, &mm));
    }
    known->is_in = strcmp(event, "LEAVE") != 0;
    strcpy(known->at, at);
}

/* ---- replies ---- */

static void read_reply(struct world *world, struct line *of)
{
    uint32_t number = of->connection.number, lines = 0;
    struct reader *reader = &of->readers[number];
    char head[40], *next = of->out.data, *end;
    int64_t mm_before = -1;
    buffer_append(&of->out, (struct span){"", 1});
    next = of->out.data;
    reader->is_open = true;
    for (; (end = strchr(next, '\n')) != NULL && end != next; next = end + 1, lines++) {
        *end = '\0';
        char *at = strstr(next, "AT "), now[TEXT_BYTES];
        if (next == of->out.data)
            continue;
        uint32_t client = client_of(at);
        STORY_CHECK(world, client < CLIENTS && !reader->known[client].is_in);
        read_at(world, client, now);
        STORY_CHECK(world, strcmp(now, at) == 0);
        int64_t mm;
        STORY_CHECK(world, is_in(world, reader, client, &mm) && mm >= mm_before);
        mm_before = mm;
        if (reader->kind != WATCHERS_CLIENT) {
            STORY_CHECK(world, strncmp(next, "NEAR ", 5) == 0);
            check_metres(world, reader, client, next + 5);
        }
        reader->known[client].is_in = true;
        strcpy(reader->known[client].at, at);
    }
    snprintf(head, sizeof head, "WATCH %u %u", number, lines - 1);
    STORY_CHECK(world, end != NULL && strcmp(of->out.data, head) == 0 && end[1] == '\0');
    of->out.len = 0;
}

static void go_on_with_reply(struct world *world, struct line *of, int64_t steps)
{
    if (of->connection.reply != NULL &&
        watchers_reply(world->watchers, &of->connection, &steps, &of->out))
        read_reply(world, of);
}

/* ---- what happens ---- */

static struct degrees clamp(int64_t latitude, int64_t longitude)
{
    int64_t most = DEGREES_LATITUDE_NANO_MAX, turn = 2 * DEGREES_LONGITUDE_NANO_MAX;
    latitude = latitude > most ? most : latitude < -most ? -most : latitude;
    longitude = longitude > DEGREES_LONGITUDE_NANO_MAX    ? longitude - turn
                : longitude < -DEGREES_LONGITUDE_NANO_MAX ? longitude + turn
                                                          : longitude;
    return (struct degrees){latitude, longitude};
}

/* A city, the antimeridian, both poles, zero, all of the globe, a few points. */
static struct degrees choose_place(uint32_t region)
{
    switch (region) {
    case 0:
        return clamp(48 * NANO + between(-NANO / 20, NANO / 20),
                     2 * NANO + between(-NANO / 15, NANO / 15));
    case 1:
        return clamp(between(-2, 2) * NANO / 10, 180 * NANO + between(-NANO / 50, NANO / 50));
    case 2:
        return clamp((roll(2) == 0 ? 90 : -90) * NANO + between(-NANO / 9, NANO / 9),
                     between(-180 * NANO, 180 * NANO));
    case 3:
        return clamp(between(-NANO / 60, NANO / 60), between(-NANO / 60, NANO / 60));
    case 4:
        return clamp(between(-90 * NANO, 90 * NANO), between(-180 * NANO, 180 * NANO));
    default:
        return clamp((int64_t)roll(3) * NANO / 100, (int64_t)roll(3) * NANO / 100);
    }
}

#define REGIONS 6u

static int64_t choose_radius(uint32_t region)
{
    int64_t most = region == 4 ? WATCHERS_RADIUS_MM_MAX : INT64_C(1) << (10 + roll(16));
    return roll(8) == 0 ? 0 : (int64_t)roll((uint64_t)most + 1);
}

static char *write_degrees(char *to, int64_t nano)
{
    int64_t size = nano < 0 ? -nano : nano;
    return to + sprintf(to, "%c%lld.%09lld", nano < 0 ? '-' : '+', (long long)(size / NANO),
                        (long long)(size % NANO));
}

static void put(struct world *world, uint32_t client, const char *position)
{
    char stamp[32], id[64];
    uint32_t slot;
    world->now_ns += 1 + (int64_t)roll(NANO);
    sprintf(stamp, "%lld.%09lld", (long long)(world->now_ns / NANO),
            (long long)(world->now_ns % NANO));
    struct location location = {.client = id_of(client, id),
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .origin = span_of("Ada"),
                                .order_ns = world->now_ns};
    struct packed packed;
    if (packed_read(location.position, location.stamp, &packed))
        location.packed = &packed;
    enum table_outcome outcome =
        table_put(world->table, &location, table_ref(world->table, location.client), &slot);
    STORY_CHECK(world, outcome == TABLE_NEW || outcome == TABLE_NEWER);
}

static void move(struct world *world, uint32_t client, struct degrees to)
{
    char text[64];
    write_degrees(write_degrees(text, to.latitude_nano), to.longitude_nano);
    put(world, client, text);
}

/* Nearby mostly, else anywhere of the region, or of another one. */
static void move_any(struct world *world)
{
    static const char *const nowhere[] = {"+91+0", "here", "+1"};
    uint32_t client = (uint32_t)roll(CLIENTS);
    struct degrees at;
    if (roll(60) == 0)
        put(world, client, nowhere[roll(3)]);
    else if (roll(2) == 0 && find_place(world, client, &at))
        move(world, client,
             clamp(at.latitude_nano + between(-3000, 3000) * 100,
                   at.longitude_nano + between(-3000, 3000) * 100));
    else
        move(world, client, choose_place(roll(10) == 0 ? (uint32_t)roll(REGIONS) : world->region));
}

static void forget(struct world *world)
{
    uint32_t client = (uint32_t)roll(CLIENTS), slot;
    if (find(world, client, &slot))
        put(world, client, "");
}

static void sweep(struct world *world, uint32_t steps)
{
    uint32_t freed[FREED_MAX];
    for (; steps > 0 && table_is_sweeping(world->table); steps--) {
        table_sweep(world->table, freed, 1 + (uint32_t)roll(FREED_MAX));
        if (roll(2) == 0)
            watchers_update(world->watchers);
    }
}

static void expire(struct world *world)
{
    int64_t age_ns = (int64_t)roll(roll(4) == 0 ? 5 : 60) * NANO;
    table_set_horizon(world->table, world->now_ns - age_ns);
}

static void add(struct world *world)
{
    struct line *to = &world->lines_of[roll(CONNECTIONS)];
    char id[64];
    if (to->connection.reply != NULL || to->connection.number == WATCHES_MAX)
        return;
    struct reader *reader = &to->readers[to->connection.number + 1];
    memset(reader, 0, sizeof *reader);
    reader->kind = (enum watchers_kind)roll(4);
    reader->client = (uint32_t)roll(CLIENTS);
    reader->place = choose_place(world->region);
    reader->radius_mm = choose_radius(world->region);
    struct watchers_wanted wanted = {reader->kind, id_of(reader->client, id), reader->place,
                                     reader->radius_mm};
    STORY_CHECK(world, watchers_add(world->watchers, &to->connection, &wanted) == WATCHERS_ADDED);
    go_on_with_reply(world, to, roll(2) == 0 ? INT64_MAX : (int64_t)roll(40));
}

static void end(struct world *world)
{
    struct line *of = &world->lines_of[roll(CONNECTIONS)];
    if (of->connection.reply != NULL || of->connection.number == 0)
        return;
    uint32_t number = roll(6) == 0 ? 0 : 1 + (uint32_t)roll(of->connection.number), open = 0;
    for (uint32_t i = 1; i <= of->connection.number; i++)
        if (number == 0 || number == i) {
            open += of->readers[i].is_open;
            of->readers[i].is_open = false;
        }
    STORY_CHECK(world, watchers_end(world->watchers, &of->connection, number) == open);
    of->is_given &= of->connection.count > 0;
}

static void take_due(struct world *world)
{
    int64_t steps = (int64_t)roll(20);
    struct watchers_connection *connection;
    watchers_update(world->watchers);
    watchers_clear(world->watchers, &steps);
    while ((connection = watchers_next_due(world->watchers)) != NULL)
        for (uint32_t i = 0; i < CONNECTIONS; i++)
            if (connection == &world->lines_of[i].connection) {
                STORY_CHECK(world, !world->lines_of[i].is_given);
                world->lines_of[i].is_given = true;
            }
}

static void read_lines(struct world *world, struct line *of)
{
    char *end, *next;
    buffer_append(&of->out, (struct span){"", 1});
    for (next = of->out.data; (end = strchr(next, '\n')) != NULL; next = end + 1) {
        *end = '\0';
        read_line(world, of, next);
    }
    STORY_CHECK(world, *next == '\0');
    of->out.len = 0;
}

/* Of one that was given, as much as there is room for. */
static void read_some(struct world *world, struct line *of, int64_t steps, size_t bytes_max)
{
    if (!of->is_given)
        return;
    of->is_given = watchers_write(world->watchers, &of->connection, &steps, bytes_max, &of->out);
    read_lines(world, of);
}

static void read_any(struct world *world)
{
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        struct line *of = &world->lines_of[i];
        if (of->is_slow && roll(20) != 0)
            continue;
        go_on_with_reply(world, of, 1 + (int64_t)roll(60));
        read_some(world, of, 1 + (int64_t)roll(80), 1 + roll(600));
    }
}

/* ---- what is so at the end ---- */

static bool is_idle(const struct world *world)
{
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        if (world->lines_of[i].is_given || world->lines_of[i].connection.reply != NULL)
            return false;
    return true;
}

static void check_reader(struct world *world, const struct reader *reader)
{
    for (uint32_t client = 0; client < CLIENTS; client++) {
        int64_t mm;
        char now[TEXT_BYTES];
        bool is_there = is_in(world, reader, client, &mm);
        STORY_CHECK(world, reader->known[client].is_in == is_there);
        if (!is_there)
            continue;
        read_at(world, client, now);
        STORY_CHECK(world, strcmp(reader->known[client].at, now) == 0);
    }
}

static void settle(struct world *world)
{
    sweep(world, UINT32_MAX);
    do {
        for (uint32_t i = 0; i < CONNECTIONS; i++) {
            go_on_with_reply(world, &world->lines_of[i], INT64_MAX);
            read_some(world, &world->lines_of[i], INT64_MAX, OUT_BYTES_MAX);
        }
        take_due(world);
    } while (!is_idle(world));
    STORY_CHECK(world, watchers_is_sound(world->watchers));
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        for (uint32_t number = 1; number <= world->lines_of[i].connection.number; number++)
            if (world->lines_of[i].readers[number].is_open)
                check_reader(world, &world->lines_of[i].readers[number]);
}

static void step(struct world *world)
{
    switch (roll(16)) {
    case 0:
        add(world);
        break;
    case 1:
        if (roll(4) == 0)
            end(world);
        break;
    case 2:
        forget(world);
        break;
    case 3:
        if (roll(6) == 0)
            expire(world);
        break;
    case 4:
        sweep(world, 1 + (uint32_t)roll(4));
        break;
    case 5:
        for (uint32_t moves = (uint32_t)roll(200); moves > 0; moves--)
            move_any(world);
        break;
    default:
        move_any(world);
    }
    if (roll(4) == 0) {
        take_due(world);
        STORY_CHECK(world, watchers_is_sound(world->watchers));
    }
    if (roll(2) == 0)
        read_any(world);
}

static void tell_story(struct world *world, uint64_t seed)
{
    *world = (struct world){.now_ns = HERD_NS, .seed = seed};
    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (uint32_t i = 0; i < 20; i++)
        roll(2);
    world->region = (uint32_t)roll(REGIONS);
    world->table = table_new(key);
    table_make_grid(world->table);
    world->watchers = watchers_new(world->table, key, UINT64_MAX);
    world->is_log_small = roll(2) == 0;
    struct watchers_limits limits = {
        WATCHERS_OF_NODE_MAX, WATCHERS_MARKS_MAX, UINT64_MAX,
        world->is_log_small ? UINT32_C(1) << roll(8) : CHANGES_SLOTS / 64, WATCHERS_GONE_BYTES_MAX};
    watchers_limit(world->watchers, &limits);
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        world->lines_of[i].is_slow = roll(3) == 0;
    for (uint32_t i = (uint32_t)roll(100); i > 0; i--)
        move_any(world);
    for (uint32_t i = 0; i < STEPS_A_STORY; i++) {
        step(world);
        if (i % 100 == 99)
            settle(world);
    }
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        watchers_end(world->watchers, &world->lines_of[i].connection, 0);
        buffer_free(&world->lines_of[i].out);
    }
    int64_t steps = INT64_MAX;
    watchers_update(world->watchers);
    STORY_CHECK(world, watchers_is_sound(world->watchers));
    STORY_CHECK(world, !watchers_clear(world->watchers, &steps));
    STORY_CHECK(world, watchers_is_sound(world->watchers));
    STORY_CHECK(world, table_is_sound(world->table));
    STORY_CHECK(world, watchers_count(world->watchers).bytes == 0);
    watchers_destroy(&world->watchers);
    table_destroy(&world->table);
}

static void lines_add_up_to_the_table(void)
{
    static struct world world;
    uint64_t lines = 0;
    for (uint32_t i = 0; i < stories_max; i++) {
        tell_story(&world, first_seed + i);
        lines += world.lines;
    }
    CHECK(lines > stories_max);
    printf("    %llu lines\n", (unsigned long long)lines);
}

static const struct check_case cases[] = {
    {"lines add up to the table", lines_add_up_to_the_table},
};

int main(int count, char **values)
{
    if (count >= 2)
        stories_max = (uint32_t)strtoul(values[1], NULL, 10);
    if (count >= 3)
        first_seed = strtoull(values[2], NULL, 10);
    return check_run(cases, sizeof cases / sizeof *cases);
}
