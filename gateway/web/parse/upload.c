#include "gateway/web/parse/upload.h"

#include <assert.h>
#include <stdio.h>

#include "bus/base/degrees.h"
#include "bus/base/json_scan.h"
#include "bus/base/token.h"
#include "gateway/web/parse/moment.h"
#include "gateway/web/parse/number.h"

/* What TELNET, and so the text protocol, begins its commands with. */
#define IAC '\xff'

struct row {
    const char *path, *methods;
    bool (*read)(const struct upload_request *request, struct upload *upload);
};

static const struct row rows[] = {
    [UPLOAD_OWNTRACKS] = {"/owntracks", "POST", upload_owntracks},
    [UPLOAD_OSMAND] = {"/osmand", "GET, POST", upload_osmand},
    [UPLOAD_OVERLAND] = {"/overland", "POST", upload_overland},
    [UPLOAD_IAMAT] = {"/iamat", "POST", upload_iamat},
};

enum upload_kind upload_kind_of(struct span path)
{
    if (path.len > 0 && path.data[path.len - 1] == '/')
        path.len--;
    for (enum upload_kind kind = UPLOAD_OWNTRACKS; kind < sizeof rows / sizeof *rows; kind++)
        if (span_equals(path, span_of(rows[kind].path)))
            return kind;
    return UPLOAD_NONE;
}

const char *upload_path(enum upload_kind kind)
{
    return rows[kind].path;
}

const char *upload_methods(enum upload_kind kind)
{
    return rows[kind].methods;
}

bool upload_read(const struct upload_request *request, struct upload *upload)
{
    assert(rows[request->kind].read != NULL && request->body.len <= UPLOAD_BODY_BYTES_MAX);
    upload->lines.len = 0;
    upload->accepted = upload->skipped = 0;
    upload->is_too_large = false;
    upload->why[0] = '\0';
    if (rows[request->kind].read(request, upload))
        return true;
    upload->lines.len = 0;
    upload->accepted = upload->skipped = 0;
    return false;
}

void upload_answer(enum upload_kind kind, const struct upload *upload, struct buffer *out)
{
    char text[UPLOAD_WHY_BYTES_MAX + sizeof "{\"error\":\"\"}\n"];
    if (upload->why[0] != '\0')
        snprintf(text, sizeof text, "{\"error\":\"%s\"}\n", upload->why);
    else if (kind == UPLOAD_OWNTRACKS)
        snprintf(text, sizeof text, "[]");
    else if (kind == UPLOAD_OVERLAND)
        snprintf(text, sizeof text, "{\"result\":\"ok\"}");
    else if (kind == UPLOAD_IAMAT)
        snprintf(text, sizeof text, "{\"accepted\":%zu}\n", upload->accepted);
    else
        text[0] = '\0';
    buffer_append(out, span_of(text));
}

void upload_free(struct upload *upload)
{
    buffer_free(&upload->lines);
}

/* ---- for the files of the forms ---- */

bool upload_refuse(struct upload *upload, const char *why)
{
    snprintf(upload->why, sizeof upload->why, "%s", why);
    return false;
}

static bool put_client(struct upload *upload, struct span client)
{
    if (client.len == 0)
        return upload_refuse(upload, "no id says whose position this is");
    if (client.len > UPLOAD_CLIENT_BYTES_MAX)
        return upload_refuse(upload, "the id is too long");
    if (!token_is_whole(client))
        return upload_refuse(upload, "the id has white space in it");
    if (memchr(client.data, IAC, client.len) != NULL)
        return upload_refuse(upload, "the id has the byte ff in it");
    buffer_append(&upload->lines, client);
    return true;
}

static bool put_position(struct upload *upload, const struct upload_fix *fix)
{
    struct buffer *lines = &upload->lines;
    size_t start = lines->len;
    struct degrees unused;
    if (fix->latitude.data == NULL || fix->longitude.data == NULL)
        return upload_refuse(upload, fix->latitude.data == NULL ? "the latitude is missing"
                                                                : "the longitude is missing");
    if (!number_put(lines, fix->latitude))
        return upload_refuse(upload, "the latitude is no decimal number");
    if (!number_put(lines, fix->longitude))
        return upload_refuse(upload, "the longitude is no decimal number");
    if (!degrees_read((struct span){lines->data + start, lines->len - start}, &unused))
        return upload_refuse(upload, "the position is not on the globe: latitude is within 90 "
                                     "degrees, longitude within 180");
    return true;
}

static bool put_time(struct upload *upload, const struct upload_fix *fix)
{
    if (fix->time.data == NULL)
        return upload_refuse(upload, "the time is missing");
    if (moment_put(&upload->lines, fix->time, fix->form))
        return true;
    return upload_refuse(upload,
                         fix->form == MOMENT_SECONDS
                             ? "the time is not seconds since 1970"
                             : "the time is neither seconds (up to 11 digits) nor "
                               "milliseconds (12 to 14) since 1970, nor a date with a zone");
}

bool upload_put(struct upload *upload, struct span client, const struct upload_fix *fix)
{
    struct buffer *lines = &upload->lines;
    if (upload->accepted == UPLOAD_POSITIONS_MAX) {
        upload->is_too_large = true;
        return upload_refuse(upload, "a request has up to 100000 positions");
    }
    buffer_append(lines, span_of("IAMAT "));
    if (!put_client(upload, client.len > 0 ? client : fix->client))
        return false;
    buffer_append(lines, span_of(" "));
    if (!put_position(upload, fix))
        return false;
    buffer_append(lines, span_of(" "));
    if (!put_time(upload, fix))
        return false;
    buffer_append(lines, span_of("\n"));
    if (lines->len > UPLOAD_LINES_BYTES_MAX)
        return upload_refuse(upload, "the positions have too many digits");
    upload->accepted++;
    return true;
}

struct span upload_number(struct span value)
{
    if (value.len == 0 || span_equals(value, span_of("null")))
        return (struct span){0};
    return value.data[0] == '"' ? (struct span){value.data + 1, value.len - 2} : value;
}

bool upload_id(struct upload *upload, struct span value, char room[UPLOAD_CLIENT_BYTES_MAX],
               struct span *id)
{
    *id = (struct span){0};
    if (value.len == 0 || span_equals(value, span_of("null")))
        return true;
    size_t bytes = json_text(value, room, UPLOAD_CLIENT_BYTES_MAX);
    if (bytes > UPLOAD_CLIENT_BYTES_MAX)
        return upload_refuse(upload, "the id is no text, or too long");
    *id = (struct span){room, bytes};
    return true;
}

static bool judge_json(struct upload *upload, const char *wrong, size_t at)
{
    if (wrong != NULL)
        snprintf(upload->why, sizeof upload->why, "the JSON is not as it must be: %s, at byte %zu",
                 wrong, at);
    return wrong == NULL;
}

bool upload_object(struct upload *upload, struct span text, struct json_member *members,
                   size_t count)
{
    size_t at;
    const char *wrong = json_scan_object(text, members, count, &at);
    return judge_json(upload, wrong, at);
}

bool upload_array(struct upload *upload, struct span text)
{
    size_t at;
    const char *wrong = json_scan_array(text, &at);
    return judge_json(upload, wrong, at);
}

char upload_first_byte(struct span body)
{
    for (size_t i = 0; i < body.len; i++)
        if (!token_is_white(body.data[i]))
            return body.data[i];
    return '\0';
}
