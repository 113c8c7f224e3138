/* asker: asks at the places service's front as a gateway does, with libzmq and nothing else. */
#ifndef ZHERD_TESTS_BUS_ASKER_H
#define ZHERD_TESTS_BUS_ASKER_H

#include <arpa/inet.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <zmq.h>

#include "placesd/lookup.h"
#include "tests/check.h"

/* The key that must never be seen; every answer of every test is searched for it. */
#define ASKER_CANARY "CANARY-7f3a-do-not-tell"
/* What a busy machine may add to any deadline before a test calls it missed. */
#define ASKER_PATIENCE_MS 800

static inline int64_t asker_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A port of loopback that was free a moment ago. */
static inline uint16_t asker_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, bytes) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &bytes) != 0) {
        perror("asker_free_port");
        exit(2);
    }
    close(listener);
    return ntohs(address.sin_port);
}

static inline void *asker_connect(void *context, int type, const char *endpoint, int patience_ms)
{
    void *socket = zmq_socket(context, type);
    int linger = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    if (zmq_connect(socket, endpoint) != 0) {
        perror("asker_connect");
        exit(2);
    }
    return socket;
}

/* An answer: its code and its JSON, which is checked to be Nearby Search JSON without the key. */
struct asker_answer {
    bool came;
    enum lookup_code code;
    size_t results;
    char status[64];
    char at[64]; /* the location that the first result says it was found for */
    char message[LOOKUP_REASON_BYTES_MAX]; /* the `error_message`; "" without one */
};

static inline struct asker_answer asker_read(const void *bytes, size_t count)
{
    struct asker_answer answer = {0};
    struct lookup_reply reply;
    CHECK(memmem(bytes, count, ASKER_CANARY, strlen(ASKER_CANARY)) == NULL);
    answer.came = lookup_read_reply((struct span){bytes, count}, &reply);
    CHECK(answer.came);
    if (!answer.came)
        return answer;
    answer.code = reply.code;
    json_error_t error;
    json_t *json = json_loadb(reply.body.data, reply.body.len, JSON_REJECT_DUPLICATES, &error);
    CHECK(json_is_object(json));
    CHECK(json_is_array(json_object_get(json, "html_attributions")));
    const json_t *results = json_object_get(json, "results");
    CHECK(json_is_array(results));
    answer.results = json_array_size(results);
    const char *status = json_string_value(json_object_get(json, "status"));
    CHECK(status != NULL);
    snprintf(answer.status, sizeof answer.status, "%s", status != NULL ? status : "");
    const char *at = json_string_value(json_object_get(json_array_get(results, 0), "at"));
    snprintf(answer.at, sizeof answer.at, "%s", at != NULL ? at : "");
    const char *message = json_string_value(json_object_get(json, "error_message"));
    snprintf(answer.message, sizeof answer.message, "%s", message != NULL ? message : "");
    json_decref(json);
    return answer;
}

/* The next message of a REQ or of any other socket whose next frame is the answer. */
static inline struct asker_answer asker_receive(void *socket)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    struct asker_answer answer = {0};
    bool came = zmq_msg_recv(&message, socket, 0) >= 0;
    CHECK(came);
    if (came)
        answer = asker_read(zmq_msg_data(&message), zmq_msg_size(&message));
    CHECK(zmq_msg_more(&message) == 0);
    zmq_msg_close(&message);
    return answer;
}

static inline void asker_send(void *socket, struct lookup lookup)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    size_t bytes = lookup_write_request(&lookup, request);
    CHECK(zmq_send(socket, request, bytes, 0) == (int)bytes);
}

/* A plain REQ socket asks once. The answer must come within the question's deadline. */
static inline struct asker_answer asker_ask(void *context, const char *endpoint,
                                            struct lookup lookup)
{
    int patience_ms = (int)lookup.deadline_ms + ASKER_PATIENCE_MS;
    void *socket = asker_connect(context, ZMQ_REQ, endpoint, patience_ms);
    int64_t start_ms = asker_now_ms();
    asker_send(socket, lookup);
    struct asker_answer answer = asker_receive(socket);
    CHECK(asker_now_ms() - start_ms <= patience_ms);
    zmq_close(socket);
    return answer;
}

#endif
