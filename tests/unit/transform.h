/* transform: checks of what a provider makes of an upstream's answer, shared by the tests of the
 * providers that answer in a shape of their own. */
#ifndef ZHERD_TESTS_UNIT_TRANSFORM_H
#define ZHERD_TESTS_UNIT_TRANSFORM_H

#include <jansson.h>

#include "placesd/providers/provider.h"
#include "tests/check.h"

#define TRANSFORM_KEY "CANARY-7f3a"

/* At Royce Hall; each test asks from here unless it says otherwise. */
static const struct lookup transform_here = {34072800000, -118442000000, 2000, 20, 4500};

/* The answer, with a NUL after it; checked to be Nearby Search JSON without the key. The caller
 * frees it. The body ends where readable memory ends. */
static inline struct buffer transform_text(const struct provider *provider, long http_status,
                                           struct span body, const struct lookup *lookup,
                                           enum lookup_code *code)
{
    struct buffer json = {0};
    struct span walled = {check_at_page_end(body.data, body.len), body.len};
    *code = provider->read_answer(http_status, walled, lookup, span_of(TRANSFORM_KEY), &json);
    CHECK(json.len <= LOOKUP_BODY_BYTES_MAX);
    CHECK(memmem(json.data, json.len, TRANSFORM_KEY, strlen(TRANSFORM_KEY)) == NULL);
    json_error_t error;
    json_t *root = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, &error);
    CHECK(json_is_array(json_object_get(root, "html_attributions")));
    CHECK(json_array_size(json_object_get(root, "results")) <= lookup->bound);
    const char *status = json_string_value(json_object_get(root, "status"));
    CHECK(status != NULL);
    CHECK(status != NULL && (*code == LOOKUP_OK) ==
                                (strcmp(status, "OK") == 0 || strcmp(status, "ZERO_RESULTS") == 0));
    json_decref(root);
    buffer_append(&json, (struct span){"", 1});
    CHECK(memmem(json.data, json.len, "\n\n", 2) == NULL);
    return json;
}

/* The whole answer, byte by byte. */
static inline void transform_expect(const struct provider *provider, const char *body,
                                    const char *wanted)
{
    enum lookup_code code;
    struct buffer json = transform_text(provider, 200, span_of(body), &transform_here, &code);
    CHECK_INT(code, LOOKUP_OK);
    CHECK_BYTES(json.data, json.len - 1, wanted, strlen(wanted));
    buffer_free(&json);
}

/* The code, and a part of what is said; NULL for whatever is said. */
static inline void transform_expect_code(const struct provider *provider, long http_status,
                                         struct span body, enum lookup_code wanted,
                                         const char *part)
{
    enum lookup_code code;
    struct buffer json = transform_text(provider, http_status, body, &transform_here, &code);
    if (code != wanted || (part != NULL && strstr(json.data, part) == NULL)) {
        printf("    %.*s\n    gave %s\n", (int)body.len, body.data, json.data);
        check_failures++;
    }
    buffer_free(&json);
}

/* The names of the results, with a comma after each. */
static inline void transform_expect_names(const struct provider *provider, const char *body,
                                          const struct lookup *lookup, const char *wanted)
{
    enum lookup_code code;
    struct buffer json = transform_text(provider, 200, span_of(body), lookup, &code);
    CHECK_INT(code, LOOKUP_OK);
    json_error_t error;
    json_t *root = json_loads(json.data, 0, &error);
    char got[1024] = "";
    size_t i, used = 0;
    const json_t *result;
    json_array_foreach(json_object_get(root, "results"), i, result) used += (size_t)snprintf(
        got + used, sizeof got - used, "%s,", json_string_value(json_object_get(result, "name")));
    CHECK_BYTES(got, used, wanted, strlen(wanted));
    json_decref(root);
    buffer_free(&json);
}

/* An answer that ends too early, wherever it does, is no answer. */
static inline void transform_expect_whole(const struct provider *provider, const char *body)
{
    for (size_t bytes = 0; bytes < strlen(body); bytes++)
        transform_expect_code(provider, 200, (struct span){body, bytes}, LOOKUP_BAD_REPLY, NULL);
}

/* The good answer with one member more: an array so deep that the answer has a hundred levels, and
 * one of one more. */
static inline void transform_expect_flat(const struct provider *provider, const char *good)
{
    for (int arrays = 99; arrays <= 100; arrays++) {
        struct buffer body = {0};
        buffer_append(&body, (struct span){good, strlen(good) - 1});
        buffer_append(&body, span_of(",\"deep\":"));
        for (int i = 0; i < 2 * arrays; i++)
            buffer_append(&body, span_of(i < arrays ? "[" : "]"));
        buffer_append(&body, span_of("}"));
        transform_expect_code(provider, 200, (struct span){body.data, body.len},
                              arrays == 99 ? LOOKUP_OK : LOOKUP_BAD_REPLY, NULL);
        buffer_free(&body);
    }
}

/* What no provider may pass on, whatever its shape: none of it is JSON, or none an object. */
static inline void transform_expect_json(const struct provider *provider)
{
    static const char *const bodies[] = {
        "", " ", "null", "[]", "1", "\"text\"", "<html></html>", "{\"a\":1}{", "{\"a\":1,\"a\":1}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        transform_expect_code(provider, 200, span_of(bodies[i]), LOOKUP_BAD_REPLY, NULL);
}

/* A body of exactly as many bytes as may be, and one of one more: `body` and blanks after it. */
static inline void transform_expect_limit(const struct provider *provider, const char *body)
{
    size_t bytes = LOOKUP_BODY_BYTES_MAX + 1;
    char *text = malloc(bytes);
    memset(text, ' ', bytes);
    memcpy(text, body, strlen(body));
    transform_expect_code(provider, 200, (struct span){text, bytes - 1}, LOOKUP_OK, NULL);
    transform_expect_code(provider, 200, (struct span){text, bytes}, LOOKUP_BAD_REPLY, "too long");
    free(text);
}

/* None of the bodies is what this provider answers with, nor is any that is too short or too long
 * of what `good` is. */
static inline void transform_expect_nonsense(const struct provider *provider,
                                             const char *const *bodies, size_t count,
                                             const char *good)
{
    transform_expect_json(provider);
    transform_expect_flat(provider, good);
    for (size_t i = 0; i < count; i++)
        transform_expect_code(provider, 200, span_of(bodies[i]), LOOKUP_BAD_REPLY, NULL);
    transform_expect_whole(provider, good);
    transform_expect_limit(provider, good);
}

/* Every status but 200 is a failure, whatever the body, and the answer says which. */
static inline void transform_expect_statuses(const struct provider *provider, const char *good)
{
    static const struct {
        long http_status;
        enum lookup_code code;
        const char *status;
    } answers[] = {
        {0, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR"},     {204, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR"},
        {302, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR"}, {400, LOOKUP_INVALID, "INVALID_REQUEST"},
        {403, LOOKUP_REFUSED, "REQUEST_DENIED"},    {408, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR"},
        {429, LOOKUP_REFUSED, "OVER_QUERY_LIMIT"},  {500, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR"},
        {504, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR"}, {999, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const char *bodies[] = {good, "", "\xff" TRANSFORM_KEY};
        for (size_t j = 0; j < sizeof bodies / sizeof *bodies; j++) {
            transform_expect_code(provider, answers[i].http_status, span_of(bodies[j]),
                                  answers[i].code, "HTTP ");
            transform_expect_code(provider, answers[i].http_status, span_of(bodies[j]),
                                  answers[i].code, answers[i].status);
        }
    }
}

/* The request's URL, headers (each with a '\n' after it) and body, as one text. */
static inline void transform_expect_request(const struct provider *provider,
                                            const struct lookup *lookup, const char *wanted)
{
    struct buffer text = {0};
    provider->write_url(span_of("https://a.org/x"), span_of(TRANSFORM_KEY), lookup, &text);
    buffer_append(&text, span_of("\n"));
    struct buffer headers = {0};
    if (provider->write_headers != NULL)
        provider->write_headers(span_of(TRANSFORM_KEY), &headers);
    for (size_t i = 0; i < headers.len; i++)
        buffer_append(&text, (struct span){headers.data[i] == '\0' ? "\n" : &headers.data[i], 1});
    buffer_free(&headers);
    if (provider->write_body != NULL)
        provider->write_body(lookup, &text);
    CHECK_BYTES(text.data, text.len, wanted, strlen(wanted));
    buffer_free(&text);
}

#endif
