#include "placesd/service/key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/say.h"

static bool refuse(char *error, const char *path, const char *why)
{
    snprintf(error, KEY_ERROR_BYTES_MAX, "key_file %s %s", path, why);
    return false;
}

/* Fills key->bytes from the open file. */
static bool read_bytes(int file, struct key *key)
{
    while (key->count < sizeof key->bytes) {
        ssize_t got = read(file, key->bytes + key->count, sizeof key->bytes - key->count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        key->count += (size_t)got;
    }
    return true;
}

/* Bits that say that others than the owner may do something. A credential lies in a folder that
 * only the service can enter, and shows group's bits where its access list is meant (acl(5)). */
static mode_t strangers_bits(bool is_credential)
{
    return is_credential ? 07137 : 07177;
}

static bool read_file(int file, const char *path, bool is_credential, struct key *key, char *error)
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return refuse(error, path, strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return refuse(error, path, "is not a regular file");
    if ((facts.st_mode & strangers_bits(is_credential)) != 0)
        return refuse(error, path, "is not its owner's alone: give it mode 0600");
    if (!read_bytes(file, key))
        return refuse(error, path, strerror(errno));
    if (key->count > 0 && key->bytes[key->count - 1] == '\n')
        key->count--;
    if (key->count > 0 && key->bytes[key->count - 1] == '\r')
        key->count--;
    if (!provider_key_is_valid(key_span(key)))
        return refuse(error, path, "does not hold a key: letters, digits and -._~ on one line");
    return true;
}

static int open_file(const char *path, bool *is_credential)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char credential[PATH_MAX];
    *is_credential = folder != NULL && strchr(path, '/') == NULL &&
                     (size_t)snprintf(credential, sizeof credential, "%s/%s", folder, path) <
                         sizeof credential &&
                     access(credential, F_OK) == 0;
    return open(*is_credential ? credential : path, flags);
}

bool key_read(const char *path, struct key *key, char error[KEY_ERROR_BYTES_MAX])
{
    /* Neither call can fail in a way that matters more than going on: without them the key is
     * merely less well hidden from the machine's own administrator. */
    prctl(PR_SET_DUMPABLE, 0);
    mlock(key, sizeof *key);
    *key = (struct key){.count = 0};
    bool is_credential;
    int file = open_file(path, &is_credential);
    if (file < 0) {
        char why[128 + SAY_WHERE_BYTES_MAX], where[SAY_WHERE_BYTES_MAX];
        snprintf(why, sizeof why, "%s%s", strerror(errno), say_where(path, where));
        return refuse(error, path, why);
    }
    bool good = read_file(file, path, is_credential, key, error);
    close(file);
    if (!good)
        key_wipe(key);
    return good;
}

void key_wipe(struct key *key)
{
    explicit_bzero(key, sizeof *key);
}
