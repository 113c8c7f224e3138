#include "bus/net/entropy.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void entropy_draw(void *at, size_t bytes)
{
    assert(bytes <= ENTROPY_BYTES_MAX);
    if (getrandom(at, bytes, 0) == (ssize_t)bytes)
        return;
    fprintf(stderr, "%s: no random bytes: %s\n", program_invocation_short_name, strerror(errno));
    abort();
}

uint64_t entropy_number(void)
{
    uint64_t number;
    entropy_draw(&number, sizeof number);
    return number;
}
