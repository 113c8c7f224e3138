/* Any line is a command that says again what it said, or none for a reason. */
#include <assert.h>

#include "bus/table/at_line.h"
#include "gateway/text/command.h"
#include "placesd/lookup.h"
#include "tests/fuzz/fuzz.h"

static void append_field(struct buffer *line, struct span field)
{
    buffer_append(line, field);
    buffer_append(line, span_of("\v"));
}

/* The fields of an IAMAT, put together anew, are the same IAMAT. */
static void check_iamat(const struct command *command)
{
    struct buffer line = {0};
    append_field(&line, span_of("IAMAT"));
    append_field(&line, command->client);
    append_field(&line, command->position);
    append_field(&line, command->stamp);
    struct command again;
    command_parse((struct span){line.data, line.len}, &again);
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
    command_parse((struct span){line.data, line.len}, &again);
    assert(again.kind == COMMAND_INVALID && again.text.len == line.len - 1);
    buffer_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span line = {(const char *)bytes, count};
    struct command command;
    command_parse(line, &command);
    assert(command.text.len <= line.len);
    assert((command.why != NULL) == (command.kind == COMMAND_INVALID));
    if (command.kind == COMMAND_IAMAT) {
        check_iamat(&command);
        check_at(&command);
    }
    if (command.kind == COMMAND_WHATSAT) {
        assert(command.client.len > 0);
        assert(command.radius_km <= LOOKUP_RADIUS_KM_MAX && command.bound <= LOOKUP_BOUND_MAX);
    }
    return 0;
}
