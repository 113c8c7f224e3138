/* json_check: whether bytes are one JSON object, found out in one pass over them.
 *
 * For who passes a text on and needs nothing of it but a few outermost members: it makes no tree,
 * needs no memory and takes time in the size of the text, whatever the text. It is strict: RFC 8259
 * in UTF-8 without a byte order mark, \u escapes that spell characters, no U+0000, nothing behind
 * the object, and nesting to a depth that common parsers take.
 *
 * Invariant: a text that is good is one to every parser, and each of the wanted members is in it
 * once at most, however its name is spelled. Members that nobody wants are not compared. */
#ifndef ZHERD_BUS_BASE_JSON_CHECK_H
#define ZHERD_BUS_BASE_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"

/* Arrays and objects within each other. */
#define JSON_CHECK_DEPTH_MAX 100

/* A member of the outermost object that is looked for, and its value as it stands in the text: with
 * its quotes or brackets; without bytes where there is no such member. The name is ASCII. */
struct json_check_member {
    const char *name;
    struct span value;
};

/* Sets the values of `members`. NULL where the text is good, else what is wrong with it; `at` is
 * the offset of the first byte that is. */
const char *json_check(struct span text, struct json_check_member *members, size_t count,
                       size_t *at);

/* Whether a value is the string `text`, spelled without escapes. */
bool json_check_is_text(struct span value, const char *text);

#endif
