/* kin: the routing ids of workers, and which of them belongs to the broker's own process.
 *
 * A process that is broker and worker in one draws a number for itself. Its worker's routing ids
 * begin with it, and it leaves the process in no other way, so nobody else has it but who reads the
 * connection between the two. The number is no protection beyond that: what it saves is checking a
 * body again that was checked where it was made. 0 is no number: nobody is kin. */
#ifndef ZHERD_PLACESD_KIN_H
#define ZHERD_PLACESD_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bytes.h"

/* "worker-" and two numbers of 16 digits. */
#define KIN_NAME_BYTES_MAX 48

/* Writes a routing id with a NUL behind it: of a worker of that process, or of any other where
 * `kin` is 0. `drawn` is random, and other for each connection. */
void kin_write_name(uint64_t kin, uint64_t drawn, char name[KIN_NAME_BYTES_MAX]);

/* Whether the routing id is one of the process that has drawn `kin`. */
bool kin_is_ours(uint64_t kin, struct span name);

#endif
