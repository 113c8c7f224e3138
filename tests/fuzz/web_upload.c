/* Any request of a phone is refused with a sentence, or becomes lines that are IAMATs to a node,
 * but for a time that no node can count; it is the same each time, and its answer is JSON or empty.
 *
 * An input is what a request is made of, with a line end after each: a digit for the path, the
 * query, the two headers, and the body with whatever is in it. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "bus/table/location.h"
#include "gateway/text/command.h"
#include "gateway/web/parse/upload.h"
#include "tests/fuzz/fuzz.h"

static struct span take_line(struct span *rest)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    size_t bytes = end == NULL ? rest->len : (size_t)(end - rest->data);
    size_t used = bytes + (end != NULL);
    struct span line = {rest->data, bytes};
    *rest = (struct span){rest->data + used, rest->len - used};
    return line;
}

/* The last word of a line. */
static struct span stamp_of(struct span line)
{
    const char *blank = memrchr(line.data, ' ', line.len);
    assert(blank != NULL);
    return (struct span){blank + 1, (size_t)(line.data + line.len - blank - 1)};
}

static bool is_countable(struct span stamp)
{
    return location_stamp_ns(stamp) >= 0;
}

static void check_lines(const struct upload *upload)
{
    struct span rest = {upload->lines.data, upload->lines.len};
    size_t count = 0;
    assert(rest.len == 0 || rest.data[rest.len - 1] == '\n');
    for (; rest.len > 0; count++) {
        struct span line = take_line(&rest);
        struct command command;
        command_parse(line, 0, &command);
        assert(command.kind == COMMAND_IAMAT || !is_countable(stamp_of(line)));
        assert(memchr(line.data, '\xff', line.len) == NULL);
    }
    assert(count == upload->accepted);
}

static void check_answer(enum upload_kind kind, const struct upload *upload)
{
    struct buffer out = {0};
    upload_answer(kind, upload, &out);
    json_t *json = out.len == 0 ? NULL : json_loadb(out.data, out.len, 0, NULL);
    assert(json != NULL || (kind == UPLOAD_OSMAND && upload->why[0] == '\0' && out.len == 0));
    json_decref(json);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span rest = {(const char *)bytes, count};
    if (count > UPLOAD_BODY_BYTES_MAX)
        return 0;
    struct span kind = take_line(&rest);
    struct upload_request request = {
        .kind = kind.len == 0 ? UPLOAD_OSMAND
                              : UPLOAD_OWNTRACKS + (unsigned char)kind.data[0] % UPLOAD_IAMAT,
        .query = take_line(&rest),
        .limit_user = take_line(&rest),
        .limit_device = take_line(&rest),
        .body = rest,
    };
    struct upload first = {0}, second = {0};
    bool is_taken = upload_read(&request, &first);
    assert(is_taken == (first.why[0] == '\0') && strlen(first.why) < sizeof first.why - 1);
    assert(is_taken || (first.lines.len == 0 && first.accepted + first.skipped == 0));
    assert(first.lines.len <= UPLOAD_LINES_BYTES_MAX);
    check_lines(&first);
    check_answer(request.kind, &first);
    assert(upload_read(&request, &second) == is_taken);
    assert(second.accepted == first.accepted && second.lines.len == first.lines.len);
    upload_free(&first);
    upload_free(&second);
    return 0;
}
