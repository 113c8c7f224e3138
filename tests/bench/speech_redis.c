/* RESP, the protocol of Redis (redis.io/docs/reference/protocol-spec).
 *
 * redis stores the AT line itself under the client's name (SET, GET): the least that could answer
 * a WHATSAT. With a time after which updates are over, that stands in the SET (PXAT, of redis 6.2).
 * redis-wait has each SET followed by a WAIT for one replica. redis-geoadd keeps a place on the map
 * and no time (GEOADD), and tells which are near a place (GEOSEARCH, of redis 6.2). */
#include <assert.h>

#include "bus/base/packed.h"
#include "tests/bench/speech.h"

/* The part of an AT line before its sample. */
#define AT_HEAD     "AT Alford +0.263873386 "
#define VALUE_BYTES (sizeof AT_HEAD - 1 + SAMPLE_BYTES)
#define SET         "*3\r\n$3\r\nSET\r\n$16\r\n"
#define SET_UNTIL   "*5\r\n$3\r\nSET\r\n$16\r\n"
#define UNTIL       "\r\n$4\r\nPXAT\r\n$13\r\n"
#define WAIT        "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n2000\r\n"
#define GET         "*2\r\n$3\r\nGET\r\n$16\r\n"
#define GEOADD      "*5\r\n$6\r\nGEOADD\r\n$4\r\nherd\r\n$11\r\n"
#define GEOSEARCH   "*11\r\n$9\r\nGEOSEARCH\r\n$4\r\nherd\r\n$10\r\nFROMLONLAT\r\n$11\r\n"
#define BYRADIUS    "\r\n$8\r\nBYRADIUS\r\n"
#define NEAREST     "$2\r\nkm\r\n$3\r\nASC\r\n$5\r\nCOUNT\r\n"
#define VALUE       "$82\r\n" AT_HEAD

#define MS_DIGITS 13
#define MS_PER_S  1000
#define NS_PER_MS 1000000

static_assert(sizeof SET == sizeof SET_UNTIL, "both are copied by one size");
static_assert(VALUE_BYTES == 82, "the bulk string's size stands in VALUE");

/* Milliseconds since 1970, of 13 digits until the year 2286. */
static char *put_until(const struct talk *talk, const struct asked *asked, char *end)
{
    char digits[MS_DIGITS];
    uint64_t ms = asked->stamp_ns / NS_PER_MS + (uint64_t)talk->expire_s * MS_PER_S;
    for (int i = MS_DIGITS; i-- > 0; ms /= 10)
        digits[i] = (char)('0' + ms % 10);
    end = speech_put(end, UNTIL, sizeof UNTIL - 1);
    return speech_put(end, digits, sizeof digits);
}

static size_t write_set(const struct talk *talk, const struct asked *asked, char *out)
{
    uint32_t client = talk->first_client + asked->client;
    char sample[SAMPLE_BYTES];
    char *end;
    if (asked->kind == SPEECH_UPDATE) {
        sample_write(client, asked->stamp_ns, sample);
        end = speech_put(out, talk->expire_s > 0 ? SET_UNTIL : SET, sizeof SET - 1);
        end = speech_put(end, sample, SAMPLE_ID_BYTES);
        end = speech_put(end, "\r\n" VALUE, sizeof VALUE - 1 + 2);
        end = speech_put(end, sample, SAMPLE_BYTES);
        if (talk->expire_s > 0)
            end = put_until(talk, asked, end);
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

static size_t write_set_and_wait(const struct talk *talk, const struct asked *asked, char *out)
{
    size_t bytes = write_set(talk, asked, out);
    if (asked->kind == SPEECH_UPDATE)
        bytes = (size_t)(speech_put(out + bytes, WAIT, sizeof WAIT - 1) - out);
    return bytes;
}

/* One replica has it. */
static enum speech_verdict read_set_and_wait(struct talk *talk, struct asked *asked,
                                             struct span request, struct span reply, size_t *taken)
{
    if (asked->kind == SPEECH_QUESTION)
        return read_set(talk, asked, request, reply, taken);
    *taken = 9;
    return speech_match(reply, span_of("+OK\r\n:1\r\n"));
}

static char *put_number(char *end, uint32_t number)
{
    unsigned digits = decimal_count(number);
    *end++ = '$';
    end = decimal_put(end, digits, decimal_count(digits));
    end = decimal_put(speech_put(end, "\r\n", 2), number, digits);
    return speech_put(end, "\r\n", 2);
}

static size_t write_geosearch(const struct talk *talk, const struct asked *asked, char *out)
{
    char place[SAMPLE_POSITION_BYTES];
    sample_write_place(asked->stamp_ns, place);
    char *end = speech_put(out, GEOSEARCH, sizeof GEOSEARCH - 1);
    end = speech_put(end, place + SAMPLE_LATITUDE_BYTES, SAMPLE_LONGITUDE_BYTES);
    end = speech_put(end, "\r\n$10\r\n", 7);
    end = speech_put(end, place, SAMPLE_LATITUDE_BYTES);
    end = put_number(speech_put(end, BYRADIUS, sizeof BYRADIUS - 1), talk->radius);
    end = put_number(speech_put(end, NEAREST, sizeof NEAREST - 1), talk->bound);
    return (size_t)(end - out);
}

static size_t write_geoadd(const struct talk *talk, const struct asked *asked, char *out)
{
    char sample[SAMPLE_BYTES];
    if (asked->kind == SPEECH_NEARBY)
        return write_geosearch(talk, asked, out);
    sample_write(talk->first_client + asked->client, asked->stamp_ns, sample);
    char *end = speech_put(out, GEOADD, sizeof GEOADD - 1);
    end = speech_put(end, sample + SAMPLE_LONGITUDE_AT, SAMPLE_LONGITUDE_BYTES);
    end = speech_put(end, "\r\n$10\r\n", 7);
    end = speech_put(end, sample + SAMPLE_LATITUDE_AT, SAMPLE_LATITUDE_BYTES);
    end = speech_put(end, "\r\n$16\r\n", 7);
    end = speech_put(end, sample + SAMPLE_ID_AT, SAMPLE_ID_BYTES);
    end = speech_put(end, "\r\n", 2);
    return (size_t)(end - out);
}

/* "*2", and so many ids. */
static enum speech_verdict read_ids(const struct talk *talk, struct span reply, size_t *taken)
{
    static const char member[] = "$16\r\nclient-";
    const char *newline = memchr(reply.data, '\n', reply.len);
    uint64_t count;
    if (newline == NULL)
        return SPEECH_PART;
    *taken = (size_t)(newline + 1 - reply.data);
    if (*taken < 4 || reply.data[0] != '*' || newline[-1] != '\r' ||
        !decimal_read_whole((struct span){reply.data + 1, *taken - 3}, talk->bound, &count))
        return SPEECH_WRONG;
    for (; count > 0; count--) {
        size_t bytes = sizeof member - 1 + 9 + 2;
        struct span rest = {reply.data + *taken, reply.len - *taken};
        enum speech_verdict verdict = speech_match(rest, (struct span){member, sizeof member - 1});
        if (verdict != SPEECH_GOOD)
            return verdict;
        if (rest.len < bytes)
            return SPEECH_PART;
        uint64_t client;
        if (!decimal_read_whole((struct span){rest.data + sizeof member - 1, 9}, SAMPLE_CLIENTS_MAX,
                                &client) ||
            memcmp(rest.data + bytes - 2, "\r\n", 2) != 0)
            return SPEECH_WRONG;
        *taken += bytes;
    }
    return SPEECH_GOOD;
}

/* How many members are new: one or none. */
static enum speech_verdict read_geoadd(struct talk *talk, struct asked *asked, struct span request,
                                       struct span reply, size_t *taken)
{
    (void)request;
    if (asked->kind == SPEECH_NEARBY)
        return read_ids(talk, reply, taken);
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

const struct speech speech_redis_wait = {
    .name = "redis-wait",
    .has_questions = true,
    .write = write_set_and_wait,
    .read = read_set_and_wait,
};

const struct speech speech_redis_geoadd = {
    .name = "redis-geoadd",
    .has_nearby = true,
    .write = write_geoadd,
    .read = read_geoadd,
};
