#include "gateway/text/command.h"

#include "bus/base/token.h"

#define IAMAT       "IAMAT "
#define SECONDS_MAX (INT64_MAX / NANO - 1)
#define DECIMALS    9

/* The next word, which one blank follows. */
static bool take_word(struct span *rest, struct span *word)
{
    *word = (struct span){rest->data, token_bytes(*rest)};
    if (word->len == 0 || word->len == rest->len || rest->data[word->len] != ' ')
        return false;
    *rest = (struct span){rest->data + word->len + 1, rest->len - word->len - 1};
    return true;
}

/* "+0.263873386", as at_line_write has it. */
static bool read_difference(struct span text, int64_t *difference_ns)
{
    uint64_t seconds, nanoseconds;
    if (text.len < 1 + 1 + 1 + DECIMALS || (text.data[0] != '+' && text.data[0] != '-'))
        return false;
    size_t point = text.len - DECIMALS - 1;
    struct span whole = {text.data + 1, point - 1};
    struct span decimals = {text.data + point + 1, DECIMALS};
    if (text.data[point] != '.' || (whole.len > 1 && whole.data[0] == '0') ||
        !decimal_read_whole(whole, SECONDS_MAX, &seconds) ||
        !decimal_read_whole(decimals, NANO - 1, &nanoseconds))
        return false;
    int64_t size_ns = (int64_t)seconds * NANO + (int64_t)nanoseconds;
    *difference_ns = text.data[0] == '-' ? -size_ns : size_ns;
    return true;
}

/* What stands after the difference is what the client sent after IAMAT. */
static const char *read_operands(struct span operands, struct command_at *at)
{
    size_t bytes = sizeof IAMAT - 1 + operands.len;
    memcpy(at->iamat, IAMAT, sizeof IAMAT - 1);
    memcpy(at->iamat + sizeof IAMAT - 1, operands.data, operands.len);
    command_parse((struct span){at->iamat, bytes}, 0, &at->command);
    const struct command *command = &at->command;
    if (command->kind != COMMAND_IAMAT)
        return command->why;
    /* One blank between two of them, and nothing after the last. */
    return command->client.len + command->position.len + command->stamp.len + 2 == operands.len
               ? NULL
               : "there is more than one blank between two words";
}

const char *command_read_at(struct span line, struct command_at *at)
{
    struct span word, origin, difference;
    struct location *location = &at->location;
    const struct command *command = &at->command;
    *location = (struct location){0};
    if (line.len > COMMAND_AT_BYTES_MAX)
        return "it is too long";
    if (!take_word(&line, &word) || !span_equals(word, span_of("AT")))
        return "it is no AT line";
    if (!take_word(&line, &origin) || origin.len > LOCATION_ORIGIN_BYTES_MAX)
        return "its second word is no node's name";
    if (!take_word(&line, &difference) || !read_difference(difference, &location->difference_ns))
        return "its third word is no difference such as +0.263873386";
    if (line.len + sizeof IAMAT - 1 > LOCATION_TEXT_BYTES_MAX)
        return "it is too long";
    const char *why = read_operands(line, at);
    if (why != NULL)
        return why;
    int64_t latest_ns = location_latest_ns(command->stamp_ns, location->difference_ns);
    if (latest_ns < LOCATION_SKEW_NS_MAX || latest_ns > LOCATION_ORDER_NS_MAX)
        return "it was taken before 1970, or after 2115";
    location->client = command->client;
    location->position = command->position;
    location->stamp = command->stamp;
    location->origin = origin;
    location->order_ns = command->stamp_ns < latest_ns ? command->stamp_ns : latest_ns;
    location->packed = command->has_digits ? &command->packed : NULL;
    return location_is_valid(location) ? NULL : "it shows no location";
}
