/* Drives one fuzz target without libFuzzer: every file of its corpus, every prefix of each, and
 * a number of seeded mutations. An input ends where readable memory ends, so that reading one
 * byte too many is a crash in every build. */
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/crash_handler.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/rng.h"

#define INPUT_BYTES_MAX   (128 * 1024)
#define FILES_MAX         1024
#define PREFIX_BYTES_MAX  2048 /* prefixes beyond this are left to the mutations */
#define MUTATIONS_DEFAULT 20000
#define EDITS_MAX         6

struct input {
    uint8_t *bytes;
    size_t count;
};

static struct input corpus[FILES_MAX];
static size_t corpus_count;
static uint8_t *wall; /* the first byte of a page without access: no target may read it */
static struct input running;

static void say_input(void)
{
    static const char digits[] = "0123456789abcdef";
    static const char words[] = "the target died of this input (hex):\n";
    crash_handler_write(words, sizeof words - 1);
    for (size_t i = 0; i < running.count; i++)
        crash_handler_write(
            (const char[]){digits[running.bytes[i] >> 4], digits[running.bytes[i] & 15]}, 2);
    crash_handler_write("\n", 1);
}

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void build_wall(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (INPUT_BYTES_MAX + page - 1) / page * page;
    uint8_t *map =
        mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + body, page, PROT_NONE) != 0)
        fail("drive");
    wall = map + body;
}

static void run(const uint8_t *bytes, size_t count)
{
    running = (struct input){wall - count, count};
    if (count > 0)
        memmove(running.bytes, bytes, count);
    LLVMFuzzerTestOneInput(running.bytes, count);
}

static void load(const char *folder, const char *name)
{
    char path[4096];
    static uint8_t bytes[INPUT_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail(path);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    if (ferror(file) || !feof(file)) {
        fprintf(stderr, "%s: unreadable, or longer than %d bytes\n", path, INPUT_BYTES_MAX);
        exit(2);
    }
    fclose(file);
    uint8_t *kept = malloc(count + 1);
    if (kept == NULL)
        fail("drive");
    memcpy(kept, bytes, count);
    corpus[corpus_count++] = (struct input){kept, count};
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of names, so that a seed means the same on every file system. */
static void load_all(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0)
        fail(folder);
    if (count == 0 || count > FILES_MAX) {
        fprintf(stderr, "%s: %d files; a corpus has 1 to %d\n", folder, count, FILES_MAX);
        exit(2);
    }
    for (int i = 0; i < count; i++) {
        load(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* One small change of the kind that decoders get wrong; returns the new size. */
static size_t edit(struct rng *rng, uint8_t *bytes, size_t count)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0x90, 0xc0, 0xc4, 0xc6, 0xcf,
                                    0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xdf, 0xff, ' ',  '\n'};
    size_t at = count == 0 ? 0 : rng_below(rng, (uint32_t)count);
    const struct input *other = &corpus[rng_below(rng, (uint32_t)corpus_count)];
    switch (rng_below(rng, 7)) {
    case 0: /* one bit */
        if (count > 0)
            bytes[at] ^= (uint8_t)(1u << rng_below(rng, 8));
        return count;
    case 1: /* any byte */
        if (count > 0)
            bytes[at] = (uint8_t)rng_next(rng);
        return count;
    case 2: /* a byte that means something */
        if (count > 0)
            bytes[at] = edges[rng_below(rng, sizeof edges)];
        return count;
    case 3: /* a number one off */
        if (count > 0)
            bytes[at] = (uint8_t)(bytes[at] + (rng_chance(rng, 500) ? 1 : -1));
        return count;
    case 4: { /* a piece is missing */
        size_t gone = count == 0 ? 0 : 1 + rng_below(rng, (uint32_t)(count - at));
        if (gone > 0)
            memmove(bytes + at, bytes + at + gone, count - at - gone);
        return count - gone;
    }
    case 5: { /* the end is another input's end */
        size_t from = other->count == 0 ? 0 : rng_below(rng, (uint32_t)other->count);
        size_t tail = other->count - from;
        if (at + tail > INPUT_BYTES_MAX)
            return count;
        memcpy(bytes + at, other->bytes + from, tail);
        return at + tail;
    }
    default: { /* a piece comes twice */
        size_t piece = count == 0 ? 0 : 1 + rng_below(rng, (uint32_t)(count - at));
        if (count + piece > INPUT_BYTES_MAX)
            return count;
        memmove(bytes + at + piece, bytes + at, count - at);
        return count + piece;
    }
    }
}

static void mutate(struct rng *rng)
{
    static uint8_t bytes[INPUT_BYTES_MAX];
    const struct input *start = &corpus[rng_below(rng, (uint32_t)corpus_count)];
    size_t count = start->count;
    memcpy(bytes, start->bytes, count);
    for (uint32_t edits = 1 + rng_below(rng, EDITS_MAX); edits > 0; edits--)
        count = edit(rng, bytes, count);
    run(bytes, count);
}

int main(int count, char **arguments)
{
    if (count < 2 || count > 4) {
        fprintf(stderr, "usage: %s CORPUS [MUTATIONS [SEED]]\n", arguments[0]);
        return 2;
    }
    uint64_t mutations = count > 2 ? strtoull(arguments[2], NULL, 10) : MUTATIONS_DEFAULT;
    struct rng rng = {count > 3 ? strtoull(arguments[3], NULL, 10) : 0};
    build_wall();
    load_all(arguments[1]);
    crash_handler_set(say_input);
    uint64_t prefixes = 0;
    for (size_t i = 0; i < corpus_count; i++) {
        run(corpus[i].bytes, corpus[i].count);
        for (size_t bytes = 0; bytes < corpus[i].count && bytes <= PREFIX_BYTES_MAX; bytes++) {
            run(corpus[i].bytes, bytes);
            prefixes++;
        }
    }
    for (uint64_t i = 0; i < mutations; i++)
        mutate(&rng);
    printf("%zu inputs, %" PRIu64 " prefixes, %" PRIu64 " mutations: survived\n", corpus_count,
           prefixes, mutations);
    for (size_t i = 0; i < corpus_count; i++)
        free(corpus[i].bytes);
    return 0;
}
