/* What an app sends becomes the IAMATs that it means, or is refused with a sentence; and the answer
 * is one that keeps the app alive. */
#include "gateway/web/parse/upload.h"

#include <jansson.h>

#include "gateway/text/command.h"
#include "gateway/web/parse/admit.h"
#include "tests/check.h"
#include "tests/unit/access_rules.h"
#include "tests/unit/input.h"

static struct span at_page_end(struct span text)
{
    return (struct span){check_at_page_end(text.data, text.len), text.len};
}

/* Every line is an IAMAT to a node, but for a time that no node can count. */
static void check_lines(const struct upload *upload)
{
    struct span rest = {upload->lines.data, upload->lines.len};
    size_t count = 0;
    for (; rest.len > 0; count++) {
        size_t bytes = (size_t)((const char *)memchr(rest.data, '\n', rest.len) - rest.data);
        struct command command;
        command_parse((struct span){rest.data, bytes}, 0, &command);
        CHECK(command.kind == COMMAND_IAMAT || strstr(command.why, "the time is not") != NULL);
        rest = (struct span){rest.data + bytes + 1, rest.len - bytes - 1};
    }
    CHECK_INT(count, upload->accepted);
}

/* Reads a request, and holds what holds for any. */
static bool read_request(struct upload_request request, struct upload *upload)
{
    request.body = at_page_end(request.body);
    request.query = at_page_end(request.query);
    bool is_taken = upload_read(&request, upload);
    CHECK_INT(is_taken, upload->why[0] == '\0');
    CHECK(is_taken || (upload->lines.len == 0 && upload->accepted == 0));
    check_lines(upload);
    return is_taken;
}

/* ---- what apps send ---- */

static struct span text_of(const json_t *row, const char *name)
{
    const json_t *text = json_object_get(row, name);
    return text == NULL ? (struct span){0}
                        : (struct span){json_string_value(text), json_string_length(text)};
}

static struct upload_request request_of(const json_t *row)
{
    struct span target = text_of(row, "target");
    const char *mark = memchr(target.data, '?', target.len);
    size_t path = mark == NULL ? target.len : (size_t)(mark - target.data);
    size_t query = mark == NULL ? target.len : path + 1;
    const json_t *headers = json_object_get(row, "headers");
    return (struct upload_request){
        .kind = upload_kind_of((struct span){target.data, path}),
        .query = {target.data + query, target.len - query},
        .body = text_of(row, "body"),
        .limit_user = text_of(headers, "X-Limit-U"),
        .limit_device = text_of(headers, "X-Limit-D"),
    };
}

/* The IAMATs and the answer that the row wants. */
static void check_result(const json_t *row, enum upload_kind kind, const struct upload *upload)
{
    struct buffer wanted = {0}, answer = {0};
    size_t i;
    json_t *iamat;
    json_array_foreach(json_object_get(row, "iamats"), i, iamat)
    {
        buffer_append(&wanted, span_of("IAMAT "));
        buffer_append(&wanted, span_of(json_string_value(iamat)));
        buffer_append(&wanted, span_of("\n"));
    }
    CHECK_BYTES(upload->lines.data, upload->lines.len, wanted.data, wanted.len);
    upload_answer(kind, upload, &answer);
    struct span said = text_of(row, "answer");
    if (json_integer_value(json_object_get(row, "status")) == 200)
        CHECK_BYTES(answer.data, answer.len, said.data, said.len);
    buffer_free(&wanted);
    buffer_free(&answer);
}

/* By the header of the row and rules in which some have tokens. */
static void check_row_with_rules(const json_t *row, const struct access *rules,
                                 struct upload *upload)
{
    static const struct network_address from;
    struct upload_request request = request_of(row);
    struct span header = text_of(json_object_get(row, "headers"), "Authorization");
    const struct access_person *person;
    long long status = json_integer_value(json_object_get(row, "status"));
    upload->lines.len = 0;
    if (!admit_find(rules, at_page_end(header), &from, 0, &person)) {
        CHECK_INT(status, 401);
        return;
    }
    CHECK_INT(admit_upload(person, &request, upload), status);
    check_result(row, request.kind, upload);
}

static void check_row(const json_t *row, struct upload *upload)
{
    struct upload_request request = request_of(row);
    long long status = json_integer_value(json_object_get(row, "status"));
    CHECK_INT(request.kind == UPLOAD_NONE, status == 404);
    if (request.kind == UPLOAD_NONE)
        return;
    CHECK(strstr(upload_methods(request.kind), text_of(row, "method").data) != NULL);
    CHECK_INT(read_request(request, upload) ? 200 : 400, status);
    check_result(row, request.kind, upload);
    /* Every part of a body is read, too. */
    for (size_t bytes = request.body.len; bytes-- > 0;) {
        struct upload_request part = request;
        part.body.len = bytes;
        part.query.len = bytes < part.query.len ? bytes : part.query.len;
        if (read_request(part, upload) && bytes > 0 && request.body.data[0] == '{')
            CHECK(false);
    }
    for (size_t bytes = request.query.len; bytes-- > 0;) {
        struct upload_request part = request;
        part.query.len = bytes;
        read_request(part, upload);
    }
}

/* Persons whose tokens are the numbers 1, 2 and so on in 32 bytes, the first of them first. */
static struct access rules_of_phones(void)
{
    static const char *const persons[] = {"ada", "bo", "finch", "otter", "kiwi"};
    char text[2048];
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof persons / sizeof *persons; i++) {
        uint8_t number[ACCESS_TOKEN_BYTES] = {(uint8_t)(i + 1)};
        char token[ACCESS_TOKEN_TEXT_BYTES + 1], entry[ACCESS_ENTRY_TEXT_BYTES];
        access_write_token(number, token, entry);
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes,
                                  "person\n    name = %s\n    token = %s\n    be = %s\n",
                                  persons[i], entry, persons[i]);
        /* A finch has one name. */
        if (strcmp(persons[i], "finch") != 0)
            bytes +=
                (size_t)snprintf(text + bytes, sizeof text - bytes, "    be = %s/*\n", persons[i]);
    }
    return rules_of(text);
}

static void phones_are_understood(void)
{
    struct upload upload = {0};
    FILE *file = fopen("unit/phones.jsonl", "r");
    char *line = NULL;
    size_t room = 0, rows = 0;
    struct access rules = rules_of_phones();
    CHECK(file != NULL);
    while (file != NULL && getline(&line, &room, file) > 0) {
        json_t *row = json_loads(line, 0, NULL);
        int before = check_failures;
        CHECK(row != NULL);
        if (json_is_true(json_object_get(row, "rules")))
            check_row_with_rules(row, &rules, &upload);
        else
            check_row(row, &upload);
        if (check_failures > before)
            printf("    %s: %s\n", text_of(row, "app").data, text_of(row, "what").data);
        json_decref(row);
        rows++;
    }
    CHECK_INT(rows, 40);
    access_free(&rules);
    free(line);
    if (file != NULL)
        fclose(file);
    upload_free(&upload);
}

/* ---- one form after the other ---- */

struct example {
    const char *text;   /* a query where it begins with '?', else a body */
    const char *wanted; /* IAMATs without their words, each with ';'; "" for none, '!' and a piece
                         * of the sentence where it is refused */
};

static void check_example(enum upload_kind kind, const struct example *example,
                          struct upload *upload)
{
    struct span text = span_of(example->text);
    struct upload_request request = {.kind = kind};
    if (text.len > 0 && text.data[0] == '?')
        request.query = (struct span){text.data + 1, text.len - 1};
    else
        request.body = text;
    bool is_taken = read_request(request, upload);
    char got[512] = "!";
    size_t bytes = 0;
    for (size_t at = 0; at < upload->lines.len; at++) {
        if (upload->lines.data[at] == 'I' && upload->lines.len - at > 6 &&
            memcmp(upload->lines.data + at, "IAMAT ", 6) == 0)
            at += 6;
        got[bytes++] = upload->lines.data[at] == '\n' ? ';' : upload->lines.data[at];
    }
    got[bytes] = '\0';
    bool is_right =
        is_taken ? strcmp(got, example->wanted) == 0
                 : example->wanted[0] == '!' && strstr(upload->why, example->wanted + 1) != NULL;
    CHECK(is_right);
    if (!is_right)
        printf("    %s: \"%s\" %s\n", example->text, got, upload->why);
}

#define HOLD(kind, examples)                                                                       \
    do {                                                                                           \
        struct upload upload = {0};                                                                \
        for (size_t i = 0; i < sizeof(examples) / sizeof *(examples); i++)                         \
            check_example(kind, &(examples)[i], &upload);                                          \
        upload_free(&upload);                                                                      \
    } while (0)

static void owntracks_is_read(void)
{
    static const struct example examples[] = {
        {"{\"_type\":\"location\",\"topic\":\"owntracks\\/a\\/b\",\"lat\":1,\"lon\":-2.50,\"tst\":"
         "1795946400.50}",
         "a/b +1-2.50 1795946400.50;"},
        {"{\"_type\":\"location\",\"topic\":\"/x/y\",\"lat\":1,\"lon\":2,\"tst\":\"1795946400\"}",
         "x/y +1+2 1795946400;"},
        /* A topic of one level names nobody. */
        {"{\"_type\":\"location\",\"topic\":\"a\",\"tid\":\"xy\",\"lat\":1,\"lon\":2,\"tst\":"
         "1795946400}",
         "xy +1+2 1795946400;"},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":1,\"tst\":1795946400}",
         "xy +1+0.0 1795946400;"},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":null,\"lon\":2,\"tst\":1795946400}",
         "xy +0.0+2 1795946400;"},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"tst\":1795946400}", ""},
        {"{\"_type\":\"location\"}", ""},
        {"{\"_type\":\"lwt\",\"tst\":1795946400}", ""},
        {"{\"_type\":\"card\",\"name\":\"Ada\"}", ""},
        {"{\"_type\":\"of next year\"}", ""},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":1,\"lon\":2,\"tst\":817639200}",
         "xy +1+2 1795946400;"},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":1,\"lon\":2,\"tst\":1262303999.5}",
         "xy +1+2 2240611199.5;"},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":1,\"lon\":2,\"tst\":1262304000}",
         "xy +1+2 1262304000;"},
        {"{\"_type\":\"location\",\"lat\":1,\"lon\":2,\"tst\":1}", "!no id"},
        {"{\"_type\":\"location\",\"tid\":\"x y\",\"lat\":1,\"lon\":2,\"tst\":1}", "!white space"},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":1,\"lon\":2}", "!time is missing"},
        {"{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":91,\"lon\":2,\"tst\":1}", "!globe"},
        {"{\"_type\":\"location\",\"tid\":7,\"lat\":9,\"lon\":2,\"tst\":1}", "!no text"},
        {"{\"lat\":1,\"lon\":2}", "!_type"},
        {"{\"_type\":7}", "!_type"},
        {"{\"_type\":\"location\",\"_type\":\"card\"}", "!there before"},
        {"", "!no object"},
        {"lat=1", "!no object"},
    };
    HOLD(UPLOAD_OWNTRACKS, examples);
}

static void headers_name_who_has_no_topic(void)
{
    struct upload upload = {0};
    struct upload_request request = {
        .kind = UPLOAD_OWNTRACKS,
        .body = SPAN("{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":1,\"lon\":2,\"tst\":1e}"),
    };
    CHECK(!read_request(request, &upload));
    request.body =
        SPAN("{\"_type\":\"location\",\"tid\":\"xy\",\"lat\":1,\"lon\":2,\"tst\":1795946400}");
    request.limit_user = SPAN("ada");
    CHECK(read_request(request, &upload));
    CHECK(memcmp(upload.lines.data, "IAMAT xy ", 9) == 0);
    request.limit_device = SPAN("moto");
    CHECK(read_request(request, &upload));
    CHECK(memcmp(upload.lines.data, "IAMAT ada/moto ", 15) == 0);
    /* With both together as long as an id may be, and one byte longer. */
    static char device[UPLOAD_CLIENT_BYTES_MAX];
    memset(device, 'd', sizeof device);
    request.limit_device = (struct span){device, sizeof device - 4};
    CHECK(read_request(request, &upload));
    CHECK(memcmp(upload.lines.data, "IAMAT ada/d", 11) == 0);
    request.limit_device.len++;
    CHECK(read_request(request, &upload));
    CHECK(memcmp(upload.lines.data, "IAMAT xy ", 9) == 0);
    upload_free(&upload);
}

static void osmand_is_read(void)
{
    static const struct example examples[] = {
        {"?id=a&lat=1&lon=2&timestamp=3", "a +1+2 3;"},
        {"?i%64=a%2Fb&lat=%2B1.50&lon=-2&timestamp=2026-11-29T12:00:00%2B02:00&x=%zz",
         "a/b +1.50-2 1795946400;"},
        {"?deviceid=a&lat=1&lon=2&timestamp=1795946404123.5", "a +1+2 1795946404.1235;"},
        {"id=a&lat=1&lon=2&timestamp=3", "a +1+2 3;"},
        {"{\"id\":\"a\",\"lat\":1,\"lon\":2,\"timestamp\":3}", "a +1+2 3;"},
        {" [ {\"id\":\"a\",\"lat\":1,\"lon\":2,\"timestamp\":3} , "
         "{\"device_id\":\"b\",\"lat\":\"-1E1\",\"lon\":2,\"timestamp\":4} ] ",
         "a +1+2 3;b -10+2 4;"},
        {"[]", ""},
        {"?id=a&timestamp=3", ""},
        {"{\"location\":{\"timestamp\":3},\"device_id\":\"a\"}", ""},
        {"{\"location\":{\"timestamp\":3,\"coords\":null},\"device_id\":\"a\"}", ""},
        {"?id=a", "!latitude is missing"},
        {"?timestamp=3", "!no id"},
        {"?", "!no id"},
        {"?id=&lat=1&lon=2&timestamp=3", "!no id"},
        {"?id=a&lat=1&timestamp=3", "!longitude is missing"},
        {"?id=a&lat=&lon=2&timestamp=3", "!latitude is no decimal number"},
        {"?id=a&lat=1&lon=2&timestamp=", "!time is neither"},
        {"?id=a&lat=+1&lon=2&timestamp=3", "!latitude is no decimal number"},
        {"?id=a&lat=1&lat=1&lon=2&timestamp=3", "!given twice"},
        {"?id=a&deviceid=a&lat=1&lon=2&timestamp=3", "!id is given twice"},
        {"?id=a%2&lat=1&lon=2&timestamp=3", "!percent"},
        {"?id=a+b&lat=1&lon=2&timestamp=3", "!white space"},
        {"?id=a%ff&lat=1&lon=2&timestamp=3", "!byte ff"},
        {"?id=a%00&lat=1&lon=181&timestamp=3", "!globe"},
        {"[{\"id\":\"a\",\"lat\":1,\"lon\":2,\"timestamp\":3},{\"id\":\"a\",\"lat\":1}]",
         "!longitude is missing"},
        {"[7]", "!no object"},
        {"[{}", "!no comma"},
        {"{\"location\":[],\"device_id\":\"a\"}", "!no object"},
        {"{\"id\":\"a\",\"device_id\":\"a\",\"lat\":1,\"lon\":2,\"timestamp\":3}", "!id is given"},
    };
    HOLD(UPLOAD_OSMAND, examples);
}

#define FEATURE(coordinates, properties)                                                           \
    "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":" coordinates          \
    "},\"properties\":{" properties "}}"
#define NAMED "\"device_id\":\"o\",\"timestamp\":\"1970-01-01T00:00:07.50Z\""

static void overland_is_read(void)
{
    static const struct example examples[] = {
        {"{\"locations\":[]}", ""},
        {"{\"locations\":[" FEATURE("[1,2,3]", NAMED) "]}", "o +2+1 7.50;"},
        {"{\"locations\":[],\"current\":" FEATURE("[1,2]", NAMED) "}", "o +2+1 7.50;"},
        {"{\"locations\":[],\"current\":null}", ""},
        {"{\"locations\":[" FEATURE("[0,-0.0]", NAMED) "," FEATURE("[0E0,1]", NAMED) "]}",
         "o +1+0 7.50;"},
        {"{\"locations\":[" FEATURE("[1,2]", NAMED ",\"action\":\"visit\"") "]}", ""},
        {"{\"locations\":[" FEATURE("[1,2]", NAMED ",\"type\":\"trip\"") "]}", ""},
        {"{\"locations\":[" FEATURE("[1,2]", NAMED ",\"action\":null") "]}", "o +2+1 7.50;"},
        {"{\"locations\":[{\"geometry\":null,\"properties\":{" NAMED "}}]}", ""},
        {"{\"locations\":[{\"geometry\":{\"type\":\"Polygon\"}}]}", ""},
        {"{\"locations\":[{}]}", ""},
        {"{\"locations\":[" FEATURE("[1,2]", "\"device_id\":\"o\"") "]}", "!time is missing"},
        {"{\"locations\":[" FEATURE("[1,2]", "\"timestamp\":7") "]}", "!no id"},
        {"{\"locations\":[" FEATURE("[1]", NAMED) "]}", "!latitude is missing"},
        {"{\"locations\":[" FEATURE("[\"x\",1]", NAMED) "]}", "!longitude is no"},
        {"{\"locations\":[" FEATURE("1", NAMED) "]}", "!no array"},
        {"{\"locations\":[" FEATURE("[1,2]", NAMED) ",7]}", "!no object"},
        {"{\"current\":" FEATURE("[1,2]", NAMED) "}", "!locations"},
        {"[]", "!no object"},
    };
    HOLD(UPLOAD_OVERLAND, examples);
}

static void iamat_is_read(void)
{
    static const struct example examples[] = {
        {"{\"id\":\"a\",\"lat\":1.50,\"lon\":\"-2\",\"time\":\"0012.50\"}", "a +1.50-2 0012.50;"},
        {"{\"id\":\"a\",\"lat\":\"+1\",\"lon\":-0.0,\"time\":123456789012345}",
         "a +1-0.0 123456789012345;"},
        {"[{\"id\":\"\\u00e9\\ud83d\\ude00\",\"lat\":1,\"lon\":2,\"time\":3,\"more\":[{}]}]",
         "\xc3\xa9\xf0\x9f\x98\x80 +1+2 3;"},
        {"[]", ""},
        {"{\"id\":\"a\",\"lat\":1,\"lon\":2}", "!time is missing"},
        {"{\"id\":\"a\",\"lat\":1,\"time\":2}", "!longitude is missing"},
        {"{\"lat\":1,\"lon\":2,\"time\":3}", "!no id"},
        {"{\"id\":null,\"lat\":1,\"lon\":2,\"time\":3}", "!no id"},
        {"{\"id\":\"\\t\",\"lat\":1,\"lon\":2,\"time\":3}", "!white space"},
        {"{\"id\":\"a\",\"id\":\"b\",\"lat\":1,\"lon\":2,\"time\":3}", "!there before"},
        {"{\"id\":\"a\",\"lat\":1,\"lon\":2,\"time\":-3}", "!seconds since 1970"},
        {"{\"id\":\"a\",\"lat\":1,\"lon\":2,\"time\":3e9}", "!seconds since 1970"},
        {"{\"id\":\"a\",\"lat\":1,\"lon\":2,\"time\":\"2026-11-29T10:00:00Z\"}", "!seconds"},
        {"{\"id\":\"a\",\"lat\":true,\"lon\":2,\"time\":3}", "!latitude is no"},
        {"", "!no object"},
        {"id=a", "!no object"},
    };
    HOLD(UPLOAD_IAMAT, examples);
}

static void a_person_is_who_the_token_says(void)
{
    struct upload upload = {0};
    struct upload_request request = {.kind = UPLOAD_OSMAND,
                                     .client = SPAN("ada"),
                                     .query = SPAN("id=b&lat=1&lon=2&timestamp=3")};
    CHECK(read_request(request, &upload));
    CHECK_BYTES(upload.lines.data, upload.lines.len, "IAMAT ada +1+2 3\n", 17);
    request.query = SPAN("lat=1&lon=2&timestamp=3");
    CHECK(read_request(request, &upload) && upload.accepted == 1);
    request.query = SPAN("timestamp=3");
    CHECK(read_request(request, &upload) && upload.skipped == 1);
    upload_free(&upload);
}

/* ---- limits ---- */

static void an_id_has_a_limit(void)
{
    struct upload upload = {0};
    for (size_t past = 0; past < 2; past++) {
        static char query[UPLOAD_CLIENT_BYTES_MAX + 64] = "lat=1&lon=2&timestamp=3&id=";
        size_t at = strlen("lat=1&lon=2&timestamp=3&id="), bytes = UPLOAD_CLIENT_BYTES_MAX + past;
        memset(query + at, 'x', bytes);
        struct upload_request request = {.kind = UPLOAD_OSMAND, .query = {query, at + bytes}};
        CHECK_INT(read_request(request, &upload), past == 0);
        request = (struct upload_request){.kind = UPLOAD_OSMAND,
                                          .query = SPAN("lat=1&lon=2&timestamp=3"),
                                          .client = {query + at, bytes}};
        CHECK_INT(read_request(request, &upload), past == 0);
    }
    upload_free(&upload);
}

/* Positions of hundreds of digits from a few bytes each. */
static void iamats_have_a_limit(void)
{
    static const char element[] = "{\"id\":\"a\",\"lat\":1e-999,\"lon\":1E-999,\"time\":1},";
    size_t each = strlen("IAMAT a +0.+0. 1\n") + 2 * 999;
    size_t most = UPLOAD_LINES_BYTES_MAX / each;
    struct upload upload = {0};
    for (size_t past = 0; past < 2; past++) {
        struct buffer body = {0};
        buffer_append(&body, span_of("["));
        for (size_t i = 0; i < most + past; i++)
            buffer_append(&body, span_of(element));
        body.data[body.len - 1] = ']';
        struct upload_request request = {.kind = UPLOAD_IAMAT, .body = {body.data, body.len}};
        CHECK_INT(upload_read(&request, &upload), past == 0);
        CHECK_INT(upload.accepted, past == 0 ? most : 0);
        buffer_free(&body);
    }
    CHECK(strstr(upload.why, "too many digits") != NULL);
    upload_free(&upload);
}

static void positions_have_a_limit(void)
{
    static const char element[] = "{\"id\":\"a\",\"lat\":1,\"lon\":2,\"time\":3},";
    struct upload upload = {0};
    for (size_t past = 0; past < 2; past++) {
        struct buffer body = {0};
        buffer_append(&body, span_of("["));
        for (size_t i = 0; i < UPLOAD_POSITIONS_MAX + past; i++)
            buffer_append(&body, span_of(element));
        body.data[body.len - 1] = ']';
        struct upload_request request = {.kind = UPLOAD_IAMAT, .body = {body.data, body.len}};
        CHECK_INT(upload_read(&request, &upload), past == 0);
        CHECK_INT(upload.accepted, past == 0 ? UPLOAD_POSITIONS_MAX : 0);
        CHECK_INT(upload.is_too_large, past == 1);
        buffer_free(&body);
    }
    CHECK(strstr(upload.why, "up to 100000 positions") != NULL);
    struct upload_request other = {.kind = UPLOAD_IAMAT, .body = SPAN("[7]")};
    CHECK(!read_request(other, &upload) && !upload.is_too_large);
    upload_free(&upload);
}

static void paths_may_end_in_a_slash(void)
{
    static const struct {
        const char *path;
        enum upload_kind kind;
    } rows[] = {
        {"/owntracks", UPLOAD_OWNTRACKS},
        {"/owntracks/", UPLOAD_OWNTRACKS},
        {"/osmand/", UPLOAD_OSMAND},
        {"/overland", UPLOAD_OVERLAND},
        {"/iamat", UPLOAD_IAMAT},
        {"/iamat//", UPLOAD_NONE},
        {"/", UPLOAD_NONE},
        {"", UPLOAD_NONE},
        {"/IAMAT", UPLOAD_NONE},
        {"/osmand/x", UPLOAD_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(upload_kind_of(span_of(rows[i].path)), rows[i].kind);
}

static void answers_are_those_apps_wait_for(void)
{
    static const char *const good[] = {[UPLOAD_OWNTRACKS] = "[]",
                                       [UPLOAD_OSMAND] = "",
                                       [UPLOAD_OVERLAND] = "{\"result\":\"ok\"}",
                                       [UPLOAD_IAMAT] = "{\"accepted\":12}\n"};
    struct upload upload = {.accepted = 12};
    struct buffer out = {0};
    for (enum upload_kind kind = UPLOAD_OWNTRACKS; kind <= UPLOAD_IAMAT; kind++) {
        out.len = 0;
        upload_answer(kind, &upload, &out);
        CHECK_BYTES(out.data, out.len, good[kind], strlen(good[kind]));
    }
    out.len = 0;
    CHECK(!upload_refuse(&upload, "no"));
    upload_answer(UPLOAD_OSMAND, &upload, &out);
    CHECK_BYTES(out.data, out.len, "{\"error\":\"no\"}\n", 15);
    buffer_free(&out);
}

static const struct check_case cases[] = {
    {"each request of a phone becomes what it means, and no part of it does harm",
     phones_are_understood},
    {"OwnTracks: messages, ids from topics, coordinates left out, times from 2001",
     owntracks_is_read},
    {"OwnTracks: headers name a device that no topic names", headers_name_who_has_no_topic},
    {"OsmAnd and Traccar: query, form, object, array", osmand_is_read},
    {"Overland: features that are positions, and those that are not", overland_is_read},
    {"our own form keeps every digit and takes seconds alone", iamat_is_read},
    {"a token's one id is the client's, whatever the request says", a_person_is_who_the_token_says},
    {"an id may be 1,024 bytes long, and no longer", an_id_has_a_limit},
    {"the IAMATs of a request have a limit, and one more refuses all", iamats_have_a_limit},
    {"the positions of a request have a limit, and one more is too large", positions_have_a_limit},
    {"a path may end in one slash", paths_may_end_in_a_slash},
    {"each app gets the answer that it waits for", answers_are_those_apps_wait_for},
};
CHECK_MAIN(cases)
