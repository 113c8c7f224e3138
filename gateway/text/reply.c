#include "gateway/text/reply.h"

#include "bus/base/json_text.h"
#include "bus/base/packed.h"

static inline char *put(char *to, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(to, bytes.data, bytes.len);
    return to + bytes.len;
}

static inline char *put_byte(char *to, char byte)
{
    *to = byte;
    return to + 1;
}

void reply_places(struct buffer *out, struct span json)
{
    size_t before = out->len;
    json_text_tidy(json, out);
    while (out->len > before && out->data[out->len - 1] == '\n')
        out->len--;
    buffer_append(out, span_of("\n\n"));
}

size_t reply_places_bytes_max(struct span json)
{
    return json_text_tidy_bytes_max(json) + sizeof "\n\n";
}

void reply_no_places(struct buffer *out)
{
    static const char json[] = "{\n"
                               "   \"html_attributions\": [],\n"
                               "   \"results\": [],\n"
                               "   \"status\": \"OK\"\n"
                               "}\n\n";
    char *start = buffer_reserve(out, sizeof json);
    out->len += (size_t)(put(start, span_of(json)) - start);
}

void reply_invalid(struct buffer *out, struct span text)
{
    char *start = buffer_reserve(out, text.len + sizeof "? \n");
    char *end = put(start, span_of("? "));
    end = put(end, text);
    end = put_byte(end, '\n');
    out->len += (size_t)(end - start);
}

void reply_unwatch(struct buffer *out, uint32_t ended)
{
    char line[sizeof "UNWATCH 4294967295\n"] = "UNWATCH ";
    char *end = decimal_put(line + strlen(line), ended, decimal_count(ended));
    end = put_byte(end, '\n');
    buffer_append(out, (struct span){line, (size_t)(end - line)});
}

void reply_in_crlf(struct buffer *out, size_t start)
{
    size_t lines = 0;
    for (size_t i = start; i < out->len; i++)
        lines += out->data[i] == '\n';
    buffer_reserve(out, lines);
    /* From the end on, so that each byte moves once. */
    size_t from = out->len, to = out->len + lines;
    out->len = to;
    while (to > from) {
        out->data[--to] = out->data[--from];
        if (out->data[to] == '\n')
            out->data[--to] = '\r';
    }
}
