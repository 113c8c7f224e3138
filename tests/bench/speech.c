#include "tests/bench/speech.h"

static const struct speech *const all[] = {
    &speech_zherd,        &speech_zherd_auth, &speech_zherd_watch, &speech_echo, &speech_redis,
    &speech_redis_geoadd, &speech_redis_wait, &speech_nats,        &speech_mqtt, &speech_osmand};

const struct speech *speech_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

enum speech_verdict speech_match(struct span bytes, struct span text)
{
    size_t common = bytes.len < text.len ? bytes.len : text.len;
    if (memcmp(bytes.data, text.data, common) != 0)
        return SPEECH_WRONG;
    return common == text.len ? SPEECH_GOOD : SPEECH_PART;
}
