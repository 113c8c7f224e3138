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

/* Root's, for the group of a service, which has no other members. */
static bool is_for_our_group(const struct stat *facts)
{
    return facts->st_uid == 0 && facts->st_gid == getegid() && getegid() != 0;
}

/* Bits that say that others than those who are meant may do something. A credential lies in a
 * folder that only the service can enter, and shows group's bits where its access list is meant
 * (acl(5)). */
static mode_t strangers_bits(bool is_credential, const struct stat *facts)
{
    return is_credential || is_for_our_group(facts) ? 07137 : 07177;
}

static bool is_private(const struct stat *facts, bool is_credential, struct fault *fault)
{
    return (facts->st_mode & strangers_bits(is_credential, facts)) == 0 ||
           fault_set(fault, "is not its owner's alone: give it mode 0600");
}

bool secrets_are_private(const char *path, struct fault *fault)
{
    struct stat facts;
    return stat(path, &facts) != 0 || is_private(&facts, false, fault);
}

/* Whoever owns a file may change it, whatever its mode. A credential is the service manager's,
 * whose user may have no number in a container. */
static bool read_open(int descriptor, const struct secrets_file *file, bool is_credential,
                      size_t *count, struct fault *fault)
{
    struct stat facts;
    if (fstat(descriptor, &facts) != 0)
        return fault_set(fault, "%s", strerror(errno));
    if (!S_ISREG(facts.st_mode) || (uintmax_t)facts.st_size > file->file_bytes_max)
        return fault_set(fault, "%s", file->no_such);
    if (!is_private(&facts, is_credential, fault))
        return false;
    if (!is_credential && facts.st_uid != 0 && facts.st_uid != geteuid())
        return fault_set(fault,
                         "is owned by user %ju and read by user %ju: give it to the latter (chown)",
                         (uintmax_t)facts.st_uid, (uintmax_t)geteuid());
    return read_bytes(descriptor, file, count) || fault_set(fault, "%s", strerror(errno));
}

/* Where the credential lies that is meant by the path; false where there is none. */
static bool find_credential(const char *path, char credential[PATH_MAX])
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY"), *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return folder != NULL && snprintf(credential, PATH_MAX, "%s/%s", folder, name) < PATH_MAX &&
           access(credential, F_OK) == 0;
}

bool secrets_is_credential(const char *path)
{
    char credential[PATH_MAX];
    return find_credential(path, credential);
}

static int open_file(const char *path, bool *is_credential)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    char credential[PATH_MAX];
    *is_credential = find_credential(path, credential);
    return open(*is_credential ? credential : path, flags);
}

bool secrets_read_file(const struct secrets_file *file, size_t *count, struct fault *fault)
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
        return fault_set(fault, "%s%s", strerror(errno), say_where(file->path, where));
    }
    bool good = read_open(descriptor, file, is_credential, count, fault);
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

static bool refuse(struct fault *fault, const char *path, const char *why)
{
    return fault_set(fault, "the secret key %s %s", path, why);
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
                      struct auth_certificate *certificate, struct fault *fault)
{
    char derived[KEYRING_KEY_BYTES + 1];
    if (tree == NULL || !take_key(tree, "curve/public-key", certificate->public_key) ||
        !take_key(tree, "curve/secret-key", certificate->secret_key))
        return refuse(fault, path, NOT_OURS);
    if (strcmp(zconfig_get(tree, "metadata/name", ""), name) != 0)
        return refuse(fault, path, "is the key of another name");
    if (zmq_curve_public(derived, certificate->secret_key) != 0 ||
        strcmp(derived, certificate->public_key) != 0)
        return refuse(fault, path, "holds two keys that do not belong together");
    return true;
}

bool secrets_read(const char *folder, const char *name, struct auth_certificate *certificate,
                  struct fault *fault)
{
    char path[PATH_BYTES_MAX], text[FILE_BYTES_MAX + 1];
    size_t count;
    write_path(path, folder, name, "");
    mlock(certificate, sizeof *certificate);
    const struct secrets_file file = {path, FILE_BYTES_MAX, NOT_OURS, text, FILE_BYTES_MAX};
    if (!secrets_read_file(&file, &count, fault))
        return refuse(fault, path, fault->text);
    text[count] = '\0';
    int kept = quiet_begin();
    zconfig_t *tree = zconfig_str_load(text);
    quiet_end(kept);
    explicit_bzero(text, sizeof text);
    bool good = take_pair(tree, path, name, certificate, fault);
    zconfig_destroy(&tree);
    if (!good)
        explicit_bzero(certificate, sizeof *certificate);
    return good;
}

bool secrets_pair_is_credential(const char *name)
{
    char path[PATH_BYTES_MAX];
    write_path(path, "", name, "");
    return secrets_is_credential(path);
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
                  struct fault *fault)
{
    char path[PATH_BYTES_MAX], text[FILE_BYTES_MAX];
    write_path(path, folder, name, FRESH_ENDING);
    if (zmq_curve_keypair(certificate->public_key, certificate->secret_key) != 0)
        return refuse(fault, path, "cannot be drawn: this libzmq was built without CURVE");
    snprintf(text, sizeof text,
             "# The secret key of %s: for its owner's eyes only, on the host where it runs.\n"
             "metadata\n    name = \"%s\"\n"
             "curve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n",
             name, name, certificate->public_key, certificate->secret_key);
    unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = file >= 0 && write_text(file, text);
    explicit_bzero(text, sizeof text);
    return good || refuse(fault, path, strerror(errno));
}

bool secrets_keep(const char *folder, const char *name, struct fault *fault)
{
    char path[PATH_BYTES_MAX], fresh[PATH_BYTES_MAX];
    write_path(path, folder, name, "");
    write_path(fresh, folder, name, FRESH_ENDING);
    return rename(fresh, path) == 0 || refuse(fault, path, strerror(errno));
}

bool secrets_find(const struct topology *topology, const char *name,
                  const struct keyring_keys *listed, struct auth_certificate *certificate,
                  struct fault *fault)
{
    if (!secrets_read(topology->keys, name, certificate, fault))
        return false;
    if (keyring_keys_find(listed, certificate->public_key) < KEYRING_KEYS_MAX)
        return true;
    char path[PATH_BYTES_MAX];
    write_path(path, topology->keys, name, "");
    return refuse(fault, path, "belongs to no `public_key` that the topology lists for it");
}
