#include "placesd/providers/results.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/base/json_text.h"

/* Ten digits keep seven decimals of any longitude, as Google gives them, and print 34.06893 as
 * just that. */
#define TEXT_FLAGS (JSON_INDENT(3) | JSON_REAL_PRECISION(10))

#define TOO_LONG "The places provider's answer is too long."

enum lookup_code results_fail(const char *reason, struct buffer *json)
{
    lookup_write_failure(LOOKUP_BAD_REPLY, reason, json);
    return LOOKUP_BAD_REPLY;
}

json_t *results_load(struct span body)
{
    json_error_t unused;
    if (body.len > LOOKUP_BODY_BYTES_MAX || json_text_depth(body) > JSON_TEXT_DEPTH_MAX)
        return NULL;
    json_t *root =
        json_loadb(body.len > 0 ? body.data : "", body.len, JSON_REJECT_DUPLICATES, &unused);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

enum lookup_code
results_read(struct span body, const struct lookup *lookup, struct span secret, struct buffer *json,
             enum lookup_code (*read_root)(const json_t *root, const struct lookup *lookup,
                                           struct span secret, struct buffer *json))
{
    if (body.len > LOOKUP_BODY_BYTES_MAX)
        return results_fail(TOO_LONG, json);
    json_t *root = results_load(body);
    if (root == NULL)
        return results_fail("The places provider's answer is not the JSON that was asked for.",
                            json);
    enum lookup_code code = read_root(root, lookup, secret, json);
    json_decref(root);
    return code;
}

bool results_read_position(const json_t *latitude, const json_t *longitude,
                           struct sphere_point *position)
{
    *position = (struct sphere_point){json_number_value(latitude), json_number_value(longitude)};
    return json_is_number(latitude) && json_is_number(longitude) && position->latitude_deg >= -90 &&
           position->latitude_deg <= 90 && position->longitude_deg >= -180 &&
           position->longitude_deg <= 180;
}

json_t *results_make(const struct result *result)
{
    json_t *object = json_pack(
        "{s:s*, s:{s:{s:f, s:f}}, s:s, s:s, s:s, s:o, s:s*}", "business_status",
        result->business_status, "geometry", "location", "lat", result->position.latitude_deg,
        "lng", result->position.longitude_deg, "name", result->name, "place_id", result->id,
        "reference", result->id, "types", result->types, "vicinity", result->vicinity);
    assert(object != NULL);
    return object;
}

enum lookup_code results_write(json_t *attributions, json_t *results, uint32_t bound,
                               struct span secret, struct buffer *json)
{
    const char *status = json_array_size(results) > 0 ? "OK" : "ZERO_RESULTS";
    while (json_array_size(results) > bound)
        json_array_remove(results, json_array_size(results) - 1);
    json_t *answer = json_pack("{s:o, s:o, s:s}", "html_attributions", attributions, "results",
                               results, "status", status);
    assert(answer != NULL);
    char *text = json_dumps(answer, TEXT_FLAGS);
    assert(text != NULL);
    json_decref(answer);

    struct buffer tidy = {0};
    json_text_tidy(span_of(text), &tidy);
    free(text);

    enum lookup_code code = LOOKUP_OK;
    if (tidy.len > LOOKUP_BODY_BYTES_MAX)
        code = results_fail(TOO_LONG, json);
    else if (secret.len > 0 && memmem(tidy.data, tidy.len, secret.data, secret.len) != NULL)
        code = results_fail("The places provider's answer is not fit to be passed on.", json);
    else
        buffer_append(json, (struct span){tidy.data, tidy.len});
    buffer_free(&tidy);
    return code;
}
