#include "bus/link/agree.h"

void agree_init(struct agree *agree)
{
    *agree = (struct agree){.pause_ms = AGREE_PAUSE_MS, .quiet_until = INT64_MIN};
}

static enum agree_verdict judge_equal(struct agree *agree, uint64_t digest)
{
    bool told = agree->equal_told && agree->equal_digest == digest;
    agree->suspect = false;
    agree->pause_ms = AGREE_PAUSE_MS;
    agree->equal_told = true;
    agree->equal_digest = digest;
    return told ? AGREE_NOTHING : AGREE_EQUAL;
}

enum agree_verdict agree_judge(struct agree *agree, uint64_t ours, uint64_t theirs, int64_t now_ms)
{
    if (ours == theirs)
        return judge_equal(agree, ours);
    bool twice = agree->suspect && agree->ours == ours && agree->theirs == theirs;
    agree->suspect = true;
    agree->ours = ours;
    agree->theirs = theirs;
    if (!twice || now_ms < agree->quiet_until)
        return AGREE_NOTHING;
    agree->suspect = false;
    agree->quiet_until = now_ms + agree->pause_ms;
    agree->pause_ms =
        2 * agree->pause_ms < AGREE_PAUSE_MS_MAX ? 2 * agree->pause_ms : AGREE_PAUSE_MS_MAX;
    return AGREE_FAULT;
}

void agree_forget(struct agree *agree)
{
    agree->suspect = false;
}
