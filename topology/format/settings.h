/* settings: the limits and the log of a node, each of which is a key of `node`, the same key of
 * `herd` for all nodes, and an option of zherd-gateway: `max_clients` and --max-clients. Those of
 * the log are options of the other programs that serve, too.
 *
 * It knows what each may be and holds what was said, and by whom it is said it does not know. What
 * holds where nothing was said is the gateway's to decide (gateway/node/gateway.h).
 *
 * Invariant: a setting that is said has a value that is allowed. */
#ifndef ZHERD_TOPOLOGY_FORMAT_SETTINGS_H
#define ZHERD_TOPOLOGY_FORMAT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/format/logline.h"

/* New clients of one address, of both numbers; and commands of which one is logged. */
#define SETTINGS_NUMBER_MAX 1000000000
/* Below it, a log would be rotated at every turn of a busy node. */
#define SETTINGS_LOG_BYTES_MIN  (UINT64_C(64) << 10)
#define SETTINGS_PATH_BYTES_MAX 1024

enum setting {
    SETTING_MAX_CLIENTS,     /* `value` known clients */
    SETTING_MAX_TABLE_BYTES, /* `value` bytes */
    SETTING_NEW_CLIENTS,     /* `value` a second, `burst` at once; 0 and 0: any number */
    SETTING_LOG,             /* `value` of enum settings_log */
    SETTING_LOG_RATE,        /* `value` lines a second; 0: any number */
    SETTING_LOG_LEVEL,       /* `value` of enum logline_level */
    SETTING_LOG_FILE,        /* `log_file` */
    SETTING_LOG_MAX_BYTES,   /* `value` bytes; 0: any number */
    SETTING_LOG_FORMAT,      /* `value` of enum logline_format */
    SETTINGS
};

/* With SETTINGS_LOG_COMMANDS, one of `burst` commands, 1 for each. */
enum settings_log { SETTINGS_LOG_EVENTS, SETTINGS_LOG_COMMANDS };

struct settings_value {
    bool is_said;
    uint32_t burst;
    uint64_t value;
};

/* All zero says nothing. */
struct settings {
    struct settings_value each[SETTINGS];
    char log_file[SETTINGS_PATH_BYTES_MAX + 1]; /* "-" is standard output */
};

/* The key's name, "max_clients"; that of the option has - for _. */
const char *settings_name(enum setting setting);
/* SETTINGS where none has that name, whether with _ or with -. */
enum setting settings_find(const char *name);

/* What it may be, to complete "`max_clients` takes ": "a number from 1 to 4294967295". */
const char *settings_takes(enum setting setting);

/* Takes the text as what is said. False where it may not be that; then `settings` are as they were.
 */
bool settings_read(struct settings *settings, enum setting setting, const char *text);

/* What is said of it, or else this. */
uint64_t settings_value(const struct settings *settings, enum setting setting, uint64_t otherwise);
/* NULL where no file is said. */
const char *settings_log_file(const struct settings *settings);

/* The nearest counts: what `settings` do not say they say as `further` do. */
void settings_inherit(struct settings *settings, const struct settings *further);

/* Whether both say the same of it, or both nothing. */
bool settings_same(const struct settings *one, const struct settings *other, enum setting setting);

#endif
