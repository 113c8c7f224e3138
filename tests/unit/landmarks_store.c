#include "placesd/landmarks/server/store.h"

#include <math.h>

#include "tests/check.h"
#include "tests/unit/input.h"

#define PLACES  2500
#define QUERIES 4000

static uint64_t random_state = 0x2545f4914f6cdd1du;

/* The same numbers in every run. */
static double draw(double low, double high)
{
    return input_draw_between(&random_state, low, high);
}

static double wrap(double longitude_deg)
{
    return remainder(longitude_deg, 360);
}

/* A point of one of the neighbourhoods that are hard for an index: poles, antimeridian, a street
 * of places a metre apart, one and the same point, an ordinary town, and anywhere. */
static struct sphere_point draw_point(double spread_deg)
{
    switch ((int)draw(0, 7)) {
    case 0:
        return (struct sphere_point){fmin(90, draw(90 - spread_deg, 90.01)), draw(-180, 180)};
    case 1:
        return (struct sphere_point){fmax(-90, draw(-90.01, -90 + spread_deg)), draw(-180, 180)};
    case 2:
        return (struct sphere_point){draw(-spread_deg, spread_deg),
                                     wrap(180 + draw(-spread_deg, spread_deg))};
    case 3:
        return (struct sphere_point){51.5, 179.9999 + floor(draw(0, 10)) * 1e-5};
    case 4:
        return (struct sphere_point){-33.25, 18.5};
    case 5:
        return (struct sphere_point){draw(34, 34 + spread_deg), draw(-118, -118 + spread_deg)};
    default:
        return (struct sphere_point){draw(-90, 90), draw(-180, 180)};
    }
}

static struct place places[PLACES];

/* An error's sentence; the tests that follow make no sense without a store. */
static struct store *need(struct store *store, const char *error)
{
    CHECK(store != NULL);
    if (store == NULL) {
        printf("    %s\n", error);
        exit(1);
    }
    return store;
}

static void fill(struct store *store)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct place *place = &places[i];
        snprintf(place->name, sizeof place->name, "%zu", i);
        strcpy(place->types, i % 9 == 0 ? "locality,political" : "park");
        strcpy(place->vicinity, "somewhere");
        place->position = draw_point(0.5);
        place->rank = (uint32_t)(i % 3 == 0 ? draw(1, PLACE_RANK_MAX + 1) : draw(1, 4));
        CHECK(store_add(store, place));
    }
}

/* Of two places found one after the other: does the later one come first all the same? */
static bool is_better(enum store_order order, size_t later, double later_m, size_t earlier,
                      double earlier_m)
{
    if (order == STORE_PROMINENT && places[later].rank != places[earlier].rank)
        return places[later].rank > places[earlier].rank;
    return later_m < earlier_m;
}

/* What the store must find, by looking at every place: indices into `places`. */
static size_t find_slowly(enum store_order order, struct sphere_point centre, double radius_m,
                          size_t wanted, size_t *found)
{
    double distances_m[STORE_FOUND_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < PLACES; i++) {
        double distance_m = sphere_distance_m(centre, places[i].position);
        if (distance_m > radius_m)
            continue;
        size_t at = count;
        while (at > 0 && is_better(order, i, distance_m, found[at - 1], distances_m[at - 1])) {
            found[at] = found[at - 1];
            distances_m[at] = distances_m[at - 1];
            at--;
        }
        found[at] = i;
        distances_m[at] = distance_m;
        count += count < wanted;
    }
    return count;
}

/* Every place of the circle counts. */
static bool ask(struct store *store, enum store_order order, struct sphere_point centre,
                double radius_m, size_t wanted, struct place *found, size_t *count)
{
    const struct store_question question = {
        .order = order, .centre = centre, .radius_m = radius_m, .wanted = wanted};
    struct store_finding finding;
    bool good = store_nearby(store, &question, found, &finding);
    CHECK(!finding.is_cut_short);
    *count = finding.count;
    return good;
}

static int compare_once(struct store *store, enum store_order order, struct sphere_point centre,
                        double radius_m, size_t wanted, size_t *found_total)
{
    struct place found[STORE_FOUND_MAX];
    size_t right[STORE_FOUND_MAX + 1];
    size_t count = 0;
    CHECK(ask(store, order, centre, radius_m, wanted, found, &count));
    size_t right_count = find_slowly(order, centre, radius_m, wanted, right);
    *found_total += count;
    if (count != right_count)
        return 1;
    for (size_t i = 0; i < count; i++) {
        const struct place *place = &places[right[i]];
        if (strcmp(found[i].name, place->name) != 0 || found[i].rank != place->rank ||
            memcmp(&found[i].position, &place->position, sizeof place->position) != 0 ||
            strcmp(found[i].types, place->types) != 0 ||
            strcmp(found[i].vicinity, place->vicinity) != 0)
            return 1;
    }
    return 0;
}

static void compare_many(struct store *store)
{
    static const double radii_m[] = {0.5, 5, 100, 2000, 20000, 50000};
    int different = 0;
    int full = 0;
    size_t found_total = 0;
    for (int i = 0; i < QUERIES; i++) {
        size_t before = found_total;
        size_t wanted = i % 4 == 0 ? (size_t)draw(0, STORE_FOUND_MAX + 1) : STORE_FOUND_MAX;
        double radius_m = radii_m[(size_t)draw(0, 6)];
        enum store_order order = i % 2 == 0 ? STORE_PROMINENT : STORE_NEAREST;
        different += compare_once(store, order, draw_point(0.6), radius_m, wanted, &found_total);
        full += found_total - before == STORE_FOUND_MAX;
    }
    CHECK_INT(different, 0);
    /* Else the comparison says nothing. */
    CHECK(found_total > QUERIES * 3);
    CHECK(full > QUERIES / 10);
}

static void equals_looking_at_every_place(void)
{
    struct fault fault = {0};
    struct store *store = need(store_open(&fault), fault.text);
    fill(store);
    compare_many(store);
    store_close(&store);
    CHECK(store == NULL);
}

static char file[64];

static void a_file_holds_the_same(void)
{
    struct fault fault = {0};
    struct store *store = need(store_open_to_fill(file, &fault), fault.text);
    fill(store);
    CHECK(store_finish(store));
    store_close(&store);
    store = need(store_open_to_read(file, &fault), fault.text);
    compare_many(store);
    CHECK(!store_add(store, &places[0]));
    CHECK(strstr(store_failure(store), "readonly") != NULL);
    store_close(&store);
    unlink(file);
}

static void a_key_stands_once(void)
{
    struct fault fault = {0};
    bool replaced;
    struct place found[STORE_FOUND_MAX];
    size_t count = 0;
    struct place place = {.name = "old", .types = "park", .rank = 7, .position = {1, 2}};
    struct place other = {.name = "other", .types = "park", .rank = 6, .position = {1, 2}};
    struct place newer = {.name = "new", .types = "zoo", .rank = 5, .position = {-50, 100}};
    struct store *store = need(store_open_to_fill(file, &fault), fault.text);
    CHECK(store_put(store, &place, 1, &replaced) && !replaced);
    CHECK(store_put(store, &other, UINT64_MAX, &replaced) && !replaced);
    CHECK(store_finish(store));
    store_close(&store);

    /* In the next round too. */
    store = need(store_open_to_fill(file, &fault), fault.text);
    CHECK(store_put(store, &newer, 1, &replaced) && replaced);
    CHECK(store_put(store, &other, UINT64_MAX, &replaced) && replaced);
    CHECK(store_finish(store));
    store_close(&store);

    store = need(store_open_to_read(file, &fault), fault.text);
    CHECK(ask(store, STORE_NEAREST, place.position, 9, STORE_FOUND_MAX, found, &count));
    CHECK_INT(count, 1);
    CHECK(strcmp(found[0].name, "other") == 0);
    CHECK(ask(store, STORE_NEAREST, newer.position, 9, STORE_FOUND_MAX, found, &count));
    CHECK_INT(count, 1);
    CHECK(strcmp(found[0].name, "new") == 0 && strcmp(found[0].types, "zoo") == 0);
    CHECK_INT(found[0].rank, 5);
    store_close(&store);
    unlink(file);
}

static void what_is_not_finished_does_not_count(void)
{
    struct fault fault = {0};
    struct store *store = need(store_open_to_fill(file, &fault), fault.text);
    CHECK(store_add(store, &places[0]));
    store_close(&store);
    CHECK(store_open_to_read(file, &fault) == NULL);
    unlink(file);
}

static void write_file(const void *bytes, size_t count)
{
    FILE *out = fopen(file, "we");
    CHECK(out != NULL && fwrite(bytes, 1, count, out) == count && fclose(out) == 0);
}

static void strange_files_are_refused(void)
{
    struct fault fault = {0};
    static const char text[] = "not a database, but long enough to be looked at as one ........"
                               "............................................................";
    CHECK(store_open_to_read(file, &fault) == NULL);
    CHECK(strstr(fault.text, "unable to open") != NULL);
    write_file(text, sizeof text);
    CHECK(store_open_to_read(file, &fault) == NULL);
    CHECK(strstr(fault.text, "no database of zherd-landmarks") != NULL);
    CHECK(store_open_to_fill(file, &fault) == NULL);
    CHECK(strstr(fault.text, "no database of zherd-landmarks") != NULL);
    write_file("", 0);
    CHECK(store_open_to_read(file, &fault) == NULL);
    unlink(file);
    CHECK(store_open_to_fill("/no/such/folder/x.db", &fault) == NULL);
    CHECK(strchr(fault.text, '\n') == NULL);
}

/* A file cut in the middle, or with other bytes in places: an answer or a failure, never more. */
static void broken_files_harm_nobody(void)
{
    struct fault fault = {0};
    struct store *store = need(store_open_to_fill(file, &fault), fault.text);
    fill(store);
    CHECK(store_finish(store));
    store_close(&store);
    static char whole[4 << 20], bytes[4 << 20];
    FILE *in = fopen(file, "re");
    size_t count = fread(whole, 1, sizeof whole, in);
    fclose(in);
    CHECK(count > 4096 && count < sizeof whole);
    for (int i = 0; i < 30; i++) {
        memcpy(bytes, whole, count);
        size_t kept = i % 3 == 0 ? (size_t)draw(4096, (double)count) : count;
        for (int k = 0; k < i * 40; k++)
            bytes[(size_t)draw(4096, (double)kept)] = (char)(int)draw(0, 256);
        write_file(bytes, kept);
        store = store_open_to_read(file, &fault);
        for (int k = 0; store != NULL && k < 50; k++) {
            struct place found[STORE_FOUND_MAX];
            size_t found_count = 0;
            enum store_order order = k % 2 == 0 ? STORE_PROMINENT : STORE_NEAREST;
            ask(store, order, draw_point(0.6), 50000, 20, found, &found_count);
            CHECK(found_count <= 20);
        }
        store_close(&store);
    }
    unlink(file);
}

/* Places a few decimetres apart share one box in single precision: only exact positions decide
 * which of them lie within the circle, and which of them is the nearest. */
static void exact_positions_decide(void)
{
    struct fault fault;
    struct store *store = store_open(&fault);
    struct place place = {.types = "park", .vicinity = "x", .rank = 7};
    for (int i = 39; i >= 0; i--) {
        snprintf(place.name, sizeof place.name, "%d", i);
        place.position = (struct sphere_point){10.0, 179.5 + i * 3e-6};
        CHECK(store_add(store, &place));
    }
    struct place found[STORE_FOUND_MAX];
    size_t count = 0;
    struct sphere_point centre = {10.0, 179.5};
    double third_m = sphere_distance_m(centre, (struct sphere_point){10.0, 179.5 + 2 * 3e-6});
    CHECK(ask(store, STORE_PROMINENT, centre, third_m + 0.001, STORE_FOUND_MAX, found, &count));
    CHECK_INT(count, 3);
    CHECK(ask(store, STORE_PROMINENT, centre, third_m - 0.001, STORE_FOUND_MAX, found, &count));
    CHECK_INT(count, 2);
    CHECK(ask(store, STORE_PROMINENT, centre, 50000, 20, found, &count));
    CHECK_INT(count, 20);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(atoi(found[i].name), i);
    store_close(&store);
}

static void equal_places_keep_the_order_of_addition(void)
{
    struct fault fault;
    struct store *store = store_open(&fault);
    struct place place = {.types = "park", .vicinity = "x", .rank = 7, .position = {1, 2}};
    for (int i = 0; i < 100; i++) {
        snprintf(place.name, sizeof place.name, "%d", i);
        CHECK(store_add(store, &place));
    }
    struct place found[STORE_FOUND_MAX];
    size_t count = 0;
    CHECK(ask(store, STORE_PROMINENT, place.position, 1, STORE_FOUND_MAX, found, &count));
    CHECK_INT(count, STORE_FOUND_MAX);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(atoi(found[i].name), i);
    store_close(&store);
}

/* Five museums among a hundred places, each further away than the one before. */
static struct store *fill_with_museums(void)
{
    struct fault fault;
    struct store *store = need(store_open(&fault), fault.text);
    struct place place = {.vicinity = "x", .rank = 7};
    for (int i = 0; i < 100; i++) {
        strcpy(place.types, i % 20 == 19 ? "museum" : "park");
        snprintf(place.name, sizeof place.name, "%d", i);
        place.position = (struct sphere_point){1 + i * 1e-4, 2};
        CHECK(store_add(store, &place));
    }
    return store;
}

static void a_filter_leaves_out_what_does_not_pass(void)
{
    struct store *store = fill_with_museums();
    struct place found[STORE_FOUND_MAX];
    struct store_finding finding;
    const struct query_filter museums = {.type = "museum"};
    struct store_question question = {.centre = {1, 2}, .radius_m = 50000, .filter = &museums};
    for (int order = STORE_PROMINENT; order <= STORE_NEAREST; order++) {
        question.order = (enum store_order)order;
        question.wanted = STORE_FOUND_MAX;
        CHECK(store_nearby(store, &question, found, &finding));
        CHECK_INT(finding.count, 5);
        for (size_t i = 0; i < finding.count; i++)
            CHECK_INT(atoi(found[i].name), i * 20 + 19);
        question.wanted = 2;
        CHECK(store_nearby(store, &question, found, &finding));
        CHECK_INT(finding.count, 2);
        CHECK_INT(atoi(found[1].name), 39);
    }
    store_close(&store);
}

/* What lies beyond the last look may have been found: that is said, and only then. */
static void no_more_is_looked_at_than_allowed(void)
{
    struct store *store = fill_with_museums();
    struct place found[STORE_FOUND_MAX];
    struct store_finding finding;
    const struct query_filter museums = {.type = "museum"};
    struct store_question question = {.order = STORE_NEAREST,
                                      .centre = {1, 2},
                                      .radius_m = 50000,
                                      .filter = &museums,
                                      .wanted = 20};
    static const struct {
        size_t looks_max, wanted, found;
        bool is_cut_short;
    } rows[] = {
        {19, 20, 0, true},   {20, 20, 1, true},   {99, 20, 4, true},
        {100, 20, 5, false}, {101, 20, 5, false}, {0, 20, 5, false},
        {20, 1, 1, false},   {40, 2, 2, false},   {39, 2, 1, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        question.looks_max = rows[i].looks_max;
        question.wanted = rows[i].wanted;
        CHECK(store_nearby(store, &question, found, &finding));
        CHECK_INT(finding.count, rows[i].found);
        CHECK_INT(finding.is_cut_short, rows[i].is_cut_short);
    }
    /* Places beyond the circle are no looks. */
    question.wanted = 20;
    question.looks_max = 20;
    question.radius_m = sphere_distance_m(question.centre, (struct sphere_point){1 + 19e-4, 2}) + 1;
    CHECK(store_nearby(store, &question, found, &finding));
    CHECK(finding.count == 1 && !finding.is_cut_short);
    store_close(&store);
}

static void a_copy_answers_the_same(void)
{
    struct fault fault;
    struct store *store = fill_with_museums();
    struct store *copy = need(store_copy(store, &fault), fault.text);
    store_close(&store);
    struct place found[STORE_FOUND_MAX];
    size_t count;
    CHECK(ask(copy, STORE_NEAREST, (struct sphere_point){1, 2}, 50000, 60, found, &count));
    CHECK_INT(count, 60);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(atoi(found[i].name), i);
    store_close(&copy);
}

static void an_empty_store_finds_nothing(void)
{
    struct fault fault;
    struct store *store = store_open(&fault);
    struct place found[STORE_FOUND_MAX];
    size_t count = 9;
    CHECK(ask(store, STORE_PROMINENT, (struct sphere_point){0, 0}, 50000, 20, found, &count));
    CHECK_INT(count, 0);
    CHECK(!store_has_city(store, "London"));
    store_close(&store);
    store_close(&store);
}

static void knows_its_cities(void)
{
    struct fault fault;
    struct store *store = store_open(&fault);
    struct place place = {.name = "London", .types = "park", .vicinity = "x", .rank = 1};
    CHECK(store_add(store, &place));
    CHECK(!store_has_city(store, "London"));
    strcpy(place.types, "locality,political");
    CHECK(store_add(store, &place));
    CHECK(store_has_city(store, "London"));
    CHECK(store_has_city(store, "London"));
    CHECK(!store_has_city(store, "Lon"));
    CHECK(!store_has_city(store, "london"));
    store_close(&store);
}

static const struct check_case cases[] = {
    {"4,000 random questions are answered as by looking at every place",
     equals_looking_at_every_place},
    {"and as many from a file, which nobody can write to any more", a_file_holds_the_same},
    {"a place replaces the one under the same key", a_key_stands_once},
    {"what is not finished does not count", what_is_not_finished_does_not_count},
    {"a file that is none of ours is refused in one sentence", strange_files_are_refused},
    {"a broken file harms nobody", broken_files_harm_nobody},
    {"exact positions decide, not the index's rounded ones", exact_positions_decide},
    {"a filter leaves out what does not pass", a_filter_leaves_out_what_does_not_pass},
    {"no more places are looked at than allowed", no_more_is_looked_at_than_allowed},
    {"a copy answers the same", a_copy_answers_the_same},
    {"places alike in rank and distance come in the order of addition",
     equal_places_keep_the_order_of_addition},
    {"an empty store finds nothing", an_empty_store_finds_nothing},
    {"a city is known by its whole name and its type", knows_its_cities},
};

int main(void)
{
    snprintf(file, sizeof file, "/tmp/zherd %%3f store?#%d.db", getpid());
    return check_run(cases, sizeof cases / sizeof *cases);
}
