/* The text protocol of gateway/PROTOCOL.md; any herd that speaks it can be measured. */
#include <xxhash.h>

#include "bus/base/arc.h"
#include "bus/base/packed.h"
#include "tests/bench/speech.h"

#define IAMAT   "IAMAT "
#define WHATSAT "WHATSAT "
#define NEARBY  "NEARBY AT "
#define NEAR    "NEAR "
#define WATCH   "WATCH *\n"
#define WATCHED "WATCH 1 0\n\n"
#define MOVE    "! MOVE 1 "
/* What a JSON object of places has in any case. */
#define RESULTS "\"results\""
#define STATUS  "\"status\""

static char *put_number(char *end, uint32_t number)
{
    *end++ = ' ';
    return decimal_put(end, number, decimal_count(number));
}

static size_t write_request(const struct talk *talk, const struct asked *asked, char *out)
{
    uint32_t client = talk->first_client + asked->client;
    if (asked->kind == SPEECH_UPDATE) {
        memcpy(out, IAMAT, sizeof IAMAT - 1);
        sample_write(client, asked->stamp_ns, out + sizeof IAMAT - 1);
        out[sizeof IAMAT - 1 + SAMPLE_BYTES] = '\n';
        return sizeof IAMAT + SAMPLE_BYTES;
    }
    char *end;
    if (asked->kind == SPEECH_NEARBY) {
        end = speech_put(out, NEARBY, sizeof NEARBY - 1);
        sample_write_place(asked->stamp_ns, end);
        end += SAMPLE_POSITION_BYTES;
    } else {
        end = speech_put(out, WHATSAT, sizeof WHATSAT - 1);
        sample_write_id(client, end);
        end += SAMPLE_ID_BYTES;
    }
    end = put_number(put_number(end, talk->radius), talk->bound);
    *end++ = '\n';
    return (size_t)(end - out);
}

/* Sign, digits, point, nine decimals. */
static bool is_difference(struct span text)
{
    const size_t point = text.len - 10;
    if (text.len < 12 || (text.data[0] != '+' && text.data[0] != '-') || text.data[point] != '.')
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (i != point && (text.data[i] < '0' || text.data[i] > '9'))
            return false;
    return true;
}

/* An AT line (without its LF) that ends in a sample: who took it, and the sample. */
static bool split_at_line(struct span line, struct span *node, const char **sample)
{
    if (line.len < 3 + 1 + 1 + 12 + 1 + SAMPLE_BYTES || memcmp(line.data, "AT ", 3) != 0)
        return false;
    *sample = line.data + line.len - SAMPLE_BYTES;
    const char *difference_end = *sample - 1;
    node->data = line.data + 3;
    const char *blank = memchr(node->data, ' ', (size_t)(difference_end - node->data));
    if (blank == NULL || blank == node->data || *difference_end != ' ')
        return false;
    node->len = (size_t)(blank - node->data);
    return is_difference((struct span){blank + 1, (size_t)(difference_end - blank - 1)});
}

/* All updates of a run go to one node. */
static bool is_our_node(struct talk *talk, struct span node)
{
    if (talk->node_bytes == 0 && node.len <= SPEECH_NODE_BYTES_MAX) {
        memcpy(talk->node, node.data, node.len);
        talk->node_bytes = node.len;
    }
    return span_equals(node, (struct span){talk->node, talk->node_bytes});
}

static enum speech_verdict read_at(struct talk *talk, const struct asked *asked,
                                   struct span request, struct span line)
{
    struct span node;
    const char *sample;
    if (!split_at_line(line, &node, &sample) || !is_our_node(talk, node) ||
        memcmp(sample, request.data + sizeof IAMAT - 1, SAMPLE_BYTES) != 0)
        return SPEECH_WRONG;
    if (talk->known != NULL) {
        struct known *known = &talk->known[asked->client];
        known->at_stamp_ns = asked->stamp_ns;
        known->at_hash = XXH3_64bits(line.data, line.len);
        known->json_hash = 0;
    }
    return SPEECH_GOOD;
}

static bool is_json(struct span json)
{
    return json.len >= 2 && json.data[0] == '{' && json.data[json.len - 1] == '}' &&
           memmem(json.data, json.len, RESULTS, sizeof RESULTS - 1) != NULL &&
           memmem(json.data, json.len, STATUS, sizeof STATUS - 1) != NULL;
}

static void remember(struct talk *talk, struct span places, uint64_t hash)
{
    talk->places_bytes = places.len <= sizeof talk->places ? places.len : 0;
    memcpy(talk->places, places.data, talk->places_bytes);
    talk->places_hash = hash;
}

/* Reads what follows the AT line: a JSON object and an empty line, and the JSON's hash. Most
 * replies show the same as the one before, and then nothing has to be searched. */
static enum speech_verdict read_json(struct talk *talk, struct span rest, size_t *bytes,
                                     uint64_t *hash)
{
    *bytes = talk->places_bytes;
    *hash = talk->places_hash;
    if (*bytes > 0 && rest.len >= *bytes && memcmp(rest.data, talk->places, *bytes) == 0)
        return SPEECH_GOOD;
    const char *end = memmem(rest.data, rest.len, "\n\n", 2);
    if (end == NULL)
        return SPEECH_PART;
    struct span json = {rest.data, (size_t)(end - rest.data)};
    if (!is_json(json))
        return SPEECH_WRONG;
    *bytes = json.len + 2;
    *hash = XXH3_64bits(json.data, json.len) | 1;
    remember(talk, (struct span){rest.data, *bytes}, *hash);
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
    bool is_newest = XXH3_64bits(line.data, line.len) == known->at_hash;
    if (is_newest)
        asked->seen_ns = known->at_stamp_ns;
    else if (!read_stamp(talk, asked, line, &asked->seen_ns))
        return SPEECH_WRONG;
    size_t bytes;
    uint64_t hash;
    enum speech_verdict verdict = read_json(talk, rest, &bytes, &hash);
    *taken = line.len + 1 + bytes;
    if (verdict != SPEECH_GOOD || asked->seen_ns != known->stamp_ns)
        return verdict;
    /* The newest AT line is known byte for byte, whichever node shows it; and the same question
     * about the same position has the same answer. */
    if (known->json_hash == 0)
        known->json_hash = hash;
    return is_newest && known->json_hash == hash ? SPEECH_GOOD : SPEECH_WRONG;
}

/* ---- who is near ---- */

/* "12.3 ", in decimetres, which is taken off. */
static bool take_decimetres(struct span *line, int64_t *dm)
{
    size_t i = 0;
    for (*dm = 0; i < line->len && line->data[i] >= '0' && line->data[i] <= '9' && i < 9; i++)
        *dm = *dm * 10 + (line->data[i] - '0');
    if (i == 0 || line->len < i + 3 || line->data[i] != '.' || line->data[i + 2] != ' ' ||
        line->data[i + 1] < '0' || line->data[i + 1] > '9')
        return false;
    *dm = *dm * 10 + (line->data[i + 1] - '0');
    *line = (struct span){line->data + i + 3, line->len - i - 3};
    return true;
}

static bool is_so_far(struct span request, const char *sample, int64_t dm)
{
    struct degrees from, to;
    if (!degrees_read((struct span){request.data + sizeof NEARBY - 1, SAMPLE_POSITION_BYTES},
                      &from) ||
        !degrees_read((struct span){sample + SAMPLE_POSITION_AT, SAMPLE_POSITION_BYTES}, &to))
        return false;
    struct arc_point a = arc_point(from), b = arc_point(to);
    return (arc_distance_mm(&a, &b, arc_haversine(&a, &b)) + 50) / 100 == dm;
}

/* A line without its LF; distances do not fall. Of the first it is computed how far that is. */
static bool is_near_line(const struct talk *talk, struct span request, struct span line,
                         uint32_t number, int64_t *dm)
{
    struct span node;
    const char *sample;
    uint32_t client;
    uint64_t stamp_ns;
    int64_t before_dm = *dm;
    if (line.len < sizeof NEAR || memcmp(line.data, NEAR, sizeof NEAR - 1) != 0)
        return false;
    line = (struct span){line.data + sizeof NEAR - 1, line.len - (sizeof NEAR - 1)};
    return take_decimetres(&line, dm) && split_at_line(line, &node, &sample) &&
           sample_read(sample, &client, &stamp_ns) && *dm >= before_dm &&
           *dm <= (int64_t)talk->radius * 10000 && number < talk->bound &&
           (number > 0 || is_so_far(request, sample, *dm));
}

static enum speech_verdict read_near(const struct talk *talk, struct span request,
                                     struct span reply, size_t *taken)
{
    int64_t dm = 0;
    const char *at = reply.data, *end = reply.data + reply.len;
    for (uint32_t number = 0;; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL)
            return SPEECH_PART;
        struct span line = {at, (size_t)(newline - at)};
        at = newline + 1;
        *taken = (size_t)(at - reply.data);
        if (line.len == 0)
            return SPEECH_GOOD;
        if (!is_near_line(talk, request, line, number, &dm))
            return SPEECH_WRONG;
    }
}

static enum speech_verdict read_reply(struct talk *talk, struct asked *asked, struct span request,
                                      struct span reply, size_t *taken)
{
    if (asked->kind == SPEECH_NEARBY)
        return read_near(talk, request, reply, taken);
    const char *newline = memchr(reply.data, '\n', reply.len);
    if (newline == NULL)
        return SPEECH_PART;
    struct span line = {reply.data, (size_t)(newline - reply.data)};
    *taken = line.len + 1;
    if (asked->kind == SPEECH_UPDATE)
        return read_at(talk, asked, request, line);
    if (line.len == request.len + 1 && memcmp(line.data, "? ", 2) == 0 &&
        memcmp(line.data + 2, request.data, request.len - 1) == 0) {
        asked->seen_ns = 0;
        return SPEECH_GOOD;
    }
    struct span rest = {newline + 1, reply.len - *taken};
    return read_places(talk, asked, line, rest, taken);
}

/* ---- what a watch of everything tells ---- */

static enum speech_verdict read_told(struct span bytes, size_t *taken, uint32_t *client,
                                     uint64_t *stamp_ns)
{
    struct span node;
    const char *sample, *newline = memchr(bytes.data, '\n', bytes.len);
    enum speech_verdict verdict = speech_match(bytes, span_of(MOVE));
    if (verdict != SPEECH_GOOD || newline == NULL)
        return verdict == SPEECH_GOOD ? SPEECH_PART : verdict;
    *taken = (size_t)(newline + 1 - bytes.data);
    struct span line = {bytes.data + sizeof MOVE - 1, *taken - sizeof MOVE};
    bool good = split_at_line(line, &node, &sample) && sample_read(sample, client, stamp_ns);
    return good ? SPEECH_GOOD : SPEECH_WRONG;
}

/* Of a herd whose access rules have the token of 32 bytes of zeros (tests/bench/systems.py). */
#define AUTH  "AUTH AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define AUTHS "AUTH bench\n"

static enum speech_verdict read_name(struct span reply, size_t *taken)
{
    *taken = sizeof AUTHS - 1;
    return speech_match(reply, span_of(AUTHS));
}

const struct speech speech_zherd_auth = {
    .name = "zherd-auth",
    .has_questions = true,
    .has_nearby = true,
    .write = write_request,
    .read = read_reply,
    .greeting = {AUTH, sizeof AUTH - 1},
    .welcome = read_name,
};

const struct speech speech_zherd_watch = {
    .name = "zherd-watch",
    .write = write_request,
    .read = read_reply,
    .listen = {WATCH, sizeof WATCH - 1},
    .listening = {WATCHED, sizeof WATCHED - 1},
    .heard = read_told,
};

const struct speech speech_zherd = {
    .name = "zherd",
    .has_questions = true,
    .has_nearby = true,
    .write = write_request,
    .read = read_reply,
};
