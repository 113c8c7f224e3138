/* Every parameter or its fault. */
#include "placesd/landmarks/data/nearby_search.h"

#include <ctype.h>
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
        {"location=1,2&radius=5&types=museum", "not served"},
        {"location=1,2&radius=5&opennow", "not served"},
        {"location=1,2&radius=5&minprice=0", "not served"},
        {"location=1,2&radius=5&maxprice=4", "not served"},
        {"location=1,2&radius=5&type=Museum", "type must be"},
        {"location=1,2&radius=5&type=art gallery", "type must be"},
        {"pagetoken=x", "pagetoken is not"},
        {"location=1,2&radius=5&pagetoken", "pagetoken is not"},
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

/* ---- what passes ---- */

static const struct place gallery = {
    .name = "Café Müller \xce\x91\xce\xb8\xce\xae\xce\xbd\xce\xb1",
    .types = "art_gallery,cafe",
    .vicinity = "12 \xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0 Road, O'Hara's",
    .rank = 3,
};

static bool passes(const char *text)
{
    char all[512];
    snprintf(all, sizeof all, "location=1,2&radius=5&%s", text);
    struct query query = take(all);
    CHECK(query_fault(&query) == NULL);
    return query_passes(&query.filter, &gallery);
}

static void filters_by_type_and_words(void)
{
    static const struct {
        const char *text;
        bool passes;
    } table[] = {
        {"x=y", true},
        {"type=", true},
        {"keyword=", true},
        {"keyword= \t ", true},
        {"type=cafe", true},
        {"type=art_gallery", true},
        {"type=art", false},
        {"type=museum", false},
        {"type=cafe|museum", true},
        {"type=museum|cafe", false},
        {"type=cafe&type=museum", true},
        {"keyword=caf", true},
        {"keyword=CAF\xc3\x89", true},
        {"keyword=caf\xc3\xa9 m\xc3\x9cLL", true},
        {"keyword=m\xc3\xbcller cafe", true},
        {"keyword=gallery", true},
        {"keyword=allery", false},
        {"keyword=\xc3\xbcller", false},
        {"keyword=hara", true},
        {"keyword='hara", true},
        {"keyword=12 road", true},
        {"keyword=2 road", false},
        {"keyword=\xd0\xbc\xd0\x9e\xd0\xa1\xd0\x9a", true},
        {"keyword=\xce\xb1\xce\xb8", true},
        {"keyword=cafe museum", false},
        {"name=cafe&keyword=road", true},
        {"name=cafe&keyword=street", false},
        {"name=street&keyword=cafe", false},
        {"type=cafe&keyword=road", true},
        {"type=museum&keyword=road", false},
        {"keyword=\xff", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        CHECK_INT(passes(table[i].text), table[i].passes);
        if (passes(table[i].text) != table[i].passes)
            printf("    %s\n", table[i].text);
    }
}

/* A text of that many bytes. */
static const char *repeat(const char *before, char byte, size_t count, char *to)
{
    strcpy(to, before);
    size_t bytes = strlen(to);
    memset(to + bytes, byte, count);
    to[bytes + count] = '\0';
    return to;
}

static void texts_have_limits(void)
{
    char text[1024];
    struct query query =
        take(repeat("location=1,2&radius=5&type=", 'a', QUERY_TYPE_BYTES_MAX, text));
    CHECK(query_fault(&query) == NULL && strlen(query.filter.type) == QUERY_TYPE_BYTES_MAX);
    query = take(repeat("location=1,2&radius=5&type=", 'a', QUERY_TYPE_BYTES_MAX + 1, text));
    CHECK(query_fault(&query) != NULL);
    query = take(repeat("location=1,2&radius=5&keyword=", 'a', QUERY_WORDS_BYTES_MAX, text));
    CHECK(query_fault(&query) == NULL && strlen(query.filter.words) == QUERY_WORDS_BYTES_MAX);
    query = take(repeat("location=1,2&radius=5&keyword=", 'a', QUERY_WORDS_BYTES_MAX + 1, text));
    CHECK(query_fault(&query) != NULL);
    /* A blank stands between the words of the two. */
    query =
        take(repeat("location=1,2&radius=5&name=b&keyword=", 'a', QUERY_WORDS_BYTES_MAX - 2, text));
    CHECK(query_fault(&query) == NULL);
    query =
        take(repeat("location=1,2&radius=5&name=b&keyword=", 'a', QUERY_WORDS_BYTES_MAX - 1, text));
    CHECK(query_fault(&query) != NULL);
}

/* ---- pages ---- */

/* The query that the token of another one stands for. */
static struct query turn_page(const struct query *query, uint32_t offset)
{
    struct buffer token = {0};
    query_write_token(query, offset, &token);
    CHECK(token.len <= QUERY_TOKEN_BYTES_MAX);
    for (size_t i = 0; i < token.len; i++)
        CHECK(isalnum((unsigned char)token.data[i]) || token.data[i] == '-' ||
              token.data[i] == '_');
    struct query page = take("location=nonsense&radius=5");
    query_take(&page, span_of("pagetoken"),
               (struct span){check_at_page_end(token.data, token.len), token.len});
    query_take(&page, span_of("radius"), span_of("7"));
    query_take(&page, span_of("types"), span_of("park"));
    buffer_free(&token);
    return page;
}

static void a_token_is_the_whole_question(void)
{
    static const char *const table[] = {
        "location=34.068930123,-118.445127&radius=10000",
        "location=-90,-180&radius=50000&rankby=distance",
        "location=0.000000001,-0.5&radius=0.000000001&type=museum",
        "location=1,2&rankby=distance&keyword=Caf\xc3\xa9  am\tR\nhein&name=x&type=cafe",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct query query = take(table[i]), page = turn_page(&query, 20);
        CHECK(query_fault(&page) == NULL);
        CHECK_INT(page.offset, 20);
        CHECK(memcmp(&page.centre, &query.centre, sizeof page.centre) == 0);
        CHECK(memcmp(&page.radius_m, &query.radius_m, sizeof page.radius_m) == 0);
        CHECK_INT(page.nearest_first, query.nearest_first);
        CHECK(strcmp(page.filter.type, query.filter.type) == 0);
        CHECK(strcmp(page.filter.words, query.filter.words) == 0);
        struct query last = turn_page(&page, QUERY_OFFSET_MAX);
        CHECK(query_fault(&last) == NULL && last.offset == QUERY_OFFSET_MAX);
    }
    char text[1024];
    struct query longest =
        take(repeat("location=-90,-179.999999999&radius=49999.999999999&name=", '\xc3', 255, text));
    query_take(&longest, span_of("type"), span_of(repeat("", 'a', QUERY_TYPE_BYTES_MAX, text)));
    struct query page = turn_page(&longest, QUERY_OFFSET_MAX);
    CHECK(query_fault(&page) == NULL && strlen(page.filter.words) == 255);
}

/* Whatever byte is another, whatever is missing or too much. */
static void a_token_is_checked(void)
{
    struct query query = take("location=34.068930,-118.445127&radius=10000&keyword=x");
    struct buffer token = {0};
    query_write_token(&query, 20, &token);
    for (size_t i = 0; i < token.len; i++) {
        char was = token.data[i];
        token.data[i] = was == 'A' ? 'B' : 'A';
        struct query page = {0};
        query_take(&page, span_of("pagetoken"), (struct span){token.data, token.len});
        CHECK(query_fault(&page) != NULL);
        token.data[i] = was;
        struct query cut = {0};
        query_take(&cut, span_of("pagetoken"), (struct span){check_at_page_end(token.data, i), i});
        CHECK(query_fault(&cut) != NULL);
    }
    buffer_append(&token, span_of("AAAA"));
    struct query page = {0};
    query_take(&page, span_of("pagetoken"), (struct span){token.data, token.len});
    CHECK(query_fault(&page) != NULL);
    char text[2048];
    page = take(repeat("pagetoken=", 'A', QUERY_TOKEN_BYTES_MAX + 100, text));
    CHECK(query_fault(&page) != NULL);
    buffer_free(&token);
}

static const struct check_case cases[] = {
    {"location and radius become numbers", reads_a_plain_question},
    {"order does not matter; a key and strangers are ignored", takes_any_order_and_ignores_keys},
    {"each fault has its own sentence", names_every_fault},
    {"a radius above 50,000 m counts as 50,000 m", clamps_the_radius},
    {"rankby is prominence or distance, and distance needs no radius", knows_two_orders},
    {"the first fault is the one reported", keeps_the_first_fault},
    {"every prefix of a location is good or a fault", stands_every_prefix},
    {"a type and the beginnings of words say which places pass", filters_by_type_and_words},
    {"types and words have limits", texts_have_limits},
    {"a token is the whole question, and nothing beside it counts", a_token_is_the_whole_question},
    {"a token with any other byte is refused", a_token_is_checked},
};
CHECK_MAIN(cases)
