#include "placesd/landmarks/data/hstore.h"

#include <string.h>

#include "bus/base/bytes.h"

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* A quoted text into `out`, `*at` moved behind it: a backslash makes the next byte one like any
 * other. False where there is none. */
static bool take_quoted(const char **at, struct buffer *out)
{
    const char *next = *at;
    out->len = 0;
    if (*next++ != '"')
        return false;
    for (; *next != '\0' && *next != '"'; next++) {
        if (*next == '\\' && *++next == '\0')
            return false;
        buffer_append(out, (struct span){next, 1});
    }
    if (*next != '"')
        return false;
    *at = next + 1;
    return true;
}

static bool take(const char **at, const char *word)
{
    const char *next = skip_space(*at);
    if (strncmp(next, word, strlen(word)) != 0)
        return false;
    *at = skip_space(next + strlen(word));
    return true;
}

void hstore_read(const char *text, json_t *tags)
{
    struct buffer key = {0}, value = {0};
    const char *at = skip_space(text);
    while (take_quoted(&at, &key) && take(&at, "=>")) {
        buffer_append(&key, (struct span){"", 1});
        bool is_null = strncmp(at, "NULL", 4) == 0;
        if (is_null)
            at += 4;
        else if (!take_quoted(&at, &value))
            break;
        if (!is_null && json_object_get(tags, key.data) == NULL)
            json_object_set_new(tags, key.data,
                                json_stringn(value.len > 0 ? value.data : "", value.len));
        if (!take(&at, ","))
            break;
    }
    buffer_free(&key);
    buffer_free(&value);
}
