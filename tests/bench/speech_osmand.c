/* Traccar Client's form over HTTP, to zherd-web or to any server that says 200 or 204 to it.
 *
 * HTTP numbers no request: a reply is that to the oldest on its connection. */
#include <assert.h>

#include "bus/base/packed.h"
#include "tests/bench/speech.h"

#define HEAD                                                                                       \
    "POST /osmand HTTP/1.1\r\n"                                                                    \
    "Host: zherd\r\n"                                                                              \
    "Content-Type: application/x-www-form-urlencoded\r\n"                                          \
    "Content-Length: "
#define LENGTH_DIGITS  2u
#define END            "\r\n\r\n"
#define NOTHING        "\r\nContent-Length: 0\r\n"
#define FORM           "id=&lat=&lon=&timestamp="
#define FORM_BYTES_MAX (sizeof FORM + SAMPLE_ID_BYTES + SAMPLE_POSITION_BYTES + SAMPLE_STAMP_BYTES)
/* Of a reply's line and headers. */
#define REPLY_BYTES_MAX 1024

static_assert(sizeof HEAD + LENGTH_DIGITS + sizeof END + FORM_BYTES_MAX <= SPEECH_REQUEST_BYTES_MAX,
              "or it does not fit");

/* A number, without a '+', which would spell a blank. */
static char *put_number(char *to, const char *name, const char *number, size_t count)
{
    bool is_plus = number[0] == '+';
    to = speech_put(to, name, strlen(name));
    return speech_put(to, number + is_plus, count - is_plus);
}

static size_t write_form(const struct talk *talk, const struct asked *asked, char *out)
{
    char sample[SAMPLE_BYTES], form[FORM_BYTES_MAX];
    sample_write(talk->first_client + asked->client, asked->stamp_ns, sample);
    char *end = speech_put(form, "id=", 3);
    end = speech_put(end, sample + SAMPLE_ID_AT, SAMPLE_ID_BYTES);
    end = put_number(end, "&lat=", sample + SAMPLE_LATITUDE_AT, SAMPLE_LATITUDE_BYTES);
    end = put_number(end, "&lon=", sample + SAMPLE_LONGITUDE_AT, SAMPLE_LONGITUDE_BYTES);
    end = put_number(end, "&timestamp=", sample + SAMPLE_STAMP_AT, SAMPLE_STAMP_BYTES);
    size_t bytes = (size_t)(end - form);
    end = speech_put(out, HEAD, sizeof HEAD - 1);
    end = decimal_put(end, bytes, LENGTH_DIGITS);
    end = speech_put(end, END, sizeof END - 1);
    return (size_t)(speech_put(end, form, bytes) - out);
}

static bool has(struct span head, const char *text)
{
    return memmem(head.data, head.len, text, strlen(text)) != NULL;
}

static enum speech_verdict read_answer(struct talk *talk, struct asked *asked, struct span request,
                                       struct span reply, size_t *taken)
{
    (void)talk, (void)asked, (void)request;
    enum speech_verdict ok = speech_match(reply, span_of("HTTP/1.1 200 OK\r\n"));
    enum speech_verdict none = speech_match(reply, span_of("HTTP/1.1 204 No Content\r\n"));
    if (ok == SPEECH_WRONG && none == SPEECH_WRONG)
        return SPEECH_WRONG;
    const char *end = memmem(reply.data, reply.len, END, sizeof END - 1);
    if (end == NULL)
        return reply.len <= REPLY_BYTES_MAX ? SPEECH_PART : SPEECH_WRONG;
    struct span head = {reply.data, (size_t)(end - reply.data) + 2};
    *taken = head.len + 2;
    return none == SPEECH_GOOD || has(head, NOTHING) ? SPEECH_GOOD : SPEECH_WRONG;
}

const struct speech speech_osmand = {
    .name = "osmand",
    .write = write_form,
    .read = read_answer,
};
