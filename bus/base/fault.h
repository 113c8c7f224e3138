/* fault: why something could not be done, as one sentence for people.
 *
 * The function that finds the fault writes the sentence; its caller prints or logs it. It is no
 * status, which a program would branch on, and no list: the faults of a topology's file are
 * topology/format/faults.h.
 *
 * Invariant: the text ends with a NUL and has no more than FAULT_BYTES_MAX bytes with it. */
#ifndef ZHERD_BUS_BASE_FAULT_H
#define ZHERD_BUS_BASE_FAULT_H

#include <stdbool.h>

/* A path and the path of a folder, a name, a line's number, and a reason. */
#define FAULT_BYTES_MAX 6144

/* All zero is no fault. */
struct fault {
    char text[FAULT_BYTES_MAX];
};

/* Writes the sentence as printf(3) does, in place of the one before, and cuts off what is too
 * long. Arguments may point into the fault itself: a caller's caller sets its own words before a
 * reason so. Always false, for a function to return. */
bool fault_set(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
