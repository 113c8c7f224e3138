#include "gateway/text/readings.h"

#include <assert.h>

char *readings_room(struct readings *readings)
{
    assert(readings->bytes + READINGS_READ_BYTES <= sizeof readings->memory);
    return readings->memory + readings->bytes;
}

bool readings_add(struct readings *readings, struct client *client, size_t bytes)
{
    assert(readings->count < READINGS_MAX && bytes <= READINGS_READ_BYTES);
    readings->all[readings->count++] = (struct reading){client, readings_room(readings), bytes};
    readings->bytes += bytes;
    return readings->count == READINGS_MAX || readings->bytes >= READINGS_BYTES_AIM;
}

void readings_forget(struct readings *readings, const struct client *client)
{
    for (size_t i = 0; i < readings->count; i++)
        if (readings->all[i].client == client)
            readings->all[i].client = NULL;
}

void readings_clear(struct readings *readings)
{
    readings->count = readings->bytes = 0;
}
