/* logline: the lines of a node's log, as bytes.
 *
 *     2026-07-29T12:34:56.123456Z command 17 IAMAT kiwi +34.0-118.4 1621464827.9
 *
 * Time (UTC, microseconds), kind, number of the connection or "-", text; always in this order.
 * Kinds: start, stop, connect, disconnect, command, reply, invalid (why a command is), places (what
 * became of a look-up), link, digest (of two neighbours' tables), keys (read again), reload (what
 * else HUP read, or found and left for the next start), insecure (at every start of such a herd),
 * fault (a limit was reached, a stranger came, a part of this log is missing). It collects lines
 * and writes no file.
 *
 * Invariant: whatever bytes a client sends, they stay within one line and can be told from it
 * again: a byte outside 0x20-0x7e reads \xNN, a backslash reads \\, and a text that is cut short
 * ends in \... which no escaped text contains. */
#ifndef ZHERD_GATEWAY_TEXT_LOGLINE_H
#define ZHERD_GATEWAY_TEXT_LOGLINE_H

#include <stdint.h>

#include "bus/base/bytes.h"

/* Bytes of one text before escaping. A line of 64 KiB may hold 64 Ki bytes to be escaped: without
 * a limit here, a hostile client fills a disk eight times faster than it sends. */
#define LOGLINE_TEXT_BYTES_MAX 4096
/* What logline_say may format. */
#define LOGLINE_SAY_BYTES_MAX 1024
/* "2026-07-29T12:34:56.123456Z " */
#define LOGLINE_TIME_BYTES 28

/* "18446744073709551615" */
#define LOGLINE_NUMBER_BYTES 20

/* All zero is an empty log. The texts of time and number are kept, because all lines about one read
 * share them, and most moments their second. */
struct logline {
    struct buffer lines;  /* complete lines; whoever writes them empties it */
    int64_t realtime_ns;  /* the moment `time` stands for; 0: none yet */
    uint64_t connection;  /* what `number` stands for */
    uint8_t number_bytes; /* 0: none yet */
    char time[LOGLINE_TIME_BYTES];
    char number[LOGLINE_NUMBER_BYTES];
};

/* Appends one line. `realtime_ns` is nanoseconds since 1970; `kind` is one plain word; connection 0
 * is none. */
void logline_put(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 struct span text);

/* The same with a text made as by printf(3). Never on the path of a command. */
void logline_say(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

void logline_free(struct logline *log);

#endif
