/* json_text: a JSON text as bytes that people and small programs read, too.
 *
 * What JSON allows is not yet fit for a terminal, for a reader that ends at the first empty line,
 * or for a parser that gives up on deep nesting. It does not parse: whether a text is JSON at all
 * is jansson's to say (placesd/providers/nearby_json.h, placesd/providers/results.h).
 *
 * Invariant: a valid text stays valid and keeps its meaning; whatever the text, nothing outside it
 * is read, and no line of what is appended is empty or blank. */
#ifndef ZHERD_BUS_BASE_JSON_TEXT_H
#define ZHERD_BUS_BASE_JSON_TEXT_H

#include <stddef.h>

#include "bus/base/bytes.h"

/* Arrays and objects within each other. Nearby Search needs 6; common parsers give up at some
 * hundred or thousand. */
#define JSON_TEXT_DEPTH_MAX 100

/* How deep arrays and objects are nested: 1 for "[]", 0 for "1". */
size_t json_text_depth(struct span text);

/* Appends the text, byte for byte but for two things. Lines that hold nothing but white space
 * (space, tab, formfeed, vertical tab) are left out; a line ends with LF, CR LF or CR, and the
 * lines that stay keep their ends. The control characters that JSON allows in a string as they are,
 * DEL and U+0080 to U+009F, are spelled \u007f to \u009f: terminals obey them. `text` must not lie
 * in `out`. */
void json_text_tidy(struct span text, struct buffer *out);

/* The room for which it asks. */
size_t json_text_tidy_bytes_max(struct span text);

#endif
