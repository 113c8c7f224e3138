/* digest_check: whether two tables are equal, judged by the digests of nodes at rest.
 *
 * Nodes of version 1 have nothing else; between others range checks find and heal what differs
 * (bus/link/range_check.h), and this says only that nothing does.
 *
 * It is asked only when both sides have acknowledged everything, so unequal digests are a fault:
 * a defect of ours or a flipped bit. One late heartbeat proves nothing, so the same two digests
 * must be seen twice in a row. It does not heal; it says when to, and when not yet again.
 *
 * Invariant: between two faults lies at least DIGEST_CHECK_PAUSE_MS, and twice the pause before, up
 * to DIGEST_CHECK_PAUSE_MS_MAX, as long as the digests were not equal in between. */
#ifndef ZHERD_BUS_LINK_DIGEST_CHECK_H
#define ZHERD_BUS_LINK_DIGEST_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Healing sends a whole table; if it does not help, it must not become the herd's main work. */
#define DIGEST_CHECK_PAUSE_MS     10000
#define DIGEST_CHECK_PAUSE_MS_MAX 300000

enum digest_check_verdict {
    DIGEST_CHECK_NOTHING, /* nothing new to say */
    DIGEST_CHECK_EQUAL,   /* equal, and for the first time with this digest */
    DIGEST_CHECK_FAULT,   /* unequal: send everything again */
};

struct digest_check {
    bool suspect; /* these two were unequal the last time */
    uint64_t ours, theirs;
    bool equal_told;
    uint64_t equal_digest;
    int64_t pause_ms; /* after the next fault */
    int64_t quiet_until;
};

void digest_check_init(struct digest_check *check);

/* Both sides are at rest, with these digests. `is_explained`: we hold what a node of that version
 * orders in another way, so healing may be in vain, and each pause is the longest. */
enum digest_check_verdict digest_check_judge(struct digest_check *check, uint64_t ours,
                                             uint64_t theirs, bool is_explained, int64_t now_ms);

/* Not at rest: a suspicion does not outlive traffic. */
void digest_check_forget(struct digest_check *check);

#endif
