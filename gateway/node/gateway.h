/* gateway: one node: clients on one side, the bus on the other, one loop between them.
 *
 * It joins what the other files decide and carry, and decides nothing itself. Each turn of the
 * loop takes what clients, bus and places service have sent, and at its end sends once to each
 * peer and writes the log once. */
#ifndef ZHERD_GATEWAY_NODE_GATEWAY_H
#define ZHERD_GATEWAY_NODE_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/format/topology.h"

/* From TERM or INT to the end of the loop: time for clients to read and peers to acknowledge. A
 * second signal ends it at once. */
#define GATEWAY_STOP_MS 700

struct gateway_options {
    const struct topology *topology;
    const char *topology_file; /* where it came from: keys are read again from there */
    uint32_t node;             /* index of the node to be */
    const char *log_folder;
    bool log_commands;    /* every command and reply, not only events */
    uint32_t clients_max; /* known clients, see flood_options */
};

/* Runs the node until TERM or INT; HUP opens the log and reads keys
 * anew. Tells on standard output how it is
 * (topology/status.h). False when it could not start: one line on standard error says why. */
bool gateway_run(const struct gateway_options *options);

#endif
