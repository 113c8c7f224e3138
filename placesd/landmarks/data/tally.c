#include "placesd/landmarks/data/tally.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* The longest line below, with the largest numbers. */
#define LINE_BYTES_MAX 160

static void write_line(struct buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_line(struct buffer *out, const char *format, ...)
{
    char *line = buffer_reserve(out, LINE_BYTES_MAX);
    va_list arguments;
    va_start(arguments, format);
    out->len += (size_t)vsnprintf(line, LINE_BYTES_MAX, format, arguments);
    va_end(arguments);
}

uint64_t tally_records(const struct tally *tally)
{
    uint64_t records = tally->too_long;
    for (size_t i = 0; i < FEATURE_KINDS; i++)
        records += tally->kinds[i];
    return records;
}

static double megabytes(uint64_t bytes)
{
    return (double)bytes * 1e-6;
}

void tally_write_progress(const struct tally *tally, uint64_t bytes_total, struct buffer *out)
{
    write_line(out, "%.1f MB", megabytes(tally->bytes));
    if (bytes_total > 0)
        write_line(out, " of %.1f MB", megabytes(bytes_total));
    write_line(out, ", %" PRIu64 " records, %" PRIu64 " places", tally_records(tally),
               tally->kinds[FEATURE_PLACE]);
}

void tally_write_pace(const struct tally *tally, uint64_t bytes_total, int64_t elapsed_ms,
                      struct buffer *out)
{
    if (elapsed_ms < 1000)
        return;
    double elapsed_s = (double)elapsed_ms * 1e-3;
    write_line(out, ", %.0f a second", (double)tally_records(tally) / elapsed_s);
    if (tally->bytes == 0 || tally->bytes > bytes_total)
        return;
    double part = (double)tally->bytes / (double)bytes_total;
    uint64_t left_s = (uint64_t)(elapsed_s / part - elapsed_s);
    write_line(out, ", %.0f %%, %" PRIu64 ":%02" PRIu64 " left", part * 100, left_s / 60,
               left_s % 60);
}

void tally_write_report(const struct tally *tally, struct buffer *out)
{
    const uint64_t *kinds = tally->kinds;
    uint64_t taken = kinds[FEATURE_PLACE];
    write_line(out, "taken    %12" PRIu64 "  places\n", taken);
    write_line(out, "         %12" PRIu64 "  of them instead of one that was known already\n",
               tally->replaced);
    write_line(out, "skipped  %12" PRIu64 "  records\n", tally_records(tally) - taken);
    write_line(out, "         %12" PRIu64 "  without a name\n", kinds[FEATURE_NAMELESS]);
    write_line(out, "         %12" PRIu64 "  neither point nor area\n", kinds[FEATURE_OTHER_SHAPE]);
    write_line(out, "         %12" PRIu64 "  without a tag that makes a place\n",
               kinds[FEATURE_OTHER_KIND]);
    write_line(out, "         %12" PRIu64 "  broken\n", kinds[FEATURE_BROKEN]);
    write_line(out, "         %12" PRIu64 "  longer than 8 MiB\n", tally->too_long);
}
