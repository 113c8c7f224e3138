#include "gateway/text/nearby.h"

#include "bus/base/packed.h"
#include "bus/table/at_line.h"

/* What a line costs, in looks at a client. */
#define STEPS_A_LINE 2
#define MM_PER_DM    100
/* "20015114.4 " */
#define METRES_BYTES_MAX 32

void nearby_begin(struct nearby *nearby, const struct table *table, const struct degrees *centre,
                  int64_t radius_mm, uint32_t bound, const uint32_t *except)
{
    grid_search_begin(&nearby->search, table, centre, radius_mm, bound, except);
    nearby->is_found = nearby->is_complete = false;
    nearby->lines = 0;
}

void nearby_begin_nowhere(struct nearby *nearby)
{
    nearby->search.near_count = 0;
    nearby->is_found = true;
    nearby->is_complete = false;
    nearby->lines = 0;
}

static bool is_seen(const void *person, struct span client)
{
    return access_may_see(person, client);
}

void nearby_show_search(struct grid_search *search, const struct access_person *person)
{
    grid_search_only(search, person == NULL ? NULL : is_seen, person);
}

void nearby_show(struct nearby *nearby, const struct access_person *person)
{
    nearby_show_search(&nearby->search, person);
}

void nearby_write_metres(struct buffer *out, int64_t mm)
{
    char metres[METRES_BYTES_MAX];
    uint64_t decimetres = ((uint64_t)mm + MM_PER_DM / 2) / MM_PER_DM;
    char *at = decimal_put(metres, decimetres / 10, decimal_count(decimetres / 10));
    *at++ = '.';
    *at++ = (char)('0' + decimetres % 10);
    *at++ = ' ';
    buffer_append(out, (struct span){metres, (size_t)(at - metres)});
}

static void write_line(const struct nearby *nearby, const struct table *table, struct buffer *out)
{
    char text[PACKED_TEXT_BYTES_MAX];
    struct location location;
    const struct grid_near *near = &nearby->search.nears[nearby->lines];
    buffer_append(out, span_of("NEAR "));
    nearby_write_metres(out, near->mm);
    table_read(table, near->slot, text, &location);
    at_line_write(out, &location);
}

void nearby_go_on(struct nearby *nearby, const struct table *table, int64_t *steps,
                  size_t out_bytes_max, struct buffer *out)
{
    if (!nearby->is_found) {
        nearby->is_found = grid_search_run(&nearby->search, table, steps);
        nearby->changes = table_changes(table);
    }
    bool has_changed = nearby->is_found && nearby->changes != table_changes(table);
    for (; nearby->is_found && nearby->lines < nearby->search.near_count; nearby->lines++) {
        if (out->len >= out_bytes_max)
            return;
        if (!has_changed || grid_search_holds(&nearby->search, table, nearby->lines))
            write_line(nearby, table, out);
        *steps -= STEPS_A_LINE;
    }
    nearby->is_complete = nearby->is_found;
    if (nearby->is_complete)
        buffer_append(out, span_of("\n"));
}
