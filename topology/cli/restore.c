/* zherd restore: makes a folder of what zherd backup put into an archive. */
#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/base/bytes.h"
#include "topology/cli/staging.h"
#include "topology/cli/zherd.h"
#include "topology/format/archive.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/usage.h"

#define HERD "herd"

/* A backup has files and folders alone; a link could lead out of the folder, and nothing is to be
 * read of a device. A folder that its owner cannot look into could hide either. */
static bool has_files_alone(const char *archive, const char *herd)
{
    char *roots[] = {(char *)herd, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool is_special = false, is_closed = tree == NULL;
    for (FTSENT *one; !is_special && !is_closed && (errno = 0, one = fts_read(tree)) != NULL;) {
        is_closed = one->fts_info == FTS_DNR || one->fts_info == FTS_NS || one->fts_info == FTS_ERR;
        is_special =
            !is_closed && !S_ISREG(one->fts_statp->st_mode) && !S_ISDIR(one->fts_statp->st_mode);
    }
    is_closed = is_closed || (!is_special && errno != 0);
    if (tree)
        fts_close(tree);
    if (is_special)
        return say_failure("%s: has something that is neither a file nor a folder: it is no backup "
                           "of a herd",
                           archive);
    return !is_closed || say_failure("%s: has a folder that cannot be looked into", archive);
}

/* The fault's file is the archive's: the one that was unpacked is not there any more when somebody
 * reads this. */
static bool is_topology(const char *file)
{
    struct topology topology;
    struct buffer text = {0};
    bool is_good =
        topology_read_file(file, &text) &&
        topology_load_text(ARCHIVE_TOPOLOGY, (struct span){text.data, text.len}, &topology);
    buffer_free(&text);
    if (is_good)
        topology_free(&topology);
    return is_good;
}

/* What tar has unpacked is a herd, and all of it: the topology file comes last. */
static bool look_at(const char *archive, const char *herd)
{
    char file[STAGING_PATH_BYTES + sizeof ARCHIVE_TOPOLOGY];
    snprintf(file, sizeof file, "%s/" ARCHIVE_TOPOLOGY, herd);
    if (!has_files_alone(archive, herd))
        return false;
    if (access(file, F_OK) != 0)
        return say_failure("%s: has no " ARCHIVE_TOPOLOGY
                           ": it is no backup of a herd, or not all of one",
                           archive);
    return is_topology(file) || say_failure("%s: its " ARCHIVE_TOPOLOGY " is not good", archive);
}

static bool unpack(const struct staging *staging, const char *archive)
{
    char herd[STAGING_PATH_BYTES];
    snprintf(herd, sizeof herd, "%s/" HERD, staging->path);
    if (mkdir(herd, 0700) != 0)
        return say_failure("%s: %s", herd, strerror(errno));
    char *words[] = {"--extract",
                     "--preserve-permissions",
                     "--force-local",
                     "--file",
                     (char *)archive,
                     "--directory",
                     herd,
                     NULL};
    return staging_run_tar(words) && look_at(archive, herd) && staging_finish(staging, HERD);
}

static void print_outside(const char *folder)
{
    char outside[PATH_MAX + sizeof ARCHIVE_OUTSIDE];
    snprintf(outside, sizeof outside, "%.*s/" ARCHIVE_OUTSIDE, PATH_MAX - 1, folder);
    if (access(outside, F_OK) == 0)
        printf("%s has what the file names in other folders, each by its whole path\n", outside);
}

int restore_main(int count, char **words)
{
    static const char program[] = "zherd restore";
    static const struct option options[] = {{0}};
    struct staging staging;
    int option = getopt_long(count, words, ":", options, NULL);
    if (option != -1)
        return usage_refuse_option(program, option, words, options);
    if (count - optind != 2)
        return usage_refuse(program, "write an archive, and the folder that it shall become");
    const char *archive = words[optind], *folder = words[optind + 1];
    say_as(program, NULL);
    if (access(archive, R_OK) != 0) {
        say("%s: %s", archive, strerror(errno));
        return 1;
    }
    bool is_good = staging_begin(&staging, folder) && unpack(&staging, archive);
    staging_end(&staging);
    if (!is_good)
        return 1;
    printf("%s/" ARCHIVE_TOPOLOGY "\n", folder);
    print_outside(folder);
    return 0;
}
