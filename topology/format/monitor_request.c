#include "topology/format/monitor_request.h"

#include <string.h>
#include <strings.h>

#include <sodium/utils.h>

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span trim(struct span text)
{
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

enum metrics_form monitor_form(const struct monitor_request *request)
{
    return metrics_choose(span_of(request->accept == NULL ? "" : request->accept));
}

static bool has_token(const char *authorization, struct span token)
{
    static const char scheme[] = "Bearer ";
    size_t scheme_bytes = strlen(scheme);
    if (authorization == NULL || strncasecmp(authorization, scheme, scheme_bytes) != 0)
        return false;
    struct span said = trim(span_of(authorization + scheme_bytes));
    return said.len == token.len && sodium_memcmp(said.data, token.data, token.len) == 0;
}

static enum monitor_answer find_page(const char *path)
{
    static const struct {
        const char *path;
        enum monitor_answer answer;
    } pages[] = {{"/metrics", MONITOR_METRICS},
                 {"/status", MONITOR_STATUS},
                 {"/healthz", MONITOR_HEALTH},
                 {"/readyz", MONITOR_READY}};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(path, pages[i].path) == 0)
            return pages[i].answer;
    return MONITOR_UNKNOWN;
}

enum monitor_answer monitor_answer(const struct monitor_request *request, struct span token)
{
    enum monitor_answer page = find_page(request->path);
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return MONITOR_NOT_ALLOWED;
    if (page == MONITOR_HEALTH || page == MONITOR_READY)
        return page;
    if (token.len > 0 && !has_token(request->authorization, token))
        return MONITOR_NO_TOKEN;
    return page;
}

static bool ends_line(char byte)
{
    return is_blank(byte) || byte == '\r' || byte == '\n';
}

bool monitor_token_find(struct span content, struct span *token, struct fault *fault)
{
    while (content.len > 0 && ends_line(content.data[content.len - 1]))
        content.len--;
    bool is_good = content.len >= MONITOR_TOKEN_BYTES_MIN && content.len <= MONITOR_TOKEN_BYTES_MAX;
    for (size_t i = 0; is_good && i < content.len; i++)
        is_good = content.data[i] > ' ' && content.data[i] <= '~';
    *token = content;
    return is_good || fault_set(fault,
                                "holds no token: write one line of %d to %d letters, digits and "
                                "other printable characters without blanks",
                                MONITOR_TOKEN_BYTES_MIN, MONITOR_TOKEN_BYTES_MAX);
}
