/* holder: who has a port of this machine that somebody else wanted to bind.
 *
 * It reads /proc (proc(5)) for a sentence that helps an operator. It is no lock and no check: the
 * answer may be out of date when it is read. */
#ifndef ZHERD_BUS_NET_HOLDER_H
#define ZHERD_BUS_NET_HOLDER_H

#include <stdbool.h>

/* TASK_COMM_LEN of Linux, the NUL included. */
#define HOLDER_PROGRAM_BYTES_MAX 16

struct holder {
    int pid;
    char program[HOLDER_PROGRAM_BYTES_MAX]; /* printable */
};

/* The process with a TCP socket at that address, as numbers: "tcp://127.0.0.1:12500",
 * "tcp://[::1]:12500" or "tcp://" with "*" for every address. A socket that listens goes before one
 * that does not. False where there is none, or its process is another user's and /proc does not
 * say. */
bool holder_find(const char *endpoint, struct holder *holder);

#endif
