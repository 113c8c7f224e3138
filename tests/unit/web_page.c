/* Pages of positions: what they are made of, that they may take any number of turns, and whom they
 * show. */
#include "gateway/web/show/page.h"

#include "bus/base/json_scan.h"
#include "tests/unit/show_rig.h"

static const struct sight everybody;

static struct query ask(const char *path, const char *text)
{
    struct query query;
    CHECK(query_read(query_kind_of(span_of(path)), span_of(path), span_of(text), &query));
    return query;
}

/* The whole page, taken `room` bytes at a time with so many looks for each; its memory stays. */
static const char *show(struct show_rig *rig, const struct query *query, const struct sight *sight,
                        int64_t looks_each, size_t room)
{
    static struct buffer out;
    struct page page;
    size_t count, at;
    out.len = 0;
    if (!page_begin(&page, query, sight, rig->flood, show_now_ns(rig), "run-1"))
        return NULL;
    do {
        int64_t looks = looks_each;
        count = page_read(&page, rig->flood, show_now_ns(rig), &looks, buffer_reserve(&out, room),
                          room);
        out.len += count;
    } while (count > 0);
    page_end(&page);
    buffer_append(&out, (struct span){"", 1});
    CHECK(json_scan_object((struct span){out.data, out.len - 1}, NULL, 0, &at) == NULL);
    return out.data;
}

static const char *show_all(struct show_rig *rig, const char *path, const char *text)
{
    struct query query = ask(path, text);
    return show(rig, &query, &everybody, INT64_MAX, 4096);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static void a_client_is_a_feature(void)
{
    struct show_rig rig = show_open(0);
    struct location location = {.client = span_of("kiwi"),
                                .position = span_of("+34.068930-118.445127000"),
                                .stamp = span_of("1621464827.959498503"),
                                .order_ns = INT64_C(1621464827959498503)};
    flood_local(rig.flood, &location);
    const char *got = show_all(&rig, "/clients/kiwi", "");
    const char *wanted = "{\"type\":\"Feature\",\"id\":\"kiwi\",\"geometry\":{\"type\":\"Point\","
                         "\"coordinates\":[-118.445127,34.06893]},\"properties\":{\"id\":\"kiwi\","
                         "\"origin\":\"Alford\",\"stamp\":1621464827.959498503,"
                         "\"age\":161399172.04}}\n";
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
    CHECK(show_all(&rig, "/clients/plum", "") == NULL);
    show_forget(&rig, "kiwi");
    CHECK(show_all(&rig, "/clients/kiwi", "") == NULL);
    flood_destroy(&rig.flood);
}

static void any_id_is_json(void)
{
    static const struct {
        const char *client, *shown;
    } rows[] = {
        {"a\"\\/<b>", "\"a\\\"\\\\/<b>\""},
        {"\x01\x1b\x7f", "\"\\u0001\\u001b\\u007f\""},
        {"x\xff\xc3", "\"x\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x91", "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x91\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc2\x85\xc2\xa0", "\"\\u0085\xc2\xa0\""},
    };
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes = strlen(rows[i].client);
        out.len = 0;
        geojson_put_text(&out, (struct span){check_at_page_end(rows[i].client, bytes), bytes});
        CHECK_BYTES(out.data, out.len, rows[i].shown, strlen(rows[i].shown));
    }
    buffer_free(&out);
}

static void numbers_are_exact(void)
{
    static const struct {
        struct degrees place;
        const char *shown;
    } rows[] = {
        {{0, 0}, "0,0"},
        {{-1, 1}, "0.000000001,-0.000000001"},
        {{90 * NANO, -180 * NANO}, "-180,90"},
        {{INT64_C(12500000000), INT64_C(-100000010)}, "-0.10000001,12.5"},
    };
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        out.len = 0;
        geojson_put_place(&out, rows[i].place);
        CHECK_BYTES(out.data, out.len, rows[i].shown, strlen(rows[i].shown));
    }
    buffer_free(&out);
}

/* A stamp that is ahead, one that cannot be counted, and a place that is on no globe: a peer may
 * send these. */
static void what_a_peer_may_send_is_shown_or_left_out(void)
{
    struct show_rig rig = show_open(0);
    struct location location = {.client = span_of("odd"),
                                .position = span_of("+1+2"),
                                .stamp = span_of("soon"),
                                .origin = span_of("Old"),
                                .order_ns = TRUE_NS};
    CHECK(!table_is_refusal(flood_import(rig.flood, &location)));
    location.client = span_of("nowhere");
    location.position = span_of("+91+0");
    CHECK(!table_is_refusal(flood_import(rig.flood, &location)));
    location.client = span_of("ahead");
    location.position = span_of("+1+2");
    location.stamp = span_of("1782864007.5");
    CHECK(!table_is_refusal(flood_import(rig.flood, &location)));
    const char *got = show_all(&rig, "/clients.geojson", "");
    CHECK(strstr(got, "\"stamp\":null,\"age\":null") != NULL);
    CHECK(strstr(got, "\"stamp\":1782864007.5,\"age\":-7.5") != NULL);
    CHECK(strstr(got, "nowhere") == NULL);
    CHECK(show_all(&rig, "/clients/nowhere", "") == NULL);
    got = show_all(&rig, "/nearby", "id=nowhere&radius=20000");
    CHECK(strcmp(got, "{\"type\":\"FeatureCollection\",\"centre\":null,\"features\":[]}\n") == 0);
    flood_destroy(&rig.flood);
}

static struct show_rig open_many(unsigned count)
{
    struct show_rig rig = show_open(0);
    for (unsigned i = 0; i < count; i++) {
        char client[32], position[64];
        snprintf(client, sizeof client, "%s-%u", i % 2 == 0 ? "bus" : "tram", i);
        snprintf(position, sizeof position, "+10.%04u+20.0", i);
        CHECK_INT(show_report(&rig, client, position), FLOOD_STORED);
    }
    return rig;
}

static void a_page_may_take_any_number_of_turns(void)
{
    struct show_rig rig = open_many(500);
    struct query query = ask("/clients.geojson", "q=TRAM-&limit=1000");
    size_t rooms[] = {1, 7, 1000, 100000};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        for (int64_t looks = 1; looks < 2000; looks = looks * 7 + 1) {
            const char *got = show(&rig, &query, &everybody, looks, rooms[i]);
            CHECK_INT(count_of(got, "\"tram-"), 2 * 250);
            CHECK_INT(count_of(got, "\"bus-"), 0);
            CHECK(strstr(got, "\"events\":\"run-1\"") != NULL);
            CHECK(strstr(got, "\"truncated\":false}\n") != NULL);
        }
    /* Nothing is lost to a turn in which others took all looks. */
    struct page page;
    int64_t none = 0;
    char to[16];
    CHECK(page_begin(&page, &query, &everybody, rig.flood, 0, ""));
    while (page.ready.len > 0)
        page_read(&page, rig.flood, 0, &none, to, sizeof to);
    CHECK_INT(page_read(&page, rig.flood, 0, &none, to, sizeof to), 1);
    CHECK_INT(to[0], '\n');
    page_end(&page);
    flood_destroy(&rig.flood);
}

static void more_than_the_limit_is_said(void)
{
    struct show_rig rig = open_many(10);
    const char *got = show_all(&rig, "/clients.geojson", "limit=10");
    CHECK_INT(count_of(got, "\"Feature\""), 10);
    CHECK(strstr(got, "\"truncated\":false") != NULL);
    got = show_all(&rig, "/clients.geojson", "limit=9");
    CHECK_INT(count_of(got, "\"Feature\""), 9);
    CHECK(strstr(got, "\"truncated\":true") != NULL);
    got = show_all(&rig, "/clients.geojson", "q=nobody");
    CHECK_INT(count_of(got, "\"Feature\""), 0);
    got = show_all(&rig, "/clients.geojson", "bbox=19,10.0002,21,10.0004");
    CHECK_INT(count_of(got, "\"Feature\""), 3);
    flood_destroy(&rig.flood);
}

static void who_is_near_comes_nearest_first(void)
{
    struct show_rig rig = open_many(100);
    const char *got = show_all(&rig, "/nearby", "id=bus-50&radius=0.05&bound=1000");
    /* 11.12 m from one to the next: four on each side. */
    CHECK_INT(count_of(got, "\"Feature\""), 8);
    CHECK_INT(count_of(got, "\"bus-50\""), 0);
    CHECK(strstr(got, "\"metres\":11.1}") < strstr(got, "\"metres\":22.2}"));
    CHECK(strstr(got, "\"metres\":44.5}") != NULL);
    got = show_all(&rig, "/nearby", "lat=10.005&lon=20&radius=1&bound=3");
    CHECK_INT(count_of(got, "\"Feature\""), 3);
    CHECK(strstr(got, "\"centre\":[20,10.005]") != NULL);
    CHECK(strstr(got, "\"metres\":0}") != NULL);
    struct query query = ask("/nearby", "id=bus-50&radius=20000&bound=1000");
    for (int64_t looks = 1; looks < 200; looks *= 3)
        CHECK_INT(count_of(show(&rig, &query, &everybody, looks, 64), "\"Feature\""), 99);
    CHECK(show_all(&rig, "/nearby", "id=nobody&radius=1") == NULL);
    flood_destroy(&rig.flood);
}

static void who_is_near_is_written_in_parts(void)
{
    struct show_rig rig = show_open(0);
    char client[1001];
    memset(client, '\x01', sizeof client);
    client[1000] = '\0';
    for (unsigned i = 0; i < 50; i++) {
        snprintf(client + 990, 11, "%010u", i);
        CHECK_INT(show_report(&rig, client, i == 49 ? "+10.1+20" : "+10+20"), FLOOD_STORED);
    }
    struct query query = ask("/nearby", "lat=10&lon=20&radius=100&bound=50");
    static struct buffer out;
    struct page page;
    int64_t looks = INT64_MAX;
    CHECK(page_begin(&page, &query, &everybody, rig.flood, 0, ""));
    for (size_t count = 1; count > 0;) {
        count = page_read(&page, rig.flood, 0, &looks, buffer_reserve(&out, 1000), 1000);
        out.len += count;
        CHECK(page.ready.len < PAGE_READY_BYTES + 2 * 6 * sizeof client + 300);
        show_forget(&rig, client); /* the last one */
    }
    page_end(&page);
    buffer_append(&out, (struct span){"", 1});
    CHECK_INT(count_of(out.data, "\"Feature\""), 49);
    CHECK(strstr(out.data, "0000000049") == NULL);
    buffer_free(&out);
    flood_destroy(&rig.flood);
}

static bool is_tram(const void *whom, struct span client)
{
    CHECK(whom == &everybody);
    return client.len > 4 && memcmp(client.data, "tram", 4) == 0;
}

static void nobody_is_shown_who_may_not_be_seen(void)
{
    struct show_rig rig = open_many(100);
    const struct sight trams = {.may_see = is_tram, .whom = &everybody};
    static const char *const pages[][2] = {{"/clients.geojson", ""},
                                           {"/clients.geojson", "limit=10"},
                                           {"/nearby", "lat=10.005&lon=20&radius=100&bound=10"},
                                           {"/nearby", "id=tram-51&radius=100&bound=100"}};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct query query = ask(pages[i][0], pages[i][1]);
        const char *got = show(&rig, &query, &trams, INT64_MAX, 4096);
        CHECK(count_of(got, "\"Feature\"") >= 10);
        CHECK_INT(count_of(got, "bus"), 0);
    }
    struct query one = ask("/clients/bus-50", ""), near = ask("/nearby", "id=bus-50&radius=1");
    CHECK(show(&rig, &one, &trams, INT64_MAX, 4096) == NULL);
    CHECK(show(&rig, &near, &trams, INT64_MAX, 4096) == NULL);
    flood_destroy(&rig.flood);
}

static void nobody_is_shown_who_is_over(void)
{
    struct show_rig rig = show_open(0);
    int64_t first_ns = show_now_ns(&rig);
    show_report(&rig, "old", "+1+2");
    show_pass(&rig, 10000);
    show_report(&rig, "new", "+1+2");
    const struct sight sights[] = {{.from_ns = first_ns + 5 * SECOND}, {.from_ns = first_ns}, {0}};
    static const char *const paths[][2] = {
        {"/clients.geojson", ""}, {"/nearby", "lat=1&lon=2&radius=1"}, {"/clients/old", ""}};
    for (size_t i = 0; i < sizeof sights / sizeof *sights; i++)
        for (size_t j = 0; j < sizeof paths / sizeof *paths; j++) {
            struct query query = ask(paths[j][0], paths[j][1]);
            const char *got = show(&rig, &query, &sights[i], INT64_MAX, 4096);
            CHECK_INT(got != NULL && strstr(got, "\"old\"") != NULL, i > 0);
        }
    struct query near = ask("/nearby", "id=old&radius=1");
    CHECK(show(&rig, &near, &sights[0], INT64_MAX, 4096) == NULL);
    flood_destroy(&rig.flood);
}

static void who_is_over_is_reckoned_until_there_is_a_floor(void)
{
    static const struct {
        struct flood_time time;
        int64_t expire_ms, from_ns;
    } rows[] = {
        {{.votes = 1, .forget_ns = 9 * SECOND, .floor_ns = INT64_MIN}, 2000, 7 * SECOND},
        {{.votes = 1, .forget_ns = 9 * SECOND, .floor_ns = 8 * SECOND}, 2000, 0},
        {{.votes = 0, .forget_ns = 9 * SECOND, .floor_ns = INT64_MIN}, 2000, 0},
        {{.votes = 1, .forget_ns = 9 * SECOND, .floor_ns = INT64_MIN}, 0, 0},
        {{.votes = 1, .forget_ns = INT64_MIN, .floor_ns = INT64_MIN}, 2000, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(sight_from_ns(&rows[i].time, rows[i].expire_ms), rows[i].from_ns);
}

static const struct check_case cases[] = {
    {"a client is a Feature", a_client_is_a_feature},
    {"any id is JSON", any_id_is_json},
    {"numbers are exact", numbers_are_exact},
    {"what a peer may send is shown or left out", what_a_peer_may_send_is_shown_or_left_out},
    {"a page may take any number of turns", a_page_may_take_any_number_of_turns},
    {"more than the limit is said", more_than_the_limit_is_said},
    {"who is near comes nearest first", who_is_near_comes_nearest_first},
    {"who is near is written in parts", who_is_near_is_written_in_parts},
    {"nobody is shown who may not be seen", nobody_is_shown_who_may_not_be_seen},
    {"nobody is shown who is over", nobody_is_shown_who_is_over},
    {"who is over is reckoned until there is a floor",
     who_is_over_is_reckoned_until_there_is_a_floor},
};

CHECK_MAIN(cases)
