/* What requests for positions ask: paths, parameters, and a WHATSAT's way to the node and back. */
#include "gateway/web/parse/query.h"

#include "tests/check.h"
#include "tests/unit/input.h"

static bool read_path(const char *path, const char *text, struct query *query)
{
    struct span where = span_of(path);
    size_t bytes = strlen(text);
    return query_read(query_kind_of(where), where,
                      (struct span){check_at_page_end(text, bytes), bytes}, query);
}

static void check_refused(const char *path, const char *const *texts, size_t count)
{
    struct query query;
    for (size_t i = 0; i < count; i++) {
        bool is_taken = read_path(path, texts[i], &query);
        CHECK(!is_taken);
        if (is_taken)
            printf("    taken: %s?%s\n", path, texts[i]);
        CHECK(is_taken || query.why != NULL);
    }
}

static void check_taken(const char *path, const char *const *texts, size_t count)
{
    struct query query;
    for (size_t i = 0; i < count; i++) {
        bool is_taken = read_path(path, texts[i], &query);
        CHECK(is_taken);
        if (!is_taken)
            printf("    refused: %s?%s: %s\n", path, texts[i], query.why);
    }
}

#define EACH(texts) texts, sizeof texts / sizeof *texts

static void paths_are_told_apart(void)
{
    static const struct {
        const char *path;
        enum query_kind kind;
    } rows[] = {
        {"/clients.geojson", QUERY_CLIENTS},
        {"/clients.geojson/", QUERY_CLIENTS},
        {"/clients/a", QUERY_CLIENT},
        {"/clients/a/b/", QUERY_CLIENT},
        {"/clients/", QUERY_NONE},
        {"/clients", QUERY_NONE},
        {"/nearby", QUERY_NEARBY},
        {"/whatsat/", QUERY_WHATSAT},
        {"/events", QUERY_EVENTS},
        {"/metrics", QUERY_METRICS},
        {"/places", QUERY_PLACES},
        {"/herd/", QUERY_HERD},
        {"/event", QUERY_NONE},
        {"/", QUERY_NONE},
        {"", QUERY_NONE},
        {"/Nearby", QUERY_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(query_kind_of(span_of(rows[i].path)), rows[i].kind);
}

static void an_id_is_what_stands_in_the_path(void)
{
    struct query query;
    static char path[16 + QUERY_CLIENT_BYTES_MAX + 1] = "/clients/";
    CHECK(read_path("/clients/a/b%20+%C3%BC/", "", &query) == false); /* a blank */
    CHECK(read_path("/clients/a/b+%C3%BC/", "", &query));
    CHECK_BYTES(query.client, query.client_bytes, "a/b+\xc3\xbc/", 7);
    CHECK(!read_path("/clients/%", "", &query));
    CHECK(!read_path("/clients/%ff", "", &query));
    CHECK(!read_path("/clients/a%0a", "", &query));
    memset(path + 9, 'x', QUERY_CLIENT_BYTES_MAX);
    CHECK(read_path(path, "", &query));
    CHECK_INT(query.client_bytes, QUERY_CLIENT_BYTES_MAX);
    path[9 + QUERY_CLIENT_BYTES_MAX] = 'x';
    CHECK(!read_path(path, "", &query));
}

static void boxes_have_four_sides(void)
{
    static const char *const good[] = {
        "",
        "bbox=-180,-90,180,90",
        "bbox=170,-5,-170,5",
        "bbox=1,2,1,2",
        "other=%zz",
        "bbox=0.5,1e1,7,%2B11",
        "bbox=1%2C2%2c3%2C4.25",
        "limit=1",
        "limit=100000&q=%00",
    };
    static const char *const bad[] = {
        "bbox=",
        "bbox=1,2,3",
        "bbox=1,2,3,4,5",
        "bbox=1,2,3,",
        "bbox=,2,3,4",
        "bbox=181,0,182,1",
        "bbox=0,-91,1,0",
        "bbox=0,5,1,4",
        "bbox=a,b,c,d",
        "bbox=1 ,2,3,4",
        "bbox=nan,2,3,4",
        "bbox=1,2,3,4&bbox=1,2,3,4",
        "limit=0",
        "limit=100001",
        "limit=",
        "limit=-1",
        "limit=1.0",
        "q=a&q=a",
        "q=%",
        "bbox=1,2,3,90.000000001",
    };
    check_taken("/clients.geojson", EACH(good));
    check_refused("/clients.geojson", EACH(bad));
    struct query query;
    char text[QUERY_TEXT_BYTES_MAX + 8] = "q=";
    CHECK(read_path("/clients.geojson", "", &query));
    CHECK_INT(query.limit, QUERY_LIMIT_DEFAULT);
    memset(text + 2, 'x', QUERY_TEXT_BYTES_MAX);
    CHECK(read_path("/clients.geojson", text, &query));
    text[2 + QUERY_TEXT_BYTES_MAX] = 'x';
    CHECK(!read_path("/clients.geojson", text, &query));
}

static bool has(const char *box, int64_t latitude, int64_t longitude)
{
    struct query query;
    CHECK(read_path("/clients.geojson", box, &query));
    return query_has_place(&query, (struct degrees){latitude * NANO, longitude * NANO});
}

static void a_box_may_go_over_the_antimeridian(void)
{
    CHECK(has("", 80, 12));
    CHECK(has("bbox=10,20,30,40", 20, 10) && has("bbox=10,20,30,40", 40, 30));
    CHECK(!has("bbox=10,20,30,40", 41, 20) && !has("bbox=10,20,30,40", 19, 20));
    CHECK(!has("bbox=10,20,30,40", 30, 9) && !has("bbox=10,20,30,40", 30, 31));
    CHECK(has("bbox=170,-5,-170,5", 0, 180) && has("bbox=170,-5,-170,5", 0, -180));
    CHECK(has("bbox=170,-5,-170,5", 0, 170) && has("bbox=170,-5,-170,5", 0, -170));
    CHECK(!has("bbox=170,-5,-170,5", 0, 0) && !has("bbox=170,-5,-170,5", 0, 169));
    CHECK(!has("bbox=170,-5,-170,5", 6, 175));
}

static bool names(const char *text, const char *client)
{
    struct query query;
    CHECK(read_path("/clients.geojson", text, &query));
    return query_has_client(&query, span_of(client));
}

static void a_text_is_looked_for_in_either_case(void)
{
    CHECK(names("q=", "a") && names("q=a", "a") && names("q=BUS", "school-bus-7"));
    CHECK(names("q=bus-7", "school-BUS-7") && !names("q=bus-8", "school-bus-7"));
    CHECK(!names("q=longer", "long") && !names("q=%5B", "{"));
    CHECK(names("q=%C3%BC", "x\xc3\xbc") && !names("q=%C3%9C", "x\xc3\xbc"));
}

static void nearby_wants_a_centre_and_a_radius(void)
{
    static const char *const good[] = {"id=a&radius=0", "id=a&radius=20038&bound=1000",
                                       "lat=90&lon=-180&radius=0.001", "lat=1&lon=2&radius=3"};
    static const char *const bad[] = {
        "",
        "id=a",
        "radius=1",
        "lat=1&radius=1",
        "lon=1&radius=1",
        "id=a&lat=1&lon=2&radius=1",
        "id=&radius=1",
        "lat=91&lon=0&radius=1",
        "lat=1&lon=2&radius=20038.001",
        "lat=1&lon=2&radius=0.0001",
        "lat=1&lon=2&radius=-1",
        "lat=1&lon=2&radius=1.",
        "id=a&radius=1&bound=0",
        "id=a&radius=1&bound=1001",
        "id=a%20b&radius=1",
    };
    struct query query;
    check_taken("/nearby", EACH(good));
    check_refused("/nearby", EACH(bad));
    CHECK(read_path("/nearby", "lat=1.5&lon=-2&radius=2.5", &query));
    CHECK_INT(query.centre.latitude_nano, NANO + NANO / 2);
    CHECK_INT(query.centre.longitude_nano, -2 * NANO);
    CHECK_INT(query.radius_mm, 2500000);
    CHECK_INT(query.limit, QUERY_NEARBY_BOUND_DEFAULT);
    CHECK_INT(query.client_bytes, 0);
}

static void places_want_a_point_and_a_radius(void)
{
    static const char *const good[] = {"lat=90&lon=-180&radius=0.001", "lat=-90&lon=180&radius=50",
                                       "lat=1&lon=2&radius=3&id=a"};
    static const char *const bad[] = {
        "",
        "lat=1&lon=2",
        "lat=1&radius=1",
        "id=a&radius=1",
        "lat=1&lon=2&radius=0",
        "lat=1&lon=2&radius=0.0001",
        "lat=1&lon=2&radius=50.001",
        "lat=1&lon=2&radius=-1",
        "lat=90.1&lon=2&radius=1",
        "lat=1&lon=180.000000001&radius=1",
        "lat=1&lat=1&lon=2&radius=1",
    };
    struct query query;
    check_taken("/places", EACH(good));
    check_refused("/places", EACH(bad));
    CHECK(read_path("/places", "lat=-1.5&lon=2&radius=2.5", &query));
    CHECK_INT(query.centre.latitude_nano, -NANO - NANO / 2);
    CHECK_INT(query.centre.longitude_nano, 2 * NANO);
    CHECK_INT(query.radius_mm, 2500000);
}

static void whatsat_is_asked_and_read(void)
{
    static const char *const bad[] = {"id=a",
                                      "radius=1",
                                      "id=a&radius=51",
                                      "id=a&radius=1.5",
                                      "id=a&radius=1&bound=21",
                                      "id=a%0aIAMAT&radius=1"};
    static const struct {
        const char *said;
        enum query_answer answer;
        const char *json;
    } rows[] = {
        {"AT Alford +0.1 a +1+2 3\n{\"results\": []}\n\n", QUERY_FOUND, "{\"results\": []}\n\n"},
        {"? WHATSAT a 10 5\n", QUERY_UNKNOWN, NULL},
        {"? too many connections\n", QUERY_BUSY, NULL},
        {"", QUERY_NOTHING, NULL},
        {"AT", QUERY_NOTHING, NULL},
        {"AT Alford +0.1 a +1+2 3\n", QUERY_NOTHING, NULL},
        {"AT Alford +0.1 a +1+2 3\nHTTP", QUERY_NOTHING, NULL},
    };
    struct query query;
    struct buffer line = {0};
    struct span json;
    check_refused("/whatsat", EACH(bad));
    CHECK(read_path("/whatsat", "id=a&radius=10&bound=5", &query));
    query_write_whatsat(&query, &line);
    CHECK_BYTES(line.data, line.len, "WHATSAT a 10 5\n", 15);
    buffer_free(&line);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes = strlen(rows[i].said);
        struct span said = {check_at_page_end(rows[i].said, bytes), bytes};
        CHECK_INT(query_read_whatsat(said, &json), rows[i].answer);
        if (rows[i].json != NULL)
            CHECK_BYTES(json.data, json.len, rows[i].json, strlen(rows[i].json));
    }
}

/* It is answered by `reset`, not by a refusal that would end the stream for good. */
static void a_wrong_event_is_no_reason_to_refuse(void)
{
    struct query query;
    char text[QUERY_AFTER_BYTES_MAX + 16] = "after=";
    CHECK(read_path("/events", "", &query));
    CHECK_INT(query.after_bytes, 0);
    CHECK(read_path("/events", "after=5f-1", &query));
    CHECK_BYTES(query.after, query.after_bytes, "5f-1", 4);
    CHECK(read_path("/events", "after=%", &query));
    CHECK_INT(query.after_bytes, 1);
    memset(text + 6, '1', QUERY_AFTER_BYTES_MAX + 1);
    CHECK(read_path("/events", text, &query));
    CHECK_INT(query.after_bytes, 1);
}

static const struct check_case cases[] = {
    {"paths are told apart", paths_are_told_apart},
    {"an id is what stands in the path", an_id_is_what_stands_in_the_path},
    {"boxes have four sides", boxes_have_four_sides},
    {"a box may go over the antimeridian", a_box_may_go_over_the_antimeridian},
    {"a text is looked for in either case", a_text_is_looked_for_in_either_case},
    {"nearby wants a centre and a radius", nearby_wants_a_centre_and_a_radius},
    {"places want a point and a radius", places_want_a_point_and_a_radius},
    {"whatsat is asked and read", whatsat_is_asked_and_read},
    {"a wrong event is no reason to refuse", a_wrong_event_is_no_reason_to_refuse},
};

CHECK_MAIN(cases)
