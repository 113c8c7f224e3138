#include "tests/bus/http_server.h"

static bool more(const struct http_server *giver)
{
    int has = 0;
    size_t bytes = sizeof has;
    zmq_getsockopt(giver->socket, ZMQ_RCVMORE, &has, &bytes);
    return has != 0;
}

void http_server_open(struct http_server *giver, void *context, int patience_ms)
{
    int linger = 0;
    snprintf(giver->endpoint, sizeof giver->endpoint, "tcp://127.0.0.1:%u", asker_free_port());
    giver->socket = zmq_socket(context, ZMQ_ROUTER);
    zmq_setsockopt(giver->socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(giver->socket, ZMQ_LINGER, &linger, sizeof linger);
    CHECK(zmq_bind(giver->socket, giver->endpoint) == 0);
}

void http_server_meet(struct http_server *giver)
{
    char ready[LOOKUP_READY_BYTES_MAX];
    int bytes = zmq_recv(giver->socket, giver->worker, sizeof giver->worker, 0);
    CHECK(bytes > 0 && more(giver));
    giver->worker_bytes = bytes > 0 ? (size_t)bytes : 0;
    CHECK(zmq_recv(giver->socket, ready, sizeof ready, 0) > 0 && !more(giver));
}

void http_server_give(struct http_server *giver, uint64_t number, struct lookup lookup,
                      const char *source)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    size_t bytes = lookup_write_request(&lookup, request);
    zmq_send(giver->socket, giver->worker, giver->worker_bytes, ZMQ_SNDMORE);
    zmq_send(giver->socket, &number, sizeof number, ZMQ_SNDMORE);
    zmq_send(giver->socket, request, bytes, source != NULL ? ZMQ_SNDMORE : 0);
    if (source != NULL)
        zmq_send(giver->socket, source, strlen(source), 0);
}

struct asker_answer http_server_take(struct http_server *giver, uint64_t *number, uint32_t *rest_ms)
{
    struct asker_answer answer = {0};
    *rest_ms = 0;
    for (;;) {
        char id[64], rest[LOOKUP_READY_BYTES_MAX];
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        bool came = zmq_recv(giver->socket, id, sizeof id, 0) > 0 &&
                    zmq_msg_recv(&frame, giver->socket, 0) >= 0;
        bool is_answer = came && more(giver);
        CHECK(came);
        if (is_answer) {
            CHECK_INT(zmq_msg_size(&frame), sizeof *number);
            memcpy(number, zmq_msg_data(&frame), sizeof *number);
            zmq_msg_recv(&frame, giver->socket, 0);
            answer = asker_read(zmq_msg_data(&frame), zmq_msg_size(&frame));
        }
        if (is_answer && more(giver)) {
            int bytes = zmq_recv(giver->socket, rest, sizeof rest, 0);
            CHECK(bytes > 0 && lookup_read_rest((struct span){rest, (size_t)bytes}, rest_ms));
        }
        zmq_msg_close(&frame);
        if (!came || is_answer)
            return answer;
    }
}

void http_server_close(struct http_server *giver)
{
    zmq_close(giver->socket);
}
