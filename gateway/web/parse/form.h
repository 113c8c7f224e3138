/* form: the fields of a URL's query, or of a body that is a form
 * (application/x-www-form-urlencoded; WHATWG URL Standard, section 5.1).
 *
 * It looks for fields by name and takes their values apart on request; others may hold what they
 * like. Bytes are bytes: it knows no encoding.
 *
 * Invariant: of the wanted fields each is found once, however its name is spelled, or the form is
 * refused: two readers cannot take different ones of two. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_FORM_H
#define ZHERD_GATEWAY_WEB_PARSE_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"

struct form_field {
    const char *name;
    struct span value; /* as it stands in the form; .data is NULL where there is no such field */
};

/* Sets the values of `fields`, which borrow from `text`. The first field that is there twice, or
 * NULL. */
const struct form_field *form_find(struct span text, struct form_field *fields, size_t count);

/* What a value spells: '+' is a blank and "%2B" the byte 2b. Never more bytes than `value` has.
 * Writes up to `bytes_max` of them and returns how many there are, or SIZE_MAX where there are
 * more, or a percent sign stands without its two digits. */
size_t form_text(struct span value, char *to, size_t bytes_max);

/* The same of a part of a path, where '+' is itself (RFC 3986, section 2). */
size_t form_path(struct span part, char *to, size_t bytes_max);

#endif
