/* When two tables count as equal, and how often a fault is healed. */
#include "bus/link/agree.h"

#include "tests/check.h"

static void disagreement_must_be_seen_twice_and_heals_with_pauses(void)
{
    struct agree agree;
    agree_init(&agree);
    CHECK_INT(agree_judge(&agree, 1, 1, 0), AGREE_EQUAL);
    CHECK_INT(agree_judge(&agree, 1, 1, 1), AGREE_NOTHING);
    CHECK_INT(agree_judge(&agree, 1, 2, 2), AGREE_NOTHING);
    CHECK_INT(agree_judge(&agree, 1, 3, 3), AGREE_NOTHING);
    agree_forget(&agree);
    CHECK_INT(agree_judge(&agree, 1, 3, 4), AGREE_NOTHING);
    CHECK_INT(agree_judge(&agree, 1, 3, 5), AGREE_FAULT);
    int64_t now_ms = 5, pause_ms = AGREE_PAUSE_MS;
    for (int i = 0; i < 8; i++) {
        CHECK_INT(agree_judge(&agree, 1, 3, now_ms + pause_ms - 2), AGREE_NOTHING);
        CHECK_INT(agree_judge(&agree, 1, 3, now_ms + pause_ms - 1), AGREE_NOTHING);
        CHECK_INT(agree_judge(&agree, 1, 3, now_ms + pause_ms), AGREE_FAULT);
        now_ms += pause_ms;
        pause_ms = 2 * pause_ms < AGREE_PAUSE_MS_MAX ? 2 * pause_ms : AGREE_PAUSE_MS_MAX;
    }
    CHECK_INT(pause_ms, AGREE_PAUSE_MS_MAX);
    CHECK_INT(agree_judge(&agree, 3, 3, now_ms), AGREE_EQUAL);
    CHECK_INT(agree.pause_ms, AGREE_PAUSE_MS);
    CHECK_INT(agree_judge(&agree, 1, 1, now_ms), AGREE_EQUAL);
}

static const struct check_case cases[] = {
    {"disagreement must be seen twice and heals with pauses",
     disagreement_must_be_seen_twice_and_heals_with_pauses},
};

CHECK_MAIN(cases)
