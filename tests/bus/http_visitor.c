#include "tests/bus/http_visitor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int http_visitor_dial(const char *host, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval deadline = {.tv_sec = VISITOR_DEADLINE_S};
    inet_pton(AF_INET, host, &at.sin_addr);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    if (connect(client, (struct sockaddr *)&at, sizeof at) != 0) {
        close(client);
        return -1;
    }
    return client;
}

bool http_visitor_say(int client, const char *bytes, size_t count)
{
    return send(client, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

bool http_visitor_hear(int client, bool with_body, char reply[VISITOR_REPLY_BYTES_MAX])
{
    size_t bytes = 0;
    for (;;) {
        reply[bytes] = '\0';
        const char *body = strstr(reply, "\r\n\r\n");
        const char *length = strcasestr(reply, "\r\nContent-Length:");
        if (body != NULL && !with_body)
            return true;
        if (body != NULL && length != NULL &&
            bytes - (size_t)(body + 4 - reply) >= strtoul(length + 17, NULL, 10))
            return true;
        ssize_t got = recv(client, reply + bytes, VISITOR_REPLY_BYTES_MAX - 1 - bytes, 0);
        if (got <= 0)
            return false;
        bytes += (size_t)got;
    }
}

const char *http_visitor_get(uint16_t port, const char *target, int status,
                             char reply[VISITOR_REPLY_BYTES_MAX])
{
    char request[4096];
    char wanted[32];
    int client = http_visitor_dial("127.0.0.1", port);
    int bytes =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    bool heard =
        http_visitor_say(client, request, (size_t)bytes) && http_visitor_hear(client, true, reply);
    close(client);
    snprintf(wanted, sizeof wanted, "HTTP/1.1 %d ", status);
    if (!heard || strncmp(reply, wanted, strlen(wanted)) != 0)
        return NULL;
    return strstr(reply, "\r\n\r\n") + 4;
}
