/* A server that says every line back (tests/bench/echo.c): what the kernel alone would allow. */
#include "tests/bench/speech.h"

static enum speech_verdict read_reply(struct talk *talk, struct asked *asked, struct span request,
                                      struct span reply, size_t *taken)
{
    (void)talk;
    (void)asked;
    *taken = request.len;
    return speech_match(reply, request);
}

static size_t write_request(const struct talk *talk, const struct asked *asked, char *out)
{
    return speech_zherd.write(talk, asked, out);
}

const struct speech speech_echo = {
    .name = "echo",
    .write = write_request,
    .read = read_reply,
};
