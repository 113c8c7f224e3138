/* gateway/PROTOCOL.md: every conversation in it is one that the code would hold.
 *
 * A conversation is a fenced block of lines that begin with "> " (the client) or "< " (the
 * node). What only a herd can know, the node's name, the time and the places, is taken from the
 * document; everything else must be what command and reply make of it. */
#include <jansson.h>

#include "bus/table/at_line.h"
#include "bus/table/table.h"
#include "gateway/text/command.h"
#include "gateway/text/lines.h"
#include "gateway/text/nearby.h"
#include "gateway/text/reply.h"
#include "gateway/text/watchers.h"
#include "placesd/lookup.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define DOCUMENT       "gateway/PROTOCOL.md"
#define COLUMNS_MAX    80
#define WITHOUT_FORGET (COMMAND_OPTION(COMMAND_NEARBY) | COMMAND_OPTIONS_WATCH)
#define LINES_MAX      1024

static char *document;
static struct span lines[LINES_MAX];
static size_t line_count;

static void read_document(void)
{
    size_t capacity = 256 * 1024;
    FILE *file = fopen(DOCUMENT, "r");
    if (file == NULL) {
        perror(DOCUMENT);
        exit(2);
    }
    document = malloc(capacity);
    size_t bytes = fread(document, 1, capacity, file);
    fclose(file);
    CHECK(bytes > 0 && bytes < capacity && document[bytes - 1] == '\n');
    for (char *at = document, *end; at < document + bytes; at = end + 1) {
        end = memchr(at, '\n', (size_t)(document + bytes - at));
        if (line_count == LINES_MAX) {
            printf("%s has more lines than LINES_MAX\n", DOCUMENT);
            exit(2);
        }
        lines[line_count++] = (struct span){at, (size_t)(end - at)};
    }
    document[bytes - 1] = '\0';
}

static bool starts(struct span line, const char *text)
{
    return line.len >= strlen(text) && memcmp(line.data, text, strlen(text)) == 0;
}

/* The lines from `*at` on that the node says, each with its LF; `*at` moves past them. */
static struct buffer take_answer(size_t *at)
{
    struct buffer answer = {0};
    for (; *at < line_count && starts(lines[*at], "<"); (*at)++) {
        struct span line = lines[*at];
        size_t mark = line.len > 1 ? 2 : 1;
        buffer_append(&answer, (struct span){line.data + mark, line.len - mark});
        buffer_append(&answer, SPAN("\n"));
    }
    return answer;
}

/* The last field of the answer. */
static struct span last_field(struct span answer)
{
    size_t end = answer.len > 0 ? answer.len - 1 : 0, begin = end;
    while (begin > 0 && answer.data[begin - 1] != ' ')
        begin--;
    return (struct span){answer.data + begin, end - begin};
}

/* The AT line that a location makes, which goes into the table, with name and difference of the
 * line in the document; that of a FORGET has the herd's time besides. */
static struct buffer make_at(const struct command *command, struct span answer, struct table *table)
{
    struct buffer made = {0};
    char origin[LOCATION_ORIGIN_BYTES_MAX + 1] = "", sign = 0;
    long long seconds = 0, fraction = 0;
    char *line = strndup(answer.data, answer.len);
    int fields = sscanf(line, "AT %63s %c%lld.%9lld", origin, &sign, &seconds, &fraction);
    free(line);
    CHECK_INT(fields, 4);
    int64_t size_ns = seconds * 1000000000 + fraction;
    bool is_forget = command->kind == COMMAND_FORGET;
    struct location location = {
        .client = command->client,
        .position = is_forget ? SPAN("") : command->position,
        .stamp = is_forget ? last_field(answer) : command->stamp,
        .origin = span_of(origin),
        .difference_ns = sign == '-' ? -size_ns : size_ns,
    };
    uint32_t slot;
    location.order_ns = location_stamp_ns(location.stamp);
    table_put(table, &location, table_ref(table, location.client), &slot);
    at_line_write(&made, &location);
    return made;
}

/* An answer to WHATSAT: the AT line, then JSON as reply_places would send it. */
static void check_places(const struct command *command, struct span at_line, struct span answer)
{
    CHECK(answer.len > at_line.len);
    CHECK_BYTES(answer.data, at_line.len, at_line.data, at_line.len);
    struct span text = {answer.data + at_line.len, answer.len - at_line.len};
    struct buffer made = {0};
    reply_places(&made, text);
    CHECK_BYTES(text.data, text.len, made.data, made.len);
    buffer_free(&made);

    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    CHECK(json_is_object(json));
    json_t *results = json_object_get(json, "results");
    const char *status = json_string_value(json_object_get(json, "status"));
    CHECK(json_is_array(json_object_get(json, "html_attributions")));
    CHECK(json_is_array(results));
    CHECK(json_array_size(results) <= command->bound);
    CHECK(status != NULL);
    bool failed = status != NULL && strcmp(status, "OK") != 0;
    CHECK((json_object_get(json, "error_message") != NULL) == failed);
    CHECK(!failed || json_array_size(results) == 0);
    json_decref(json);
}

static struct buffer make_nears(struct table *table, const struct command *command)
{
    struct buffer made = {0};
    struct nearby nearby;
    struct degrees place = command->place;
    uint32_t slot;
    int64_t steps = INT64_MAX;
    bool is_around_client = command->kind == COMMAND_NEARBY;
    if (is_around_client) {
        struct location location;
        char text[PACKED_TEXT_BYTES_MAX];
        if (!table_find(table, command->client, table_ref(table, command->client), &slot)) {
            reply_invalid(&made, command->text);
            return made;
        }
        table_read(table, slot, text, &location);
        at_line_write(&made, &location);
        CHECK(degrees_read(location.position, &place));
    }
    nearby_begin(&nearby, table, &place, command->radius_mm, command->bound,
                 is_around_client ? &slot : NULL);
    nearby_go_on(&nearby, table, &steps, SIZE_MAX, &made);
    CHECK(nearby.is_complete);
    return made;
}

/* A conversation has one client: its last IAMAT and the answer to that, and its watches. */
struct conversation {
    struct table *table;
    struct command known;
    struct buffer at_line;
    struct watchers *watchers;
    struct watchers_connection watches;
};

static struct buffer make_watch(struct conversation *talk, const struct command *command)
{
    struct buffer made = {0};
    int64_t steps = INT64_MAX;
    bool is_all = span_equals(command->client, SPAN("*"));
    struct watchers_wanted wanted = {.kind = is_all ? WATCHERS_ALL : WATCHERS_CLIENT,
                                     .client = command->client,
                                     .place = command->place,
                                     .radius_mm = command->radius_mm};
    if (command->kind == COMMAND_WATCH_AROUND)
        wanted.kind = WATCHERS_CIRCLE;
    else if (command->kind == COMMAND_WATCH_AT)
        wanted.kind = WATCHERS_POINT;
    CHECK_INT(watchers_add(talk->watchers, &talk->watches, &wanted), WATCHERS_ADDED);
    CHECK(watchers_reply(talk->watchers, &talk->watches, &steps, &made));
    return made;
}

/* What is told besides the answer. */
static void make_told(struct conversation *talk, struct buffer *made)
{
    int64_t steps = INT64_MAX;
    watchers_update(talk->watchers);
    while (watchers_next_due(talk->watchers) != NULL)
        CHECK(!watchers_write(talk->watchers, &talk->watches, &steps, SIZE_MAX, made));
}

/* One command of the client and what the document says the node answers. */
static void check_exchange(struct span line, struct span answer, struct conversation *talk)
{
    struct table *table = talk->table;
    struct command *known = &talk->known;
    struct buffer *at_line = &talk->at_line;
    struct command command;
    struct buffer made = {0};
    command_parse(line, COMMAND_OPTION(COMMAND_FORGET) | WITHOUT_FORGET, &command);
    bool is_known = known->kind == COMMAND_IAMAT && span_equals(known->client, command.client);
    if (command.kind == COMMAND_WHATSAT && is_known) {
        check_places(&command, (struct span){at_line->data, at_line->len}, answer);
        return;
    }
    switch (command.kind) {
    case COMMAND_IAMAT:
        made = make_at(&command, answer, table);
        *known = command;
        at_line->len = 0;
        buffer_append(at_line, (struct span){made.data, made.len});
        break;
    case COMMAND_NEARBY:
    case COMMAND_NEARBY_AT:
        made = make_nears(table, &command);
        break;
    case COMMAND_WATCH:
    case COMMAND_WATCH_AROUND:
    case COMMAND_WATCH_AT:
        made = make_watch(talk, &command);
        break;
    case COMMAND_UNWATCH:
    case COMMAND_UNWATCH_ONE:
        reply_unwatch(&made, watchers_end(talk->watchers, &talk->watches,
                                          command.kind == COMMAND_UNWATCH ? 0 : command.watch));
        break;
    case COMMAND_FORGET:
        if (is_known)
            made = make_at(&command, answer, table);
        else
            reply_invalid(&made, command.text);
        known->kind = COMMAND_INVALID;
        break;
    case COMMAND_HELP:
        command_help(WITHOUT_FORGET, &made);
        break;
    case COMMAND_QUIT:
        break;
    case COMMAND_AUTH:
        reply_invalid(&made, SPAN("AUTH *"));
        break;
    default:
        reply_invalid(&made, command.text);
    }
    make_told(talk, &made);
    CHECK_BYTES(answer.data, answer.len, made.data, made.len);
    buffer_free(&made);
}

static unsigned check_conversation(size_t *at)
{
    struct conversation talk = {.table = table_new((const uint8_t[16]){0}),
                                .known = {.kind = COMMAND_INVALID}};
    table_make_grid(talk.table);
    talk.watchers = watchers_new(talk.table, (const uint8_t[16]){0}, UINT64_MAX);
    unsigned exchanges = 0;
    while (*at < line_count && !starts(lines[*at], "```")) {
        struct span line = lines[(*at)++];
        CHECK(starts(line, "> "));
        struct buffer answer = take_answer(at);
        int before = check_failures;
        check_exchange((struct span){line.data + 2, line.len - 2},
                       (struct span){answer.data, answer.len}, &talk);
        if (check_failures > before)
            printf("    after the line \"%.*s\"\n", (int)line.len, line.data);
        buffer_free(&answer);
        exchanges++;
    }
    buffer_free(&talk.at_line);
    watchers_end(talk.watchers, &talk.watches, 0);
    watchers_destroy(&talk.watchers);
    table_destroy(&talk.table);
    return exchanges;
}

static void conversations(void)
{
    unsigned exchanges = 0;
    for (size_t at = 0; at < line_count;)
        if (span_equals(lines[at++], SPAN("```conversation")))
            exchanges += check_conversation(&at);
    CHECK(exchanges >= 20);
}

static void narrow(void)
{
    for (size_t i = 0; i < line_count; i++)
        CHECK(lines[i].len <= COLUMNS_MAX);
}

static void check_says(const char *before, long long value, const char *after)
{
    char text[128];
    snprintf(text, sizeof text, "%s%lld%s", before, value, after);
    if (strstr(document, text) == NULL)
        printf("    it does not say \"%s\"\n", text);
    CHECK(strstr(document, text) != NULL);
}

static void limits(void)
{
    check_says("| a line | ", LINES_BYTES_MAX, " bytes |");
    check_says("holds up to ", LINES_BYTES_MAX, " bytes");
    check_says("its first ", LINES_BYTES_MAX, " bytes");
    check_says("kilometres: a whole number, 0 to ", LOOKUP_RADIUS_KM_MAX, "\n");
    check_says("at most: a whole number, 0 to ", LOOKUP_BOUND_MAX, "\n");
    check_says("at most ", INT64_MAX / 1000000000, ".854775807");
}

static void forms(void)
{
    for (size_t kind = 0; kind < COMMAND_KINDS; kind++) {
        const struct command_row *row = &command_rows[kind];
        if (row->word == NULL)
            continue;
        char form[128];
        if (*row->arguments != '\0')
            snprintf(form, sizeof form, "\n    %s %s\n", row->word, row->arguments);
        else
            snprintf(form, sizeof form, "%s", row->word);
        if (strstr(document, form) == NULL)
            printf("    it does not show \"%s\"\n", form);
        CHECK(strstr(document, form) != NULL);
    }
}

static const struct check_case cases[] = {
    {"every conversation is one the code would hold", conversations},
    {"each command stands there with its arguments", forms},
    {"no line is wider than 80 columns", narrow},
    {"the limits it names are the code's", limits},
};

int main(void)
{
    read_document();
    return check_run(cases, sizeof cases / sizeof *cases);
}
