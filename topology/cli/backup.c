/* zherd backup: the topology file, and of what belongs to its herd all that is on this host, as one
 * archive: secret keys, journals, what is spent of a budget, the provider's key, and places. */
#include "topology/cli/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/cli/staging.h"
#include "topology/cli/zherd.h"
#include "topology/format/archive.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/secrets.h"
#include "topology/usage.h"

#define HERD           "herd"
#define PACKED         "packed"
#define PATH_BYTES     (STAGING_PATH_BYTES + ARCHIVE_NAME_BYTES_MAX)
#define COPY_BYTES     (64 * 1024)
#define BUSY_MS        5000 /* a database that somebody writes to */
#define DATA_ENDING    ".data"
#define JOURNAL_ENDING ".journal"
#define DIGITS_BYTES   32

struct backup {
    const char *file, *archive;
    const char *data_dir; /* NULL: beside the file, as `zherd up` has it */
    struct topology topology;
    char folder[PATH_MAX]; /* of the file */
    struct staging staging;
    char herd[STAGING_PATH_BYTES]; /* what becomes the archive */
};

static bool complain(const char *path)
{
    return say_failure("%s: %s", path, strerror(errno));
}

/* ---- copies ---- */

bool backup_resemble(int copy, const struct stat *original, const char *path)
{
    if (fchown(copy, original->st_uid, original->st_gid) != 0 && geteuid() == 0)
        return complain(path);
    return fchmod(copy, original->st_mode & 07777) == 0 || complain(path);
}

bool backup_folder(const char *from, const char *to)
{
    struct stat facts;
    int folder = -1;
    if (stat(from, &facts) != 0)
        return complain(from);
    if ((mkdir(to, 0700) != 0 && errno != EEXIST) ||
        (folder = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return complain(to);
    facts.st_mode |= S_IRWXU;
    bool is_good = backup_resemble(folder, &facts, to);
    close(folder);
    return is_good;
}

bool backup_write(int file, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t done = write(file, bytes, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        bytes += done;
        count -= (size_t)done;
    }
    return true;
}

static bool copy_bytes(int from, int to)
{
    char bytes[COPY_BYTES];
    ssize_t count;
    while ((count = read(from, bytes, sizeof bytes)) > 0)
        if (!backup_write(to, bytes, (size_t)count))
            return false;
    return count == 0;
}

/* A regular file. Of a special one nothing is read, so that none can make us wait. */
static bool copy_file(const char *from, const char *to)
{
    struct stat facts;
    int source = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source < 0 || fstat(source, &facts) != 0)
        return complain(from);
    int copy = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_good = false;
    if (!S_ISREG(facts.st_mode))
        say("%s: is no file", from);
    else if (copy < 0 || !copy_bytes(source, copy))
        complain(from);
    else
        is_good = backup_resemble(copy, &facts, to);
    if (copy >= 0)
        close(copy);
    close(source);
    return is_good;
}

/* Through SQLite, so that it is one moment's also where somebody writes to it. */
static bool copy_database(const char *from, const char *to)
{
    sqlite3 *source = NULL, *copy = NULL;
    sqlite3_backup *work = NULL;
    int error = sqlite3_open_v2(from, &source, SQLITE_OPEN_READONLY, NULL);
    if (error == SQLITE_OK)
        error = sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_busy_timeout(source, BUSY_MS);
    if (error == SQLITE_OK && (work = sqlite3_backup_init(copy, "main", source, "main")) != NULL) {
        sqlite3_backup_step(work, -1);
        error = sqlite3_backup_finish(work);
    } else if (error == SQLITE_OK) {
        error = sqlite3_errcode(copy);
    }
    sqlite3_close(source);
    sqlite3_close(copy);
    struct stat facts;
    int file = error == SQLITE_OK ? open(to, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return say_failure("%s: %s", from, sqlite3_errstr(error));
    bool is_good = stat(from, &facts) == 0 && backup_resemble(file, &facts, to);
    close(file);
    return is_good;
}

/* ---- the parts ---- */

/* Makes the folders of a name in the archive like those of the path that it stands for, which ends
 * as the name does: whoever copies them back over others changes nothing. */
static bool make_parents(const struct backup *backup, const char *name, const char *full)
{
    char path[PATH_BYTES], original[PATH_MAX];
    int root = snprintf(path, sizeof path, "%s/", backup->herd);
    snprintf(path + root, sizeof path - (size_t)root, "%s", name);
    for (char *at = path + root; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        int bytes = (int)(strlen(full) - strlen(at));
        snprintf(original, sizeof original, "%.*s", bytes > 0 ? bytes : 1, full);
        *at = '\0';
        if (!backup_folder(original, path))
            return false;
    }
    return true;
}

/* A file by the path that the topology has. One that is not on this host is another host's. */
static bool put_file(const struct backup *backup, const char *path,
                     bool (*copy)(const char *from, const char *to))
{
    char full[PATH_MAX], name[ARCHIVE_NAME_BYTES_MAX], to[PATH_BYTES];
    if (!realpath(path, full)) {
        if (errno != ENOENT)
            return complain(path);
        say("%s: is not on this host", path);
        return true;
    }
    if (!archive_name(backup->folder, full, name))
        return say_failure("%s: the path is too long", full);
    snprintf(to, sizeof to, "%s/%s", backup->herd, name);
    if (access(to, F_OK) == 0)
        return true; /* as another part of the herd */
    if (staging_is_stopped() || !make_parents(backup, name, full) || !copy(full, to))
        return false;
    printf("%s: %s\n", name, full);
    return true;
}

static bool put_secret(const struct backup *backup, const char *name, size_t *count)
{
    char path[TOPOLOGY_PATH_BYTES_MAX + TOPOLOGY_NAME_BYTES_MAX + sizeof "/.secret"];
    if (!secrets_exist(backup->topology.keys, name))
        return true;
    ++*count;
    snprintf(path, sizeof path, "%s/%s.secret", backup->topology.keys, name);
    return put_file(backup, path, copy_file);
}

/* The folder is like the original, whose group may be that of the services. */
static bool put_folder_of_keys(const struct backup *backup)
{
    char full[PATH_MAX], name[ARCHIVE_NAME_BYTES_MAX], to[PATH_BYTES];
    if (!realpath(backup->topology.keys, full))
        return complain(backup->topology.keys);
    if (strcmp(full, backup->folder) == 0)
        return true;
    if (!archive_name(backup->folder, full, name))
        return say_failure("%s: the path is too long", full);
    snprintf(to, sizeof to, "%s/%s", backup->herd, name);
    return make_parents(backup, name, full) && backup_folder(full, to);
}

static bool put_secrets(const struct backup *backup)
{
    const struct topology *topology = &backup->topology;
    size_t count = 0;
    if (topology->keys[0] == '\0')
        return true;
    bool is_good = put_folder_of_keys(backup) && put_secret(backup, SECRETS_PLACES, &count);
    for (size_t i = 0; is_good && i < topology->node_count; i++)
        is_good = put_secret(backup, topology->nodes[i].name, &count);
    for (size_t i = 0; is_good && i < topology->observer_count; i++)
        is_good = put_secret(backup, topology->observers[i].self.name, &count);
    for (size_t i = 0; is_good && i < topology->operator_count; i++)
        is_good = put_secret(backup, topology->operators[i].name, &count);
    if (is_good && count == 0)
        say("%s: has no secret key of this herd", topology->keys);
    return is_good;
}

static bool put_rules(const struct backup *backup)
{
    return backup->topology.access[0] == '\0' ||
           put_file(backup, backup->topology.access, copy_file);
}

/* Sections of places may share a file. */
static bool put_places(const struct backup *backup)
{
    bool is_good = true;
    for (size_t i = 0; is_good && i < backup->topology.places_count; i++) {
        const struct topology_places *places = &backup->topology.places[i];
        if (places->key_file[0] != '\0')
            is_good = put_file(backup, places->key_file, copy_file);
        if (is_good && places->database[0] != '\0')
            is_good = put_file(backup, places->database, copy_database);
    }
    return is_good;
}

/* Several parts may share a file. */
static bool put_tokens(const struct backup *backup)
{
    const struct topology *topology = &backup->topology;
    bool is_good = true;
    for (size_t i = 0; is_good && i < topology->node_count; i++)
        if (topology->nodes[i].monitor.token_file[0] != '\0')
            is_good = put_file(backup, topology->nodes[i].monitor.token_file, copy_file);
    for (size_t i = 0; is_good && i < topology->places_count; i++)
        if (topology->places[i].monitor.token_file[0] != '\0')
            is_good = put_file(backup, topology->places[i].monitor.token_file, copy_file);
    for (size_t i = 0; is_good && i < topology->web_count; i++)
        if (topology->webs[i].token_file[0] != '\0')
            is_good = put_file(backup, topology->webs[i].token_file, copy_file);
    return is_good;
}

static bool is_folder(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* What is spent of the budget of each broker that runs here. */
static bool put_budgets(const struct backup *backup, const char *data_dir, const char *data)
{
    bool is_good = true;
    for (size_t i = 1; is_good && i <= backup->topology.places_count; i++) {
        char name[DIGITS_BYTES] = "budget", from[PATH_BYTES], to[PATH_BYTES];
        if (i > 1)
            snprintf(name, sizeof name, "budget-%zu", i);
        snprintf(from, sizeof from, "%s/%s", data_dir, name);
        snprintf(to, sizeof to, "%s/%s", data, name);
        if (access(from, F_OK) != 0)
            continue;
        is_good = copy_file(from, to);
        if (is_good)
            printf(ARCHIVE_DATA "/%s: %s\n", name, from);
    }
    return is_good;
}

static bool put_journals(const struct backup *backup, const char *data_dir, const char *data)
{
    size_t count = 0;
    for (size_t i = 0; i < backup->topology.node_count; i++) {
        const char *node = backup->topology.nodes[i].name;
        char from[PATH_BYTES], to[PATH_BYTES], name[ARCHIVE_NAME_BYTES_MAX];
        snprintf(from, sizeof from, "%s/%s" JOURNAL_ENDING, data_dir, node);
        snprintf(to, sizeof to, "%s/%s" JOURNAL_ENDING, data, node);
        snprintf(name, sizeof name, ARCHIVE_DATA "/%s" JOURNAL_ENDING, node);
        if (!is_folder(from))
            continue;
        if (!backup_journal(from, to, name))
            return false;
        count++;
    }
    if (count == 0 && backup->topology.journal != TOPOLOGY_JOURNAL_OFF)
        say("%s: has no journal of this herd", data_dir);
    return true;
}

/* A folder that the operator names has to be there, and a herd with journals has one. */
static bool put_data(const struct backup *backup)
{
    char beside[PATH_MAX + sizeof DATA_ENDING], data[STAGING_PATH_BYTES + sizeof "/" ARCHIVE_DATA];
    const char *data_dir = backup->data_dir;
    snprintf(beside, sizeof beside, "%.*s" DATA_ENDING, PATH_MAX - 1, backup->file);
    snprintf(data, sizeof data, "%s/" ARCHIVE_DATA, backup->herd);
    if (!data_dir && !is_folder(beside))
        return backup->topology.journal == TOPOLOGY_JOURNAL_OFF ||
               say_failure("%s: is not there, and the herd has journals: write --data-dir, as for "
                           "zherd-gateway",
                           beside);
    if (!data_dir)
        data_dir = beside;
    return backup_folder(data_dir, data) && put_journals(backup, data_dir, data) &&
           put_budgets(backup, data_dir, data);
}

/* ---- the whole ---- */

static bool find_folder(struct backup *backup)
{
    char full[PATH_MAX];
    if (!realpath(backup->file, full))
        return complain(backup->file);
    snprintf(full, sizeof full, "%s", backup->file);
    return realpath(dirname(full), backup->folder) != NULL || complain(backup->file);
}

static bool put_topology(const struct backup *backup)
{
    char to[PATH_BYTES];
    snprintf(to, sizeof to, "%s/" ARCHIVE_TOPOLOGY, backup->herd);
    if (!copy_file(backup->file, to))
        return false;
    printf(ARCHIVE_TOPOLOGY ": %s\n", backup->file);
    return true;
}

/* Compressed as the ending of its name says. The topology file comes last: an archive that was cut
 * between two files looks whole to tar, and has none. */
static bool pack(struct backup *backup)
{
    const char *slash = strrchr(backup->archive, '/');
    const char *ending = strrchr(slash ? slash : backup->archive, '.');
    char made[PATH_BYTES], name[PATH_MAX + sizeof PACKED];
    snprintf(name, sizeof name, PACKED "%s", ending ? ending : "");
    snprintf(made, sizeof made, "%s/%s", backup->staging.path, name);
    char *words[] = {"--create",
                     "--auto-compress",
                     "--force-local",
                     "--file",
                     made,
                     "--directory",
                     backup->herd,
                     "--exclude=./" ARCHIVE_TOPOLOGY,
                     ".",
                     ARCHIVE_TOPOLOGY,
                     NULL};
    return staging_run_tar(words) && staging_finish(&backup->staging, name);
}

/* Whoever may enter the file's folder may enter the restored one; nobody else may write there. */
static bool make_herd(struct backup *backup)
{
    struct stat facts;
    snprintf(backup->herd, sizeof backup->herd, "%s/" HERD, backup->staging.path);
    if (stat(backup->folder, &facts) != 0)
        return complain(backup->folder);
    return (mkdir(backup->herd, 0700) == 0 && chmod(backup->herd, facts.st_mode & 0755) == 0) ||
           complain(backup->herd);
}

static bool back_up(struct backup *backup)
{
    if (!find_folder(backup) || !staging_begin(&backup->staging, backup->archive))
        return false;
    return make_herd(backup) && put_topology(backup) && put_secrets(backup) && put_rules(backup) &&
           put_places(backup) && put_tokens(backup) && put_data(backup) && pack(backup);
}

int backup_main(int count, char **words)
{
    static const char program[] = "zherd backup";
    static const struct option options[] = {{"data-dir", required_argument, NULL, 'd'}, {0}};
    struct backup backup = {0};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option != 'd')
            return usage_refuse_option(program, option, words, options);
        backup.data_dir = optarg;
    }
    if (count - optind != 2)
        return usage_refuse(program, "write a topology file, and the archive to make");
    backup.file = words[optind];
    backup.archive = words[optind + 1];
    say_as(program, NULL);
    umask(077);
    if (!topology_load(backup.file, &backup.topology))
        return 1;
    bool is_good = back_up(&backup);
    staging_end(&backup.staging);
    topology_free(&backup.topology);
    return is_good ? 0 : 1;
}
