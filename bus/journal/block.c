#include "bus/journal/block.h"

#include <assert.h>
#include <xxhash.h>

#include "bus/link/wire.h"

/* "zhjb", the first byte lowest. */
#define MAGIC UINT32_C(0x626a687a)

/* All numbers little-endian. The first 18 bytes are the same in every version: what says whether
 * this is a block, and of which version. */
struct head {
    uint64_t checksum; /* XXH3-64 of all that follows, seeded with the segment's id */
    uint32_t bytes;
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint32_t location_count;
    uint64_t sequence;
    uint64_t begin;
};

static_assert(sizeof(struct head) == 40, "no padding");
static_assert(JOURNAL_BLOCK_BYTES_MAX % JOURNAL_PAGE_BYTES == 0, "whole pages");

static uint64_t checksum(const char *block, size_t bytes, uint64_t segment)
{
    size_t own = sizeof(uint64_t);
    return XXH3_64bits_withSeed(block + own, bytes - own, segment);
}

static bool is_empty(struct span page)
{
    /* Each byte equals the one before, and the first is 0. */
    return page.data[0] == 0 && memcmp(page.data, page.data + 1, page.len - 1) == 0;
}

static bool has_good_fields(const struct journal_block *block)
{
    bool is_end = block->kind == JOURNAL_END;
    bool is_fence = is_end || block->kind == JOURNAL_BEGIN;
    return block->kind >= JOURNAL_CHANGES && block->kind <= JOURNAL_END && block->sequence > 0 &&
           block->sequence <= JOURNAL_SEQUENCE_MAX &&
           block->location_count <= (is_fence ? 0 : JOURNAL_BLOCK_LOCATIONS_MAX) &&
           (is_end ? block->begin > 0 && block->begin < block->sequence : block->begin == 0);
}

enum journal_found journal_block_read(struct span bytes, uint64_t segment,
                                      struct journal_block *block, uint16_t *version)
{
    struct head head;
    if (bytes.len < JOURNAL_PAGE_BYTES)
        return bytes.len > 0 && is_empty(bytes) ? JOURNAL_FOUND_EMPTY : JOURNAL_FOUND_BAD;
    memcpy(&head, bytes.data, sizeof head);
    uint32_t size = le32toh(head.bytes);
    if (size == 0 && is_empty((struct span){bytes.data, JOURNAL_PAGE_BYTES}))
        return JOURNAL_FOUND_EMPTY;
    if (size == 0 || size % JOURNAL_PAGE_BYTES != 0 || size > JOURNAL_BLOCK_BYTES_MAX ||
        size > bytes.len || le64toh(head.checksum) != checksum(bytes.data, size, segment) ||
        le32toh(head.magic) != MAGIC)
        return JOURNAL_FOUND_BAD;
    *block = (struct journal_block){
        .kind = (enum journal_kind)le16toh(head.kind),
        .sequence = le64toh(head.sequence),
        .begin = le64toh(head.begin),
        .location_count = le32toh(head.location_count),
        .bytes = size,
        .written = {bytes.data + sizeof head, size - sizeof head},
    };
    *version = le16toh(head.version);
    if (*version != JOURNAL_VERSION)
        return JOURNAL_FOUND_VERSION;
    return has_good_fields(block) ? JOURNAL_FOUND_GOOD : JOURNAL_FOUND_BAD;
}

bool journal_block_locations(const struct journal_block *block,
                             struct location locations[JOURNAL_BLOCK_LOCATIONS_MAX])
{
    struct msgread in = msgread_of(block->written);
    assert(block->location_count <= JOURNAL_BLOCK_LOCATIONS_MAX);
    for (uint32_t i = 0; i < block->location_count; i++)
        if (!wire_read_location(&in, &locations[i]) || !location_is_valid(&locations[i]))
            return false;
    return true;
}

struct journal_draft journal_draft_of(char *at)
{
    return (struct journal_draft){.at = at, .used = sizeof(struct head)};
}

bool journal_draft_add(struct journal_draft *draft, const struct location *location)
{
    if (draft->location_count == JOURNAL_BLOCK_LOCATIONS_MAX ||
        wire_location_bytes_max(location) > JOURNAL_BLOCK_BYTES_MAX - draft->used)
        return false;
    char *end = wire_write_location(location, draft->at + draft->used);
    draft->used = (uint32_t)(end - draft->at);
    draft->location_count++;
    return true;
}

uint32_t journal_draft_end(struct journal_draft *draft, const struct journal_block *head,
                           uint64_t segment)
{
    uint32_t pages = (draft->used + JOURNAL_PAGE_BYTES - 1) / JOURNAL_PAGE_BYTES;
    uint32_t bytes = pages * JOURNAL_PAGE_BYTES;
    struct head out = {
        .bytes = htole32(bytes),
        .magic = htole32(MAGIC),
        .version = htole16(JOURNAL_VERSION),
        .kind = htole16((uint16_t)head->kind),
        .location_count = htole32(draft->location_count),
        .sequence = htole64(head->sequence),
        .begin = htole64(head->begin),
    };
    memcpy(draft->at, &out, sizeof out);
    memset(draft->at + draft->used, 0, bytes - draft->used);
    out.checksum = htole64(checksum(draft->at, bytes, segment));
    memcpy(draft->at, &out.checksum, sizeof out.checksum);
    return bytes;
}
