/* A provider whose every answer takes 50 ms, for the figures of tests/bench/places.py. Says its
 * port, serves until its standard input ends, then says how many requests came. */
#include "tests/bus/upstream.h"

int main(void)
{
    static struct upstream upstream;
    upstream_start(&upstream);
    printf("%u\n", upstream.port);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    upstream_stop(&upstream);
    printf("%u\n", atomic_load(&upstream.requests));
    return 0;
}
