#include "placesd/kin.h"

#include <inttypes.h>
#include <stdio.h>

#define PREFIX "worker-"

void kin_write_name(uint64_t kin, uint64_t drawn, char name[KIN_NAME_BYTES_MAX])
{
    if (kin == 0)
        snprintf(name, KIN_NAME_BYTES_MAX, PREFIX "%016" PRIx64, drawn);
    else
        snprintf(name, KIN_NAME_BYTES_MAX, PREFIX "%016" PRIx64 "-%016" PRIx64, kin, drawn);
}

bool kin_is_ours(uint64_t kin, struct span name)
{
    char ours[KIN_NAME_BYTES_MAX];
    size_t bytes = (size_t)snprintf(ours, sizeof ours, PREFIX "%016" PRIx64 "-", kin);
    return kin != 0 && name.bytes > bytes && memcmp(name.at, ours, bytes) == 0;
}
