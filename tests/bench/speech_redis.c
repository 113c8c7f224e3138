/* RESP, the protocol of Redis (redis.io/docs/reference/protocol-spec).
 *
 * redis stores the AT line itself under the client's name (SET, GET): the least that could answer
 * a WHATSAT. redis-geoadd keeps a place on the map and no time (GEOADD). */
#include <assert.h>

#include "tests/bench/speech.h"

/* The part of an AT line before its sample. */
#define AT_HEAD     "AT Alford +0.263873386 "
#define VALUE_BYTES (sizeof AT_HEAD - 1 + SAMPLE_BYTES)
#define SET         "*3\r\n$3\r\nSET\r\n$16\r\n"
#define GET         "*2\r\n$3\r\nGET\r\n$16\r\n"
#define GEOADD      "*5\r\n$6\r\nGEOADD\r\n$4\r\nherd\r\n$11\r\n"
#define VALUE       "$82\r\n" AT_HEAD

static_assert(VALUE_BYTES == 82, "the bulk string's size stands in VALUE");

static size_t write_set(const struct talk *talk, const struct asked *asked, char *out)
{
    uint32_t client = talk->first_client + asked->client;
    char sample[SAMPLE_BYTES];
    char *end;
    if (asked->kind == SPEECH_UPDATE) {
        sample_write(client, asked->stamp_ns, sample);
        end = speech_put(out, SET, sizeof SET - 1);
        end = speech_put(end, sample, SAMPLE_ID_BYTES);
        end = speech_put(end, "\r\n" VALUE, sizeof VALUE - 1 + 2);
        end = speech_put(end, sample, SAMPLE_BYTES);
    } else {
        end = speech_put(out, GET, sizeof GET - 1);
        sample_write_id(client, end);
        end += SAMPLE_ID_BYTES;
    }
    end = speech_put(end, "\r\n", 2);
    return (size_t)(end - out);
}

static enum speech_verdict read_value(const struct talk *talk, struct asked *asked,
                                      struct span reply, size_t *taken)
{
    uint32_t client;
    enum speech_verdict verdict = speech_match(reply, span_of("$-1\r\n"));
    asked->seen_ns = 0;
    *taken = 5;
    if (verdict != SPEECH_WRONG)
        return verdict;
    verdict = speech_match(reply, span_of(VALUE));
    *taken = sizeof VALUE - 1 + SAMPLE_BYTES + 2;
    if (verdict != SPEECH_GOOD)
        return verdict;
    if (reply.len < *taken)
        return SPEECH_PART;
    bool good = sample_read(reply.data + sizeof VALUE - 1, &client, &asked->seen_ns) &&
                client == talk->first_client + asked->client &&
                memcmp(reply.data + *taken - 2, "\r\n", 2) == 0;
    return good ? SPEECH_GOOD : SPEECH_WRONG;
}

static enum speech_verdict read_set(struct talk *talk, struct asked *asked, struct span request,
                                    struct span reply, size_t *taken)
{
    (void)request;
    if (asked->kind == SPEECH_QUESTION)
        return read_value(talk, asked, reply, taken);
    *taken = 5;
    return speech_match(reply, span_of("+OK\r\n"));
}

static size_t write_geoadd(const struct talk *talk, const struct asked *asked, char *out)
{
    char sample[SAMPLE_BYTES];
    sample_write(talk->first_client + asked->client, asked->stamp_ns, sample);
    char *end = speech_put(out, GEOADD, sizeof GEOADD - 1);
    end = speech_put(end, sample + SAMPLE_LONGITUDE_AT, SAMPLE_LONGITUDE_BYTES);
    end = speech_put(end, "\r\n$9\r\n", 6);
    end = speech_put(end, sample + SAMPLE_LATITUDE_AT, SAMPLE_LATITUDE_BYTES);
    end = speech_put(end, "\r\n$16\r\n", 7);
    end = speech_put(end, sample + SAMPLE_ID_AT, SAMPLE_ID_BYTES);
    end = speech_put(end, "\r\n", 2);
    return (size_t)(end - out);
}

/* How many members are new: one or none. */
static enum speech_verdict read_geoadd(struct talk *talk, struct asked *asked, struct span request,
                                       struct span reply, size_t *taken)
{
    (void)talk;
    (void)asked;
    (void)request;
    *taken = 4;
    enum speech_verdict verdict = speech_match(reply, span_of(":0\r\n"));
    return verdict != SPEECH_WRONG ? verdict : speech_match(reply, span_of(":1\r\n"));
}

const struct speech speech_redis = {
    .name = "redis",
    .has_questions = true,
    .write = write_set,
    .read = read_set,
};

const struct speech speech_redis_geoadd = {
    .name = "redis-geoadd",
    .write = write_geoadd,
    .read = read_geoadd,
};
