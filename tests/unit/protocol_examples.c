/* gateway/PROTOCOL.md: every conversation in it is one that the code would hold.
 *
 * A conversation is a fenced block of lines that begin with "> " (the client) or "< " (the
 * node). What only a herd can know, the node's name, the time and the places, is taken from the
 * document; everything else must be what command and reply make of it. */
#include <jansson.h>

#include "bus/table/at_line.h"
#include "gateway/text/command.h"
#include "gateway/text/lines.h"
#include "gateway/text/reply.h"
#include "placesd/lookup.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define DOCUMENT    "gateway/PROTOCOL.md"
#define COLUMNS_MAX 80
#define LINES_MAX   512

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

/* The lines from `*at` on that the node says, each with its LF; `*at` moves behind them. */
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

/* The AT line that a location makes, with name and difference of the line in the document. */
static struct buffer make_at(const struct command *command, struct span answer)
{
    struct buffer made = {0};
    char origin[LOCATION_ORIGIN_BYTES_MAX + 1] = "", sign = 0;
    long long seconds = 0, fraction = 0;
    char *line = strndup(answer.data, answer.len);
    int fields = sscanf(line, "AT %63s %c%lld.%9lld", origin, &sign, &seconds, &fraction);
    free(line);
    CHECK_INT(fields, 4);
    int64_t size_ns = seconds * 1000000000 + fraction;
    at_line_write(&made, &(struct location){
                             .client = command->client,
                             .position = command->position,
                             .stamp = command->stamp,
                             .origin = span_of(origin),
                             .difference_ns = sign == '-' ? -size_ns : size_ns,
                         });
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

/* One command of the client and what the document says the node answers. `known` is the last
 * IAMAT of the conversation and `at_line` its answer: each conversation has one client. */
static void check_exchange(struct span line, struct span answer, struct command *known,
                           struct buffer *at_line)
{
    struct command command;
    struct buffer made = {0};
    command_parse(line, &command);
    if (command.kind == COMMAND_WHATSAT && known->kind == COMMAND_IAMAT &&
        span_equals(known->client, command.client)) {
        check_places(&command, (struct span){at_line->data, at_line->len}, answer);
        return;
    }
    switch (command.kind) {
    case COMMAND_IAMAT:
        made = make_at(&command, answer);
        *known = command;
        at_line->len = 0;
        buffer_append(at_line, (struct span){made.data, made.len});
        break;
    case COMMAND_HELP:
        reply_help(&made);
        break;
    case COMMAND_QUIT:
        break;
    default:
        reply_invalid(&made, command.text);
    }
    CHECK_BYTES(answer.data, answer.len, made.data, made.len);
    buffer_free(&made);
}

static unsigned check_conversation(size_t *at)
{
    struct command known = {.kind = COMMAND_INVALID};
    struct buffer at_line = {0};
    unsigned exchanges = 0;
    while (*at < line_count && !starts(lines[*at], "```")) {
        struct span line = lines[(*at)++];
        CHECK(starts(line, "> "));
        struct buffer answer = take_answer(at);
        int before = check_failures;
        check_exchange((struct span){line.data + 2, line.len - 2},
                       (struct span){answer.data, answer.len}, &known, &at_line);
        if (check_failures > before)
            printf("    after the line \"%.*s\"\n", (int)line.len, line.data);
        buffer_free(&answer);
        exchanges++;
    }
    buffer_free(&at_line);
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

static void check_says(const char *before, long long value, const char *behind)
{
    char text[128];
    snprintf(text, sizeof text, "%s%lld%s", before, value, behind);
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

static const struct check_case cases[] = {
    {"every conversation is one the code would hold", conversations},
    {"no line is wider than 80 columns", narrow},
    {"the limits it names are the code's", limits},
};

int main(void)
{
    read_document();
    return check_run(cases, sizeof cases / sizeof *cases);
}
