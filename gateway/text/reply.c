#include "gateway/text/reply.h"

#include "bus/base/json_text.h"

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

void reply_no_places(struct buffer *out)
{
    buffer_append(out, span_of("{\n"
                               "   \"html_attributions\": [],\n"
                               "   \"results\": [],\n"
                               "   \"status\": \"OK\"\n"
                               "}\n\n"));
}

void reply_invalid(struct buffer *out, struct span text)
{
    char *start = buffer_reserve(out, text.len + sizeof "? \n");
    char *end = put(start, span_of("? "));
    end = put(end, text);
    end = put_byte(end, '\n');
    out->len += (size_t)(end - start);
}

void reply_help(struct buffer *out)
{
    buffer_append(out,
                  span_of("IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1621464827.959498503\n"
                          "    says where you are: your name, latitude and longitude in degrees,\n"
                          "    and the time in seconds since 1970\n"
                          "WHATSAT kiwi.cs.ucla.edu 10 5\n"
                          "    asks what is near a client: its name, a radius of 0 to 50 km,\n"
                          "    and how many places at most, 0 to 20\n"
                          "HELP\n"
                          "    shows these lines\n"
                          "QUIT\n"
                          "    closes the connection\n"));
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
