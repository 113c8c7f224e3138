/* The journal of zherd backup. The newest segment is copied first: what stands before its blocks
 * was written before them, so that it is there when the older ones are read. What is written later
 * is left out. The copy is then read as a node would read it, and taken again where its node
 * removed a segment or wrote one meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bus/disk/segments.h"
#include "bus/journal/replay.h"
#include "topology/cli/backup.h"
#include "topology/cli/staging.h"
#include "topology/say.h"

/* A generation ends seconds after the one before. */
#define TRIES_MAX 10

struct copy {
    const char *from, *to;
    struct segments segments; /* of the journal */
    int folder;               /* of the copy */
    uint32_t made;            /* segments in it */
};

/* Up to its last page that holds anything: the rest is room for later. */
static size_t count_used(const struct buffer *bytes)
{
    size_t used = bytes->len;
    while (used > 0 && bytes->data[used - 1] == 0)
        used--;
    size_t pages = (used + JOURNAL_PAGE_BYTES - 1) / JOURNAL_PAGE_BYTES * JOURNAL_PAGE_BYTES;
    return pages < bytes->len ? pages : bytes->len;
}

static bool write_segment(struct copy *copy, const char *name, const struct buffer *bytes,
                          size_t used)
{
    struct stat facts;
    if (fstatat(copy->segments.folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        facts = (struct stat){.st_mode = 0600, .st_uid = geteuid(), .st_gid = getegid()};
    int file = openat(copy->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_good = file >= 0 && backup_write(file, bytes->data, used);
    if (!is_good)
        say("%s/%s: %s", copy->to, name, strerror(errno));
    is_good = is_good && backup_resemble(file, &facts, name);
    if (file >= 0)
        close(file);
    return is_good;
}

/* What cannot be read at all is left out: its node has removed it, or nobody can. */
static bool copy_segments(struct copy *copy)
{
    struct buffer bytes = {0};
    bool is_good = true;
    copy->made = 0;
    for (uint32_t i = copy->segments.count; is_good && i-- > 0;) {
        char name[JOURNAL_SEGMENT_NAME_BYTES];
        journal_segment_name(copy->segments.all[i], name);
        if (staging_is_stopped())
            is_good = false;
        else if (segments_read(&copy->segments, i, &bytes) && count_used(&bytes) > 0) {
            is_good = write_segment(copy, name, &bytes, count_used(&bytes));
            copy->made++;
        }
    }
    buffer_free(&bytes);
    return is_good;
}

/* What it lacks, as a node that starts with it would find; 0 for nothing. */
static uint64_t count_lacking(const char *path)
{
    struct segments segments;
    struct journal_replay replay = {0};
    if (!segments_open(&segments, path))
        return UINT64_MAX;
    segments_find(&segments, &replay);
    uint64_t lacking = replay.missing + replay.bad_runs;
    journal_replay_free(&replay);
    segments_close(&segments);
    return lacking;
}

static void empty(const struct copy *copy)
{
    for (uint32_t i = 0; i < copy->segments.count; i++) {
        char name[JOURNAL_SEGMENT_NAME_BYTES];
        journal_segment_name(copy->segments.all[i], name);
        unlinkat(copy->folder, name, 0);
    }
}

/* `again`: another try may be better. */
static bool copy_once(struct copy *copy, bool is_last, bool *again)
{
    if (!segments_open(&copy->segments, copy->from))
        return say_failure("%s: %s", copy->from, strerror(errno));
    bool is_good = copy_segments(copy);
    bool is_there = segments_are_there(&copy->segments);
    uint64_t lacking = is_good ? count_lacking(copy->to) : 0;
    *again = is_good && (!is_there || lacking > 0) && !is_last;
    if (*again)
        empty(copy);
    else if (lacking > 0)
        say("%s: is copied with what is wrong in it; `zherd journal check` says what", copy->from);
    segments_close(&copy->segments);
    return is_good;
}

bool backup_journal(const char *from, const char *to, const char *name)
{
    struct copy copy = {.from = from, .to = to};
    if (!backup_folder(from, to))
        return false;
    copy.folder = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy.folder < 0)
        return say_failure("%s: %s", to, strerror(errno));
    bool is_good = true, again = true;
    for (int try = 1; is_good && again; try++)
        is_good = copy_once(&copy, try == TRIES_MAX, &again);
    close(copy.folder);
    if (is_good)
        printf("%s: %s, %" PRIu32 " segment%s\n", name, from, copy.made, copy.made == 1 ? "" : "s");
    return is_good;
}
