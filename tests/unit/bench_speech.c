/* What zherd-bench says and what it believes: samples, scripts and every protocol. */
#include <stdlib.h>

#include "bus/base/arc.h"
#include "tests/bench/script.h"
#include "tests/check.h"

#define STAMP_NS UINT64_C(1621464827959498503)
#define CLIENTS  20

static struct known known[CLIENTS];

static struct talk a_talk(const struct speech *speech)
{
    memset(known, 0, sizeof known);
    return (struct talk){
        .speech = speech, .known = known, .first_client = 40, .radius = 10, .bound = 5};
}

static struct asked an_update(void)
{
    return (struct asked){.kind = SPEECH_UPDATE, .client = 2, .place = 3, .stamp_ns = STAMP_NS};
}

static struct asked a_question(void)
{
    return (struct asked){.kind = SPEECH_QUESTION, .client = 2, .stamp_ns = STAMP_NS};
}

/* The sample of client 42 (2, and the first is 40) at STAMP_NS. */
static const char *the_sample(void)
{
    static char text[SAMPLE_BYTES + 1];
    sample_write(42, STAMP_NS, text);
    return text;
}

static void check_request(struct talk *talk, struct asked asked, const char *wanted)
{
    char out[SPEECH_REQUEST_BYTES_MAX];
    size_t bytes = talk->speech->write(talk, &asked, out);
    CHECK_BYTES(out, bytes, wanted, strlen(wanted));
}

static enum speech_verdict judge_bytes(struct talk *talk, struct asked *asked, struct span reply,
                                       size_t *taken)
{
    char out[SPEECH_REQUEST_BYTES_MAX];
    size_t bytes = talk->speech->write(talk, asked, out);
    struct span copy = {check_at_page_end(reply.data, reply.len), reply.len};
    return talk->speech->read(talk, asked, (struct span){out, bytes}, copy, taken);
}

static void check_verdict(struct talk *talk, struct asked asked, struct span reply,
                          enum speech_verdict wanted)
{
    size_t taken = 0;
    CHECK_INT(judge_bytes(talk, &asked, reply, &taken), wanted);
    if (wanted == SPEECH_GOOD)
        CHECK_INT(taken, reply.len);
}

/* A right reply is good; each of its prefixes asks for more; with any byte changed it is wrong,
 * but for those that `free_from` to `free_to` leave open, and then never good by accident. */
static void check_reply(struct talk *talk, struct asked asked, struct span reply, size_t free_from,
                        size_t free_to)
{
    char *changed = malloc(reply.len);
    struct known before = known[asked.client];
    for (size_t i = 0; i < reply.len; i++) {
        check_verdict(talk, asked, (struct span){reply.data, i}, SPEECH_PART);
        size_t taken;
        memcpy(changed, reply.data, reply.len);
        changed[i] ^= 1;
        known[asked.client] = before;
        struct asked copy = asked;
        enum speech_verdict verdict =
            judge_bytes(talk, &copy, (struct span){changed, reply.len}, &taken);
        bool free = i >= free_from && i < free_to;
        if (verdict == SPEECH_GOOD && !free)
            printf("    byte %zu of %zu\n", i, reply.len);
        CHECK(free || verdict != SPEECH_GOOD);
        known[asked.client] = before;
    }
    check_verdict(talk, asked, reply, SPEECH_GOOD);
    free(changed);
}

static void samples_come_back(void)
{
    struct rng rng = {11};
    char text[SAMPLE_BYTES];
    uint32_t client;
    uint64_t stamp_ns;
    for (int i = 0; i < 20000; i++) {
        uint32_t number = rng_below(&rng, SAMPLE_CLIENTS_MAX);
        uint64_t stamp = rng_next(&rng) % (UINT64_C(10000000000) * 1000000000);
        sample_write(number, stamp, text);
        CHECK(sample_read(text, &client, &stamp_ns) && client == number && stamp_ns == stamp);
        text[rng_below(&rng, SAMPLE_BYTES)] ^= 1;
        CHECK(!sample_read(text, &client, &stamp_ns) || client != number || stamp_ns != stamp);
    }
}

static void sample_columns(void)
{
    const char *text = the_sample();
    CHECK_BYTES(text, SAMPLE_ID_BYTES, "client-000000042", (size_t)16);
    CHECK_BYTES(text + SAMPLE_STAMP_AT, SAMPLE_STAMP_BYTES, "1621464827.959498503", (size_t)20);
    CHECK_BYTES(text + SAMPLE_POSITION_AT, 4, "+34.", (size_t)4);
    CHECK_BYTES(text + SAMPLE_LONGITUDE_AT, 5, "-118.", (size_t)5);
    CHECK_INT(SAMPLE_POSITION_AT + SAMPLE_POSITION_BYTES + 1, SAMPLE_STAMP_AT);
}

static struct arc_point point_of(const char *position)
{
    struct degrees degrees = {0};
    CHECK(degrees_read((struct span){position, SAMPLE_POSITION_BYTES}, &degrees));
    return arc_point(degrees);
}

static int64_t mm_apart(const char *position, const char *other)
{
    struct arc_point a = point_of(position), b = point_of(other);
    return arc_distance_mm(&a, &b, arc_haversine(&a, &b));
}

/* Nobody moves by more than 30 m, but for rounding, and most move; and nobody is near where the
 * fleet on land is asked about. */
static void fleets_stand(void)
{
    for (enum sample_fleet fleet = SAMPLE_DENSE; fleet < SAMPLE_FLEETS; fleet++) {
        int64_t nearest_mm = INT64_MAX;
        uint32_t moved = 0;
        sample_choose(fleet);
        for (uint32_t i = 0; i < 5000; i++) {
            char text[SAMPLE_BYTES], later[SAMPLE_BYTES], asked[SAMPLE_POSITION_BYTES];
            uint32_t client;
            uint64_t stamp_ns;
            sample_write(i, STAMP_NS, text);
            sample_write(i, STAMP_NS + 1 + i, later);
            CHECK(sample_read(text, &client, &stamp_ns) && client == i && stamp_ns == STAMP_NS);
            int64_t mm = mm_apart(text + SAMPLE_POSITION_AT, later + SAMPLE_POSITION_AT);
            CHECK(mm <= 30200);
            moved += mm > 10000;
            sample_write_place(i, asked);
            mm = mm_apart(text + SAMPLE_POSITION_AT, asked);
            nearest_mm = mm < nearest_mm ? mm : nearest_mm;
        }
        CHECK(fleet == SAMPLE_POINT ? moved == 0 : moved > 3000);
        CHECK(fleet != SAMPLE_LAND || nearest_mm > INT64_C(1980000000));
        CHECK(fleet != SAMPLE_POINT || nearest_mm == 0);
    }
    sample_choose(SAMPLE_LEAPS);
    CHECK_INT(sample_find_fleet("dense"), SAMPLE_DENSE);
    CHECK_INT(sample_find_fleet("fast"), SAMPLE_FLEETS);
}

static struct asked who_is_near(void)
{
    return (struct asked){.kind = SPEECH_NEARBY, .stamp_ns = 5};
}

/* Three of six fields of a NEAR line are its own: how far, and whose sample. */
static int write_near(char *text, size_t room, const char *place, uint32_t client, int64_t more_dm)
{
    char sample[SAMPLE_BYTES];
    sample_write(client, STAMP_NS, sample);
    int64_t dm = (mm_apart(place, sample + SAMPLE_POSITION_AT) + 50) / 100 + more_dm;
    return snprintf(text, room, "NEAR %lld.%d AT Clark +0.263873386 %.*s\n", (long long)dm / 10,
                    (int)(dm % 10), SAMPLE_BYTES, sample);
}

static void zherd_nearby(void)
{
    sample_choose(SAMPLE_DENSE);
    struct talk talk = a_talk(&speech_zherd);
    talk.radius = 20038;
    char place[SAMPLE_POSITION_BYTES], text[1000];
    sample_write_place(5, place);
    snprintf(text, sizeof text, "NEARBY AT %.*s 20038 5\n", SAMPLE_POSITION_BYTES, place);
    check_request(&talk, who_is_near(), text);
    int bytes = write_near(text, sizeof text, place, 1, 0);
    struct span line = {text, (size_t)bytes};
    text[bytes++] = '\n';
    const char *node = memmem(text, line.len, "Clark", 5);
    size_t node_at = (size_t)(node - text);
    check_reply(&talk, who_is_near(), (struct span){text, (size_t)bytes}, node_at, node_at + 18);
    check_verdict(&talk, who_is_near(), span_of("\n"), SPEECH_GOOD);
    check_verdict(&talk, who_is_near(), span_of("? NEARBY\n"), SPEECH_WRONG);
    /* How far away it is, is computed of the first line alone. */
    sample_choose(SAMPLE_POINT);
    sample_write_place(5, place);
    bytes = write_near(text, sizeof text, place, 1, 1);
    check_verdict(&talk, who_is_near(), (struct span){text, (size_t)bytes}, SPEECH_WRONG);
    struct buffer reply = {0};
    for (uint32_t i = 0; i < 6; i++) {
        bytes = write_near(text, sizeof text, place, i, i);
        buffer_append(&reply, (struct span){text, (size_t)bytes});
        check_verdict(&talk, who_is_near(), (struct span){reply.data, reply.len},
                      i < 5 ? SPEECH_PART : SPEECH_WRONG);
    }
    reply.len = 0;
    for (uint32_t i = 0; i < 3; i++) {
        bytes = write_near(text, sizeof text, place, i, i == 1 ? 2 : i / 2);
        buffer_append(&reply, (struct span){text, (size_t)bytes});
    }
    check_verdict(&talk, who_is_near(), (struct span){reply.data, reply.len}, SPEECH_WRONG);
    buffer_free(&reply);
    sample_choose(SAMPLE_LEAPS);
}

static void redis_geosearch(void)
{
    sample_choose(SAMPLE_POINT);
    struct talk talk = a_talk(&speech_redis_geoadd);
    char place[SAMPLE_POSITION_BYTES], text[300];
    sample_write_place(5, place);
    snprintf(text, sizeof text,
             "*11\r\n$9\r\nGEOSEARCH\r\n$4\r\nherd\r\n$10\r\nFROMLONLAT\r\n$11\r\n%.11s\r\n"
             "$10\r\n%.10s\r\n$8\r\nBYRADIUS\r\n$2\r\n10\r\n$2\r\nkm\r\n$3\r\nASC\r\n"
             "$5\r\nCOUNT\r\n$1\r\n5\r\n",
             place + 10, place);
    check_request(&talk, who_is_near(), text);
    check_reply(&talk, who_is_near(), span_of("*0\r\n"), 1, 2);
    /* Whoever it is. */
    struct span two = span_of("*2\r\n$16\r\nclient-000000042\r\n$16\r\nclient-000000007\r\n");
    check_reply(&talk, who_is_near(), two, 16, two.len - 2);
    check_verdict(&talk, who_is_near(), span_of("*6\r\n"), SPEECH_WRONG);
    check_verdict(&talk, who_is_near(), span_of("-ERR\r\n"), SPEECH_WRONG);
    sample_choose(SAMPLE_LEAPS);
}

static void zherd_updates(void)
{
    struct talk talk = a_talk(&speech_zherd);
    char text[200];
    snprintf(text, sizeof text, "IAMAT %s\n", the_sample());
    check_request(&talk, an_update(), text);
    int bytes = snprintf(text, sizeof text, "AT Clark +0.263873386 %s\n", the_sample());
    struct span reply = {text, (size_t)bytes};
    check_verdict(&talk, an_update(), reply, SPEECH_GOOD);
    /* Digits of the difference may be any. */
    check_reply(&talk, an_update(), reply, 10, 21);
    CHECK(known[2].at_hash != 0);
    check_verdict(&talk, an_update(), span_of("AT Ball +0.263873386 x\n"), SPEECH_WRONG);
    check_verdict(&talk, an_update(), span_of("? IAMAT\n"), SPEECH_WRONG);
    check_verdict(&talk, an_update(), span_of("\n"), SPEECH_WRONG);
}

static void zherd_differences(void)
{
    static const char *const bad[] = {
        "0.263873386",  "+.263873386",   "+0.26387338", "+0,263873386",
        "+0.26387338x", "+0.2638733861", "+",           ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct talk talk = a_talk(&speech_zherd);
        char text[200];
        int bytes = snprintf(text, sizeof text, "AT Clark %s %s\n", bad[i], the_sample());
        check_verdict(&talk, an_update(), (struct span){text, (size_t)bytes}, SPEECH_WRONG);
    }
}

static void zherd_questions(void)
{
    static const char json[] = "{\n   \"results\": [],\n   \"status\": \"OK\"\n}\n\n";
    struct talk talk = a_talk(&speech_zherd);
    char line[200], text[300];
    check_request(&talk, a_question(), "WHATSAT client-000000042 10 5\n");
    check_verdict(&talk, a_question(), span_of("? WHATSAT client-000000042 10 5\n"), SPEECH_GOOD);
    check_verdict(&talk, a_question(), span_of("? WHATSAT client-000000042 10 6\n"), SPEECH_WRONG);

    int line_bytes = snprintf(line, sizeof line, "AT Clark +0.263873386 %s\n", the_sample());
    check_verdict(&talk, an_update(), (struct span){line, (size_t)line_bytes}, SPEECH_GOOD);
    known[2].stamp_ns = STAMP_NS;
    int bytes = snprintf(text, sizeof text, "%s%s", line, json);
    struct span reply = {text, (size_t)bytes};
    struct asked asked = a_question();
    size_t taken;
    CHECK_INT(judge_bytes(&talk, &asked, reply, &taken), SPEECH_GOOD);
    CHECK(asked.seen_ns == STAMP_NS);
    /* The AT line is known, and now the JSON too: no byte is free any more. */
    check_reply(&talk, a_question(), reply, 0, 0);

    /* An older position is a good reply to a question at another node; the caller sees its time. */
    known[2].stamp_ns = STAMP_NS + 1;
    CHECK_INT(judge_bytes(&talk, &asked, reply, &taken), SPEECH_GOOD);
    CHECK(asked.seen_ns == STAMP_NS);
    char other[SAMPLE_BYTES + 1] = "";
    sample_write(43, STAMP_NS - 1, other);
    bytes = snprintf(text, sizeof text, "AT Clark +0.263873386 %s\n%s", other, json);
    check_verdict(&talk, a_question(), (struct span){text, (size_t)bytes}, SPEECH_WRONG);
    bytes = snprintf(text, sizeof text, "%s{}\n\n", line);
    known[2].stamp_ns = STAMP_NS;
    check_verdict(&talk, a_question(), (struct span){text, (size_t)bytes}, SPEECH_WRONG);
}

static void echoes(void)
{
    struct talk talk = a_talk(&speech_echo);
    char text[200];
    int bytes = snprintf(text, sizeof text, "IAMAT %s\n", the_sample());
    check_request(&talk, an_update(), text);
    check_reply(&talk, an_update(), (struct span){text, (size_t)bytes}, 0, 0);
}

static void redis(void)
{
    struct talk talk = a_talk(&speech_redis);
    char text[300];
    snprintf(text, sizeof text,
             "*3\r\n$3\r\nSET\r\n$16\r\nclient-000000042\r\n$82\r\nAT Alford +0.263873386 %s\r\n",
             the_sample());
    check_request(&talk, an_update(), text);
    check_reply(&talk, an_update(), span_of("+OK\r\n"), 0, 0);
    check_request(&talk, a_question(), "*2\r\n$3\r\nGET\r\n$16\r\nclient-000000042\r\n");
    int bytes = snprintf(text, sizeof text, "$82\r\nAT Alford +0.263873386 %s\r\n", the_sample());
    check_reply(&talk, a_question(), (struct span){text, (size_t)bytes}, 0, 0);
    check_reply(&talk, a_question(), span_of("$-1\r\n"), 0, 0);
}

static void redis_until_and_wait(void)
{
    struct talk talk = a_talk(&speech_redis_wait);
    char text[256];
    snprintf(text, sizeof text,
             "*3\r\n$3\r\nSET\r\n$16\r\nclient-000000042\r\n$82\r\nAT Alford +0.263873386 %s\r\n"
             "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n2000\r\n",
             the_sample());
    check_request(&talk, an_update(), text);
    check_reply(&talk, an_update(), span_of("+OK\r\n:1\r\n"), 0, 0);
    check_verdict(&talk, an_update(), span_of("+OK\r\n:0\r\n"), SPEECH_WRONG);
    talk = a_talk(&speech_redis);
    talk.expire_s = 86400;
    snprintf(text, sizeof text,
             "*5\r\n$3\r\nSET\r\n$16\r\nclient-000000042\r\n$82\r\nAT Alford +0.263873386 %s\r\n"
             "$4\r\nPXAT\r\n$13\r\n1621551227959\r\n",
             the_sample());
    check_request(&talk, an_update(), text);
    check_reply(&talk, an_update(), span_of("+OK\r\n"), 0, 0);
}

static void redis_geoadd(void)
{
    struct talk talk = a_talk(&speech_redis_geoadd);
    char text[300];
    snprintf(text, sizeof text,
             "*5\r\n$6\r\nGEOADD\r\n$4\r\nherd\r\n$11\r\n%.11s\r\n$10\r\n%.10s\r\n$16\r\n"
             "client-000000042\r\n",
             the_sample() + SAMPLE_LONGITUDE_AT, the_sample() + SAMPLE_LATITUDE_AT);
    check_request(&talk, an_update(), text);
    check_reply(&talk, an_update(), span_of(":0\r\n"), 1, 2);
    check_verdict(&talk, an_update(), span_of(":2\r\n"), SPEECH_WRONG);
}

static void check_heard(const struct speech *speech, struct span message)
{
    uint32_t client;
    uint64_t stamp_ns;
    size_t taken;
    CHECK_INT(speech->heard(message, &taken, &client, &stamp_ns), SPEECH_GOOD);
    CHECK_INT(taken, message.len);
    CHECK(client == 42 && stamp_ns == STAMP_NS);
    for (size_t i = 0; i < message.len; i++) {
        struct span part = {check_at_page_end(message.data, i), i};
        CHECK_INT(speech->heard(part, &taken, &client, &stamp_ns), SPEECH_PART);
    }
}

static void check_welcome(const struct speech *speech, struct span welcome)
{
    size_t taken;
    CHECK_INT(speech->welcome(welcome, &taken), SPEECH_GOOD);
    CHECK_INT(taken, welcome.len);
    for (size_t i = 0; i < welcome.len; i++) {
        struct span part = {check_at_page_end(welcome.data, i), i};
        CHECK_INT(speech->welcome(part, &taken), SPEECH_PART);
    }
}

static void zherd_watch(void)
{
    char text[300];
    const char *move = "! MOVE 1 AT Alford +0.263873386 ";
    int bytes = snprintf(text, sizeof text, "%s%s\n", move, the_sample());
    check_heard(&speech_zherd_watch, (struct span){text, (size_t)bytes});
    uint32_t client;
    uint64_t stamp_ns;
    size_t taken;
    const char *const wrong[] = {"! LEAVE 1 AT", "! MOVE 2 AT", "AT Alford ", "! MOVE 1 AT\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(speech_zherd_watch.heard(span_of(wrong[i]), &taken, &client, &stamp_ns),
                  SPEECH_WRONG);
}

static void nats(void)
{
    struct talk talk = a_talk(&speech_nats);
    struct span answer;
    char text[300];
    size_t taken;
    snprintf(text, sizeof text, "PUB herd.client-000000042 59\r\n%s\r\n", the_sample());
    check_request(&talk, an_update(), text);
    check_reply(&talk, an_update(), span_of("+OK\r\n"), 0, 0);
    check_welcome(&speech_nats, span_of("INFO {\"version\":\"2.9\"}\r\n+OK\r\n"));
    CHECK_INT(speech_nats.welcome(span_of("INFO {}\r\n-ERR\r\n"), &taken), SPEECH_WRONG);
    CHECK_INT(speech_nats.aside(span_of("PING\r\n+OK"), &taken, &answer), SPEECH_GOOD);
    CHECK_INT(taken, 6);
    CHECK_BYTES(answer.data, answer.len, "PONG\r\n", (size_t)6);
    CHECK_INT(speech_nats.aside(span_of("PI"), &taken, &answer), SPEECH_PART);
    CHECK_INT(speech_nats.aside(span_of("+OK\r\n"), &taken, &answer), SPEECH_WRONG);
    int bytes =
        snprintf(text, sizeof text, "MSG herd.client-000000042 1 59\r\n%s\r\n", the_sample());
    check_heard(&speech_nats, (struct span){text, (size_t)bytes});
}

static void mqtt(void)
{
    struct talk talk = a_talk(&speech_mqtt);
    struct asked asked = an_update();
    char out[SPEECH_REQUEST_BYTES_MAX], wanted[SPEECH_REQUEST_BYTES_MAX];
    char head[] = "\x33\x54\x00\x15herd/client-000000042\x00\x04"; /* packet id: place 3 and 1 */
    size_t bytes = talk.speech->write(&talk, &asked, out);
    memcpy(wanted, head, sizeof head - 1);
    memcpy(wanted + sizeof head - 1, the_sample(), SAMPLE_BYTES);
    CHECK_BYTES(out, bytes, wanted, sizeof head - 1 + SAMPLE_BYTES);
    CHECK_INT((unsigned char)out[1], bytes - 2);
    check_reply(&talk, asked, (struct span){"\x40\x02\x00\x04", 4}, 0, 0);
    check_welcome(&speech_mqtt, (struct span){"\x20\x02\x00\x00", 4});
    CHECK_INT(speech_mqtt.greeting.len, 2 + (size_t)speech_mqtt.greeting.data[1]);
    CHECK_INT(speech_mqtt.listen.len, 2 + (size_t)speech_mqtt.listen.data[1]);

    char message[4 + 21 + SAMPLE_BYTES + 1];
    memcpy(message, "\x30\x52\x00\x15herd/client-000000042", 4 + 21);
    memcpy(message + 4 + 21, the_sample(), SAMPLE_BYTES);
    check_heard(&speech_mqtt, (struct span){message, 4 + 21 + SAMPLE_BYTES});
}

static void osmand(void)
{
    struct talk talk = a_talk(&speech_osmand);
    char text[256];
    snprintf(text, sizeof text,
             "POST /osmand HTTP/1.1\r\nHost: zherd\r\n"
             "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 80\r\n\r\n"
             "id=client-000000042&lat=%.9s&lon=%.11s&timestamp=1621464827.959498503",
             the_sample() + SAMPLE_LATITUDE_AT + 1, the_sample() + SAMPLE_LONGITUDE_AT);
    check_request(&talk, an_update(), text);
    check_reply(&talk, an_update(), span_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 0, 0);
    check_verdict(&talk, an_update(),
                  span_of("HTTP/1.1 204 No Content\r\nServer: nginx\r\nDate: now\r\n\r\n"),
                  SPEECH_GOOD);
    check_verdict(&talk, an_update(),
                  span_of("HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n"),
                  SPEECH_GOOD);
    check_verdict(&talk, an_update(), span_of("HTTP/1.1 200 OK\r\nDate: now\r\n\r\n"),
                  SPEECH_WRONG);
    check_verdict(&talk, an_update(), span_of("HTTP/1.1 503 Service Unavailable\r\n"),
                  SPEECH_WRONG);
}

static void names(void)
{
    CHECK(speech_find("osmand") == &speech_osmand);
    CHECK(speech_find("zherd") == &speech_zherd);
    CHECK(speech_find("redis-geoadd") == &speech_redis_geoadd);
    CHECK(speech_find("redis-wait") == &speech_redis_wait);
    CHECK(speech_find("gopher") == NULL);
}

static struct script a_script(void)
{
    memset(known, 0, sizeof known);
    return (struct script){
        .connections = 3, .clients = CLIENTS, .stamp_ns = 1000, .known = known, .rng = {1}};
}

static void everybody_is_loaded_once(void)
{
    struct script script = a_script();
    struct asked asked;
    unsigned told[CLIENTS] = {0};
    script_begin(&script, SCRIPT_LOAD, UINT64_MAX);
    for (uint32_t connection = 0; connection < 3; connection++)
        while (script_next(&script, connection, &asked)) {
            CHECK_INT(asked.client % 3, connection);
            told[asked.client]++;
        }
    for (int i = 0; i < CLIENTS; i++)
        CHECK_INT(told[i], 1);
    script_free(&script);
}

static void clients_keep_their_connection(void)
{
    struct script script = a_script();
    struct asked asked;
    uint64_t before = script.stamp_ns;
    bool seen[CLIENTS] = {false};
    unsigned questions = 0;
    script_begin(&script, SCRIPT_MIXED, 10000);
    for (uint32_t i = 0; script_next(&script, i % 3, &asked); i++) {
        CHECK_INT(asked.client % 3, i % 3);
        CHECK(asked.client < CLIENTS);
        seen[asked.client] = true;
        if (asked.kind == SPEECH_QUESTION) {
            questions++;
            CHECK(asked.stamp_ns == known[asked.client].stamp_ns);
        } else {
            CHECK(asked.stamp_ns > before);
            before = asked.stamp_ns;
        }
    }
    CHECK_INT(script.left, 0);
    CHECK(questions > 800 && questions < 1200);
    for (int i = 0; i < CLIENTS; i++)
        CHECK(seen[i]);
}

static void a_sweep_asks_until_told_to_stop(void)
{
    struct script script = a_script();
    struct asked asked;
    unsigned count[CLIENTS] = {0};
    script_begin(&script, SCRIPT_SWEEP, UINT64_MAX);
    while (script_next(&script, 0, &asked)) {
        CHECK_INT(asked.kind, SPEECH_QUESTION);
        if (++count[asked.client] < 3)
            script_again(&script, asked.client);
    }
    for (int i = 0; i < CLIENTS; i++)
        CHECK_INT(count[i], 3);
    script_free(&script);
}

static const struct check_case cases[] = {
    {"a sample says whose it is and when, and no byte of it is free", samples_come_back},
    {"a sample's columns are where they are said to be", sample_columns},
    {"zherd: an AT line is good only for its own IAMAT", zherd_updates},
    {"zherd: a difference has a sign, digits, a point and nine decimals", zherd_differences},
    {"zherd: a WHATSAT shows the AT line that is known, and the same places again",
     zherd_questions},
    {"echo: the same bytes", echoes},
    {"redis: SET and GET", redis},
    {"redis: SET with a time, and with WAIT", redis_until_and_wait},
    {"redis: GEOADD", redis_geoadd},
    {"redis: GEOSEARCH", redis_geosearch},
    {"zherd: NEARBY", zherd_nearby},
    {"fleets stand, or move by 30 m", fleets_stand},
    {"zherd, told by WATCH", zherd_watch},
    {"nats: publish, greeting, ping, message", nats},
    {"mqtt: publish, greeting, message", mqtt},
    {"osmand", osmand},
    {"protocols are found by name", names},
    {"load: every client once, through its own connection", everybody_is_loaded_once},
    {"mixed: stamps rise, one question in ten, each expects the newest",
     clients_keep_their_connection},
    {"sweep: every client, as often as the answer is old", a_sweep_asks_until_told_to_stop},
};

CHECK_MAIN(cases)
