#include "tests/bus/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT_FIRST 20000
#define PORT_COUNT 10000 /* ends well below the 32768 where Linux begins to give out ports */
#define PORT_STEP  41    /* test programs that run side by side begin apart */

int64_t loopback_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_free(uint16_t port)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool good = bind(listener, (struct sockaddr *)&address, sizeof address) == 0;
    close(listener);
    return good;
}

void loopback_endpoint(char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX])
{
    static unsigned tried;
    for (int i = 0; i < PORT_COUNT; i++) {
        unsigned offset = (unsigned)getpid() * PORT_STEP + tried++;
        uint16_t port = (uint16_t)(PORT_FIRST + offset % PORT_COUNT);
        if (is_free(port)) {
            snprintf(endpoint, LOOPBACK_ENDPOINT_BYTES_MAX, "tcp://127.0.0.1:%u", port);
            return;
        }
    }
    fprintf(stderr, "no free port\n");
    exit(2);
}
