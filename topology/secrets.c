#include "topology/secrets.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/quiet.h"

/* ---- secret files ---- */

static bool explain(char why[SECRETS_WHY_BYTES_MAX], const char *text)
{
    snprintf(why, SECRETS_WHY_BYTES_MAX, "%s", text);
    return false;
}

static bool read_bytes(int descriptor, const struct secrets_file *file, size_t *count)
{
    while (*count < file->bytes_max) {
        ssize_t got = read(descriptor, file->bytes + *count, file->bytes_max - *count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        *count += (size_t)got;
    }
    return true;
}

/* Bits that say that others than the owner may do something. A credential lies in a folder that
 * only the service can enter, and shows group's bits where its access list is meant (acl(5)). */
static mode_t strangers_bits(bool is_credential)
{
    return is_credential ? 07137 : 07177;
}

static bool read_open(int descriptor, const struct secrets_file *file, bool is_credential,
                      size_t *count, char why[SECRETS_WHY_BYTES_MAX])
{
    struct stat facts;
    if (fstat(descriptor, &facts) != 0)
        return explain(why, strerror(errno));
    if (!S_ISREG(facts.st_mode) || (uintmax_t)facts.st_size > file->file_bytes_max)
        return explain(why, file->no_such);
    if ((facts.st_mode & strangers_bits(is_credential)) != 0)
        return explain(why, "is not its owner's alone: give it mode 0600");
    return read_bytes(descriptor, file, count) || explain(why, strerror(errno));
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

bool secrets_read_file(const struct secrets_file *file, size_t *count,
                       char why[SECRETS_WHY_BYTES_MAX])
{
    /* Neither call can fail in a way that matters more than going on: without them the secret is
     * merely less well hidden from the machine's own administrator. */
    prctl(PR_SET_DUMPABLE, 0);
    mlock(file->bytes, file->bytes_max);
    *count = 0;
    bool is_credential;
    int descriptor = open_file(file->path, &is_credential);
    if (descriptor < 0) {
        char where[SAY_WHERE_BYTES_MAX];
        snprintf(why, SECRETS_WHY_BYTES_MAX, "%s%s", strerror(errno), say_where(file->path, where));
        return false;
    }
    bool good = read_open(descriptor, file, is_credential, count, why);
    close(descriptor);
    if (!good)
        explicit_bzero(file->bytes, file->bytes_max);
    return good;
}

/* ---- key pairs ---- */

/* A comment, a name and two keys. */
#define FILE_BYTES_MAX 4096
/* The folder, a name, and what follows it. */
#define PATH_BYTES_MAX (TOPOLOGY_PATH_BYTES_MAX + TOPOLOGY_NAME_BYTES_MAX + 32)

#define FRESH_ENDING ".new"

static const char NOT_OURS[] = "is not a file of `zherd keygen`";

static void write_path(char path[PATH_BYTES_MAX], const char *folder, const char *name,
                       const char *ending)
{
    snprintf(path, PATH_BYTES_MAX, "%s/%s.secret%s", folder, name, ending);
}

static bool refuse(char error[SECRETS_ERROR_BYTES_MAX], const char *path, const char *why)
{
    snprintf(error, SECRETS_ERROR_BYTES_MAX, "the secret key %s %s", path, why);
    return false;
}

static bool take_key(zconfig_t *tree, const char *where, char key[KEYRING_KEY_BYTES + 1])
{
    const char *text = zconfig_get(tree, where, "");
    if (!keyring_key_is_valid(span_of(text)))
        return false;
    memcpy(key, text, KEYRING_KEY_BYTES + 1);
    return true;
}

static bool take_pair(zconfig_t *tree, const char *path, const char *name,
                      struct auth_certificate *certificate, char error[SECRETS_ERROR_BYTES_MAX])
{
    char derived[KEYRING_KEY_BYTES + 1];
    if (tree == NULL || !take_key(tree, "curve/public-key", certificate->public_key) ||
        !take_key(tree, "curve/secret-key", certificate->secret_key))
        return refuse(error, path, NOT_OURS);
    if (strcmp(zconfig_get(tree, "metadata/name", ""), name) != 0)
        return refuse(error, path, "is the key of another name");
    if (zmq_curve_public(derived, certificate->secret_key) != 0 ||
        strcmp(derived, certificate->public_key) != 0)
        return refuse(error, path, "holds two keys that do not belong together");
    return true;
}

bool secrets_read(const char *folder, const char *name, struct auth_certificate *certificate,
                  char error[SECRETS_ERROR_BYTES_MAX])
{
    char path[PATH_BYTES_MAX], text[FILE_BYTES_MAX + 1], why[SECRETS_WHY_BYTES_MAX];
    size_t count;
    write_path(path, folder, name, "");
    mlock(certificate, sizeof *certificate);
    const struct secrets_file file = {path, FILE_BYTES_MAX, NOT_OURS, text, FILE_BYTES_MAX};
    if (!secrets_read_file(&file, &count, why))
        return refuse(error, path, why);
    text[count] = '\0';
    int kept = quiet_begin();
    zconfig_t *tree = zconfig_str_load(text);
    quiet_end(kept);
    explicit_bzero(text, sizeof text);
    bool good = take_pair(tree, path, name, certificate, error);
    zconfig_destroy(&tree);
    if (!good)
        explicit_bzero(certificate, sizeof *certificate);
    return good;
}

bool secrets_exist(const char *folder, const char *name)
{
    char path[PATH_BYTES_MAX];
    write_path(path, folder, name, "");
    return access(path, F_OK) == 0;
}

static bool write_text(int file, const char *text)
{
    size_t bytes = strlen(text);
    bool good = write(file, text, bytes) == (ssize_t)bytes && fsync(file) == 0;
    return close(file) == 0 && good;
}

bool secrets_draw(const char *folder, const char *name, struct auth_certificate *certificate,
                  char error[SECRETS_ERROR_BYTES_MAX])
{
    char path[PATH_BYTES_MAX], text[FILE_BYTES_MAX];
    write_path(path, folder, name, FRESH_ENDING);
    if (zmq_curve_keypair(certificate->public_key, certificate->secret_key) != 0)
        return refuse(error, path, "cannot be drawn: this libzmq was built without CURVE");
    snprintf(text, sizeof text,
             "# The secret key of %s: for its owner's eyes only, on the host where it runs.\n"
             "metadata\n    name = \"%s\"\n"
             "curve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n",
             name, name, certificate->public_key, certificate->secret_key);
    unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = file >= 0 && write_text(file, text);
    explicit_bzero(text, sizeof text);
    return good || refuse(error, path, strerror(errno));
}

bool secrets_keep(const char *folder, const char *name, char error[SECRETS_ERROR_BYTES_MAX])
{
    char path[PATH_BYTES_MAX], fresh[PATH_BYTES_MAX];
    write_path(path, folder, name, "");
    write_path(fresh, folder, name, FRESH_ENDING);
    return rename(fresh, path) == 0 || refuse(error, path, strerror(errno));
}

bool secrets_find(const struct topology *topology, const char *name,
                  const struct keyring_keys *listed, struct auth_certificate *certificate,
                  char error[SECRETS_ERROR_BYTES_MAX])
{
    if (!secrets_read(topology->keys, name, certificate, error))
        return false;
    if (keyring_keys_find(listed, certificate->public_key) < KEYRING_KEYS_MAX)
        return true;
    char path[PATH_BYTES_MAX];
    write_path(path, topology->keys, name, "");
    return refuse(error, path, "belongs to no `public_key` that the topology lists for it");
}
