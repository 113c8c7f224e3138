/* Any stream comes apart into the same records however it was cut into feeds, each byte at most
 * once, and any record is of one kind. */
#include "placesd/landmarks/data/splitter.h"

#include <assert.h>
#include <math.h>
#include <xxhash.h>

#include "placesd/landmarks/data/feature.h"
#include "tests/fuzz/fuzz.h"

struct outcome {
    uint64_t hash;
    size_t bytes;
    bool cut;
};

static void read_record(struct span record)
{
    struct place place = {0};
    uint64_t key;
    char why[FEATURE_WHY_BYTES_MAX + 1] = "";
    enum feature_kind kind = feature_read(record, &place, &key, why);
    assert((kind == FEATURE_BROKEN) == (why[0] != '\0'));
    if (kind != FEATURE_PLACE)
        return;
    assert(place.name[0] != '\0' && place.types[0] != '\0');
    assert(place.rank >= 1 && place.rank <= PLACE_RANK_MAX);
    assert(fabs(place.position.latitude_deg) <= 90 && fabs(place.position.longitude_deg) <= 180);
}

static void take(struct splitter *splitter, struct outcome *outcome, bool reads)
{
    struct span record;
    for (enum splitter_kind kind; (kind = splitter_next(splitter, &record)) != SPLITTER_NONE;) {
        assert(kind == SPLITTER_RECORD && record.len > 0); /* no input is long enough for more */
        outcome->hash = XXH3_64bits_withSeed(record.data, record.len, outcome->hash + 1);
        outcome->bytes += record.len;
        if (reads)
            read_record(record);
    }
}

static struct outcome split(const char *bytes, size_t count, size_t piece)
{
    struct splitter splitter = {0};
    struct outcome outcome = {0};
    for (size_t at = 0; at < count; at += piece) {
        size_t left = count - at;
        splitter_feed(&splitter, (struct span){bytes + at, piece < left ? piece : left});
        take(&splitter, &outcome, piece >= count);
    }
    splitter_end(&splitter);
    take(&splitter, &outcome, piece >= count);
    outcome.cut = splitter_is_cut(&splitter);
    splitter_free(&splitter);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct outcome whole = split((const char *)bytes, count, count + 1);
    assert(whole.bytes <= count);
    for (size_t piece = 1; piece < count; piece = piece * 3 + 1) {
        struct outcome pieces = split((const char *)bytes, count, piece);
        assert(pieces.hash == whole.hash && pieces.bytes == whole.bytes && pieces.cut == whole.cut);
    }
    return 0;
}
