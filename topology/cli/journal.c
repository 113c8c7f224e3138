#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/disk/segments.h"
#include "bus/journal/replay.h"
#include "bus/net/entropy.h"
#include "bus/table/at_line.h"
#include "topology/cli/terminal.h"
#include "topology/cli/zherd.h"
#include "topology/say.h"
#include "topology/usage.h"

/* Written at once. */
#define OUT_BYTES_AIM (64u * 1024u)
/* A generation ends seconds after the one before. */
#define READ_TRIES_MAX 10

static const char *kind_name(enum journal_kind kind)
{
    switch (kind) {
    case JOURNAL_CHANGES:
        return "changes";
    case JOURNAL_CHUNK:
        return "chunk";
    case JOURNAL_BEGIN:
        return "begin";
    case JOURNAL_END:
        return "end";
    }
    return "";
}

static void print_block(const struct journal_piece *piece)
{
    const struct journal_block *block = &piece->block;
    printf("  %10zu  %7zu bytes  %-7s  sequence %" PRIu64, piece->at, piece->bytes,
           kind_name(block->kind), block->sequence);
    if (block->kind == JOURNAL_END)
        printf("  of the generation that begins with %" PRIu64, block->begin);
    else if (block->kind != JOURNAL_BEGIN)
        printf("  %" PRIu32 " location%s", block->location_count,
               block->location_count == 1 ? "" : "s");
    putchar('\n');
}

static void print_piece(const struct journal_piece *piece)
{
    switch (piece->what) {
    case JOURNAL_FOUND_GOOD:
        print_block(piece);
        return;
    case JOURNAL_FOUND_EMPTY:
        printf("  %10zu  %7zu bytes  not used\n", piece->at, piece->bytes);
        return;
    case JOURNAL_FOUND_BAD:
        printf("  %10zu  %7zu bytes  unreadable\n", piece->at, piece->bytes);
        return;
    case JOURNAL_FOUND_VERSION:
        printf("  %10zu  %7zu bytes  of version %u\n", piece->at, piece->bytes, piece->version);
        return;
    }
}

static void print_segment(const struct segments *segments, uint32_t file, struct buffer *bytes)
{
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    journal_segment_name(segments->all[file], name);
    if (!segments_read(segments, file, bytes)) {
        printf("%s: %s\n", name, strerror(errno));
        return;
    }
    printf("%s: %zu bytes\n", name, bytes->len);
    struct journal_scan scan = {{bytes->data, bytes->len}, segments->all[file].id, 0};
    struct journal_piece piece;
    while (journal_scan_next(&scan, &piece))
        print_piece(&piece);
}

/* Says what keeps a journal from being whole; false where something does. */
static bool report(const char *path, const struct journal_replay *replay,
                   const struct journal_tally *tally)
{
    if (replay->version != 0)
        return say_failure("%s: has blocks of version %u, and this program reads version %d: use "
                           "the one that wrote them",
                           path, replay->version, JOURNAL_VERSION);
    bool is_whole = replay->bad_runs == 0 && replay->missing == 0 && replay->left_out == 0 &&
                    tally->broken == 0;
    if (!is_whole)
        say("%s: %" PRIu32 " unreadable stretches before a block, %" PRIu64 " blocks missing, "
            "%" PRIu64 " broken, %" PRIu32 " too many",
            path, replay->bad_runs, replay->missing, tally->broken, replay->left_out);
    return is_whole;
}

static void print_sum(const struct segments *segments, const struct journal_replay *replay,
                      const struct table *table, const struct journal_tally *tally)
{
    printf("%" PRIu32 " segments, %" PRIu32 " other files; %" PRIu32
           " blocks count, from sequence %" PRIu64 " to %" PRIu64 "\n",
           segments->count, segments->foreign, replay->count, replay->from, replay->last);
    printf("%" PRIu32 " clients; %" PRIu64 " older locations, %" PRIu64 " refused\n",
           table_count(table), tally->known, tally->refused);
    printf("unreadable: %" PRIu64 " bytes, in %" PRIu32 " stretches before a block and %" PRIu32
           " at the end of a file\n",
           replay->bad_bytes, replay->bad_runs, replay->torn_runs);
}

static void print_lines(const struct table *table)
{
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    struct buffer line = {0}, out = {0};
    for (uint32_t slot = 0; slot < table_slots(table) && !ferror(stdout); slot++) {
        struct location location;
        char text[PACKED_TEXT_BYTES_MAX];
        if (!table_slot_is_live(table, slot) || table_slot_is_tombstone(table, slot))
            continue;
        table_read(table, slot, text, &location);
        line.len = 0;
        at_line_write(is_terminal ? &line : &out, &location);
        terminal_append(&out, (struct span){line.data, line.len});
        if (out.len >= OUT_BYTES_AIM) {
            fwrite(out.data, 1, out.len, stdout);
            out.len = 0;
        }
    }
    if (out.len > 0)
        fwrite(out.data, 1, out.len, stdout);
    buffer_free(&line);
    buffer_free(&out);
}

/* What was read of a journal. */
struct contents {
    struct segments segments;
    struct journal_replay replay;
    struct journal_tally tally;
    struct table *table;
};

static void release(struct contents *contents)
{
    segments_close(&contents->segments);
    journal_replay_free(&contents->replay);
    table_destroy(&contents->table);
}

static bool read_once(const char *path, struct contents *contents)
{
    uint8_t key[16];
    *contents = (struct contents){0};
    if (!segments_open(&contents->segments, path))
        return false;
    entropy_draw(key, sizeof key);
    contents->table = table_new(key);
    segments_find(&contents->segments, &contents->replay);
    if (contents->replay.version == 0)
        segments_fill(&contents->segments, &contents->replay, contents->table, &contents->tally);
    return true;
}

/* Beside a running node again, where it has meanwhile removed what was to be read. */
static bool read_contents(const char *path, struct contents *contents)
{
    for (int try = 1;; try++) {
        if (!read_once(path, contents))
            return false;
        if (try == READ_TRIES_MAX || segments_are_there(&contents->segments))
            return true;
        release(contents);
    }
}

static int show_main(const char *path, bool dump)
{
    struct contents contents;
    if (!read_contents(path, &contents)) {
        say("%s: %s: write the folder of a node's journal", path, strerror(errno));
        return 1;
    }
    if (!dump) {
        struct buffer bytes = {0};
        for (uint32_t i = 0; i < contents.segments.count; i++)
            print_segment(&contents.segments, i, &bytes);
        buffer_free(&bytes);
    }
    if (contents.replay.version == 0) {
        if (dump)
            print_lines(contents.table);
        else
            print_sum(&contents.segments, &contents.replay, contents.table, &contents.tally);
    }
    bool is_whole = report(path, &contents.replay, &contents.tally);
    release(&contents);
    if (fflush(stdout) != 0 || ferror(stdout))
        is_whole = say_failure("the output is gone");
    return is_whole ? 0 : 1;
}

int journal_main(int count, char **words)
{
    static const char program[] = "zherd journal";
    static const struct option options[] = {{0}};
    int option = getopt_long(count, words, ":", options, NULL);
    if (option != -1)
        return usage_refuse_option(program, option, words, options);
    if (count - optind != 2)
        return usage_refuse(program, "write `check`, `dump` or `repair`, and a journal's folder");
    const char *what = words[optind], *path = words[optind + 1];
    say_as(program, NULL);
    if (strcmp(what, "check") == 0)
        return show_main(path, false);
    if (strcmp(what, "dump") == 0)
        return show_main(path, true);
    if (strcmp(what, "repair") == 0)
        return journal_repair(path);
    return usage_refuse(program, "there is no `%s`: write `check`, `dump` or `repair`", what);
}
