/* iamat_line: the fields of "IAMAT client position time\n" as gateway/web/parse/upload.h writes it.
 *
 * It is no parser of the text protocol (gateway/text/command.h): what it is given was made here. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_IAMAT_LINE_H
#define ZHERD_GATEWAY_WEB_PARSE_IAMAT_LINE_H

#include <assert.h>
#include <string.h>

#include "bus/base/token.h"

static inline struct span iamat_line_skip(struct span text, size_t count)
{
    return (struct span){text.data + count, text.len - count};
}

/* The first of some lines, with its line end; `rest` is what follows. */
static inline struct span iamat_line_take(struct span *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    assert(end != NULL);
    struct span line = {rest->data, (size_t)(end + 1 - rest->data)};
    *rest = iamat_line_skip(*rest, line.len);
    return line;
}

static inline size_t iamat_line_count(struct span lines)
{
    size_t count = 0;
    for (; lines.len > 0; count++)
        iamat_line_take(&lines);
    return count;
}

static inline struct span iamat_line_client(struct span line)
{
    struct span rest = iamat_line_skip(line, strlen("IAMAT "));
    return (struct span){rest.data, token_bytes(rest)};
}

static inline struct span iamat_line_stamp(struct span line)
{
    struct span rest = iamat_line_skip(line, strlen("IAMAT ") + iamat_line_client(line).len + 1);
    rest = iamat_line_skip(rest, token_bytes(rest) + 1);
    return (struct span){rest.data, token_bytes(rest)};
}

#endif
