#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/cli/zherd.h"
#include "topology/format/sections.h"
#include "topology/load.h"
#include "topology/secrets.h"
#include "topology/usage.h"

/* Two keys, a blank, two quotes and NUL; a path is longer. */
#define VALUE_BYTES_MAX  (TOPOLOGY_PATH_BYTES_MAX + 3)
#define FOLDER_BYTES_MAX (PATH_MAX + sizeof ".keys")
#define FOLDER_MODE      0700
#define ENDING           ".zpl"

struct keygen {
    const char *file;   /* the topology */
    const char *folder; /* of the secrets as the operator gave it, or NULL */
    const char *name;   /* whose key is to be replaced, or NULL */
    char path[PATH_MAX];
    struct topology topology;
    char keys[VALUE_BYTES_MAX]; /* what the herd's `keys` shall be; "" where it has them */
    struct buffer text;         /* of the file, with what was written into it */
    char next[KEYRING_KEY_BYTES +
              1]; /* the public key drawn for `name`, which may have many parts */
    size_t made;
};

/* A part of the file that keys are written into. */
struct part {
    uint32_t line;
    const char *name; /* NULL for the herd, which has the folder */
    struct keyring_keys *keys;
};

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "zherd keygen: %s: %s\n", what, why);
    return false;
}

/* The whole file or none of it, under its own name and with its own mode. */
static bool write_text(const struct keygen *keygen)
{
    char fresh[PATH_MAX + sizeof ".new"];
    struct stat facts;
    snprintf(fresh, sizeof fresh, "%s.new", keygen->path);
    unlink(fresh);
    int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = file >= 0 && stat(keygen->path, &facts) == 0 &&
                fchmod(file, facts.st_mode & 07777) == 0 &&
                write(file, keygen->text.data, keygen->text.len) == (ssize_t)keygen->text.len &&
                fsync(file) == 0;
    if (file >= 0)
        good = close(file) == 0 && good;
    if (good && rename(fresh, keygen->path) == 0)
        return true;
    complain(keygen->file, strerror(errno));
    unlink(fresh);
    return false;
}

static bool find_file(struct keygen *keygen)
{
    if (!topology_load_before_keys(keygen->file, &keygen->topology))
        return false;
    if (keygen->topology.insecure)
        return complain(keygen->file, "this herd is `insecure`; remove that line first");
    if (keygen->folder && keygen->topology.keys[0] != '\0')
        return complain(keygen->file, "the file names a folder in `keys`; run this without --keys");
    return realpath(keygen->file, keygen->path) != NULL || complain(keygen->file, strerror(errno));
}

/* Where the secrets go: what the file says, or what the operator says, or beside the file. */
static void name_folder(const struct keygen *keygen, char folder[FOLDER_BYTES_MAX])
{
    size_t bytes = strlen(keygen->path), ending = strlen(ENDING);
    if (bytes > ending && strcmp(keygen->path + bytes - ending, ENDING) == 0)
        bytes -= ending;
    if (keygen->topology.keys[0] != '\0')
        snprintf(folder, FOLDER_BYTES_MAX, "%s", keygen->topology.keys);
    else if (keygen->folder)
        snprintf(folder, FOLDER_BYTES_MAX, "%s", keygen->folder);
    else
        snprintf(folder, FOLDER_BYTES_MAX, "%.*s.keys", (int)bytes, keygen->path);
}

/* Makes the folder. One beside the file is named relative to it, so that both can be moved. */
static bool find_folder(struct keygen *keygen)
{
    struct topology *topology = &keygen->topology;
    char folder[FOLDER_BYTES_MAX], full[PATH_MAX];
    name_folder(keygen, folder);
    if ((mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) || !realpath(folder, full))
        return complain(folder, strerror(errno));
    if (topology->keys[0] != '\0')
        return true;
    const char *named = keygen->folder ? full : strrchr(full, '/') + 1;
    if (strlen(full) > TOPOLOGY_PATH_BYTES_MAX || strchr(named, '"'))
        return complain(full, "the path of a folder of keys must be shorter and without quotes");
    snprintf(topology->keys, sizeof topology->keys, "%.*s", TOPOLOGY_PATH_BYTES_MAX, full);
    snprintf(keygen->keys, sizeof keygen->keys, "\"%.*s\"", TOPOLOGY_PATH_BYTES_MAX, named);
    return true;
}

/* A key pair for whom there is none. A secret that is there already is taken: an earlier run did
 * not come to its end. */
static bool make_first(struct keygen *keygen, const char *name, struct keyring_keys *keys)
{
    struct auth_certificate pair;
    struct fault fault;
    bool good = secrets_exist(keygen->topology.keys, name)
                    ? secrets_read(keygen->topology.keys, name, &pair, &fault)
                    : secrets_draw(keygen->topology.keys, name, &pair, &fault) &&
                          secrets_keep(keygen->topology.keys, name, &fault);
    if (!good)
        return complain(name, fault.text);
    strcpy(keys->text[0], pair.public_key);
    explicit_bzero(&pair, sizeof pair);
    return true;
}

/* A new pair beside the old public key, which stays valid until the operator removes it. */
static bool make_next(struct keygen *keygen, const char *name, struct keyring_keys *keys)
{
    struct auth_certificate pair;
    struct fault fault;
    if (keys->text[0][0] == '\0')
        return complain(name, "has no key yet; run `zherd keygen FILE` first");
    if (keys->text[1][0] != '\0')
        return complain(name, "has two keys; remove the first one from its `public_key`");
    if (keygen->next[0] == '\0') {
        if (!secrets_draw(keygen->topology.keys, name, &pair, &fault))
            return complain(name, fault.text);
        strcpy(keygen->next, pair.public_key);
        explicit_bzero(&pair, sizeof pair);
    }
    strcpy(keys->text[1], keygen->next);
    return true;
}

static bool make_part(struct keygen *keygen, const struct part *part)
{
    char value[VALUE_BYTES_MAX];
    struct keyring_keys *keys = part->keys;
    if (!part->name) {
        if (keygen->keys[0] != '\0')
            topology_sections_set(&keygen->text, part->line, "keys", keygen->keys);
        return true;
    }
    if (keygen->name ? strcmp(keygen->name, part->name) != 0 : keys->text[0][0] != '\0')
        return true;
    if (!(keygen->name ? make_next : make_first)(keygen, part->name, keys))
        return false;
    snprintf(value, sizeof value, "\"%s%s%s\"", keys->text[0], keygen->name ? " " : "",
             keys->text[1]);
    topology_sections_set(&keygen->text, part->line, "public_key", value);
    printf("%s: %s/%s.secret\n", part->name, keygen->topology.keys, part->name);
    keygen->made++;
    return true;
}

/* A line that is added moves what is below it: the last part comes first. */
static int compare_parts(const void *left, const void *right)
{
    const struct part *a = left, *b = right;
    return a->line < b->line ? 1 : -(a->line > b->line);
}

static bool make_parts(struct keygen *keygen)
{
    struct topology *topology = &keygen->topology;
    struct part parts[TOPOLOGY_NODES_MAX + TOPOLOGY_OPERATORS_MAX + TOPOLOGY_PLACES_MAX + 1] = {
        {.line = topology->herd_line}};
    size_t count = 1;
    for (size_t i = 0; i < topology->node_count; i++) {
        struct topology_node *node = &topology->nodes[i];
        parts[count++] = (struct part){node->line, node->name, &node->public_keys};
    }
    for (size_t i = 0; i < topology->observer_count; i++) {
        struct topology_node *self = &topology->observers[i].self;
        parts[count++] = (struct part){self->line, self->name, &self->public_keys};
    }
    for (size_t i = 0; i < topology->operator_count; i++) {
        struct topology_operator *self = &topology->operators[i];
        parts[count++] = (struct part){self->line, self->name, &self->public_keys};
    }
    for (size_t i = 0; i < topology->places_count; i++) {
        struct topology_places *places = &topology->places[i];
        parts[count++] = (struct part){places->line, SECRETS_PLACES, &places->public_keys};
    }
    qsort(parts, count, sizeof *parts, compare_parts);
    for (size_t i = 0; i < count; i++)
        if (!make_part(keygen, &parts[i]))
            return false;
    return true;
}

static bool is_holder(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->observer_count; i++)
        if (strcmp(topology->observers[i].self.name, name) == 0)
            return true;
    for (size_t i = 0; i < topology->operator_count; i++)
        if (strcmp(topology->operators[i].name, name) == 0)
            return true;
    return strcmp(name, SECRETS_PLACES) == 0 || topology_find(topology, name) >= 0;
}

static bool refuse_name(const struct keygen *keygen)
{
    const struct topology *topology = &keygen->topology;
    char why[128], meant[USAGE_MEANT_BYTES_MAX];
    struct topology_nearest nearest = topology_find_near(topology, keygen->name);
    for (size_t i = 0; i < topology->observer_count; i++)
        topology_nearest_offer(&nearest, topology->observers[i].self.name);
    for (size_t i = 0; i < topology->operator_count; i++)
        topology_nearest_offer(&nearest, topology->operators[i].name);
    topology_nearest_offer(&nearest, SECRETS_PLACES);
    snprintf(why, sizeof why, "there is no such node, observer or operator%s",
             usage_meant(&nearest, meant));
    return complain(keygen->name, why);
}

/* The file comes before the secret that it announces: at no moment is there a secret that belongs
 * to no public key of the file. */
static bool run(struct keygen *keygen)
{
    struct fault fault;
    if (!find_file(keygen) || !topology_read_file(keygen->path, &keygen->text))
        return false;
    if (keygen->name && !is_holder(&keygen->topology, keygen->name))
        return refuse_name(keygen);
    if (!find_folder(keygen) || !make_parts(keygen) || !write_text(keygen))
        return false;
    if (keygen->name && !secrets_keep(keygen->topology.keys, keygen->name, &fault))
        return complain(keygen->name, fault.text);
    if (keygen->made == 0)
        puts("no key is missing");
    return true;
}

int keygen_main(int count, char **words)
{
    static const struct option options[] = {{"keys", required_argument, NULL, 'k'}, {0}};
    struct keygen keygen = {0};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option != 'k')
            return usage_refuse_option("zherd keygen", option, words, options);
        keygen.folder = optarg;
    }
    if (count - optind < 1 || count - optind > 2)
        return usage_refuse("zherd keygen", "write one topology file and at most one name");
    keygen.file = words[optind];
    keygen.name = words[optind + 1]; /* NULL where there is none */
    bool good = run(&keygen);
    buffer_free(&keygen.text);
    if (keygen.topology.nodes)
        topology_free(&keygen.topology);
    return good ? 0 : 1;
}
