/* The text protocol of gateway/PROTOCOL.md; any herd that speaks it can be measured. */
#include <xxhash.h>

#include "bus/base/packed.h"
#include "tests/bench/speech.h"

#define IAMAT   "IAMAT "
#define WHATSAT "WHATSAT "
/* What a JSON object of places has in any case. */
#define RESULTS "\"results\""
#define STATUS  "\"status\""

static size_t write_request(const struct talk *talk, const struct asked *asked, char *out)
{
    uint32_t client = talk->first_client + asked->client;
    if (asked->kind == SPEECH_UPDATE) {
        memcpy(out, IAMAT, sizeof IAMAT - 1);
        sample_write(client, asked->stamp_ns, out + sizeof IAMAT - 1);
        out[sizeof IAMAT - 1 + SAMPLE_BYTES] = '\n';
        return sizeof IAMAT + SAMPLE_BYTES;
    }
    memcpy(out, WHATSAT, sizeof WHATSAT - 1);
    sample_write_id(client, out + sizeof WHATSAT - 1);
    char *end = out + sizeof WHATSAT - 1 + SAMPLE_ID_BYTES;
    *end++ = ' ';
    end = decimal_put(end, talk->radius, decimal_count(talk->radius));
    *end++ = ' ';
    end = decimal_put(end, talk->bound, decimal_count(talk->bound));
    *end++ = '\n';
    return (size_t)(end - out);
}

/* Sign, digits, point, nine decimals. */
static bool is_difference(struct span text)
{
    const size_t point = text.bytes - 10;
    if (text.bytes < 12 || (text.at[0] != '+' && text.at[0] != '-') || text.at[point] != '.')
        return false;
    for (size_t i = 1; i < text.bytes; i++)
        if (i != point && (text.at[i] < '0' || text.at[i] > '9'))
            return false;
    return true;
}

/* An AT line (without its LF) that ends in a sample: who took it, and the sample. */
static bool split_at_line(struct span line, struct span *node, const char **sample)
{
    if (line.bytes < 3 + 1 + 1 + 12 + 1 + SAMPLE_BYTES || memcmp(line.at, "AT ", 3) != 0)
        return false;
    *sample = line.at + line.bytes - SAMPLE_BYTES;
    const char *difference_end = *sample - 1;
    node->at = line.at + 3;
    const char *blank = memchr(node->at, ' ', (size_t)(difference_end - node->at));
    if (blank == NULL || blank == node->at || *difference_end != ' ')
        return false;
    node->bytes = (size_t)(blank - node->at);
    return is_difference((struct span){blank + 1, (size_t)(difference_end - blank - 1)});
}

/* All updates of a run go to one node. */
static bool is_our_node(struct talk *talk, struct span node)
{
    if (talk->node_bytes == 0 && node.bytes <= SPEECH_NODE_BYTES_MAX) {
        memcpy(talk->node, node.at, node.bytes);
        talk->node_bytes = node.bytes;
    }
    return span_equals(node, (struct span){talk->node, talk->node_bytes});
}

static enum speech_verdict read_at(struct talk *talk, const struct asked *asked,
                                   struct span request, struct span line)
{
    struct span node;
    const char *sample;
    if (!split_at_line(line, &node, &sample) || !is_our_node(talk, node) ||
        memcmp(sample, request.at + sizeof IAMAT - 1, SAMPLE_BYTES) != 0)
        return SPEECH_WRONG;
    if (talk->known != NULL) {
        struct known *known = &talk->known[asked->client];
        known->at_stamp_ns = asked->stamp_ns;
        known->at_hash = XXH3_64bits(line.at, line.bytes);
        known->json_hash = 0;
    }
    return SPEECH_GOOD;
}

static bool is_json(struct span json)
{
    return json.bytes >= 2 && json.at[0] == '{' && json.at[json.bytes - 1] == '}' &&
           memmem(json.at, json.bytes, RESULTS, sizeof RESULTS - 1) != NULL &&
           memmem(json.at, json.bytes, STATUS, sizeof STATUS - 1) != NULL;
}

static void remember(struct talk *talk, struct span places, uint64_t hash)
{
    talk->places_bytes = places.bytes <= sizeof talk->places ? places.bytes : 0;
    memcpy(talk->places, places.at, talk->places_bytes);
    talk->places_hash = hash;
}

/* Reads what follows the AT line: a JSON object and an empty line, and the JSON's hash. Most
 * replies show the same as the one before, and then nothing has to be searched. */
static enum speech_verdict read_json(struct talk *talk, struct span rest, size_t *bytes,
                                     uint64_t *hash)
{
    *bytes = talk->places_bytes;
    *hash = talk->places_hash;
    if (*bytes > 0 && rest.bytes >= *bytes && memcmp(rest.at, talk->places, *bytes) == 0)
        return SPEECH_GOOD;
    const char *end = memmem(rest.at, rest.bytes, "\n\n", 2);
    if (end == NULL)
        return SPEECH_PART;
    struct span json = {rest.at, (size_t)(end - rest.at)};
    if (!is_json(json))
        return SPEECH_WRONG;
    *bytes = json.bytes + 2;
    *hash = XXH3_64bits(json.at, json.bytes) | 1;
    remember(talk, (struct span){rest.at, *bytes}, *hash);
    return SPEECH_GOOD;
}

/* The stamp in an AT line about the client that was asked for. */
static bool read_stamp(const struct talk *talk, const struct asked *asked, struct span line,
                       uint64_t *stamp_ns)
{
    struct span node;
    const char *sample;
    uint32_t client;
    return split_at_line(line, &node, &sample) && sample_read(sample, &client, stamp_ns) &&
           client == talk->first_client + asked->client;
}

/* Most replies show the line that answered the newest update, which was looked at then. */
static enum speech_verdict read_places(struct talk *talk, struct asked *asked, struct span line,
                                       struct span rest, size_t *taken)
{
    struct known *known = &talk->known[asked->client];
    bool is_newest = XXH3_64bits(line.at, line.bytes) == known->at_hash;
    if (is_newest)
        asked->seen_ns = known->at_stamp_ns;
    else if (!read_stamp(talk, asked, line, &asked->seen_ns))
        return SPEECH_WRONG;
    size_t bytes;
    uint64_t hash;
    enum speech_verdict verdict = read_json(talk, rest, &bytes, &hash);
    *taken = line.bytes + 1 + bytes;
    if (verdict != SPEECH_GOOD || asked->seen_ns != known->stamp_ns)
        return verdict;
    /* The newest AT line is known byte for byte, whichever node shows it; and the same question
     * about the same position has the same answer. */
    if (known->json_hash == 0)
        known->json_hash = hash;
    return is_newest && known->json_hash == hash ? SPEECH_GOOD : SPEECH_WRONG;
}

static enum speech_verdict read_reply(struct talk *talk, struct asked *asked, struct span request,
                                      struct span reply, size_t *taken)
{
    const char *newline = memchr(reply.at, '\n', reply.bytes);
    if (newline == NULL)
        return SPEECH_PART;
    struct span line = {reply.at, (size_t)(newline - reply.at)};
    *taken = line.bytes + 1;
    if (asked->kind == SPEECH_UPDATE)
        return read_at(talk, asked, request, line);
    if (line.bytes == request.bytes + 1 && memcmp(line.at, "? ", 2) == 0 &&
        memcmp(line.at + 2, request.at, request.bytes - 1) == 0) {
        asked->seen_ns = 0;
        return SPEECH_GOOD;
    }
    struct span rest = {newline + 1, reply.bytes - *taken};
    return read_places(talk, asked, line, rest, taken);
}

const struct speech speech_zherd = {
    .name = "zherd",
    .has_questions = true,
    .write = write_request,
    .read = read_reply,
};
