#include "topology/secrets.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/say.h"

/* A comment, a name and two keys. */
#define FILE_BYTES_MAX 4096
/* The folder, a name, and what follows it. */
#define PATH_BYTES_MAX (TOPOLOGY_PATH_BYTES_MAX + TOPOLOGY_NAME_BYTES_MAX + 32)

#define FRESH_ENDING ".new"

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

static bool read_text(int file, const char *path, char text[FILE_BYTES_MAX + 1],
                      char error[SECRETS_ERROR_BYTES_MAX])
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return refuse(error, path, strerror(errno));
    if (!S_ISREG(facts.st_mode) || facts.st_size > FILE_BYTES_MAX)
        return refuse(error, path, "is not a file of `zherd keygen`");
    if ((facts.st_mode & 07177) != 0)
        return refuse(error, path, "is not its owner's alone: give it mode 0600");
    ssize_t bytes = read(file, text, FILE_BYTES_MAX);
    if (bytes < 0)
        return refuse(error, path, strerror(errno));
    text[bytes] = '\0';
    return true;
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
        return refuse(error, path, "is not a file of `zherd keygen`");
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
    char path[PATH_BYTES_MAX], text[FILE_BYTES_MAX + 1];
    /* Without it the key would merely be less well hidden from the machine's administrator. */
    prctl(PR_SET_DUMPABLE, 0);
    write_path(path, folder, name, "");
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        char why[128 + SAY_WHERE_BYTES_MAX], where[SAY_WHERE_BYTES_MAX];
        snprintf(why, sizeof why, "%s%s", strerror(errno), say_where(path, where));
        return refuse(error, path, why);
    }
    bool good = read_text(file, path, text, error);
    close(file);
    if (!good)
        return false;
    zconfig_t *tree = zconfig_str_load(text);
    explicit_bzero(text, sizeof text);
    good = take_pair(tree, path, name, certificate, error);
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
