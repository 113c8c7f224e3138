/* journald: whether a descriptor leads to the system's journal, which takes a priority at the
 * beginning of each line (sd-daemon(3)). It sends nothing there itself. */
#ifndef ZHERD_TOPOLOGY_JOURNALD_H
#define ZHERD_TOPOLOGY_JOURNALD_H

#include <stdbool.h>

/* By JOURNAL_STREAM, as systemd.exec(5) has it: device and inode of the stream that the service
 * manager made. One that was led elsewhere since has others. */
bool journald_reads(int fd);

#endif
