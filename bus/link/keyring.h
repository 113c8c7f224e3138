/* keyring: which public keys are whose.
 *
 * Keys are CURVE public keys as text: Z85 (https://rfc.zeromq.org/spec/32/), 40 bytes for 32. The
 * alphabet gives every key exactly one text, so equal texts are equal keys. It keeps no secret and
 * accepts no connection: bus/net/auth.h asks it whose key a connection presented.
 *
 * Invariant: a key is one name's. */
#ifndef ZHERD_BUS_LINK_KEYRING_H
#define ZHERD_BUS_LINK_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"

#define KEYRING_KEY_BYTES 40
/* Of one name: the one it has, and the one it is about to have. */
#define KEYRING_KEYS_MAX 2
/* A node's name. */
#define KEYRING_NAME_BYTES_MAX 63

/* The keys of one name, the absent ones "" and last. All zero is none. */
struct keyring_keys {
    char text[KEYRING_KEYS_MAX][KEYRING_KEY_BYTES + 1];
};

/* True for 40 bytes of Z85 that stand for 32 bytes, except the few keys that any process can prove
 * to own: all zero, and the other points of small order. */
bool keyring_key_is_valid(struct span text);

bool keyring_keys_equal(const struct keyring_keys *a, const struct keyring_keys *b);

/* The place of the key in the list, or KEYRING_KEYS_MAX. */
size_t keyring_keys_find(const struct keyring_keys *keys, const char *key);

/* The place of the key after `place`; after the last comes the first. */
size_t keyring_keys_next(const struct keyring_keys *keys, size_t place);

/* All zero is an empty ring that holds no memory. */
struct keyring {
    struct keyring_entry *entries; /* sorted by key */
    size_t count, room;
};

/* Adds the keys of one name (at most KEYRING_NAME_BYTES_MAX bytes); copies both. A key that is
 * there already stays its first name's. */
void keyring_add(struct keyring *ring, const struct keyring_keys *keys, const char *name);

/* Whose key it is: borrowed from the ring, or NULL. A key may be NULL: it belongs to no name. */
const char *keyring_find(const struct keyring *ring, const char *key);

void keyring_free(struct keyring *ring);

#endif
