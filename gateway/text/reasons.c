#include "gateway/text/reasons.h"

#include <string.h>

const char *reasons_refusal(enum refusal refusal)
{
    static const char *const words[REFUSALS] = {
        [REFUSAL_MALFORMED] = "malformed",
        [REFUSAL_BROWSER] = "browser",
        [REFUSAL_UNKNOWN_CLIENT] = "unknown_client",
        [REFUSAL_ID_TOO_LONG] = "id_too_long",
        [REFUSAL_ADDRESS_FULL] = "address_full",
        [REFUSAL_TABLE_FULL] = "table_full",
        [REFUSAL_NO_CLOCK] = "no_clock",
        [REFUSAL_NO_NEARBY] = "no_nearby",
        [REFUSAL_WATCHES] = "watches",
        [REFUSAL_FORBIDDEN] = "forbidden",
        [REFUSAL_TOKEN] = "token",
        [REFUSAL_TOO_FAST] = "too_fast",
        [REFUSAL_UNPROMISED] = "unpromised",
    };
    return words[refusal];
}

const char *reasons_ending(enum ending ending)
{
    static const char *const words[ENDINGS] = {
        [ENDING_CLOSED] = "closed",   [ENDING_QUIT] = "quit",
        [ENDING_BROKEN] = "broken",   [ENDING_HANDSHAKE] = "handshake",
        [ENDING_STOPS] = "stops",     [ENDING_STUCK] = "stuck",
        [ENDING_LATE] = "late",       [ENDING_LINES] = "lines",
        [ENDING_REPLIES] = "replies", [ENDING_SILENT] = "silent",
        [ENDING_WATCHES] = "watches", [ENDING_MEMORY] = "memory",
    };
    return words[ending];
}

/* The word, and what a link says of itself. */
static const struct {
    const char *word, *said;
} partings[PARTINGS] = {
    [PARTING_SILENCE] = {"silence", "silence"},
    [PARTING_GOODBYE] = {"goodbye", "goodbye"},
    [PARTING_RESTARTED] = {"restarted", "restarted"},
    [PARTING_REFUSED] = {"refused", "refused"},
    [PARTING_STUCK] = {"stuck", "no acknowledgement"},
    [PARTING_UNTAKEN] = {"untaken", "no connection"},
    [PARTING_OTHER] = {"other", NULL},
};

const char *reasons_parting(enum parting parting)
{
    return partings[parting].word;
}

enum ending reasons_of_limit(enum client_limits_reason reason)
{
    static const enum ending endings[CLIENT_LIMITS_REASONS] = {
        [CLIENT_LIMITS_LINGERED] = ENDING_QUIT,        [CLIENT_LIMITS_STUCK] = ENDING_STUCK,
        [CLIENT_LIMITS_LINE_LATE] = ENDING_LATE,       [CLIENT_LIMITS_LINES_FULL] = ENDING_LINES,
        [CLIENT_LIMITS_REPLIES_FULL] = ENDING_REPLIES, [CLIENT_LIMITS_SILENT] = ENDING_SILENT,
    };
    return endings[reason];
}

enum parting reasons_of_link(const char *said)
{
    int parting = 0;
    while (parting < PARTING_OTHER && strcmp(partings[parting].said, said) != 0)
        parting++;
    return (enum parting)parting;
}
