/* key: a provider's secret, read once from a file that only its owner can read.
 *
 * The bytes stay in one place that is kept out of swap and core files and is wiped at the end.
 * They are never printed: errors name the file only. */
#ifndef ZHERD_PLACESD_SERVICE_KEY_H
#define ZHERD_PLACESD_SERVICE_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"
#include "placesd/providers/provider.h"
#include "topology/secrets.h"

struct key {
    char bytes[PROVIDER_KEY_BYTES_MAX + 2]; /* one more than a key, and a line end */
    size_t count;
};

/* Reads the file, without a line end, as topology/secrets.h says of every secret file. False and
 * one sentence in `fault` where it refuses it, or where the file does not hold a key
 * (provider_key_is_valid). */
bool key_read(const char *path, struct key *key, struct fault *fault);

static inline struct span key_span(const struct key *key)
{
    return (struct span){key->bytes, key->count};
}

/* Nothing of the key remains here. */
void key_wipe(struct key *key);

#endif
