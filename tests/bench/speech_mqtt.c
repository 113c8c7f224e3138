/* MQTT 3.1.1 (docs.oasis-open.org/mqtt/mqtt/v3.1.1): a retained publish of quality of service 1,
 * which the broker acknowledges. */
#include "tests/bench/speech.h"

/* First bytes of packets: type and flags (sections 2.2, 3.3). */
#define PUBLISH_RETAINED_ONCE "\x33"
#define PUBLISH_PLAIN         "\x30"
#define PUBLISH_RETAINED      "\x31"
#define TOPIC                 "herd/"
#define TOPIC_BYTES           (sizeof TOPIC - 1 + SAMPLE_ID_BYTES)

/* Remaining length 12, "MQTT", level 4, clean session, no keep alive, an empty client id: the
 * broker names us. */
static const char connect_packet[] = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00";
/* Packet id 1, "herd/#", quality 0. */
static const char subscribe_packet[] = "\x82\x0b\x00\x01\x00\x06herd/#\x00";

static char *put_u16(char *to, uint32_t value)
{
    to[0] = (char)(value >> 8);
    to[1] = (char)value;
    return to + 2;
}

static size_t write_publish(const struct talk *talk, const struct asked *asked, char *out)
{
    char sample[SAMPLE_BYTES];
    sample_write(talk->first_client + asked->client, asked->stamp_ns, sample);
    char *end = speech_put(out, PUBLISH_RETAINED_ONCE, 1);
    *end++ = 2 + TOPIC_BYTES + 2 + SAMPLE_BYTES;
    end = put_u16(end, TOPIC_BYTES);
    end = speech_put(end, TOPIC, sizeof TOPIC - 1);
    end = speech_put(end, sample, SAMPLE_ID_BYTES);
    end = put_u16(end, asked->place + 1);
    end = speech_put(end, sample, SAMPLE_BYTES);
    return (size_t)(end - out);
}

static enum speech_verdict read_puback(struct talk *talk, struct asked *asked, struct span request,
                                       struct span reply, size_t *taken)
{
    char puback[4] = {0x40, 2};
    (void)talk;
    (void)request;
    put_u16(puback + 2, asked->place + 1);
    *taken = sizeof puback;
    return speech_match(reply, (struct span){puback, sizeof puback});
}

static enum speech_verdict read_connack(struct span reply, size_t *taken)
{
    *taken = 4;
    return speech_match(reply, (struct span){"\x20\x02\x00\x00", 4});
}

static enum speech_verdict read_message(struct span bytes, size_t *taken, uint32_t *client,
                                        uint64_t *stamp_ns)
{
    const size_t head_bytes = 2 + 2 + TOPIC_BYTES;
    *taken = head_bytes + SAMPLE_BYTES;
    if (bytes.len < *taken)
        return SPEECH_PART;
    bool good = (bytes.data[0] == PUBLISH_PLAIN[0] || bytes.data[0] == PUBLISH_RETAINED[0]) &&
                memcmp(bytes.data + 4, TOPIC, sizeof TOPIC - 1) == 0 &&
                sample_read(bytes.data + head_bytes, client, stamp_ns);
    return good ? SPEECH_GOOD : SPEECH_WRONG;
}

const struct speech speech_mqtt = {
    .name = "mqtt",
    .write = write_publish,
    .read = read_puback,
    .greeting = {connect_packet, sizeof connect_packet - 1},
    .welcome = read_connack,
    .listen = {subscribe_packet, sizeof subscribe_packet - 1},
    .listening = {"\x90\x03\x00\x01\x00", 5},
    .heard = read_message,
};
