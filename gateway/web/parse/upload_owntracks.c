/* OwnTracks over HTTP (owntracks.org/booklet, "JSON" and "HTTP"): one message, an object with a
 * `_type`. Android sends a refused one again without end, before all later ones; iOS throws it away
 * and shows an alert. So only what no app sends is refused. */
#include "bus/base/json_scan.h"
#include "gateway/web/parse/moment.h"
#include "gateway/web/parse/upload.h"

enum { TYPE, TOPIC, TID, LATITUDE, LONGITUDE, TST, MEMBERS };

/* What follows the first level: "owntracks/ada/moto" is "ada/moto". */
static struct span without_first_level(struct span topic)
{
    const char *slash = topic.len == 0 ? NULL : memchr(topic.data, '/', topic.len);
    if (slash == NULL)
        return (struct span){0};
    return (struct span){slash + 1, topic.len - (size_t)(slash + 1 - topic.data)};
}

/* "ada/moto" of the two headers; nothing where one of them is not there. */
static struct span of_headers(const struct upload_request *request,
                              char room[UPLOAD_CLIENT_BYTES_MAX])
{
    struct span user = request->limit_user, device = request->limit_device;
    if (user.len == 0 || device.len == 0 || user.len >= UPLOAD_CLIENT_BYTES_MAX ||
        device.len >= UPLOAD_CLIENT_BYTES_MAX - user.len)
        return (struct span){0};
    memcpy(room, user.data, user.len);
    room[user.len] = '/';
    memcpy(room + user.len + 1, device.data, device.len);
    return (struct span){room, user.len + 1 + device.len};
}

/* Whose position it says it is. The topic is what all devices of an account differ in. */
static bool find_client(const struct upload_request *request, const struct json_member *members,
                        struct upload *upload, char room[UPLOAD_CLIENT_BYTES_MAX],
                        struct span *client)
{
    if (!upload_id(upload, members[TOPIC].value, room, client))
        return false;
    *client = without_first_level(*client);
    if (client->len == 0)
        *client = of_headers(request, room);
    return client->len > 0 || upload_id(upload, members[TID].value, room, client);
}

/* Android leaves out what is 0, also a coordinate; without both there is no position. */
static bool put_location(const struct upload_request *request, const struct json_member *members,
                         struct upload *upload)
{
    char room[UPLOAD_CLIENT_BYTES_MAX];
    struct upload_fix fix = {
        .latitude = upload_number(members[LATITUDE].value),
        .longitude = upload_number(members[LONGITUDE].value),
        .time = upload_number(members[TST].value),
        .form = MOMENT_TST,
    };
    if (fix.latitude.data == NULL && fix.longitude.data == NULL) {
        upload->skipped++;
        return true;
    }
    if (fix.latitude.data == NULL)
        fix.latitude = span_of("0.0");
    if (fix.longitude.data == NULL)
        fix.longitude = span_of("0.0");
    return find_client(request, members, upload, room, &fix.client) &&
           upload_put(upload, request->client, &fix);
}

bool upload_owntracks(const struct upload_request *request, struct upload *upload)
{
    struct json_member members[MEMBERS] = {
        [TYPE] = {.name = "_type"},   [TOPIC] = {.name = "topic"},   [TID] = {.name = "tid"},
        [LATITUDE] = {.name = "lat"}, [LONGITUDE] = {.name = "lon"}, [TST] = {.name = "tst"},
    };
    if (!upload_object(upload, request->body, members, MEMBERS))
        return false;
    struct span type = members[TYPE].value;
    if (type.len == 0 || type.data[0] != '"')
        return upload_refuse(upload, "a message of OwnTracks has a _type, which is a text");
    if (json_is_text(type, "location"))
        return put_location(request, members, upload);
    upload->skipped++;
    return true;
}
