/* notify: what a program says of itself to the service manager that started it: systemd, or whoever
 * else sets $NOTIFY_SOCKET, by the protocol of sd_notify(3): one datagram of `KEY=VALUE` lines.
 *
 * It does not link libsystemd, which machines without systemd lack, and of which this is one page.
 * Without a manager each call does nothing. A manager that does not read loses what it is sent,
 * signs of life and status at once, the rest after a second. Invariant: it holds no loop up. */
#ifndef ZHERD_TOPOLOGY_NOTIFY_H
#define ZHERD_TOPOLOGY_NOTIFY_H

#include <stdint.h>

/* Once, before the program has threads. Takes $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID out
 * of the environment, because they are not meant for its children. */
void notify_open(void);

/* It takes requests, and `status` is one line about what it is: READY=1, STATUS=. After a
 * notify_reloading NULL, for the line of before. */
void notify_ready(const char *status);

/* What the program is doing, in one line: STATUS=. The same line once more is not sent
 * where it was taken. */
void notify_status(const char *status);

/* HUP has come, and is being worked off. */
void notify_reloading(void);

/* It ends. */
void notify_stopping(void);

/* For the loop that does the program's work, and for no other: at each turn it says that it still
 * turns, as often as the manager's watchdog wants to hear it, which is half its time. Where one
 * loop replaces another both may call it meanwhile, each on its thread. `now_ms` is the loops'
 * clock, which never goes back. Returns when the next call is due at the latest, or
 * INT64_MAX where there is no watchdog. */
int64_t notify_alive(int64_t now_ms);

#endif
