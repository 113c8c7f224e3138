#include "bus/link/misread.h"

#include <inttypes.h>
#include <stdio.h>

/* The rest of a line is for how many had none. */
#define WHAT_BYTES_MAX (LINK_REASON_BYTES_MAX - 40)

void misread_init(struct misread *misread)
{
    *misread = (struct misread){0};
    for (int kind = 0; kind < MISREAD_KINDS; kind++)
        misread->kinds[kind].quiet_until = INT64_MIN;
}

static bool is_news(struct misread *misread, enum misread_kind kind, int64_t now_ms)
{
    if (now_ms < misread->kinds[kind].quiet_until) {
        misread->kinds[kind].untold++;
        return false;
    }
    misread->kinds[kind].quiet_until = now_ms + MISREAD_PAUSE_MS;
    return true;
}

static void write_line(struct misread *misread, enum misread_kind kind, const char *what,
                       char line[LINK_REASON_BYTES_MAX])
{
    uint64_t untold = misread->kinds[kind].untold;
    misread->kinds[kind].untold = 0;
    if (untold == 0)
        snprintf(line, LINK_REASON_BYTES_MAX, "%s", what);
    else
        snprintf(line, LINK_REASON_BYTES_MAX, "%s (and %" PRIu64 " more before)", what, untold);
}

bool misread_malformed(struct misread *misread, struct span bytes, const struct wire_fault *fault,
                       int64_t now_ms, char line[LINK_REASON_BYTES_MAX])
{
    char what[WHAT_BYTES_MAX];
    if (!is_news(misread, MISREAD_MALFORMED, now_ms))
        return false;
    wire_explain(bytes, fault, what, sizeof what);
    write_line(misread, MISREAD_MALFORMED, what, line);
    return true;
}

bool misread_parts(struct misread *misread, size_t frames, int64_t now_ms,
                   char line[LINK_REASON_BYTES_MAX])
{
    char what[WHAT_BYTES_MAX];
    if (!is_news(misread, MISREAD_PARTS, now_ms))
        return false;
    snprintf(what, sizeof what, "a message of %zu frames behind the routing id: 1 is needed",
             frames);
    write_line(misread, MISREAD_PARTS, what, line);
    return true;
}

bool misread_hurry(struct misread *misread, int64_t now_ms, char line[LINK_REASON_BYTES_MAX])
{
    if (!is_news(misread, MISREAD_HURRY, now_ms))
        return false;
    write_line(misread, MISREAD_HURRY,
               "it says HELLO as another incarnation all the time: one a second is met", line);
    return true;
}

#define SHOWN_BYTES_MAX 48
#define SHOWN(span)     (int)((span).len < SHOWN_BYTES_MAX ? (span).len : SHOWN_BYTES_MAX), (span).data

static void explain_rule(const struct location *location, char what[WHAT_BYTES_MAX])
{
    if (location->order_ns > LOCATION_ORDER_NS_MAX)
        snprintf(what, WHAT_BYTES_MAX, "its order_ns is %" PRIi64 ", beyond 2^62",
                 location->order_ns);
    else
        snprintf(what, WHAT_BYTES_MAX, "a field is empty, too long or has white space");
}

bool misread_location(struct misread *misread, enum misread_kind kind,
                      const struct location *location, int64_t now_ms,
                      char line[LINK_REASON_BYTES_MAX])
{
    char what[WHAT_BYTES_MAX];
    if (!is_news(misread, kind, now_ms))
        return false;
    if (kind == MISREAD_RULE)
        explain_rule(location, what);
    else if (kind == MISREAD_ORIGIN)
        snprintf(what, sizeof what,
                 "its origin %.*s is no node of our file, and there are enough of those",
                 SHOWN(location->origin));
    else
        snprintf(what, sizeof what, "an observer has nothing to say of client %.*s",
                 SHOWN(location->client));
    write_line(misread, kind, what, line);
    return true;
}

static bool is_rounded(uint64_t ours, uint64_t named)
{
    uint64_t distance = ours > named ? ours - named : named - ours;
    return named >= MISREAD_EXACT_MAX && distance <= MISREAD_ROUNDED_MAX;
}

/* What is to be said of an incarnation that is named for ours, or NULL. */
static const char *judge(struct misread *misread, uint64_t ours, uint64_t named, int64_t now_ms)
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
    return now_ms - misread->wrong_at >= MISREAD_INCARNATION_MS
               ? "it misreads our HELLO, or does not hear it"
               : NULL;
}

bool misread_incarnation(struct misread *misread, uint64_t ours, uint64_t named, int64_t now_ms,
                         char line[LINK_REASON_BYTES_MAX])
{
    char what[WHAT_BYTES_MAX];
    const char *why = judge(misread, ours, named, now_ms);
    if (why == NULL || !is_news(misread, MISREAD_INCARNATION, now_ms))
        return false;
    snprintf(what, sizeof what, "to is %" PRIu64 " where our incarnation is %" PRIu64 ": %s", named,
             ours, why);
    write_line(misread, MISREAD_INCARNATION, what, line);
    return true;
}
