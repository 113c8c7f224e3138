#include "placesd/service/key.h"

#include <stdint.h>
#include <string.h>

static bool refuse(struct fault *fault, const char *path, const char *why)
{
    return fault_set(fault, "key_file %s %s", path, why);
}

/* The file's bytes without a line end. */
static bool take_line(struct key *key)
{
    if (key->count > 0 && key->bytes[key->count - 1] == '\n')
        key->count--;
    if (key->count > 0 && key->bytes[key->count - 1] == '\r')
        key->count--;
    return provider_key_is_valid(key_span(key));
}

bool key_read(const char *path, struct key *key, struct fault *fault)
{
    /* One that is too long for a key is none, and is refused as such. */
    const struct secrets_file file = {path, SIZE_MAX, "is not a regular file", key->bytes,
                                      sizeof key->bytes};
    *key = (struct key){.count = 0};
    if (!secrets_read_file(&file, &key->count, fault))
        return refuse(fault, path, fault->text);
    if (take_line(key))
        return true;
    key_wipe(key);
    return refuse(fault, path, "does not hold a key: letters, digits and -._~ on one line");
}

void key_wipe(struct key *key)
{
    explicit_bzero(key, sizeof *key);
}
