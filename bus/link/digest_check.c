#include "bus/link/digest_check.h"

void digest_check_init(struct digest_check *check)
{
    *check = (struct digest_check){.pause_ms = DIGEST_CHECK_PAUSE_MS, .quiet_until = INT64_MIN};
}

static enum digest_check_verdict judge_equal(struct digest_check *check, uint64_t digest)
{
    bool told = check->equal_told && check->equal_digest == digest;
    check->suspect = false;
    check->pause_ms = DIGEST_CHECK_PAUSE_MS;
    check->equal_told = true;
    check->equal_digest = digest;
    return told ? DIGEST_CHECK_NOTHING : DIGEST_CHECK_EQUAL;
}

enum digest_check_verdict digest_check_judge(struct digest_check *check, uint64_t ours,
                                             uint64_t theirs, bool is_explained, int64_t now_ms)
{
    if (ours == theirs)
        return judge_equal(check, ours);
    bool twice = check->suspect && check->ours == ours && check->theirs == theirs;
    check->suspect = true;
    check->ours = ours;
    check->theirs = theirs;
    if (!twice || now_ms < check->quiet_until)
        return DIGEST_CHECK_NOTHING;
    check->suspect = false;
    check->quiet_until = now_ms + (is_explained ? DIGEST_CHECK_PAUSE_MS_MAX : check->pause_ms);
    check->pause_ms = 2 * check->pause_ms < DIGEST_CHECK_PAUSE_MS_MAX ? 2 * check->pause_ms
                                                                      : DIGEST_CHECK_PAUSE_MS_MAX;
    return DIGEST_CHECK_FAULT;
}

void digest_check_forget(struct digest_check *check)
{
    check->suspect = false;
}
