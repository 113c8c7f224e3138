/* When two tables count as equal, and how often a fault is healed. */
#include "bus/link/digest_check.h"

#include "tests/check.h"

static void disagreement_must_be_seen_twice_and_heals_with_pauses(void)
{
    struct digest_check check;
    digest_check_init(&check);
    CHECK_INT(digest_check_judge(&check, 1, 1, false, 0), DIGEST_CHECK_EQUAL);
    CHECK_INT(digest_check_judge(&check, 1, 1, false, 1), DIGEST_CHECK_NOTHING);
    CHECK_INT(digest_check_judge(&check, 1, 2, false, 2), DIGEST_CHECK_NOTHING);
    CHECK_INT(digest_check_judge(&check, 1, 3, false, 3), DIGEST_CHECK_NOTHING);
    digest_check_forget(&check);
    CHECK_INT(digest_check_judge(&check, 1, 3, false, 4), DIGEST_CHECK_NOTHING);
    CHECK_INT(digest_check_judge(&check, 1, 3, false, 5), DIGEST_CHECK_FAULT);
    int64_t now_ms = 5, pause_ms = DIGEST_CHECK_PAUSE_MS;
    for (int i = 0; i < 8; i++) {
        CHECK_INT(digest_check_judge(&check, 1, 3, false, now_ms + pause_ms - 2),
                  DIGEST_CHECK_NOTHING);
        CHECK_INT(digest_check_judge(&check, 1, 3, false, now_ms + pause_ms - 1),
                  DIGEST_CHECK_NOTHING);
        CHECK_INT(digest_check_judge(&check, 1, 3, false, now_ms + pause_ms), DIGEST_CHECK_FAULT);
        now_ms += pause_ms;
        pause_ms =
            2 * pause_ms < DIGEST_CHECK_PAUSE_MS_MAX ? 2 * pause_ms : DIGEST_CHECK_PAUSE_MS_MAX;
    }
    CHECK_INT(pause_ms, DIGEST_CHECK_PAUSE_MS_MAX);
    CHECK_INT(digest_check_judge(&check, 3, 3, false, now_ms), DIGEST_CHECK_EQUAL);
    CHECK_INT(check.pause_ms, DIGEST_CHECK_PAUSE_MS);
    CHECK_INT(digest_check_judge(&check, 1, 1, false, now_ms), DIGEST_CHECK_EQUAL);
}

static void what_the_other_end_orders_otherwise_is_sent_again_seldom(void)
{
    struct digest_check check;
    digest_check_init(&check);
    CHECK_INT(digest_check_judge(&check, 1, 2, true, 0), DIGEST_CHECK_NOTHING);
    CHECK_INT(digest_check_judge(&check, 1, 2, true, 0), DIGEST_CHECK_FAULT);
    for (int i = 0; i < 2; i++)
        CHECK_INT(digest_check_judge(&check, 1, 2, true, DIGEST_CHECK_PAUSE_MS_MAX - 1),
                  DIGEST_CHECK_NOTHING);
    CHECK_INT(digest_check_judge(&check, 1, 2, true, DIGEST_CHECK_PAUSE_MS_MAX),
              DIGEST_CHECK_FAULT);
}

static const struct check_case cases[] = {
    {"disagreement must be seen twice and heals with pauses",
     disagreement_must_be_seen_twice_and_heals_with_pauses},
    {"what the other end orders otherwise is sent again seldom",
     what_the_other_end_orders_otherwise_is_sent_again_seldom},
};

CHECK_MAIN(cases)
