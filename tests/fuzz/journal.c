/* The pieces of any file cover it without a gap; and locations of a block with a right checksum,
 * whatever else stands there, are written into another block as they were read. */
#include <assert.h>
#include <string.h>
#include <xxhash.h>

#include "bus/journal/scan.h"
#include "tests/fuzz/fuzz.h"

#define ID UINT64_C(0x0123456789abcdef)

static void scan(struct span input)
{
    struct journal_scan scan = {input, ID, 0};
    struct journal_piece piece;
    size_t end = 0;
    while (journal_scan_next(&scan, &piece)) {
        assert(piece.at == end && piece.bytes > 0);
        end += piece.bytes;
    }
    assert(end == input.len);
}

static void write_again(const struct journal_block *block, const struct location *locations)
{
    static char out[JOURNAL_BLOCK_BYTES_MAX];
    static struct location twice[JOURNAL_BLOCK_LOCATIONS_MAX];
    struct journal_draft draft = journal_draft_of(out);
    struct journal_block again;
    uint16_t version;
    for (uint32_t i = 0; i < block->location_count; i++)
        assert(journal_draft_add(&draft, &locations[i]));
    uint32_t bytes = journal_draft_end(&draft, block, ID);
    assert(journal_block_read((struct span){out, bytes}, ID, &again, &version) ==
           JOURNAL_FOUND_GOOD);
    assert(again.kind == block->kind && again.sequence == block->sequence &&
           again.begin == block->begin && again.location_count == block->location_count);
    assert(journal_block_locations(&again, twice));
    for (uint32_t i = 0; i < block->location_count; i++)
        assert(span_equals(locations[i].client, twice[i].client) &&
               location_compare(&locations[i], &twice[i]) == 0);
}

/* Seals what is there, so that the fields after the checksum are looked at. */
static void read_sealed(const uint8_t *bytes, size_t count)
{
    static char sealed[JOURNAL_BLOCK_BYTES_MAX];
    static struct location locations[JOURNAL_BLOCK_LOCATIONS_MAX];
    struct journal_block block;
    uint16_t version;
    uint32_t pages = (uint32_t)(count + JOURNAL_PAGE_BYTES - 1) / JOURNAL_PAGE_BYTES;
    uint32_t size = pages * JOURNAL_PAGE_BYTES;
    if (count < sizeof(uint64_t) + sizeof size || size > sizeof sealed)
        return;
    memset(sealed, 0, size);
    memcpy(sealed, bytes, count);
    uint32_t size_field = htole32(size);
    memcpy(sealed + sizeof(uint64_t), &size_field, sizeof size_field);
    uint64_t checksum =
        htole64(XXH3_64bits_withSeed(sealed + sizeof(uint64_t), size - sizeof(uint64_t), ID));
    memcpy(sealed, &checksum, sizeof checksum);
    if (journal_block_read((struct span){sealed, size}, ID, &block, &version) ==
            JOURNAL_FOUND_GOOD &&
        journal_block_locations(&block, locations))
        write_again(&block, locations);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    scan((struct span){(const char *)bytes, count});
    read_sealed(bytes, count);
    return 0;
}
