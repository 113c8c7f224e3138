#include "placesd/landmarks/data/splitter.h"

#include "tests/check.h"

#define RS "\x1e"

/* Takes all records that are complete. */
static void take(struct splitter *splitter, struct buffer *out)
{
    struct span record;
    for (enum splitter_kind kind; (kind = splitter_next(splitter, &record)) != SPLITTER_NONE;) {
        while (record.len > 0 && strchr(" \n\r\t", record.data[record.len - 1]) != NULL)
            record.len--;
        buffer_append(out, kind == SPLITTER_RECORD ? record : span_of("#"));
        buffer_append(out, span_of("|"));
    }
}

/* All that comes out of a stream fed in pieces of `piece` bytes: each record with '|' in place of
 * the white space after it, "#|" for one that is too long, "CUT" at the end. */
static struct buffer split(const char *bytes, size_t count, size_t piece)
{
    struct splitter splitter = {0};
    struct buffer out = {0};
    for (size_t at = 0; at < count; at += piece) {
        piece = piece < count - at ? piece : count - at;
        splitter_feed(&splitter, (struct span){check_at_page_end(bytes + at, piece), piece});
        take(&splitter, &out);
    }
    splitter_end(&splitter);
    take(&splitter, &out);
    if (splitter_is_cut(&splitter))
        buffer_append(&out, span_of("CUT"));
    splitter_free(&splitter);
    return out;
}

struct example {
    const char *text;
    const char *wanted;
};

static void hold_in_any_pieces(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(examples[i].text);
        for (size_t piece = 1; piece <= bytes + 1; piece++) {
            struct buffer out = split(examples[i].text, bytes, piece);
            CHECK_BYTES(out.data, out.len, examples[i].wanted, strlen(examples[i].wanted));
            if (!span_equals((struct span){out.data, out.len}, span_of(examples[i].wanted)))
                printf("    example %zu in pieces of %zu\n", i, piece);
            buffer_free(&out);
        }
    }
}

#define HOLD(examples) hold_in_any_pieces(examples, sizeof(examples) / sizeof *(examples))

static void splits_sequences(void)
{
    static const struct example examples[] = {
        {"", ""},
        {RS, ""},
        {RS "{\"a\":1}\n" RS "{}\n", "{\"a\":1}|{}|"},
        {RS "{}\n" RS RS "\n" RS "{}\n", "{}|{}|"},
        {" \n" RS "{}" RS "{}", "{}|{}|"},
        /* A broken record costs itself, whatever it is. */
        {RS "{\"a\":\"\n" RS "{}\n", "{\"a\":\"|{}|"},
        {RS "{{{[\n{}\n" RS "x\n" RS "]}\n", "{{{[\n{}|x|]}|"},
        {"warning\n" RS "{}\n", "warning|{}|"},
        {"warning" RS "{}\n", "warning|{}|"},
        /* The end is the end of a record, unless something is open. */
        {RS "{}\n" RS "{\"a\":1", "{}|{\"a\":1|CUT"},
        {RS "{}\n" RS "{\"a}", "{}|{\"a}|CUT"},
        {RS "{}\n" RS "{\"a\n", "{}|{\"a|"},
    };
    HOLD(examples);
}

static void splits_lines(void)
{
    static const struct example examples[] = {
        {"{}", "{}|"},
        {"{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}|"},
        {"{}{}\r\n {}", "{}|{}|{}|"},
        {"{\n \"a\":\n {\n }\n}\n{}", "{\n \"a\":\n {\n }\n}|{}|"},
        {"{\"}]\\\"{\":\"\\\\\"}{}", "{\"}]\\\"{\":\"\\\\\"}|{}|"},
        {"{\"a\":\"\n{}\n", "{\"a\":\"|{}|"},
        {"{\"a\":[\n{}\n", "{\"a\":[|{}|"},
        {"{}}\n{}\n", "{}|}|{}|"},
        {"null\n{}\n[1]\n", "null|{}|[1]|"},
        {"{\"a\":1", "{\"a\":1|CUT"},
        {"{\"a\":1\n", "{\"a\":1|"},
    };
    HOLD(examples);
}

static void splits_collections(void)
{
    static const struct example examples[] = {
        {"{\"type\":\"FeatureCollection\",\"features\":[]}", ""},
        {"{\"features\":[{\"a\":1},{\"b\":[{}]}],\"crs\":{}}", "{\"a\":1}|{\"b\":[{}]}|"},
        {"{\n\"features\" : [\n{ \"a\": 1 },\n{}\n]\n}\n", "{ \"a\": 1 }|{}|"},
        {"{\n  \"crs\": {\n    \"x\": [1]\n  },\n  \"features\": [\n    {\n    }\n  ]\n}",
         "{\n    }|"},
        /* Only the outermost object's member of exactly this name counts. */
        {"{\"x\":{\"features\":[{}]}}", "{\"x\":{\"features\":[{}]}}|"},
        {"{\"x\":\"features\",\"y\":[{}]}", "{\"x\":\"features\",\"y\":[{}]}|"},
        {"{\"features2\":[{}]}", "{\"features2\":[{}]}|"},
        {"{\"feature\":[{}]}", "{\"feature\":[{}]}|"},
        {"{\"\\\"features\":[{}]}", "{\"\\\"features\":[{}]}|"},
        {"{\"features\":{},\"a\":[{}]}", "{\"features\":{},\"a\":[{}]}|"},
        {"{\"features\":[{\"features\":[{}]}]}", "{\"features\":[{}]}|"},
        /* Strangers in the array. */
        {"{\"features\":[null, 1,{},\"x\"]}", "null|1|{}|\"x\"|"},
        /* Broken records. */
        {"{\"features\":[\n{\"a\":\"},\n{},\n{}}],\n{}\n]}", "{\"a\":\"},|{}|{}|}|{}|"},
        {"{\"features\":[\n{\"a\":{},\n{}\n]}", "{\"a\":{},|{}|"},
        {"{\"features\":[\n{]}],\n{}\n]}", "{]|}|{}|"},
        /* Two of them, and one after the other. */
        {"{\"features\":[{}]}{\"features\":[{}]}{}", "{}|{}|{}|"},
        /* An array that never closes. */
        {"{\"features\":[{},\n", "{}|CUT"},
        {"{\"features\":[{}", "{}|CUT"},
        {"{\"features\":[{\"a\":\n", "{\"a\":|CUT"},
        {"{\"features\":[", "CUT"},
    };
    HOLD(examples);
}

static void drops_what_is_too_long(void)
{
    size_t room = SPLITTER_RECORD_BYTES_MAX + 64;
    char *text = malloc(room);
    for (size_t more = 0; more <= 1; more++) {
        size_t bytes = SPLITTER_RECORD_BYTES_MAX + more;
        memset(text, 'x', bytes);
        text[0] = '{';
        text[1] = '"';
        text[bytes - 2] = '"';
        text[bytes - 1] = '}';
        strcpy(text + bytes, "\n{}");
        struct splitter splitter = {0};
        struct span record;
        size_t half = more == 0 ? bytes / 2 : 7;
        splitter_feed(&splitter, (struct span){text, half});
        CHECK_INT(splitter_next(&splitter, &record), SPLITTER_NONE);
        splitter_feed(&splitter, (struct span){text + half, bytes + 3 - half});
        enum splitter_kind kind = splitter_next(&splitter, &record);
        CHECK_INT(kind, more == 0 ? SPLITTER_RECORD : SPLITTER_TOO_LONG);
        CHECK(kind != SPLITTER_RECORD || record.len == SPLITTER_RECORD_BYTES_MAX);
        CHECK_INT(splitter_next(&splitter, &record), SPLITTER_RECORD);
        CHECK_BYTES(record.data, record.len, "{}", 2);
        splitter_free(&splitter);
    }
    free(text);
}

/* A country in one line, of which only one record is ever held. */
static void holds_one_record_of_many(void)
{
    static const char feature[] = "{\"type\":\"Feature\"},";
    struct splitter splitter = {0};
    struct span record;
    size_t records = 0;
    splitter_feed(&splitter, span_of("{\"features\":["));
    CHECK_INT(splitter_next(&splitter, &record), SPLITTER_NONE);
    for (int i = 0; i < 100000; i++) {
        splitter_feed(&splitter, (struct span){feature, sizeof feature - 1});
        while (splitter_next(&splitter, &record) == SPLITTER_RECORD)
            records++;
    }
    CHECK_INT(records, 100000);
    CHECK(splitter.record.capacity < 4096);
    splitter_free(&splitter);
}

static const struct check_case cases[] = {
    {"text sequences are split at each RS", splits_sequences},
    {"records of their own are split where they end", splits_lines},
    {"the array of a collection is split into its records", splits_collections},
    {"a record may be as long as the limit and no longer", drops_what_is_too_long},
    {"of a hundred thousand records one is held", holds_one_record_of_many},
};
CHECK_MAIN(cases)
