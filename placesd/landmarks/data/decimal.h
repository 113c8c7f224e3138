/* decimal: a plain decimal number, as people write coordinates and metres.
 *
 * An optional sign, digits, and perhaps a point with digits after it: no exponent, no blank, no
 * locale. Not for positions or stamps of the text protocol, which stay text or exact integers. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_DECIMAL_H
#define ZHERD_PLACESD_LANDMARKS_DATA_DECIMAL_H

#include <stdbool.h>

#include "bus/base/bytes.h"

/* Digits before the point, leading zeros aside: more than any degree or metre needs. */
#define DECIMAL_WHOLE_DIGITS_MAX 9
/* Digits after the point that count (a tenth of a millimetre of latitude); further ones are read
 * and dropped. */
#define DECIMAL_FRACTION_DIGITS_MAX 9

/* False, and `value` untouched, unless all of `text` is such a number. */
bool decimal_read(struct span text, double *value);

#endif
