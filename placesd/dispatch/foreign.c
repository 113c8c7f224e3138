#include "placesd/dispatch/foreign.h"

#include <stdio.h>

#include "bus/base/json_scan.h"

#define ATTRIBUTIONS_NONE "\"html_attributions\":[],"

enum { STATUS, RESULTS, ATTRIBUTIONS, MESSAGE, MEMBERS };

static bool is_array(struct span value)
{
    return value.len > 0 && value.data[0] == '[';
}

static bool is_empty_array(struct span value)
{
    if (!is_array(value))
        return false;
    for (size_t i = 1; i + 1 < value.len; i++)
        if (memchr(" \t\r\n", value.data[i], 4) == NULL)
            return false;
    return true;
}

static bool is_one_of(struct span value, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_is_text(value, texts[i]))
            return true;
    return false;
}

/* Why these are not the members of an answer with that code, or NULL. */
static const char *judge(const struct lookup_reply *said, const struct json_member *members)
{
    static const char *const good[] = {"OK", "ZERO_RESULTS"};
    static const char *const failed[] = {"OVER_QUERY_LIMIT", "REQUEST_DENIED", "INVALID_REQUEST",
                                         "UNKNOWN_ERROR"};
    struct span status = members[STATUS].value, results = members[RESULTS].value;
    if (members[ATTRIBUTIONS].value.len > 0 && !is_array(members[ATTRIBUTIONS].value))
        return "html_attributions is no array";
    if (said->code == LOOKUP_OK) {
        if (!is_one_of(status, good, sizeof good / sizeof *good))
            return "status is neither OK nor ZERO_RESULTS";
        return is_array(results) ? NULL : "results is no array";
    }
    if (!is_one_of(status, failed, sizeof failed / sizeof *failed))
        return "status is not one of a failure";
    if (!is_empty_array(results))
        return "results is not an empty array";
    struct span message = members[MESSAGE].value;
    return message.len > 0 && message.data[0] == '"' ? NULL : "error_message is no text";
}

/* The same for all of the body. Fills `members`. */
static bool is_body(const struct lookup_reply *said, struct json_member *members,
                    char why[FOREIGN_WHY_BYTES_MAX])
{
    size_t at;
    const char *wrong = json_scan_object(said->body, members, MEMBERS, &at);
    if (wrong != NULL)
        snprintf(why, FOREIGN_WHY_BYTES_MAX, "its body has %s, at byte %zu", wrong, at);
    else if ((wrong = judge(said, members)) != NULL)
        snprintf(why, FOREIGN_WHY_BYTES_MAX, "its body is not for code %d: %s", said->code, wrong);
    else if (members[ATTRIBUTIONS].value.len == 0 &&
             said->body.len + strlen(ATTRIBUTIONS_NONE) > LOOKUP_BODY_BYTES_MAX)
        snprintf(why, FOREIGN_WHY_BYTES_MAX, "its body has no html_attributions and no room");
    else
        return true;
    return false;
}

/* The body, with `html_attributions` where it lacks. */
static struct span complete(struct span body, const struct json_member *members,
                            struct buffer *json)
{
    if (members[ATTRIBUTIONS].value.len > 0)
        return body;
    size_t before = json->len;
    const char *open = memchr(body.data, '{', body.len);
    size_t head = (size_t)(open + 1 - body.data);
    buffer_append(json, (struct span){body.data, head});
    buffer_append(json, span_of(ATTRIBUTIONS_NONE));
    buffer_append(json, (struct span){body.data + head, body.len - head});
    return (struct span){json->data + before, json->len - before};
}

bool foreign_take(struct span message, struct lookup_reply *taken, struct buffer *json,
                  char why[FOREIGN_WHY_BYTES_MAX])
{
    struct json_member members[MEMBERS] = {[STATUS] = {.name = "status"},
                                           [RESULTS] = {.name = "results"},
                                           [ATTRIBUTIONS] = {.name = "html_attributions"},
                                           [MESSAGE] = {.name = "error_message"}};
    if (!lookup_read_reply(message, taken)) {
        snprintf(why, FOREIGN_WHY_BYTES_MAX, "it is not zp, version 1 and [code, body]");
        return false;
    }
    if (!is_body(taken, members, why))
        return false;
    taken->body = complete(taken->body, members, json);
    return true;
}
