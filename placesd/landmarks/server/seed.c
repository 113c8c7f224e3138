#include "placesd/landmarks/server/seed.h"

#include <assert.h>
#include <stdio.h>

/* The longest line of the time zone tables has about 100 bytes. A longer one is read in pieces,
 * of which none is a zone or only the first one. */
#define ZONE_LINE_BYTES_MAX 512

bool seed_landmarks(struct store *store)
{
    const char *at = (const char *)seed_table;
    const char *end = at + seed_table_bytes;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        assert(line_end != NULL);
        struct span line = {at, (size_t)(line_end - at)};
        at = line_end + 1;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        struct place place;
        bool is_landmark = place_read_landmark(line, &place);
        assert(is_landmark);
        if (!store_add(store, &place))
            return false;
    }
    return true;
}

bool seed_zones(struct store *store, const char *path)
{
    char text[ZONE_LINE_BYTES_MAX];
    struct place place;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool added = true;
    while (added && fgets(text, sizeof text, file) != NULL) {
        struct span line = {text, strcspn(text, "\n")};
        if (place_read_zone(line, &place) && !store_has_city(store, place.name))
            added = store_add(store, &place);
    }
    bool whole = added && ferror(file) == 0;
    fclose(file);
    return whole;
}
