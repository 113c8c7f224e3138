#include "bus/base/msgshow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/base/printable.h"

static void say(char *out, const char *words)
{
    snprintf(out, MSGSHOW_BYTES_MAX, "%s", words);
}

/* As few digits as distinguish it from its neighbours. One that looks whole may be none: it is a
 * rounded one. */
static void show_float(double value, char *out)
{
    const double max = (double)MSGREAD_FLOAT_MAX;
    bool is_rounded = (value >= max || value <= -max) && value - value == 0;
    for (int digits = 15; digits <= 17; digits++) {
        char text[32];
        snprintf(text, sizeof text, "%.*g", digits, value);
        snprintf(out, MSGSHOW_BYTES_MAX, "the float %s%s", text,
                 is_rounded ? " (beyond 2^53)" : "");
        if (strtod(text, NULL) == value)
            return;
    }
}

static void show_text(struct span text, char *out)
{
    char shown[MSGSHOW_TEXT_BYTES_MAX + 1];
    bool cut = text.len > MSGSHOW_TEXT_BYTES_MAX;
    size_t bytes = cut ? MSGSHOW_TEXT_BYTES_MAX : text.len;
    for (size_t i = 0; i < bytes; i++)
        shown[i] = printable(text.data[i]);
    shown[bytes] = '\0';
    snprintf(out, MSGSHOW_BYTES_MAX, "the text \"%s\"%s", shown, cut ? "..." : "");
}

static bool show_number(struct msgread cursor, char *out)
{
    struct msgread next = cursor;
    double value;
    if (msgread_take_float(&next, &value)) {
        show_float(value, out);
        return false;
    }
    int64_t number;
    uint64_t large;
    bool is_signed = msgread_take_int(&next, &number);
    if (is_signed)
        snprintf(out, MSGSHOW_BYTES_MAX, "%" PRId64, number);
    else if (msgread_take_uint(&next, &large))
        snprintf(out, MSGSHOW_BYTES_MAX, "%" PRIu64, large);
    else
        return false;
    return true;
}

/* What has no value that would help. */
static void show_kind(struct msgread cursor, char *out)
{
    bool truth;
    uint32_t count;
    struct span body;
    struct msgread start = cursor;
    if (msgread_at_end(&cursor))
        say(out, "nothing");
    else if (msgread_take_bool(&cursor, &truth))
        say(out, truth ? "true" : "false");
    else if (msgread_take_str(&cursor, &body))
        show_text(body, out);
    else if (msgread_take_bin(&cursor, &body))
        snprintf(out, MSGSHOW_BYTES_MAX, "binary data of %zu bytes", body.len);
    else if (msgread_take_array(&cursor, &count))
        snprintf(out, MSGSHOW_BYTES_MAX, "an array of %" PRIu32, count);
    else if (msgread_take_map(&cursor, &count))
        snprintf(out, MSGSHOW_BYTES_MAX, "a map of %" PRIu32, count);
    else if (!msgread_skip(&cursor))
        say(out, "an object that is cut short");
    else
        say(out, (unsigned char)*start.at == 0xc0 ? "nil" : "an extension");
}

bool msgshow(struct msgread cursor, char out[MSGSHOW_BYTES_MAX])
{
    *out = '\0';
    bool is_integer = show_number(cursor, out);
    if (*out == '\0')
        show_kind(cursor, out);
    return is_integer;
}
