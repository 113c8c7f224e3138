#include "placesd/dispatch/cache.h"

#include <math.h>
#include <stdlib.h>

#include "tests/check.h"

static const uint8_t secret[16] = "a secret of ours";

static struct cache_key key(int64_t latitude)
{
    return (struct cache_key){latitude, 2, 3, 0};
}

static void put(struct cache *cache, struct cache_key at, const char *body, int64_t fresh_ms,
                int64_t kept_ms, int64_t now_ms)
{
    struct cache_answer answer = {
        .code = LOOKUP_OK, .body = span_of(body), .offsets = {.count = 7}};
    cache_put(cache, &at, &answer, fresh_ms, kept_ms, now_ms);
}

/* The body of a fresh (or kept) answer, or "-". */
static const char *look(struct cache *cache, struct cache_key at, bool fresh, int64_t now_ms)
{
    static char text[64];
    const struct cache_answer *answer =
        fresh ? cache_find_fresh(cache, &at, now_ms) : cache_find_kept(cache, &at, now_ms);
    if (answer == NULL)
        return "-";
    CHECK_INT(answer->offsets.count, 7);
    snprintf(text, sizeof text, "%.*s", (int)answer->body.len, answer->body.data);
    return text;
}

static void times_end_to_the_millisecond(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    put(cache, key(1), "one", 100, 200, 0);
    CHECK(strcmp(look(cache, key(1), true, 99), "one") == 0);
    CHECK(strcmp(look(cache, key(1), true, 100), "-") == 0);
    CHECK(strcmp(look(cache, key(1), false, 199), "one") == 0);
    CHECK_INT(cache_count(cache), 1);
    CHECK(strcmp(look(cache, key(1), false, 200), "-") == 0);
    CHECK_INT(cache_count(cache), 0);
    CHECK_INT(cache_bytes(cache), 0);
    put(cache, key(1), "over already", 300, 300, 300);
    CHECK_INT(cache_count(cache), 0);
    cache_destroy(&cache);
    CHECK(cache == NULL);
    cache_destroy(&cache);
}

static void keys_differ_in_every_field(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    put(cache, (struct cache_key){1, 2, 3, 0}, "mine", 100, 100, 0);
    static const struct cache_key others[] = {{2, 2, 3, 0}, {1, 3, 3, 0},  {1, 2, 4, 0},
                                              {1, 2, 3, 1}, {-1, 2, 3, 0}, {2, 1, 3, 0}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK(strcmp(look(cache, others[i], true, 1), "-") == 0);
        put(cache, others[i], "other", 100, 100, 0);
    }
    CHECK(strcmp(look(cache, (struct cache_key){1, 2, 3, 0}, true, 1), "mine") == 0);
    CHECK_INT(cache_count(cache), 7);
    cache_destroy(&cache);
}

static void a_newer_answer_replaces(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    put(cache, key(1), "old and long", 100, 100, 0);
    size_t before = cache_bytes(cache);
    put(cache, key(1), "new", 150, 200, 50);
    CHECK_INT(cache_count(cache), 1);
    CHECK_INT(before - cache_bytes(cache), strlen("old and long") - strlen("new"));
    CHECK(strcmp(look(cache, key(1), true, 149), "new") == 0);
    /* One that may not be kept takes the old one away, too. */
    put(cache, key(1), "newest", 60, 60, 60);
    CHECK(strcmp(look(cache, key(1), false, 61), "-") == 0);
    cache_destroy(&cache);
}

static void freshens(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    put(cache, key(1), "one", 100, 200, 0);
    struct cache_key at = key(1);
    cache_freshen(cache, &at, 150);
    CHECK(strcmp(look(cache, key(1), true, 149), "one") == 0);
    CHECK(strcmp(look(cache, key(1), true, 150), "-") == 0);
    cache_freshen(cache, &at, 900);
    CHECK(strcmp(look(cache, key(1), true, 199), "one") == 0);
    CHECK(strcmp(look(cache, key(1), true, 200), "-") == 0);
    at = key(2);
    cache_freshen(cache, &at, 900);
    cache_destroy(&cache);
}

/* Room for exactly three of these: the one unused for longest goes. */
static void the_least_used_makes_room(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    put(cache, key(1), "one", 100, 100, 0);
    size_t one = cache_bytes(cache);
    cache_destroy(&cache);
    cache = cache_new(3 * one, secret);
    put(cache, key(1), "one", 100, 100, 0);
    put(cache, key(2), "two", 100, 100, 0);
    put(cache, key(3), "thr", 100, 100, 0);
    CHECK_INT(cache_count(cache), 3);
    CHECK_INT(cache_bytes(cache), 3 * one);
    CHECK(strcmp(look(cache, key(1), true, 1), "one") == 0);
    put(cache, key(4), "fou", 100, 100, 0);
    CHECK_INT(cache_count(cache), 3);
    CHECK(strcmp(look(cache, key(2), true, 1), "-") == 0);
    CHECK(strcmp(look(cache, key(1), false, 1), "one") == 0);
    CHECK(strcmp(look(cache, key(3), true, 1), "thr") == 0);
    put(cache, key(5), "twice", 100, 100, 0); /* two bytes too many: two go for it */
    CHECK_INT(cache_count(cache), 2);
    CHECK(strcmp(look(cache, key(4), true, 1), "-") == 0);
    CHECK(strcmp(look(cache, key(1), true, 1), "-") == 0);
    cache_destroy(&cache);
}

static void too_long_is_not_taken(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    put(cache, key(1), "", 100, 100, 0);
    size_t empty = cache_bytes(cache);
    CHECK(strcmp(look(cache, key(1), true, 1), "") == 0);
    cache_destroy(&cache);
    cache = cache_new(empty + 4, secret);
    put(cache, key(1), "four", 100, 100, 0);
    CHECK_INT(cache_count(cache), 1);
    put(cache, key(2), "five!", 100, 100, 0);
    CHECK_INT(cache_count(cache), 1);
    CHECK(strcmp(look(cache, key(1), true, 1), "four") == 0);
    cache_destroy(&cache);
}

static uint64_t rng = 1;

static uint32_t roll(uint32_t sides)
{
    rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(rng >> 33) % sides;
}

/* Every key differs from a thousand others in one field alone, so that a bucket with two of them
 * shows whether that field counts. */
static struct cache_key key_of_one_field(uint32_t number)
{
    uint32_t field = number % 4, value = 10 + number;
    return (struct cache_key){field == 0 ? value : 0, field == 1 ? value : 0,
                              field == 2 ? value : 0, field == 3 ? value : 0};
}

/* Against a plain array: what is found is what was put last, in its time; bytes stay bounded. */
static void many_answers_stay_their_own(void)
{
    enum { KEYS = 8000, STEPS = 200000 };
    static struct {
        int64_t number, fresh_ms;
    } model[KEYS];
    struct cache *cache = cache_new(1000 * 1000, secret);
    size_t found = 0;
    for (int64_t now_ms = 1; now_ms < STEPS; now_ms++) {
        uint32_t at = roll(KEYS);
        if (roll(2) == 0) {
            char body[64];
            snprintf(body, sizeof body, "%" PRId64 "%.*s", now_ms, (int)roll(20),
                     "                    ");
            model[at].number = now_ms;
            model[at].fresh_ms = now_ms + roll(20000);
            put(cache, key_of_one_field(at), body, model[at].fresh_ms,
                model[at].fresh_ms + roll(100), now_ms);
        }
        const char *text = look(cache, key_of_one_field(at), true, now_ms);
        bool there = strcmp(text, "-") != 0;
        found += there;
        CHECK(!there || (atoll(text) == model[at].number && now_ms < model[at].fresh_ms));
        CHECK(cache_bytes(cache) <= 1000 * 1000);
    }
    CHECK(found > STEPS / 4);
    cache_destroy(&cache);
}

/* ---- rounding ---- */

static uint64_t place_rng = 7;

static uint64_t roll_place(uint64_t sides)
{
    place_rng = place_rng * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (place_rng >> 20) % sides;
}

static struct lookup anywhere(uint32_t radius_m)
{
    return (struct lookup){
        .latitude_nanodeg = (int64_t)roll_place(180000000001) - 90000000000,
        .longitude_nanodeg = (int64_t)roll_place(360000000001) - 180000000000,
        .radius_m = radius_m,
    };
}

/* More than the true distance between two close points: a degree is nowhere longer than at the
 * poles (WGS 84), and its share along a parallel is the cosine of the latitude. */
static double distance_m(const struct lookup *a, const struct lookup *b)
{
    double to_radians = acos(-1) / 180e9;
    double lowest = fmin(fabs((double)a->latitude_nanodeg), fabs((double)b->latitude_nanodeg));
    double north = (double)(a->latitude_nanodeg - b->latitude_nanodeg);
    double east = (double)(a->longitude_nanodeg - b->longitude_nanodeg) * cos(lowest * to_radians);
    return hypot(north, east) * 111694 / 1e9;
}

static void moves_no_place_too_far(void)
{
    static const uint32_t radii_m[] = {1, 2, 19, 100, 999, 1000, 10000, 50000};
    static const uint32_t grids_m[] = {1, 10, 100, 500, 2500};
    double farthest = 0;
    for (int i = 0; i < 200000; i++) {
        struct lookup asked = anywhere(radii_m[i % 8]);
        struct lookup rounded = asked;
        cache_quantize(&rounded, grids_m[i / 8 % 5]);
        double moved_m = distance_m(&asked, &rounded);
        double allowed_m = (double)asked.radius_m * 0.05;
        CHECK(moved_m <= allowed_m);
        CHECK(moved_m <= grids_m[i / 8 % 5] * 0.7075);
        CHECK(llabs(rounded.latitude_nanodeg) <= 90000000000);
        CHECK(llabs(rounded.longitude_nanodeg) <= 180000000000);
        if (moved_m / allowed_m > farthest)
            farthest = moved_m / allowed_m;
        struct lookup again = rounded;
        cache_quantize(&again, grids_m[i / 8 % 5]);
        CHECK(again.latitude_nanodeg == rounded.latitude_nanodeg &&
              again.longitude_nanodeg == rounded.longitude_nanodeg);
    }
    CHECK(farthest > 0.9); /* what is allowed is used */
}

static void leaves_exact_places_alone(void)
{
    for (int i = 0; i < 1000; i++) {
        struct lookup asked = anywhere(i % 2 == 0 ? 0 : 10000), rounded = asked;
        cache_quantize(&rounded, i % 2 == 0 ? 100 : 0);
        CHECK(memcmp(&asked, &rounded, sizeof asked) == 0);
    }
}

static void neighbours_are_one_question(void)
{
    struct lookup a = {34068930000, -118445127000, 10000, 5, 1000}, b = a, c = a;
    b.latitude_nanodeg += 1000; /* a tenth of a millimetre */
    c.longitude_nanodeg += 20000000;
    cache_quantize(&a, 100);
    cache_quantize(&b, 100);
    cache_quantize(&c, 100);
    CHECK(a.latitude_nanodeg == b.latitude_nanodeg && a.longitude_nanodeg == b.longitude_nanodeg);
    CHECK(a.longitude_nanodeg != c.longitude_nanodeg);
    CHECK_INT(a.radius_m, 10000);
    CHECK_INT(a.bound, 5);
}

/* ---- larger circles ---- */

static void put_around(struct cache *cache, uint32_t radius_m, uint32_t results, int64_t fresh_ms,
                       int64_t now_ms)
{
    struct cache_key at = {1, 2, radius_m, 0};
    char body[16];
    snprintf(body, sizeof body, "%u", (unsigned)radius_m);
    struct cache_answer answer = {
        .code = LOOKUP_OK, .body = span_of(body), .offsets = {.count = results}};
    cache_put(cache, &at, &answer, fresh_ms, fresh_ms + 1000, now_ms);
}

/* The radius of the wider answer, or 0. */
static int look_wider(struct cache *cache, struct cache_key at, int64_t now_ms)
{
    int64_t fresh_ms = 0, kept_ms = 0;
    const struct cache_answer *answer = cache_find_wider(cache, &at, now_ms, &fresh_ms, &kept_ms);
    if (answer == NULL)
        return 0;
    CHECK(fresh_ms > now_ms && kept_ms == fresh_ms + 1000);
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)answer->body.len, answer->body.data);
    return atoi(text);
}

static void a_larger_complete_answer_is_found(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    CHECK_INT(look_wider(cache, (struct cache_key){0, 0, 0, 0}, 0), 0);
    put_around(cache, 500, LOOKUP_BOUND_MAX, 100, 0); /* perhaps not all */
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 400, 0}, 1), 0);
    put_around(cache, 300, LOOKUP_BOUND_MAX - 1, 100, 0);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 299, 0}, 1), 300);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 0, 0}, 1), 300);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 300, 0}, 1), 0);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 400, 0}, 1), 0);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 3, 100, 0}, 1), 0);
    CHECK_INT(look_wider(cache, (struct cache_key){2, 2, 100, 0}, 1), 0);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 100, 1}, 1), 0);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 100, 0}, 99), 300);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 100, 0}, 100), 0);
    cache_destroy(&cache);
}

static void the_largest_fresh_one_stays(void)
{
    struct cache *cache = cache_new(CACHE_BYTES_MAX, secret);
    put_around(cache, 300, 1, 100, 0);
    put_around(cache, 200, 1, 150, 0);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 100, 0}, 1), 300);
    put_around(cache, 400, 1, 120, 0);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 350, 0}, 1), 400);
    put_around(cache, 200, 1, 250, 120); /* the larger one is over */
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 100, 0}, 121), 200);
    /* What it stood for failed: nothing is left of it. */
    struct cache_key at = {1, 2, 200, 0};
    cache_put(cache, &at, &(struct cache_answer){.code = LOOKUP_REFUSED, .body = span_of("x")}, 250,
              250, 130);
    CHECK_INT(look_wider(cache, (struct cache_key){1, 2, 100, 0}, 131), 0);
    cache_destroy(&cache);
}

static const struct check_case cases[] = {
    {"answers are fresh and kept to the millisecond", times_end_to_the_millisecond},
    {"an answer is for its place, radius and provider only", keys_differ_in_every_field},
    {"a newer answer replaces the old one", a_newer_answer_replaces},
    {"a kept answer can be fresh again, but not for longer than it is kept", freshens},
    {"the least recently used makes room", the_least_used_makes_room},
    {"an answer longer than the cache is not taken", too_long_is_not_taken},
    {"many answers stay their own, within the bytes allowed", many_answers_stay_their_own},
    {"no place moves by more than 5 % of the radius", moves_no_place_too_far},
    {"without a grid or a radius a place stays as it is", leaves_exact_places_alone},
    {"neighbouring places become one", neighbours_are_one_question},
    {"a larger complete answer about the place is found", a_larger_complete_answer_is_found},
    {"the largest fresh one is remembered", the_largest_fresh_one_stays},
};

CHECK_MAIN(cases)
