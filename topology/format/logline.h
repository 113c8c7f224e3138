/* logline: the lines of a log, as bytes.
 *
 *     2026-07-29T12:34:56.123456Z command 17 IAMAT kiwi +34.0-118.4 1621464827.9
 *     {"time":"2026-07-29T12:34:56.123456Z","level":"info","kind":"connect","connection":17,...}
 *     time=2026-07-29T12:34:56.123456Z level=info kind=connect connection=17 text="127.0.0.1:9"
 *
 * Time (UTC, microseconds), kind, number of the connection or "-", text; always in this order. As
 * JSON (RFC 8259) and as logfmt a line has the level of the event, too; with a command stand its
 * reply and why it was refused, which are lines of their own as text; and `reason` is one word of
 * gateway/text/reasons.h. There, too, a text is escaped as below before it is quoted.
 *
 * Kinds: start, stop, connect, disconnect, tls (how a connection speaks it, and until when a
 * certificate is good), command, reply, invalid (why a command is), places (what became of a
 * look-up), link, digest (of two neighbours' tables), clock (one is wrong, is right again or was
 * set; a client's is behind), access (rules, and who ended by them), operator (what one did), keys
 * (read again), reload (what else HUP read, or found and left for the next start), insecure (at
 * every start of such a herd, or as root), fault (a limit was reached, a stranger came, a part of
 * this log is missing). It collects lines and writes no file.
 *
 * Lines about a connection may have a limit for each second, for whoever connects often fills a
 * disk; lines about the node itself have none, so that none is lost among the others.
 *
 * Invariant: any bytes a client sends stay within one line, and the line shows exactly which bytes
 * they were: a byte outside 0x20-0x7e reads \xNN, a backslash reads \\, and a text that is cut
 * short ends in \... which no escaped text contains. */
#ifndef ZHERD_TOPOLOGY_FORMAT_LOGLINE_H
#define ZHERD_TOPOLOGY_FORMAT_LOGLINE_H

#include <stdbool.h>
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

enum logline_format { LOGLINE_TEXT, LOGLINE_JSON, LOGLINE_LOGFMT };

/* Of an event: what somebody should look at, what may need that, what else happens, and what is for
 * whoever looks for a fault. */
enum logline_level { LOGLINE_DEBUG, LOGLINE_INFO, LOGLINE_WARNING, LOGLINE_ERROR };

/* An event. */
struct logline_event {
    enum logline_level level;
    const char *kind;    /* one plain word */
    uint64_t connection; /* 0: none */
    const char *reason;  /* one plain word, or NULL; does not stand in text form */
};

/* What a client said, and what it was answered. */
struct logline_exchange {
    uint64_t connection;
    struct span command;
    struct span reply;  /* no data: none yet */
    const char *reason; /* why the command was refused, one word; NULL: it was not */
    const char *why;    /* the same as a sentence; with `reason` */
};

/* All zero is an empty log, of everything, as text. The texts of time and number are kept, because
 * all lines about one read share them, and most moments their second. */
struct logline {
    struct buffer lines;  /* complete lines; the caller writes them and empties it */
    int64_t realtime_ns;  /* the moment `time` stands for; 0: none yet */
    uint64_t connection;  /* what `number` stands for */
    uint8_t number_bytes; /* 0: none yet */
    char time[LOGLINE_TIME_BYTES];
    char number[LOGLINE_NUMBER_BYTES];
    enum logline_format format;
    enum logline_level level_min; /* lesser events are not written */
    bool has_priorities;   /* each line begins with "<6>" or the like, as sd-daemon(3) has it */
    uint32_t rate;         /* lines about connections a second; 0: no limit */
    uint32_t rate_lines;   /* of this second */
    uint64_t rate_refused; /* of this second; not written */
    uint64_t refused_all;  /* since the start */
};

/* Appends one line, unless its level is too low, or it is about a connection and beyond `rate`.
 * `realtime_ns` is nanoseconds since 1970. */
void logline_note(struct logline *log, int64_t realtime_ns, const struct logline_event *event,
                  struct span text);

/* The same with a text made as by printf(3). Never on the path of a command. */
void logline_note_as(struct logline *log, int64_t realtime_ns, const struct logline_event *event,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Both, of an event whose level is that of its kind: a fault and what is insecure are warnings, all
 * else is information. */
void logline_put(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 struct span text);

void logline_say(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* That of an event of its kind. */
enum logline_level logline_level_of(const char *kind);

/* Appends what stands in front of a line of that level: nothing without `has_priorities`. */
void logline_priority(struct logline *log, enum logline_level level);

/* The same of a fault that harms what the node is for: an error, and of no connection. */
void logline_fail(struct logline *log, int64_t realtime_ns, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends what is known of a command: in text form a line each for the command, for why it was
 * refused, and for its reply; one line in the others. No level keeps it out. */
void logline_exchange(struct logline *log, int64_t realtime_ns,
                      const struct logline_exchange *exchange);

/* A second is over: says how many lines were not written in it, if any. */
void logline_second(struct logline *log, int64_t realtime_ns);

void logline_free(struct logline *log);

#endif
