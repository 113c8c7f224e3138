#include "placesd/providers/provider.h"

static void write_url(struct span base, struct span key, const struct lookup *lookup,
                      struct buffer *url)
{
    provider_write_nearby_url(base, key, lookup, url);
    buffer_append(url, span_of("&key="));
    buffer_append(url, key);
}

const struct provider provider_google = {
    .id = TOPOLOGY_GOOGLE,
    .cache_s = 0, /* its terms forbid to keep names, addresses and ratings */
    .write_url = write_url,
    .read_answer = provider_read_nearby,
};
