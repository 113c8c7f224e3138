/* zmtp2: a REQ that speaks ZMTP 2.0 (https://rfc.zeromq.org/spec/15/), as old libraries do, by
 * hand.
 *
 * That version has neither mechanisms nor keys: a greeting, an identity, frames. */
#ifndef ZHERD_TESTS_BUS_ZMTP2_H
#define ZHERD_TESTS_BUS_ZMTP2_H

#include <netinet/in.h>

#include "tests/bus/asker.h"

/* The port of "tcp://host:port". */
static inline uint16_t zmtp2_port(const char *endpoint)
{
    return (uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
}

/* Asks the broker at that port and reads its answer; `came` is false where it closes instead. */
static inline struct asker_answer zmtp2_ask(uint16_t port, struct lookup lookup)
{
    static const char greeting[] = "\xff\0\0\0\0\0\0\0\1\x7f"
                                   "\1\3" /* 2.0, REQ */
                                   "\0\0" /* an empty identity */
                                   "\1\0" /* an empty frame; more follow */
                                   "\0";  /* the last frame, its size and body */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 5};
    char request[LOOKUP_REQUEST_BYTES_MAX];
    unsigned char bytes = (unsigned char)lookup_write_request(&lookup, request);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK_INT(connect(stream, (struct sockaddr *)&address, sizeof address), 0);
    CHECK(send(stream, greeting, sizeof greeting - 1, MSG_NOSIGNAL) > 0);
    send(stream, &bytes, 1, MSG_NOSIGNAL);
    send(stream, request, bytes, MSG_NOSIGNAL);

    /* Its greeting ends with a type of socket and an identity; then an empty frame, and the answer,
     * whose size has one byte or eight. */
    struct asker_answer answer = {0};
    static char reply[64 * 1024];
    unsigned char head[11 + 1 + 2 + 2], flags, size[8] = {0};
    if (recv(stream, head, sizeof head, MSG_WAITALL) == sizeof head &&
        recv(stream, &flags, 1, MSG_WAITALL) == 1) {
        size_t width = (flags & 2) != 0 ? 8 : 1, count = 0;
        CHECK(recv(stream, size, width, MSG_WAITALL) == (ssize_t)width);
        for (size_t i = 0; i < width; i++)
            count = count << 8 | size[i];
        CHECK(count <= sizeof reply && recv(stream, reply, count, MSG_WAITALL) == (ssize_t)count);
        answer = asker_read(reply, count);
    }
    close(stream);
    return answer;
}

#endif
