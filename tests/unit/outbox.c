/* What waits for whom, in bytes: at each limit and one byte past it. */
#include "placesd/dispatch/outbox.h"

#include "tests/check.h"

#define MAX 1000

static struct outbox *outbox;
static uint32_t place;

static void one_alone_has_half(void)
{
    outbox = outbox_new(MAX);
    CHECK_INT(outbox_take(outbox, span_of("a"), 399, &place), OUTBOX_TAKEN);
    CHECK_INT(outbox_take(outbox, span_of("a"), 1, &place), OUTBOX_NEARLY);
    CHECK_INT(outbox_take(outbox, span_of("a"), 201, &place), OUTBOX_FULL);
    CHECK_INT(outbox_take(outbox, span_of("a"), 200, &place), OUTBOX_NEARLY);
    CHECK_INT(outbox_take(outbox, span_of("a"), 1, &place), OUTBOX_FULL);
    CHECK_INT(outbox_bytes(outbox), 600);
    outbox_destroy(&outbox);
    CHECK(outbox == NULL);
    outbox_destroy(&outbox);
}

/* However many do not read, whoever reads has room for his answers. */
static void who_does_not_read_takes_nobodys_room(void)
{
    enum { SILENT = 8 };
    outbox = outbox_new(MAX);
    for (int round = 0; round < MAX; round++)
        for (int i = 0; i < SILENT; i++)
            outbox_take(outbox, (struct span){&"abcdefgh"[i], 1}, 1, &place);
    size_t before = outbox_bytes(outbox);
    CHECK(before <= MAX * SILENT / (SILENT + 1) + SILENT);
    for (int i = 0; i < 10000; i++) {
        CHECK(outbox_take(outbox, span_of("honest"), 100, &place) != OUTBOX_FULL);
        outbox_leave(outbox, place, 100);
    }
    CHECK_INT(outbox_bytes(outbox), before);
    outbox_destroy(&outbox);
}

static void what_left_makes_room(void)
{
    outbox = outbox_new(MAX);
    CHECK_INT(outbox_take(outbox, span_of("a"), 500, &place), OUTBOX_NEARLY);
    uint32_t first = place;
    CHECK_INT(outbox_take(outbox, span_of("b"), 250, &place), OUTBOX_NEARLY);
    CHECK(place != first);
    CHECK_INT(outbox_take(outbox, span_of("b"), 1, &place), OUTBOX_FULL);
    outbox_leave(outbox, first, 500);
    CHECK_INT(outbox_take(outbox, span_of("b"), 1, &place), OUTBOX_TAKEN);
    /* A place where nothing waits is the next one's. */
    CHECK_INT(outbox_take(outbox, span_of(""), 1, &place), OUTBOX_TAKEN);
    CHECK_INT(place, first);
    outbox_destroy(&outbox);
}

static void beyond_the_last_place_they_share(void)
{
    char name[OUTBOX_NAME_BYTES_MAX];
    memset(name, 'n', sizeof name);
    outbox = outbox_new((size_t)MAX * OUTBOX_PLACES_MAX);
    for (uint32_t i = 1; i < OUTBOX_PLACES_MAX; i++) {
        memcpy(name, &i, sizeof i);
        outbox_take(outbox, (struct span){name, sizeof name}, 10, &place);
        CHECK_INT(place, i);
    }
    outbox_take(outbox, span_of("one"), 10, &place);
    CHECK_INT(place, 0);
    outbox_take(outbox, span_of("more"), 10, &place);
    CHECK_INT(place, 0);
    outbox_leave(outbox, 0, 20);
    outbox_leave(outbox, 7, 10);
    outbox_take(outbox, span_of("more"), 10, &place);
    CHECK_INT(place, 7);
    outbox_destroy(&outbox);
}

static const struct check_case cases[] = {
    {"one alone has half, with a warning at four fifths of it", one_alone_has_half},
    {"who does not read takes nobody's room", who_does_not_read_takes_nobodys_room},
    {"what left makes room", what_left_makes_room},
    {"1023 have a place each, and whoever comes then shares", beyond_the_last_place_they_share},
};

CHECK_MAIN(cases)
