#include "bus/link/misread.h"

void misread_init(struct misread *misread)
{
    *misread = (struct misread){0};
    for (int kind = 0; kind < MISREAD_KINDS; kind++)
        misread->kinds[kind].quiet_until = INT64_MIN;
}

bool misread_is_news(struct misread *misread, enum misread_kind kind, int64_t now_ms,
                     uint64_t *untold)
{
    if (now_ms < misread->kinds[kind].quiet_until) {
        misread->kinds[kind].untold++;
        return false;
    }
    *untold = misread->kinds[kind].untold;
    misread->kinds[kind].untold = 0;
    misread->kinds[kind].quiet_until = now_ms + MISREAD_PAUSE_MS;
    return true;
}

static bool is_rounded(uint64_t ours, uint64_t named)
{
    uint64_t distance = ours > named ? ours - named : named - ours;
    return named >= MISREAD_EXACT_MAX && distance <= MISREAD_ROUNDED_MAX;
}

const char *misread_incarnation(struct misread *misread, uint64_t ours, uint64_t named,
                                int64_t now_ms)
{
    if (named == 0 || named == ours) {
        misread->wrong = named == 0 ? misread->wrong : 0;
        return NULL;
    }
    if (misread->wrong != named) {
        misread->wrong = named;
        misread->wrong_at = now_ms;
    }
    if (is_rounded(ours, named))
        return "rounded, as languages of doubles do";
    return now_ms - misread->wrong_at >= MISREAD_SESSION_MS
               ? "it misreads our HELLO, or does not hear it"
               : NULL;
}
