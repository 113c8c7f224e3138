/* OsmAnd's live tracking and those who took its form over: GPSLogger, and Traccar Client in four
 * ways: the query up to version 8, the same as a form in 10, an object of 9, and an array of flat
 * objects of its library. Which it is shows in the first byte of the body; content types say
 * nothing. */
#include <stdint.h>

#include "bus/base/json_scan.h"
#include "gateway/web/parse/form.h"
#include "gateway/web/parse/moment.h"
#include "gateway/web/parse/number.h"
#include "gateway/web/parse/upload.h"

/* Of a number or time of a form. */
#define TEXT_BYTES_MAX NUMBER_BYTES_MAX

static const char id_twice[] = "the id is given twice";

/* With an id and a time, and with neither coordinate, it is a sign of life. */
static bool put_fix(const struct upload_request *request, const struct upload_fix *fix,
                    struct upload *upload)
{
    bool is_named = request->client.len > 0 || fix->client.len > 0;
    if (fix->latitude.data == NULL && fix->longitude.data == NULL && is_named &&
        fix->time.data != NULL) {
        upload->skipped++;
        return true;
    }
    return upload_put(upload, request->client, fix);
}

/* ---- queries and forms ---- */

enum { ID, DEVICE_ID, LATITUDE, LONGITUDE, TIME, FIELDS };

static bool take_text(struct span value, char *room, size_t room_bytes, struct upload *upload,
                      struct span *text)
{
    *text = (struct span){0};
    if (value.data == NULL)
        return true;
    size_t bytes = form_text(value, room, room_bytes);
    if (bytes > room_bytes)
        return upload_refuse(upload, "a field is too long, or has a percent sign without two "
                                     "hexadecimal digits");
    *text = (struct span){room, bytes};
    return true;
}

static bool put_form(const struct upload_request *request, struct span form, struct upload *upload)
{
    struct form_field fields[FIELDS] = {[ID] = {.name = "id"},
                                        [DEVICE_ID] = {.name = "deviceid"},
                                        [LATITUDE] = {.name = "lat"},
                                        [LONGITUDE] = {.name = "lon"},
                                        [TIME] = {.name = "timestamp"}};
    char client[UPLOAD_CLIENT_BYTES_MAX], latitude[TEXT_BYTES_MAX], longitude[TEXT_BYTES_MAX],
        time[TEXT_BYTES_MAX];
    const struct form_field *twice = form_find(form, fields, FIELDS);
    bool has_id = fields[ID].value.data != NULL, has_other = fields[DEVICE_ID].value.data != NULL;
    if (twice == &fields[ID] || twice == &fields[DEVICE_ID] || (has_id && has_other))
        return upload_refuse(upload, id_twice);
    if (twice != NULL)
        return upload_refuse(upload, "a field is given twice");
    struct upload_fix fix = {.form = MOMENT_STAMP};
    return take_text(fields[has_id ? ID : DEVICE_ID].value, client, sizeof client, upload,
                     &fix.client) &&
           take_text(fields[LATITUDE].value, latitude, sizeof latitude, upload, &fix.latitude) &&
           take_text(fields[LONGITUDE].value, longitude, sizeof longitude, upload,
                     &fix.longitude) &&
           take_text(fields[TIME].value, time, sizeof time, upload, &fix.time) &&
           put_fix(request, &fix, upload);
}

/* ---- JSON ---- */

enum { FLAT_ID, FLAT_LATITUDE, FLAT_LONGITUDE, FLAT_TIME, OBJECT_ID, LOCATION, MEMBERS };

/* The object that version 9 has its position in; `fix` gets what is in it. */
static bool read_location(struct upload *upload, struct span location, struct upload_fix *fix)
{
    struct json_member outer[] = {{.name = "timestamp"}, {.name = "coords"}};
    struct json_member inner[] = {{.name = "latitude"}, {.name = "longitude"}};
    if (!upload_object(upload, location, outer, 2))
        return false;
    fix->time = upload_number(outer[0].value);
    struct span coordinates = outer[1].value;
    if (upload_number(coordinates).data == NULL)
        return true;
    if (!upload_object(upload, coordinates, inner, 2))
        return false;
    fix->latitude = upload_number(inner[0].value);
    fix->longitude = upload_number(inner[1].value);
    return true;
}

static bool put_object(const struct upload_request *request, struct span object,
                       struct upload *upload)
{
    struct json_member members[MEMBERS] = {
        [FLAT_ID] = {.name = "id"},          [FLAT_LATITUDE] = {.name = "lat"},
        [FLAT_LONGITUDE] = {.name = "lon"},  [FLAT_TIME] = {.name = "timestamp"},
        [OBJECT_ID] = {.name = "device_id"}, [LOCATION] = {.name = "location"},
    };
    char client[UPLOAD_CLIENT_BYTES_MAX];
    if (!upload_object(upload, object, members, MEMBERS))
        return false;
    bool has_id = members[FLAT_ID].value.len > 0;
    if (has_id && members[OBJECT_ID].value.len > 0)
        return upload_refuse(upload, id_twice);
    struct upload_fix fix = {
        .latitude = upload_number(members[FLAT_LATITUDE].value),
        .longitude = upload_number(members[FLAT_LONGITUDE].value),
        .time = upload_number(members[FLAT_TIME].value),
        .form = MOMENT_STAMP,
    };
    struct span location = members[LOCATION].value;
    return (location.len == 0 || read_location(upload, location, &fix)) &&
           upload_id(upload, members[has_id ? FLAT_ID : OBJECT_ID].value, client, &fix.client) &&
           put_fix(request, &fix, upload);
}

static bool put_objects(const struct upload_request *request, struct upload *upload)
{
    struct span rest = request->body, element;
    if (!upload_array(upload, rest))
        return false;
    while (json_next_element(&rest, &element))
        if (!put_object(request, element, upload))
            return false;
    return true;
}

bool upload_osmand(const struct upload_request *request, struct upload *upload)
{
    switch (upload_first_byte(request->body)) {
    case '\0':
        return put_form(request, request->query, upload);
    case '{':
        return put_object(request, request->body, upload);
    case '[':
        return put_objects(request, upload);
    default:
        return put_form(request, request->body, upload);
    }
}
