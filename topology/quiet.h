/* quiet: keeps CZMQ's reader of ZPL from writing to standard output.
 *
 * zconfig_str_load(3) prints what it cannot read, without the file's name: the rest of the line, be
 * it a secret. Standard output is where the status lines of our processes go (topology/status.h).
 * While it reads, that leads nowhere, for every thread.
 *
 * Invariant: after quiet_end, standard output is what it was before quiet_begin. */
#ifndef ZHERD_TOPOLOGY_QUIET_H
#define ZHERD_TOPOLOGY_QUIET_H

/* What quiet_end needs; below 0 where the system has no descriptor left: then nothing changes. */
int quiet_begin(void);
void quiet_end(int kept);

#endif
