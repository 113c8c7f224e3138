/* monitor_request: every path, method, token and Accept header, and what each is answered. */
#include "topology/format/monitor_request.h"

#include "tests/check.h"

#define TOKEN "0123456789abcdef"
#define PROMETHEUS                                                                                 \
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"       \
    "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

static const struct span no_token = {"", 0};

static enum monitor_answer ask(const char *method, const char *path, const char *authorization,
                               struct span token)
{
    struct monitor_request request = {
        .method = method, .path = path, .authorization = authorization};
    return monitor_answer(&request, token);
}

static void paths(void)
{
    static const struct {
        const char *path;
        enum monitor_answer answer;
    } rows[] = {{"/metrics", MONITOR_METRICS},  {"/status", MONITOR_STATUS},
                {"/healthz", MONITOR_HEALTH},   {"/readyz", MONITOR_READY},
                {"/", MONITOR_UNKNOWN},         {"", MONITOR_UNKNOWN},
                {"metrics", MONITOR_UNKNOWN},   {"/metric", MONITOR_UNKNOWN},
                {"/metrics/", MONITOR_UNKNOWN}, {"/METRICS", MONITOR_UNKNOWN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(ask("GET", rows[i].path, NULL, no_token), rows[i].answer);
        CHECK_INT(ask("HEAD", rows[i].path, NULL, no_token), rows[i].answer);
        CHECK_INT(ask("POST", rows[i].path, NULL, no_token), MONITOR_NOT_ALLOWED);
    }
    static const char *const methods[] = {"PUT",   "DELETE", "OPTIONS", "TRACE", "CONNECT",
                                          "PATCH", "get",    "GE",      "GETS",  ""};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        CHECK_INT(ask(methods[i], "/healthz", NULL, no_token), MONITOR_NOT_ALLOWED);
}

static void tokens(void)
{
    static const struct {
        const char *authorization;
        bool is_right;
    } rows[] = {{"Bearer " TOKEN, true},
                {"bearer " TOKEN, true},
                {"BEARER   " TOKEN " ", true},
                {NULL, false},
                {"", false},
                {TOKEN, false},
                {"Bearer", false},
                {"Bearer ", false},
                {"Bearer" TOKEN, false},
                {"Basic " TOKEN, false},
                {"Bearer " TOKEN "0", false},
                {"Bearer 0123456789abcde", false},
                {"Bearer 0123456789abcdeF", false},
                {"Bearer 1123456789abcdef", false}};
    struct span token = span_of(TOKEN);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *said = rows[i].authorization;
        if (said != NULL)
            said = check_at_page_end(said, strlen(said) + 1);
        bool right = rows[i].is_right;
        CHECK_INT(ask("GET", "/metrics", said, token), right ? MONITOR_METRICS : MONITOR_NO_TOKEN);
        CHECK_INT(ask("GET", "/status", said, token), right ? MONITOR_STATUS : MONITOR_NO_TOKEN);
        CHECK_INT(ask("GET", "/else", said, token), right ? MONITOR_UNKNOWN : MONITOR_NO_TOKEN);
        CHECK_INT(ask("GET", "/healthz", said, token), MONITOR_HEALTH);
        CHECK_INT(ask("HEAD", "/readyz", said, token), MONITOR_READY);
        CHECK_INT(ask("GET", "/status", said, no_token), MONITOR_STATUS);
    }
}

/* Which of both a header wants, topology/format/metrics.h decides. */
static void forms(void)
{
    struct monitor_request request = {.method = "GET", .path = "/metrics"};
    CHECK_INT(monitor_form(&request), METRICS_TEXT);
    request.accept = PROMETHEUS;
    CHECK_INT(monitor_form(&request), METRICS_OPENMETRICS);
    request.accept = "text/plain";
    CHECK_INT(monitor_form(&request), METRICS_TEXT);
}

static void token_files(void)
{
    char longest[MONITOR_TOKEN_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[MONITOR_TOKEN_BYTES_MAX] = '\n';
    const struct {
        struct span content;
        size_t bytes; /* 0: refused */
    } rows[] = {
        {span_of(TOKEN), 16},
        {span_of(TOKEN "\n"), 16},
        {span_of(TOKEN " \r\n\n"), 16},
        {span_of("!~" TOKEN), 18},
        {{longest, MONITOR_TOKEN_BYTES_MAX + 1}, MONITOR_TOKEN_BYTES_MAX},
        {span_of("0123456789abcde"), 0},
        {span_of(""), 0},
        {span_of("\n\n"), 0},
        {span_of("0123456 789abcdef"), 0},
        {span_of(" " TOKEN), 0},
        {span_of(TOKEN "\n" TOKEN), 0},
        {span_of(TOKEN "\x7f"), 0},
        {span_of(TOKEN "\xc3\xa4"), 0},
        {{TOKEN, sizeof TOKEN}, 0}, /* with its NUL */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault = {0};
        struct span token;
        CHECK_INT(monitor_token_find(rows[i].content, &token, &fault), rows[i].bytes > 0);
        CHECK_INT(fault.text[0] == '\0', rows[i].bytes > 0);
        if (rows[i].bytes > 0)
            CHECK_BYTES(token.data, token.len, rows[i].content.data, rows[i].bytes);
    }
    struct fault fault;
    struct span token;
    longest[MONITOR_TOKEN_BYTES_MAX] = 'x';
    CHECK(!monitor_token_find((struct span){longest, MONITOR_TOKEN_BYTES_MAX + 1}, &token, &fault));
}

static const struct check_case cases[] = {
    {"each path has its page, by GET and HEAD alone", paths},
    {"the token is for all but the probes", tokens},
    {"OpenMetrics is for who prefers it", forms},
    {"a token's file holds one line of printable characters", token_files},
};

CHECK_MAIN(cases)
