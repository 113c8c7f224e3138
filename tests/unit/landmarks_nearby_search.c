/* Every parameter or its fault. */
#include "placesd/landmarks/data/nearby_search.h"

#include <math.h>

#include "tests/check.h"

/* ---- the query ---- */

/* Takes "name=value&name=value" as a server would hand it over; no decoding happens here. */
static struct query take(const char *text)
{
    struct query query = {0};
    while (*text != '\0') {
        size_t pair = strcspn(text, "&");
        size_t name = strcspn(text, "=&");
        const char *value = name < pair ? text + name + 1 : text + pair;
        size_t value_bytes = (size_t)(text + pair - value);
        query_take(&query, (struct span){check_at_page_end(text, name), name},
                   (struct span){check_at_page_end(value, value_bytes), value_bytes});
        text += pair + (text[pair] == '&');
    }
    return query;
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void reads_a_plain_question(void)
{
    struct query query = take("location=34.068930,-118.445127&radius=10000");
    CHECK(query_fault(&query) == NULL);
    CHECK(is_near(query.centre.latitude_deg, 34.06893));
    CHECK(is_near(query.centre.longitude_deg, -118.445127));
    CHECK(is_near(query.radius_m, 10000));
}

static void takes_any_order_and_ignores_keys(void)
{
    static const char *const table[] = {
        "radius=10&location=1,2",
        "key=AIza&location=1,2&radius=10&language=de",
        "location=1,2&radius=10&rankby=prominence",
        "location=1,2&radius=10&=&x&sensor=false&LOCATION=9",
        "location=90,180&radius=0.001",
        "location=-90,-180&radius=1",
        "location=+1,+2&radius=+10",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct query query = take(table[i]);
        CHECK(query_fault(&query) == NULL);
        if (query_fault(&query) != NULL)
            printf("    %s: %s\n", table[i], query_fault(&query));
    }
}

static void names_every_fault(void)
{
    static const struct {
        const char *text;
        const char *word; /* that the sentence must hold */
    } table[] = {
        {"", "location is missing"},
        {"radius=5", "location is missing"},
        {"location=1,2", "radius is missing"},
        {"location=1,2&radius", "radius must be"},
        {"location=1,2&radius=", "radius must be"},
        {"location=1,2&radius=0", "radius must be"},
        {"location=1,2&radius=-1", "radius must be"},
        {"location=1,2&radius=ten", "radius must be"},
        {"location=1,2&radius=1e3", "radius must be"},
        {"location=1,2&radius=10000000000", "radius must be"},
        {"location=1,2&radius=5&radius=5", "radius is given twice"},
        {"location&radius=5", "location must be"},
        {"location=&radius=5", "location must be"},
        {"location=1&radius=5", "location must be"},
        {"location=,&radius=5", "location must be"},
        {"location=1,&radius=5", "location must be"},
        {"location=,2&radius=5", "location must be"},
        {"location=1,2,3&radius=5", "location must be"},
        {"location=1, 2&radius=5", "location must be"},
        {"location=nan,2&radius=5", "location must be"},
        {"location=90.000001,2&radius=5", "not on the Earth"},
        {"location=-90.000001,2&radius=5", "not on the Earth"},
        {"location=1,180.000001&radius=5", "not on the Earth"},
        {"location=1,-180.000001&radius=5", "not on the Earth"},
        {"location=1,2&location=1,2&radius=5", "location is given twice"},
        {"location=1,2&radius=5&rankby=fame", "rankby"},
        {"location=1,2&radius=5&rankby=Distance", "rankby"},
        {"location=1,2&radius=5&rankby=", "rankby"},
        {"location=1,2&rankby=distance&radius=0", "radius must be"},
        {"location=1,2&rankby=distance&rankby=prominence", "radius is missing"},
        {"rankby=distance", "location is missing"},
        {"location=1,2&radius=5&type=museum", "Only location, radius"},
        {"location=1,2&radius=5&keyword=x", "Only location, radius"},
        {"pagetoken=x", "Only location, radius"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct query query = take(table[i].text);
        const char *fault = query_fault(&query);
        CHECK(fault != NULL && strstr(fault, table[i].word) != NULL);
        if (fault == NULL || strstr(fault, table[i].word) == NULL)
            printf("    %s: %s\n", table[i].text, fault == NULL ? "no fault" : fault);
    }
}

static void clamps_the_radius(void)
{
    struct query at = take("location=1,2&radius=50000");
    struct query beyond = take("location=1,2&radius=50000.001");
    struct query far = take("location=1,2&radius=999999999");
    CHECK(query_fault(&at) == NULL && is_near(at.radius_m, QUERY_RADIUS_M_MAX));
    CHECK(query_fault(&beyond) == NULL && is_near(beyond.radius_m, QUERY_RADIUS_M_MAX));
    CHECK(query_fault(&far) == NULL && is_near(far.radius_m, QUERY_RADIUS_M_MAX));
}

static void knows_two_orders(void)
{
    struct query query = take("location=1,2&radius=5");
    CHECK(query_fault(&query) == NULL && !query.nearest_first);
    query = take("location=1,2&radius=5&rankby=prominence");
    CHECK(query_fault(&query) == NULL && !query.nearest_first);
    query = take("location=1,2&radius=5&rankby=distance");
    CHECK(query_fault(&query) == NULL && query.nearest_first && is_near(query.radius_m, 5));
    query = take("rankby=distance&radius=5&location=1,2");
    CHECK(query_fault(&query) == NULL && query.nearest_first && is_near(query.radius_m, 5));
    query = take("location=1,2&rankby=distance");
    CHECK(query_fault(&query) == NULL && query.nearest_first);
    CHECK(is_near(query.radius_m, QUERY_RADIUS_M_MAX));
}

static void keeps_the_first_fault(void)
{
    struct query query = take("location=x&radius=5&radius=5");
    CHECK(strstr(query_fault(&query), "location must be") != NULL);
}

static void stands_every_prefix(void)
{
    static const char location[] = "-34.068930,+118.445127";
    for (size_t bytes = 0; bytes < sizeof location; bytes++) {
        struct query query = {0};
        query_take(&query, span_of("location"),
                   (struct span){check_at_page_end(location, bytes), bytes});
        query_take(&query, span_of("radius"), span_of("5"));
        /* Good from the first digit of the longitude on, but not right after its point. */
        bool wanted = bytes >= 13 && bytes != 16;
        CHECK_INT(query_fault(&query) == NULL, wanted && bytes < sizeof location);
        if (bytes == sizeof location - 1)
            CHECK(is_near(query.centre.longitude_deg, 118.445127));
    }
}

static const struct check_case cases[] = {
    {"location and radius become numbers", reads_a_plain_question},
    {"order does not matter; a key and strangers are ignored", takes_any_order_and_ignores_keys},
    {"each fault has its own sentence", names_every_fault},
    {"a radius above 50,000 m counts as 50,000 m", clamps_the_radius},
    {"rankby is prominence or distance, and distance needs no radius", knows_two_orders},
    {"the first fault is the one reported", keeps_the_first_fault},
    {"every prefix of a location is good or a fault", stands_every_prefix},
};
CHECK_MAIN(cases)
