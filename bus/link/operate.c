#include "bus/link/operate.h"

#include <assert.h>
#include <msgpack.h>

#include "bus/base/msgput.h"
#include "bus/base/msgread.h"
#include "bus/base/token.h"
#include "bus/link/wire_elements.h"

/* Type, from, to, number, kind; then the arguments, or state, text and result. */
#define REQUEST_ELEMENTS 6
#define REPLY_ELEMENTS   8
#define EXAMPLE_ELEMENTS 4

#define UNKNOWN_KIND     "this node does not know what is asked: it is older than this program"
#define UNKNOWN_ARGUMENT "this node does not know a condition: it is older than this program"
#define BEYOND_A_LIMIT   "a condition is none that a client can meet"

static_assert(OPERATE_REPLY_BYTES_MAX - OPERATE_STATUS_BYTES_MAX >=
                  256 + OPERATE_TEXT_BYTES_MAX + WIRE_NAME_BYTES_MAX +
                      OPERATE_EXAMPLES_MAX * (32 + OPERATE_EXAMPLE_BYTES_MAX + WIRE_NAME_BYTES_MAX),
              "every reply fits");

/* ---- reading ---- */

/* The head that both kinds of message have, up to `kind`; `elements` are those of the array. */
struct head {
    uint64_t from, to, number, kind;
    uint32_t elements;
};

static bool take_head(struct span bytes, uint64_t type, uint32_t elements_min, struct msgread *in,
                      struct head *head)
{
    uint64_t found;
    if (bytes.len < MAGIC_BYTES || bytes.len > WIRE_MESSAGE_BYTES_MAX || bytes.data[0] != 'z' ||
        bytes.data[1] != 'h' || bytes.data[2] != WIRE_MAJOR)
        return false;
    *in = msgread_of((struct span){bytes.data + MAGIC_BYTES, bytes.len - MAGIC_BYTES});
    return msgread_take_array(in, &head->elements) && head->elements >= elements_min &&
           msgread_take_uint(in, &found) && found == type && msgread_take_uint(in, &head->from) &&
           msgread_take_uint(in, &head->to) && msgread_take_uint(in, &head->number) &&
           msgread_take_uint(in, &head->kind) && head->from != 0;
}

static bool skip(struct msgread *in, uint32_t count)
{
    while (count-- > 0)
        if (!msgread_skip(in))
            return false;
    return true;
}

static bool take_ids(struct msgread *in, struct operate_request *request)
{
    uint32_t count;
    if (!msgread_take_array(in, &count) || count == 0 || count > OPERATE_IDS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!msgread_take_bin(in, &request->ids[i]) || !token_is_whole(request->ids[i]))
            return false;
    request->id_count = count;
    return true;
}

static bool take_origin(struct msgread *in, struct span *origin)
{
    return msgread_take_str(in, origin) && origin->len > 0 && origin->len <= WIRE_NAME_BYTES_MAX;
}

/* A value that is of another kind, or beyond a limit, is skipped, and `why` says so: also no id at
 * all, and a condition that is there already. One that did not count would mean more clients. */
static bool take_argument(struct msgread *in, struct operate_request *request, const char **why)
{
    struct span key;
    if (!msgread_take_str(in, &key))
        return false;
    struct msgread value = *in;
    struct selection *which = &request->which;
    bool good = true;
    if (span_equals(key, span_of("ids")))
        good = request->id_count == 0 && take_ids(&value, request);
    else if (span_equals(key, span_of("origin")))
        good = which->origin.len == 0 && take_origin(&value, &which->origin);
    else if (span_equals(key, span_of("matching")))
        good = which->pattern.len == 0 && msgread_take_bin(&value, &which->pattern) &&
               selection_is_pattern(which->pattern);
    else if (span_equals(key, span_of("after_ns")))
        good = which->after_ns == INT64_MIN && msgread_take_int(&value, &which->after_ns);
    else if (span_equals(key, span_of("older_ms")))
        good = request->older_ms == 0 && msgread_take_uint(&value, &request->older_ms) &&
               request->older_ms > 0;
    else if (span_equals(key, span_of("act")))
        good = msgread_take_bool(&value, &request->acts);
    else
        *why = UNKNOWN_ARGUMENT;
    if (!good)
        *why = BEYOND_A_LIMIT;
    return msgread_skip(in);
}

static bool take_arguments(struct msgread *in, struct operate_request *request, const char **why)
{
    uint32_t count;
    if (request->kind < OPERATE_PING || request->kind > OPERATE_STATUS) {
        *why = UNKNOWN_KIND;
        return msgread_skip(in);
    }
    if (!msgread_take_map(in, &count))
        return false;
    while (count-- > 0)
        if (!take_argument(in, request, why))
            return false;
    return true;
}

enum operate_result operate_read_request(struct span bytes, struct operate_request *request,
                                         const char **why)
{
    struct msgread in;
    struct head head;
    if (!take_head(bytes, OPERATE_REQUEST, REQUEST_ELEMENTS, &in, &head))
        return OPERATE_MALFORMED;
    request->from = head.from;
    request->number = head.number;
    request->kind = head.kind;
    request->id_count = 0;
    request->which = selection_of_all();
    request->older_ms = 0;
    request->acts = false;
    *why = NULL;
    if (!take_arguments(&in, request, why) || !skip(&in, head.elements - REQUEST_ELEMENTS) ||
        !msgread_at_end(&in))
        return OPERATE_MALFORMED;
    /* A newer version says there what would change the meaning of what is before it. */
    if (head.elements > REQUEST_ELEMENTS)
        *why = UNKNOWN_ARGUMENT;
    return *why == NULL ? OPERATE_GOOD : OPERATE_UNKNOWN;
}

static bool take_example(struct msgread *in, struct operate_example *example)
{
    uint32_t elements;
    return msgread_take_array(in, &elements) && elements >= EXAMPLE_ELEMENTS &&
           msgread_take_bin(in, &example->client) &&
           example->client.len <= OPERATE_EXAMPLE_BYTES_MAX &&
           msgread_take_uint(in, &example->bytes) && take_origin(in, &example->origin) &&
           msgread_take_int(in, &example->order_ns) && skip(in, elements - EXAMPLE_ELEMENTS);
}

static bool take_examples(struct msgread *in, struct operate_reply *reply)
{
    if (!msgread_take_array(in, &reply->example_count) ||
        reply->example_count > OPERATE_EXAMPLES_MAX)
        return false;
    for (uint32_t i = 0; i < reply->example_count; i++)
        if (!take_example(in, &reply->examples[i]))
            return false;
    return true;
}

/* As it came: who wants it reads it. */
static bool take_status(struct msgread *in, struct span *status)
{
    const char *start = in->at;
    bool good = msgread_skip(in);
    *status = (struct span){start, (size_t)(in->at - start)};
    return good;
}

static bool take_result(struct msgread *in, struct operate_reply *reply)
{
    struct span key;
    if (!msgread_take_str(in, &key))
        return false;
    if (span_equals(key, span_of("node")))
        return take_origin(in, &reply->node);
    if (span_equals(key, span_of("looked")))
        return msgread_take_uint(in, &reply->looked);
    if (span_equals(key, span_of("of")))
        return msgread_take_uint(in, &reply->of);
    if (span_equals(key, span_of("matches")))
        return msgread_take_uint(in, &reply->matches);
    if (span_equals(key, span_of("forgotten")))
        return msgread_take_uint(in, &reply->forgotten);
    if (span_equals(key, span_of("examples")))
        return take_examples(in, reply);
    if (span_equals(key, span_of("status")))
        return take_status(in, &reply->status);
    return msgread_skip(in);
}

static bool take_results(struct msgread *in, struct operate_reply *reply)
{
    uint32_t count;
    if (!msgread_take_map(in, &count))
        return false;
    while (count-- > 0)
        if (!take_result(in, reply))
            return false;
    return reply->node.len > 0;
}

bool operate_read_reply(struct span bytes, struct operate_reply *reply)
{
    struct msgread in;
    struct head head;
    if (!take_head(bytes, OPERATE_REPLY, REPLY_ELEMENTS, &in, &head) || head.to == 0)
        return false;
    *reply = (struct operate_reply){
        .from = head.from, .to = head.to, .number = head.number, .kind = head.kind};
    bool good = msgread_take_uint(&in, &reply->state) && msgread_take_str(&in, &reply->text) &&
                take_results(&in, reply) && skip(&in, head.elements - REPLY_ELEMENTS) &&
                msgread_at_end(&in);
    if (good && reply->text.len > OPERATE_TEXT_BYTES_MAX)
        reply->text.len = OPERATE_TEXT_BYTES_MAX;
    return good;
}

/* ---- writing ---- */

static void put_number(msgpack_packer *out, const char *key, uint64_t number)
{
    msgput_str(out, span_of(key));
    msgpack_pack_uint64(out, number);
}

static void put_head(msgpack_packer *out, uint32_t elements, uint64_t type, const struct head *head)
{
    static const char magic[MAGIC_BYTES] = {'z', 'h', WIRE_MAJOR};
    msgpack_sbuffer_write(out->data, magic, sizeof magic);
    msgpack_pack_array(out, elements);
    msgpack_pack_uint64(out, type);
    msgpack_pack_uint64(out, head->from);
    msgpack_pack_uint64(out, head->to);
    msgpack_pack_uint64(out, head->number);
    msgpack_pack_uint64(out, head->kind);
}

static void put_ids(msgpack_packer *out, const struct operate_request *request)
{
    msgput_str(out, span_of("ids"));
    msgpack_pack_array(out, request->id_count);
    for (uint32_t i = 0; i < request->id_count; i++)
        msgput_bin(out, request->ids[i]);
}

static void put_arguments(msgpack_packer *out, const struct operate_request *request)
{
    const struct selection *which = &request->which;
    bool has_after = which->after_ns != INT64_MIN;
    int count = (request->id_count > 0) + (which->origin.len > 0) + (which->pattern.len > 0) +
                has_after + (request->older_ms > 0) + request->acts;
    msgpack_pack_map(out, (size_t)count);
    if (request->id_count > 0)
        put_ids(out, request);
    if (which->origin.len > 0) {
        msgput_str(out, span_of("origin"));
        msgput_str(out, which->origin);
    }
    if (which->pattern.len > 0) {
        msgput_str(out, span_of("matching"));
        msgput_bin(out, which->pattern);
    }
    if (has_after) {
        msgput_str(out, span_of("after_ns"));
        msgpack_pack_int64(out, which->after_ns);
    }
    if (request->older_ms > 0)
        put_number(out, "older_ms", request->older_ms);
    if (request->acts) {
        msgput_str(out, span_of("act"));
        msgpack_pack_true(out);
    }
}

/* Ends what is written: copies it to where it is wanted, or says 0. */
static size_t hand_over(msgpack_sbuffer *written, char *out, size_t room)
{
    size_t bytes = written->size <= room ? written->size : 0;
    memcpy(out, written->data, bytes);
    msgpack_sbuffer_destroy(written);
    return bytes;
}

size_t operate_write_request(const struct operate_request *request, char *out, size_t room)
{
    msgpack_sbuffer written;
    msgpack_packer packer;
    struct head head = {.from = request->from, .number = request->number, .kind = request->kind};
    msgpack_sbuffer_init(&written);
    msgpack_packer_init(&packer, &written, msgpack_sbuffer_write);
    put_head(&packer, REQUEST_ELEMENTS, OPERATE_REQUEST, &head);
    put_arguments(&packer, request);
    return hand_over(&written, out, room);
}

static void put_examples(msgpack_packer *out, const struct operate_reply *reply)
{
    msgput_str(out, span_of("examples"));
    msgpack_pack_array(out, reply->example_count);
    for (uint32_t i = 0; i < reply->example_count; i++) {
        const struct operate_example *example = &reply->examples[i];
        assert(example->client.len <= OPERATE_EXAMPLE_BYTES_MAX);
        msgpack_pack_array(out, EXAMPLE_ELEMENTS);
        msgput_bin(out, example->client);
        msgpack_pack_uint64(out, example->bytes);
        msgput_str(out, example->origin);
        msgpack_pack_int64(out, example->order_ns);
    }
}

static void put_results(msgpack_packer *out, const struct operate_reply *reply)
{
    bool has_counts = reply->kind == OPERATE_FORGET, has_status = reply->status.len > 0;
    msgpack_pack_map(out, 1u + (has_counts ? 5 : 0) + has_status);
    msgput_str(out, span_of("node"));
    msgput_str(out, reply->node);
    if (has_counts) {
        put_number(out, "looked", reply->looked);
        put_number(out, "of", reply->of);
        put_number(out, "matches", reply->matches);
        put_number(out, "forgotten", reply->forgotten);
        put_examples(out, reply);
    }
    if (has_status) {
        assert(reply->status.len <= OPERATE_STATUS_BYTES_MAX);
        msgput_str(out, span_of("status"));
        msgpack_sbuffer_write(out->data, reply->status.data, reply->status.len);
    }
}

size_t operate_write_reply(const struct operate_reply *reply, char out[OPERATE_REPLY_BYTES_MAX])
{
    msgpack_sbuffer written;
    msgpack_packer packer;
    struct head head = {reply->from, reply->to, reply->number, reply->kind, 0};
    struct span text = reply->text;
    if (text.len > OPERATE_TEXT_BYTES_MAX)
        text.len = OPERATE_TEXT_BYTES_MAX;
    msgpack_sbuffer_init(&written);
    msgpack_packer_init(&packer, &written, msgpack_sbuffer_write);
    put_head(&packer, REPLY_ELEMENTS, OPERATE_REPLY, &head);
    msgpack_pack_uint64(&packer, reply->state);
    msgput_str(&packer, text);
    put_results(&packer, reply);
    size_t bytes = hand_over(&written, out, OPERATE_REPLY_BYTES_MAX);
    assert(bytes > 0);
    return bytes;
}
