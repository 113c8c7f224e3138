/* Any line is a command that says again what it said, or none for a reason; and an optional one is
 * none where it is off. */
#include <assert.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/table/at_line.h"
#include "bus/table/grid.h"
#include "gateway/text/command.h"
#include "placesd/lookup.h"
#include "tests/fuzz/fuzz.h"

static void append_field(struct buffer *line, struct span field)
{
    buffer_append(line, field);
    buffer_append(line, span_of("\v"));
}

/* The fields of an IAMAT, put together again, are the same IAMAT. */
static void check_iamat(const struct command *command)
{
    struct buffer line = {0};
    append_field(&line, span_of("IAMAT"));
    append_field(&line, command->client);
    append_field(&line, command->position);
    append_field(&line, command->stamp);
    struct command again;
    command_parse((struct span){line.data, line.len}, UINT32_MAX, &again);
    assert(again.kind == COMMAND_IAMAT);
    assert(again.stamp_ns == command->stamp_ns && again.stamp_ns >= 0);
    assert(span_equals(again.client, command->client));
    assert(span_equals(again.position, command->position));
    assert(span_equals(again.stamp, command->stamp));
    buffer_free(&line);
}

/* What the node answers is no command to another node. */
static void check_at(const struct command *command)
{
    struct buffer line = {0};
    at_line_write(&line, &(struct location){
                             .client = command->client,
                             .position = command->position,
                             .stamp = command->stamp,
                             .origin = span_of("Clark"),
                             .difference_ns = -command->stamp_ns,
                         });
    struct command again;
    command_parse((struct span){line.data, line.len}, UINT32_MAX, &again);
    assert(again.kind == COMMAND_INVALID && again.text.len == line.len - 1);
    buffer_free(&line);
}

/* Of whole limits, on the globe; and the radius written in full is the same. */
static void check_nearby(const struct command *command)
{
    bool is_at = command->kind == COMMAND_NEARBY_AT;
    const struct degrees *place = &command->place;
    assert(is_at == (command->client.len == 0));
    assert(command->bound >= 1 && command->bound <= GRID_BOUND_MAX);
    assert(command->radius_mm >= 0 && command->radius_mm <= INT64_C(20038000000));
    assert(!is_at || (llabs(place->latitude_nano) <= DEGREES_LATITUDE_NANO_MAX &&
                      llabs(place->longitude_nano) <= DEGREES_LONGITUDE_NANO_MAX));
    char text[64];
    int bytes =
        snprintf(text, sizeof text, "NEARBY k %" PRId64 ".%03d %u", command->radius_mm / 1000000,
                 (int)(command->radius_mm / 1000 % 1000), (unsigned)command->bound);
    struct command again;
    command_parse((struct span){text, (size_t)bytes}, UINT32_MAX, &again);
    assert(again.kind == COMMAND_NEARBY && again.bound == command->bound);
    assert(again.radius_mm == command->radius_mm);
}

/* The row that has the word of this kind. */
static enum command_kind word_of(enum command_kind kind)
{
    for (enum command_kind other = 0; other < COMMAND_KINDS; other++)
        if (command_rows[other].or_else == kind && kind != 0)
            return word_of(other);
    return kind;
}

static void check_option(const struct command *command, struct span line)
{
    struct command again;
    command_parse(line, 0, &again);
    bool is_optional = command_rows[word_of(command->kind)].is_optional;
    is_optional = is_optional && !command_rows[command->kind].is_secret;
    assert(again.kind == (is_optional ? COMMAND_INVALID : command->kind));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span line = {(const char *)bytes, count};
    struct command command;
    command_parse(line, UINT32_MAX, &command);
    assert(command.text.len <= line.len);
    assert((command.why != NULL) == (command.kind == COMMAND_INVALID));
    assert(command.kind < COMMAND_KINDS && command_rows[command.kind].run != NULL);
    assert(command.kind != COMMAND_INVALID || command.client.len == 0);
    check_option(&command, line);
    if (command.kind == COMMAND_IAMAT) {
        check_iamat(&command);
        check_at(&command);
    }
    if (command.kind == COMMAND_NEARBY || command.kind == COMMAND_NEARBY_AT)
        check_nearby(&command);
    if (command.kind == COMMAND_WHATSAT) {
        assert(command.client.len > 0);
        assert(command.radius_km <= LOOKUP_RADIUS_KM_MAX && command.bound <= LOOKUP_BOUND_MAX);
    }
    return 0;
}
