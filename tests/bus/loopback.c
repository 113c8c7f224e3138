#include "tests/bus/loopback.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

struct sockaddr_in loopback_address(const char *endpoint)
{
    unsigned long port = strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool is_free(const char *endpoint)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback_address(endpoint);
    bool good = bind(listener, (struct sockaddr *)&address, sizeof address) == 0;
    close(listener);
    return good;
}

void loopback_endpoint(char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX])
{
    static unsigned tried;
    for (int i = 0; i < PORT_COUNT; i++) {
        unsigned offset = (unsigned)getpid() * PORT_STEP + tried++;
        snprintf(endpoint, LOOPBACK_ENDPOINT_BYTES_MAX, "tcp://127.0.0.1:%u",
                 PORT_FIRST + offset % PORT_COUNT);
        if (is_free(endpoint))
            return;
    }
    fprintf(stderr, "no free port\n");
    exit(2);
}
