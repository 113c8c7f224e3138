#include "gateway/node/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/node/clock.h"
#include "gateway/node/status_log.h"
#include "gateway/text/command.h"

#define READ_BYTES (256u * 1024u)
#define NS_PER_MS  1000000

struct reader {
    struct flood *flood;
    size_t id_bytes_max;
    struct import_count *count;
    struct buffer line; /* the beginning of one, at most COMMAND_AT_BYTES_MAX + 1 bytes of it */
    struct command_at read;
};

static void count_bad(struct import_count *count, const char *why)
{
    if (count->bad++ == 0) {
        count->bad_line = count->lines;
        count->why = why;
    }
}

static void take_line(struct reader *reader, struct span line)
{
    struct import_count *count = reader->count;
    count->lines++;
    const char *why = command_read_at(line, &reader->read);
    if (why == NULL && reader->read.location.client.len > reader->id_bytes_max)
        why = "the id is longer than max_id_bytes";
    if (why != NULL) {
        count_bad(count, why);
        return;
    }
    enum table_outcome outcome = flood_import(reader->flood, &reader->read.location);
    count->expired += outcome == TABLE_EXPIRED;
    count->refused += outcome != TABLE_EXPIRED && table_is_refusal(outcome);
    count->known += outcome == TABLE_OLDER || outcome == TABLE_SAME;
    count->taken += outcome == TABLE_NEW || outcome == TABLE_NEWER;
}

/* What is beyond the longest line is not kept. */
static void keep(struct reader *reader, struct span part)
{
    size_t room = COMMAND_AT_BYTES_MAX + 1 - reader->line.len;
    buffer_append(&reader->line, (struct span){part.data, part.len < room ? part.len : room});
}

static void take_bytes(struct reader *reader, struct span bytes)
{
    const char *end;
    while ((end = memchr(bytes.data, '\n', bytes.len)) != NULL) {
        struct span part = {bytes.data, (size_t)(end - bytes.data)};
        if (reader->line.len > 0) {
            keep(reader, part);
            take_line(reader, (struct span){reader->line.data, reader->line.len});
            reader->line.len = 0;
        } else {
            take_line(reader, part);
        }
        bytes = (struct span){end + 1, bytes.len - part.len - 1};
    }
    keep(reader, bytes);
}

static bool read_all(struct reader *reader, int file)
{
    char *bytes = bytes_resize(NULL, READ_BYTES);
    ssize_t got;
    do {
        got = read(file, bytes, READ_BYTES);
        if (got > 0)
            take_bytes(reader, (struct span){bytes, (size_t)got});
    } while (got > 0 || (got < 0 && errno == EINTR));
    int error = errno;
    free(bytes);
    errno = error;
    return got == 0;
}

static bool take_file(struct reader *reader, const char *path, struct fault *fault)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool is_good = file >= 0 && read_all(reader, file);
    if (!is_good)
        fault_set(fault, "%s: %s", path, strerror(errno));
    if (is_good && reader->line.len > 0) {
        reader->count->lines++;
        count_bad(reader->count, "it has no end: the file may have been cut");
    }
    if (file >= 0)
        close(file);
    buffer_free(&reader->line);
    return is_good;
}

bool import_file(const struct gateway_options *options, struct flood *flood, struct logline *lines,
                 struct fault *fault)
{
    struct import_count count = {0};
    if (options->import_file == NULL)
        return true;
    int64_t start_ns = clock_realtime_ns();
    struct reader *reader = bytes_zeroed(sizeof *reader);
    reader->flood = flood;
    reader->id_bytes_max = (size_t)options->topology->max_id_bytes;
    reader->count = &count;
    bool is_good = take_file(reader, options->import_file, fault);
    free(reader);
    if (is_good)
        status_log_import(lines, options->import_file, &count,
                          (clock_realtime_ns() - start_ns) / NS_PER_MS);
    return is_good;
}
