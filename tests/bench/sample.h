/* sample: the made-up clients of the bench and where they claim to be.
 *
 *     client-000000042 +34.068930-118.445127 1621464827.959498503
 *
 * Client, position and stamp, always in the same columns, so that a sample is written by setting
 * digits and read by looking at them. The clients walk within one city: the digits behind both
 * points are drawn from the client and its stamp. So a sample that comes back says by itself
 * whether its three parts belong together.
 *
 * Invariant: client and stamp decide every byte. */
#ifndef ZHERD_TESTS_BENCH_SAMPLE_H
#define ZHERD_TESTS_BENCH_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/* Columns: where each part begins, and how long it is. */
enum sample_column {
    SAMPLE_ID_AT = 0,
    SAMPLE_ID_BYTES = 16,
    SAMPLE_POSITION_AT = 17,
    SAMPLE_POSITION_BYTES = 21,
    SAMPLE_LATITUDE_AT = 18, /* without its sign */
    SAMPLE_LATITUDE_BYTES = 9,
    SAMPLE_LONGITUDE_AT = 27, /* with its sign */
    SAMPLE_LONGITUDE_BYTES = 11,
    SAMPLE_STAMP_AT = 39,
    SAMPLE_STAMP_BYTES = 20,
    SAMPLE_BYTES = 59,
};

/* What nine digits can name. */
#define SAMPLE_CLIENTS_MAX 1000000000u

/* `stamp_ns`: nanoseconds since 1970, of ten digits of seconds (until the year 2286). */
void sample_write(uint32_t client, uint64_t stamp_ns, char out[SAMPLE_BYTES]);

/* Only "client-000000042". */
void sample_write_id(uint32_t client, char out[SAMPLE_ID_BYTES]);

/* Whose and when; false for any bytes that sample_write would not write. */
bool sample_read(const char text[SAMPLE_BYTES], uint32_t *client, uint64_t *stamp_ns);

#endif
