/* The location that the examples of the protocol pages show. */
#ifndef ZHERD_TESTS_UNIT_SAMPLE_LOCATION_H
#define ZHERD_TESTS_UNIT_SAMPLE_LOCATION_H

#include "bus/table/location.h"

static inline struct location sample_location(void)
{
    return (struct location){
        .client = span_of("kiwi.cs.ucla.edu"),
        .position = span_of("+34.068930-118.445127"),
        .stamp = span_of("1621464827.959498503"),
        .origin = span_of("Clark"),
        .difference_ns = 263873386,
        .order_ns = INT64_C(1621464827959498503),
    };
}

#endif
