/* ref: what is known of a client before it is asked for: its hash, and where it seems to be.
 *
 * A table gives it and takes it back, for it alone knows what it means; others carry it from one
 * call to the next. It is no answer: whatever it says, the table looks whose record that is.
 *
 * Invariant: a client's hash in one table is always the same. */
#ifndef ZHERD_BUS_TABLE_TABLE_REF_H
#define ZHERD_BUS_TABLE_TABLE_REF_H

#include <stdint.h>

struct table_ref {
    uint32_t hash;
    uint32_t slot_ord; /* slot + 1; 0: that is still to be found out */
};

#endif
