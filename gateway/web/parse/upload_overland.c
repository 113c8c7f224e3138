/* Overland (github.com/aaronpk/Overland-iOS, "API"): a batch of GeoJSON features, longitude first.
 * Beside positions there are visits, trips and the like, whose time is when they were written. A
 * batch that is refused is kept and sent again as a whole. */
#include "bus/base/json_scan.h"
#include "gateway/web/parse/moment.h"
#include "gateway/web/parse/number.h"
#include "gateway/web/parse/upload.h"

static bool is_there(struct span value)
{
    return upload_number(value).data != NULL;
}

/* `fix` gets the coordinates of a geometry that is a point, or none. */
static bool read_geometry(struct upload *upload, struct span geometry, struct upload_fix *fix)
{
    struct json_member members[] = {{.name = "type"}, {.name = "coordinates"}};
    if (!is_there(geometry))
        return true;
    if (!upload_object(upload, geometry, members, 2))
        return false;
    struct span rest = members[1].value, element;
    if (!json_is_text(members[0].value, "Point") || !is_there(rest))
        return true;
    if (rest.data[0] != '[')
        return upload_refuse(upload, "the coordinates of a point are no array");
    if (json_next_element(&rest, &element))
        fix->longitude = upload_number(element);
    if (json_next_element(&rest, &element))
        fix->latitude = upload_number(element);
    return true;
}

/* iOS gives 0, 0 for none. */
static bool is_position(const struct upload_fix *fix)
{
    bool has_none = fix->latitude.data == NULL && fix->longitude.data == NULL;
    bool is_zero = !has_none && fix->latitude.data != NULL && fix->longitude.data != NULL &&
                   number_is_zero(fix->latitude) && number_is_zero(fix->longitude);
    return !has_none && !is_zero;
}

static bool put_feature(const struct upload_request *request, struct span feature,
                        struct upload *upload)
{
    enum { TIME, DEVICE_ID, ACTION, TYPE, PROPERTIES };
    struct json_member members[] = {{.name = "geometry"}, {.name = "properties"}};
    struct json_member properties[PROPERTIES] = {[TIME] = {.name = "timestamp"},
                                                 [DEVICE_ID] = {.name = "device_id"},
                                                 [ACTION] = {.name = "action"},
                                                 [TYPE] = {.name = "type"}};
    struct upload_fix fix = {.form = MOMENT_STAMP};
    char client[UPLOAD_CLIENT_BYTES_MAX];
    if (!upload_object(upload, feature, members, 2) ||
        !read_geometry(upload, members[0].value, &fix))
        return false;
    if (is_there(members[1].value) &&
        !upload_object(upload, members[1].value, properties, PROPERTIES))
        return false;
    if (is_there(properties[ACTION].value) || json_is_text(properties[TYPE].value, "trip") ||
        !is_position(&fix)) {
        upload->skipped++;
        return true;
    }
    fix.time = upload_number(properties[TIME].value);
    return upload_id(upload, properties[DEVICE_ID].value, client, &fix.client) &&
           upload_put(upload, request->client, &fix);
}

bool upload_overland(const struct upload_request *request, struct upload *upload)
{
    struct json_member members[] = {{.name = "locations"}, {.name = "current"}};
    if (!upload_object(upload, request->body, members, 2))
        return false;
    struct span rest = members[0].value, current = members[1].value, element;
    if (rest.len == 0 || rest.data[0] != '[')
        return upload_refuse(upload, "a batch of Overland has locations, which are an array");
    while (json_next_element(&rest, &element))
        if (!put_feature(request, element, upload))
            return false;
    return !is_there(current) || put_feature(request, current, upload);
}
