/* zherd journal repair: copies what is unreadable into files of their own, and then writes zeros in
 * its place, so that what is left is good blocks and unused room. Nothing is ever deleted, and a
 * copy is on the disk before the zeros are written. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/disk/segments.h"
#include "bus/journal/scan.h"
#include "topology/cli/zherd.h"
#include "topology/say.h"

/* SEGMENT.unreadable-OFFSET */
#define ASIDE_NAME_BYTES (JOURNAL_SEGMENT_NAME_BYTES + sizeof ".unreadable-" + 10)

struct repair {
    const char *path;
    struct segments segments;
    uint32_t stretches;
};

static bool write_all(int file, const char *at, size_t bytes, off_t offset)
{
    while (bytes > 0) {
        ssize_t done = pwrite(file, at, bytes, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        offset += done;
        bytes -= (size_t)done;
    }
    return fdatasync(file) == 0;
}

/* Opens, writes, syncs and closes. */
static bool write_file(int folder, const char *name, int flags, struct span bytes, size_t offset)
{
    int file = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (file < 0)
        return false;
    bool is_written = write_all(file, bytes.data, bytes.len, (off_t)offset);
    int error = errno;
    bool is_closed = close(file) == 0;
    if (!is_written)
        errno = error;
    return is_written && is_closed;
}

static bool put_aside(struct repair *repair, const char *segment, const struct journal_piece *piece,
                      const char *at)
{
    char aside[ASIDE_NAME_BYTES];
    int folder = repair->segments.folder;
    snprintf(aside, sizeof aside, "%s.unreadable-%zu", segment, piece->at);
    char *zeros = bytes_zeroed(piece->bytes);
    bool is_good =
        write_file(folder, aside, O_CREAT | O_EXCL, (struct span){at, piece->bytes}, 0) &&
        fsync(folder) == 0 &&
        write_file(folder, segment, 0, (struct span){zeros, piece->bytes}, piece->at);
    free(zeros);
    if (!is_good)
        return say_failure("%s: %s: %s", repair->path, aside, strerror(errno));
    printf("%s: %zu bytes at %zu are now in %s\n", segment, piece->bytes, piece->at, aside);
    repair->stretches++;
    return true;
}

static bool repair_segment(struct repair *repair, uint32_t file, struct buffer *bytes)
{
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    struct journal_piece piece;
    journal_segment_name(repair->segments.all[file], name);
    if (!segments_read(&repair->segments, file, bytes))
        return say_failure("%s: %s: %s", repair->path, name, strerror(errno));
    struct journal_scan scan = {{bytes->data, bytes->len}, repair->segments.all[file].id, 0};
    while (journal_scan_next(&scan, &piece))
        if (piece.what == JOURNAL_FOUND_BAD &&
            !put_aside(repair, name, &piece, bytes->data + piece.at))
            return false;
    return true;
}

static bool own(struct repair *repair)
{
    if (segments_own(&repair->segments))
        return true;
    if (errno == EWOULDBLOCK)
        return say_failure("%s: its node is running: stop it first", repair->path);
    return say_failure("%s: lock: %s", repair->path, strerror(errno));
}

int journal_repair(const char *path)
{
    struct repair repair = {.path = path};
    struct buffer bytes = {0};
    if (!segments_open(&repair.segments, path)) {
        say("%s: %s: write the folder of a node's journal", path, strerror(errno));
        return 1;
    }
    bool is_good = own(&repair);
    for (uint32_t i = 0; is_good && i < repair.segments.count; i++)
        is_good = repair_segment(&repair, i, &bytes);
    if (is_good && repair.stretches == 0)
        puts("nothing is unreadable");
    buffer_free(&bytes);
    segments_close(&repair.segments);
    return is_good ? 0 : 1;
}
