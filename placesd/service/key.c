#include "placesd/service/key.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool refuse(char error[KEY_ERROR_BYTES_MAX], const char *path, const char *why)
{
    snprintf(error, KEY_ERROR_BYTES_MAX, "key_file %s %s", path, why);
    return false;
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

bool key_read(const char *path, struct key *key, char error[KEY_ERROR_BYTES_MAX])
{
    char why[SECRETS_WHY_BYTES_MAX];
    /* One that is too long for a key is none, and is refused as such. */
    const struct secrets_file file = {path, SIZE_MAX, "is not a regular file", key->bytes,
                                      sizeof key->bytes};
    *key = (struct key){.count = 0};
    if (!secrets_read_file(&file, &key->count, why))
        return refuse(error, path, why);
    if (take_line(key))
        return true;
    key_wipe(key);
    return refuse(error, path, "does not hold a key: letters, digits and -._~ on one line");
}

void key_wipe(struct key *key)
{
    explicit_bzero(key, sizeof *key);
}
