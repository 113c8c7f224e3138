/* loopback: a clock and endpoints for tests with real sockets on one machine. */
#ifndef ZHERD_TESTS_BUS_LOOPBACK_H
#define ZHERD_TESTS_BUS_LOOPBACK_H

#include <netinet/in.h>
#include <stdint.h>

#define LOOPBACK_ENDPOINT_BYTES_MAX 64
/* How long a condition may take before a test fails: for slow machines and sanitizers. */
#define LOOPBACK_PATIENCE_MS 20000

/* Milliseconds of a clock that never runs backwards. */
int64_t loopback_now_ms(void);

/* An endpoint without a listener, below the ports the system gives out: while a peer is away, the
 * system must not give its port to the near end of another connection, or of one to the port
 * itself. */
void loopback_endpoint(char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX]);

/* Where such an endpoint ("tcp://127.0.0.1:port") is, for sockets of the system. */
struct sockaddr_in loopback_address(const char *endpoint);

#endif
