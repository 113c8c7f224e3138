/* The form of our own: an IAMAT as an object, or an array of them. What it has is what the text
 * protocol wants (gateway/PROTOCOL.md), but that a sign may be left out and an exponent may be
 * there. */
#include "bus/base/json_scan.h"
#include "gateway/web/parse/moment.h"
#include "gateway/web/parse/upload.h"

enum { ID, LATITUDE, LONGITUDE, TIME, MEMBERS };

static bool put_object(const struct upload_request *request, struct span object,
                       struct upload *upload)
{
    struct json_member members[MEMBERS] = {[ID] = {.name = "id"},
                                           [LATITUDE] = {.name = "lat"},
                                           [LONGITUDE] = {.name = "lon"},
                                           [TIME] = {.name = "time"}};
    char client[UPLOAD_CLIENT_BYTES_MAX];
    if (!upload_object(upload, object, members, MEMBERS))
        return false;
    struct upload_fix fix = {
        .latitude = upload_number(members[LATITUDE].value),
        .longitude = upload_number(members[LONGITUDE].value),
        .time = upload_number(members[TIME].value),
        .form = MOMENT_SECONDS,
    };
    return upload_id(upload, members[ID].value, client, &fix.client) &&
           upload_put(upload, request->client, &fix);
}

bool upload_iamat(const struct upload_request *request, struct upload *upload)
{
    struct span rest = request->body, element;
    if (upload_first_byte(rest) != '[')
        return put_object(request, rest, upload);
    if (!upload_array(upload, rest))
        return false;
    while (json_next_element(&rest, &element))
        if (!put_object(request, element, upload))
            return false;
    return true;
}
