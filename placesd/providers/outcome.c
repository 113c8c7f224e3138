#include "placesd/providers/outcome.h"

#include <ctype.h>
#include <stdio.h>

#include "placesd/providers/provider.h"
#include "placesd/providers/results.h"

#define MASK "***"
/* "\..." and nothing less says that a text was cut. */
#define CUT "\\..."
/* Three decimals of a degree still locate a house or two, and a provider that repeats a coordinate
 * may round it: that much is masked, with all digits after it. */
#define MASKED_DECIMALS 3

static const struct {
    enum lookup_code code;
    const char *status, *sentence;
} meanings[] = {
    [OUTCOME_DENIED] = {LOOKUP_REFUSED, "REQUEST_DENIED",
                        "The places provider refused the request"},
    /* For a broker it is a refusal, not a worker that is busy: asking at once again makes it
     * worse. */
    [OUTCOME_LIMIT] = {LOOKUP_REFUSED, "OVER_QUERY_LIMIT",
                       "The places provider takes no more requests from us for now"},
    [OUTCOME_INVALID] = {LOOKUP_INVALID, "INVALID_REQUEST",
                         "The places provider took the question for an invalid one"},
    [OUTCOME_DOWN] = {LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR", "The places provider is out of order"},
    [OUTCOME_ELSEWHERE] = {LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR",
                           "The places provider sent us elsewhere, where we do not go"},
    [OUTCOME_STRANGE] = {LOOKUP_BAD_REPLY, "UNKNOWN_ERROR",
                         "The places provider answered strangely"},
};

/* ---- words ---- */

struct word {
    const char *text;
    enum outcome outcome;
};

static const struct word words[] = {
    /* Places API, Nearby Search (legacy) and its sister services, `status`. */
    {"OVER_QUERY_LIMIT", OUTCOME_LIMIT},
    {"OVER_DAILY_LIMIT", OUTCOME_LIMIT},
    {"REQUEST_DENIED", OUTCOME_DENIED},
    {"INVALID_REQUEST", OUTCOME_INVALID},
    {"UNKNOWN_ERROR", OUTCOME_DOWN},
    /* google.rpc.Code (google/rpc/code.proto). */
    {"RESOURCE_EXHAUSTED", OUTCOME_LIMIT},
    {"PERMISSION_DENIED", OUTCOME_DENIED},
    {"UNAUTHENTICATED", OUTCOME_DENIED},
    {"FAILED_PRECONDITION", OUTCOME_DENIED},
    {"NOT_FOUND", OUTCOME_DENIED},
    {"INVALID_ARGUMENT", OUTCOME_INVALID},
    {"OUT_OF_RANGE", OUTCOME_INVALID},
    {"ABORTED", OUTCOME_DOWN},
    {"CANCELLED", OUTCOME_DOWN},
    {"DEADLINE_EXCEEDED", OUTCOME_DOWN},
    {"INTERNAL", OUTCOME_DOWN},
    {"UNAVAILABLE", OUTCOME_DOWN},
    {"UNKNOWN", OUTCOME_DOWN},
    /* google.api.ErrorReason (google/api/error_reason.proto): what an INVALID_ARGUMENT or a
     * PERMISSION_DENIED is really about. */
    {"RATE_LIMIT_EXCEEDED", OUTCOME_LIMIT},
    {"RESOURCE_QUOTA_EXCEEDED", OUTCOME_LIMIT},
    {"API_KEY_INVALID", OUTCOME_DENIED},
    {"SERVICE_DISABLED", OUTCOME_DENIED},
    {"BILLING_DISABLED", OUTCOME_DENIED},
    {"CONSUMER_INVALID", OUTCOME_DENIED},
    {"CONSUMER_SUSPENDED", OUTCOME_DENIED},
    /* Reasons of older services of Google. */
    {"rateLimitExceeded", OUTCOME_LIMIT},
    {"userRateLimitExceeded", OUTCOME_LIMIT},
    {"quotaExceeded", OUTCOME_LIMIT},
    {"dailyLimitExceeded", OUTCOME_LIMIT},
    {"keyInvalid", OUTCOME_DENIED},
};

static const struct word *find_word(const char *text)
{
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].text) == 0)
            return &words[i];
    return NULL;
}

bool outcome_of_word(const char *word, enum outcome *outcome)
{
    const struct word *known = find_word(word);
    if (known != NULL)
        *outcome = known->outcome;
    return known != NULL;
}

static const struct word *find_member(const json_t *object, const char *name)
{
    return find_word(json_string_value(json_object_get(object, name)));
}

/* The first known `reason` of a list of objects. */
static const struct word *find_reason(const json_t *list)
{
    const struct word *known = NULL;
    for (size_t i = 0; known == NULL && i < json_array_size(list); i++)
        known = find_member(json_array_get(list, i), "reason");
    return known;
}

/* The reason, being more exact, is looked for before the status it gives a reason for. */
static const struct word *find_in_body(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");
    const struct word *known = find_reason(json_object_get(error, "details"));
    if (known == NULL)
        known = find_reason(json_object_get(error, "errors"));
    if (known == NULL)
        known = find_member(error, "status");
    return known != NULL ? known : find_member(root, "status");
}

/* ---- HTTP ---- */

static enum outcome outcome_of_http(long http_status)
{
    switch (http_status) {
    case 400: /* Bad Request */
    case 413: /* Content Too Large */
    case 414: /* URI Too Long */
    case 422: /* Unprocessable Content */
        return OUTCOME_INVALID;
    case 408: /* Request Timeout */
    case 409: /* Conflict */
    case 425: /* Too Early */
    case 499: /* what nginx and Google call it when we hung up */
        return OUTCOME_DOWN;
    case 429: /* Too Many Requests */
        return OUTCOME_LIMIT;
    default:
        if (http_status >= 300 && http_status < 400)
            return OUTCOME_ELSEWHERE;
        if (http_status >= 400 && http_status < 500)
            return OUTCOME_DENIED;
        return http_status >= 500 && http_status < 600 ? OUTCOME_DOWN : OUTCOME_STRANGE;
    }
}

/* ---- what is written ---- */

enum lookup_code outcome_write(enum outcome outcome, const char *how, struct buffer *json)
{
    char reason[160];
    snprintf(reason, sizeof reason, "%s (%s).", meanings[outcome].sentence, how);
    lookup_write_status(meanings[outcome].status, reason, json);
    return meanings[outcome].code;
}

enum lookup_code outcome_write_http(long http_status, struct span body, struct buffer *json)
{
    enum outcome outcome = outcome_of_http(http_status);
    const struct word *known = NULL;
    json_t *root = http_status >= 400 && outcome != OUTCOME_STRANGE ? results_load(body) : NULL;
    if (root != NULL)
        known = find_in_body(root);
    json_decref(root);
    char how[64];
    snprintf(how, sizeof how, "HTTP %ld%s%s", http_status, known != NULL ? ", " : "",
             known != NULL ? known->text : "");
    return outcome_write(known != NULL ? known->outcome : outcome, how, json);
}

/* ---- its own words: finding them ---- */

static const char *find_words(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *const places[] = {
        json_object_get(root, "error_message"), json_object_get(error, "message"), error,
        json_object_get(root, "remark"),        json_object_get(root, "message"),
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (json_string_length(places[i]) > 0)
            return json_string_value(places[i]);
    return NULL;
}

/* Half a JSON answer is no page: it may hold places, which are for the asker and not for the
 * log. */
static bool is_page(struct span body)
{
    size_t at = 0;
    while (at < body.len && isspace((unsigned char)body.data[at]))
        at++;
    return at < body.len && body.data[at] != '{' && body.data[at] != '[';
}

/* A page's text: no tags, and one blank for white space of any length. */
static void append_page(struct span page, struct buffer *out)
{
    bool in_tag = false, gap = false;
    char *start = buffer_reserve(out, page.len), *to = start;
    for (size_t i = 0; i < page.len; i++) {
        char byte = page.data[i];
        bool is_space = isspace((unsigned char)byte);
        gap = gap || is_space || byte == '<';
        if (!in_tag && !is_space && byte != '<') {
            if (gap && to > start)
                *to++ = ' ';
            *to++ = byte;
            gap = false;
        }
        in_tag = byte == '<' || (in_tag && byte != '>');
    }
    out->len += (size_t)(to - start);
}

/* ---- its own words: masking ---- */

/* Masks each `secret`, with `with_digits` also the digits that follow it. */
static void mask(struct buffer *text, struct span secret, bool with_digits)
{
    struct buffer masked = {0};
    struct span rest = {text->data, text->len};
    while (secret.len > 0 && rest.len >= secret.len) {
        const char *found = memmem(rest.data, rest.len, secret.data, secret.len);
        if (found == NULL)
            break;
        buffer_append(&masked, (struct span){rest.data, (size_t)(found - rest.data)});
        buffer_append(&masked, span_of(MASK));
        const char *after = found + secret.len, *end = rest.data + rest.len;
        while (with_digits && after < end && isdigit((unsigned char)*after))
            after++;
        rest = (struct span){after, (size_t)(end - after)};
    }
    buffer_append(&masked, rest);
    buffer_free(text);
    *text = masked;
}

static void mask_coordinate(struct buffer *text, int64_t nanodegrees)
{
    char degrees[PROVIDER_DEGREES_BYTES_MAX];
    provider_write_degrees(nanodegrees < 0 ? -nanodegrees : nanodegrees, degrees);
    char *point = strchr(degrees, '.');
    if (point == NULL)
        return;
    size_t bytes = (size_t)(point - degrees) + 1 + MASKED_DECIMALS;
    mask(text, (struct span){degrees, strnlen(degrees, bytes)}, true);
}

/* ---- its own words: escaping ---- */

static size_t escape(unsigned char byte, char out[4])
{
    static const char hex[] = "0123456789abcdef";
    out[0] = (char)byte;
    if (byte >= 0x20 && byte <= 0x7e && byte != '\\')
        return 1;
    out[0] = out[1] = '\\';
    if (byte == '\\')
        return 2;
    out[1] = 'x';
    out[2] = hex[byte >> 4];
    out[3] = hex[byte & 15];
    return 4;
}

static void append_escaped(struct span text, struct buffer *out)
{
    size_t room = OUTCOME_REMARK_BYTES_MAX - (sizeof CUT - 1);
    for (size_t i = 0; i < text.len; i++) {
        char escaped[4];
        size_t bytes = escape((unsigned char)text.data[i], escaped);
        if (bytes > room) {
            buffer_append(out, span_of(CUT));
            return;
        }
        buffer_append(out, (struct span){escaped, bytes});
        room -= bytes;
    }
}

void outcome_remark(struct span body, const struct lookup *lookup, struct span key,
                    struct buffer *out)
{
    struct buffer text = {0};
    json_t *root = results_load(body);
    const char *found = find_words(root);
    if (found != NULL)
        buffer_append(&text, span_of(found));
    else if (root == NULL && is_page(body))
        append_page(body, &text);
    json_decref(root);
    mask(&text, key, false);
    mask_coordinate(&text, lookup->latitude_nanodeg);
    mask_coordinate(&text, lookup->longitude_nanodeg);
    append_escaped((struct span){text.data, text.len}, out);
    buffer_free(&text);
}
