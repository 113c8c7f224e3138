/* sample: the made-up clients of the bench and where they claim to be.
 *
 *     client-000000042 +34.068930-118.445127 1621464827.959498503
 *
 * Client, position and stamp, always in the same columns, so that a sample is written by setting
 * digits and read by looking at them. Where the clients are, the fleet says; which stamp has which
 * of a client's places, is drawn from both. So a sample that comes back says by itself whether its
 * three parts belong together.
 *
 * Invariant: fleet, client and stamp decide every byte. */
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
    SAMPLE_LATITUDE_AT = 17, /* with its sign, */
    SAMPLE_LATITUDE_BYTES = 10,
    SAMPLE_LONGITUDE_AT = 27, /* as this one */
    SAMPLE_LONGITUDE_BYTES = 11,
    SAMPLE_STAMP_AT = 39,
    SAMPLE_STAMP_BYTES = 20,
    SAMPLE_BYTES = 59,
};

/* What nine digits can name. */
#define SAMPLE_CLIENTS_MAX 1000000000u

/* Where clients are. Those of a fleet other than LEAPS and POINT have 256 places each, on a circle
 * of 30 m, so that no update moves one further than that. */
enum sample_fleet {
    SAMPLE_LEAPS, /* anywhere in one square degree, at each stamp anew */
    SAMPLE_DENSE, /* four of five in 200 cities, squares of 16 km, the others at sea */
    SAMPLE_THIN,  /* so few in the cities that 5 km hold 20 of 1,000,000; the others at sea */
    SAMPLE_LAND,  /* all in the cities, none of which is nearer to a pole than 29 degrees */
    SAMPLE_POINT, /* all at one point, and never move */
    SAMPLE_FLEETS,
};

/* The fleet of all samples from now on; before the first call it is SAMPLE_LEAPS. Once a run. */
void sample_choose(enum sample_fleet fleet);

/* By its name; SAMPLE_FLEETS for a word that is none. */
enum sample_fleet sample_find_fleet(const char *name);

/* Whom a question of a place is about: a point within 4 km of a city's middle; of LAND one that is
 * 2,000 km away from the nearest city, of POINT that one. Drawn by `drawn`. */
void sample_write_place(uint64_t drawn, char out[SAMPLE_POSITION_BYTES]);

/* `stamp_ns`: nanoseconds since 1970, of ten digits of seconds (until the year 2286). */
void sample_write(uint32_t client, uint64_t stamp_ns, char out[SAMPLE_BYTES]);

/* Only "client-000000042". */
void sample_write_id(uint32_t client, char out[SAMPLE_ID_BYTES]);

/* Whose and when; false for any bytes that sample_write would not write. */
bool sample_read(const char text[SAMPLE_BYTES], uint32_t *client, uint64_t *stamp_ns);

#endif
