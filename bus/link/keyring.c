#include "bus/link/keyring.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 16
/* Five letters of Z85 stand for four bytes. */
#define GROUP_BYTES 5

struct keyring_entry {
    char key[KEYRING_KEY_BYTES + 1];
    char name[KEYRING_NAME_BYTES_MAX + 1];
};

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               ".-:+=^!/*?&<>()[]{}@%$#";

/* The points of Curve25519 whose order is so small that any secret makes the same of them (RFC
 * 7748, section 6.1), as text: their numbers below 2^255 in little-endian order, each with its top
 * bit, which does not count, clear and set. */
static const char *const keys_that_prove_nothing[] = {
    "0000000000000000000000000000000000000000", "000000000000000000000000000000000000001H",
    "0rr9100000000000000000000000000000000000", "0rr910000000000000000000000000000000001H",
    "&oLYpj3*xV7foF([T):m*6J=8OhdwFHggr4uRd:c", "&oLYpj3*xV7foF([T):m*6J=8OhdwFHggr4uRd+T",
    "u.0y]QFM){VcY:QOp*om1vMIksr9uQ/DK8D^4p[K", "u.0y]QFM){VcY:QOp*om1vMIksr9uQ/DK8D^4p{4",
    ")eNa=%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG", ")eNa=%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0",
    ")F)j^%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG", ")F)j^%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0",
    ")/is!%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG", ")/is!%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0",
};

static bool is_group(const char *letters)
{
    uint64_t value = 0;
    for (size_t i = 0; i < GROUP_BYTES; i++) {
        const char *letter = letters[i] != '\0' ? strchr(alphabet, letters[i]) : NULL;
        if (letter == NULL)
            return false;
        value = value * (sizeof alphabet - 1) + (uint64_t)(letter - alphabet);
    }
    return value <= UINT32_MAX;
}

bool keyring_key_is_valid(struct span text)
{
    if (text.len != KEYRING_KEY_BYTES)
        return false;
    for (size_t i = 0; i < KEYRING_KEY_BYTES; i += GROUP_BYTES)
        if (!is_group(text.data + i))
            return false;
    for (size_t i = 0; i < sizeof keys_that_prove_nothing / sizeof *keys_that_prove_nothing; i++)
        if (memcmp(text.data, keys_that_prove_nothing[i], KEYRING_KEY_BYTES) == 0)
            return false;
    return true;
}

bool keyring_keys_equal(const struct keyring_keys *a, const struct keyring_keys *b)
{
    for (size_t i = 0; i < KEYRING_KEYS_MAX; i++)
        if (strcmp(a->text[i], b->text[i]) != 0)
            return false;
    return true;
}

size_t keyring_keys_find(const struct keyring_keys *keys, const char *key)
{
    size_t place = 0;
    while (place < KEYRING_KEYS_MAX && strcmp(keys->text[place], key) != 0)
        place++;
    return place;
}

size_t keyring_keys_next(const struct keyring_keys *keys, size_t place)
{
    place++;
    return place < KEYRING_KEYS_MAX && keys->text[place][0] != '\0' ? place : 0;
}

/* Where the key is or would be: the first entry that is not before it. */
static size_t find_place(const struct keyring *ring, const char *key)
{
    size_t low = 0, high = ring->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(ring->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct keyring *ring, size_t place, const char *key)
{
    return place < ring->count && strcmp(ring->entries[place].key, key) == 0;
}

static void add_key(struct keyring *ring, const char *key, const char *name)
{
    size_t place = find_place(ring, key);
    if (is_at(ring, place, key))
        return;
    if (ring->count == ring->room) {
        ring->room = ring->room > 0 ? 2 * ring->room : ROOM_MIN;
        ring->entries = bytes_resize(ring->entries, ring->room * sizeof *ring->entries);
    }
    struct keyring_entry *entry = &ring->entries[place];
    memmove(entry + 1, entry, (ring->count - place) * sizeof *entry);
    strcpy(entry->key, key);
    strcpy(entry->name, name);
    ring->count++;
}

void keyring_add(struct keyring *ring, const struct keyring_keys *keys, const char *name)
{
    assert(strlen(name) <= KEYRING_NAME_BYTES_MAX);
    for (size_t i = 0; i < KEYRING_KEYS_MAX; i++)
        if (keys->text[i][0] != '\0')
            add_key(ring, keys->text[i], name);
}

const char *keyring_find(const struct keyring *ring, const char *key)
{
    if (key == NULL)
        return NULL;
    size_t place = find_place(ring, key);
    return is_at(ring, place, key) ? ring->entries[place].name : NULL;
}

void keyring_free(struct keyring *ring)
{
    free(ring->entries);
    *ring = (struct keyring){0};
}
