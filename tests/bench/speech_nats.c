/* The client protocol of NATS (docs.nats.io/reference/reference-protocols/nats-protocol), verbose:
 * the server says +OK to every publish. It stores nothing. */
#include "tests/bench/speech.h"

#define CONNECT "CONNECT {\"verbose\":true,\"pedantic\":false}\r\n"
#define OK      "+OK\r\n"
#define PING    "PING\r\n"
#define PUB     "PUB herd."
#define SIZE    " 59\r\n"
#define MSG     "MSG herd."
#define SID     " 1"

static size_t write_publish(const struct talk *talk, const struct asked *asked, char *out)
{
    char sample[SAMPLE_BYTES];
    sample_write(talk->first_client + asked->client, asked->stamp_ns, sample);
    char *end = speech_put(out, PUB, sizeof PUB - 1);
    end = speech_put(end, sample, SAMPLE_ID_BYTES);
    end = speech_put(end, SIZE, sizeof SIZE - 1);
    end = speech_put(end, sample, SAMPLE_BYTES);
    end = speech_put(end, "\r\n", 2);
    return (size_t)(end - out);
}

static enum speech_verdict read_ok(struct talk *talk, struct asked *asked, struct span request,
                                   struct span reply, size_t *taken)
{
    (void)talk;
    (void)asked;
    (void)request;
    *taken = sizeof OK - 1;
    return speech_match(reply, span_of(OK));
}

/* INFO and a JSON object come first, unasked; then the +OK to CONNECT. */
static enum speech_verdict read_welcome(struct span reply, size_t *taken)
{
    const char *newline = memchr(reply.data, '\n', reply.len);
    if (newline == NULL)
        return SPEECH_PART;
    size_t info = (size_t)(newline + 1 - reply.data);
    *taken = info + sizeof OK - 1;
    if (memcmp(reply.data, "INFO ", 5) != 0)
        return SPEECH_WRONG;
    return speech_match((struct span){newline + 1, reply.len - info}, span_of(OK));
}

static enum speech_verdict take_ping(struct span bytes, size_t *taken, struct span *answer)
{
    *taken = sizeof PING - 1;
    *answer = span_of("PONG\r\n");
    return speech_match(bytes, span_of(PING));
}

static enum speech_verdict read_message(struct span bytes, size_t *taken, uint32_t *client,
                                        uint64_t *stamp_ns)
{
    const size_t size_at = sizeof MSG - 1 + SAMPLE_ID_BYTES;
    const size_t sample_at = size_at + sizeof SID - 1 + sizeof SIZE - 1;
    enum speech_verdict verdict = speech_match(bytes, span_of(MSG));
    *taken = sample_at + SAMPLE_BYTES + 2;
    if (verdict != SPEECH_GOOD)
        return verdict;
    if (bytes.len < *taken)
        return SPEECH_PART;
    bool good = memcmp(bytes.data + size_at, SID SIZE, sizeof SID SIZE - 1) == 0 &&
                sample_read(bytes.data + sample_at, client, stamp_ns);
    return good ? SPEECH_GOOD : SPEECH_WRONG;
}

const struct speech speech_nats = {
    .name = "nats",
    .write = write_publish,
    .read = read_ok,
    .greeting = {CONNECT, sizeof CONNECT - 1},
    .welcome = read_welcome,
    .aside = take_ping,
    .listen = {"SUB herd.* 1\r\n", sizeof "SUB herd.* 1\r\n" - 1},
    .listening = {OK, sizeof OK - 1},
    .heard = read_message,
};
