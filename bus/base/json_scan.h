/* json_scan: strict JSON read where it lies: whether a text is one value, and where its members and
 * elements stand in it.
 *
 * One pass: no tree, no memory, and time in the size of the text, whatever the text. A value is the
 * bytes that spell it, so a number keeps all its digits; a parser that makes numbers of them loses
 * some. Strict: RFC 8259 in UTF-8 without a byte order mark, \u escapes that spell characters, no
 * U+0000, nothing after the value, and nesting to a depth that common parsers take. It writes no
 * JSON and keeps nothing.
 *
 * Invariant: a text that is found good is one value to every parser, and each of the wanted members
 * is in it once at most, however its name is spelled. */
#ifndef ZHERD_BUS_BASE_JSON_SCAN_H
#define ZHERD_BUS_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"

/* Arrays and objects within each other. */
#define JSON_SCAN_DEPTH_MAX 100

/* A member of the outermost object that is looked for, and its value as it stands in the text: with
 * its quotes or brackets; without bytes where there is no such member. `whole` is the same with the
 * name and the colon in front of it. The name is ASCII. */
struct json_member {
    const char *name;
    struct span value, whole;
};

/* Whether the text is one object. Sets the values of `members`; others are not compared. NULL where
 * the text is good, else what is wrong with it; `at` is the offset of the first byte that is. */
const char *json_scan_object(struct span text, struct json_member *members, size_t count,
                             size_t *at);

/* Whether the text is one array. NULL and `at` as above. */
const char *json_scan_array(struct span text, size_t *at);

/* The next element of an array that json_scan_array, or json_scan_object around it, found good.
 * `rest` begins as the array's text and is what follows the element afterwards. False at the
 * end. */
bool json_next_element(struct span *rest, struct span *element);

/* Whether a value is the string `text`, spelled without escapes. */
bool json_is_text(struct span value, const char *text);

/* What a value spells that was found good and is a string: its characters in UTF-8, without quotes
 * and escapes. They are never more bytes than `value` has. Writes up to `bytes_max` of them and
 * returns how many there are, or SIZE_MAX where there are more, or the value is no string. */
size_t json_text(struct span value, char *to, size_t bytes_max);

/* How many bytes the character has that stands first in a text, which is not empty; 0 where it is
 * not UTF-8: longer than it need be, a surrogate, or beyond U+10FFFF (RFC 3629, section 4). */
size_t json_character_bytes(struct span text);

#endif
