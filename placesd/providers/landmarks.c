#include "placesd/providers/provider.h"

const struct provider provider_landmarks = {
    .id = TOPOLOGY_LANDMARKS,
    .cache_s = 300,
    .stale_s = 86400,
    .write_url = provider_write_nearby_url,
    .read_answer = provider_read_nearby,
};
