#include "placesd/providers/nearby_json.h"
#include "placesd/providers/outcome.h"
#include "placesd/providers/provider.h"

static enum lookup_code read_answer(long http_status, struct span body, const struct lookup *lookup,
                                    struct span key, struct buffer *json)
{
    (void)key;
    if (http_status == 200)
        return nearby_json_pass(body, lookup->bound, json);
    return outcome_write_http(http_status, body, json);
}

const struct provider provider_landmarks = {
    .id = TOPOLOGY_LANDMARKS,
    .cache_s = 300,
    .stale_s = 86400,
    .write_url = provider_write_nearby_url,
    .read_answer = read_answer,
};
