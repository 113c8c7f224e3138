#include "gateway/node/node_log.h"

#include <string.h>

static struct log_options log_options(const struct gateway_options *options,
                                      const struct gateway_limits *limits)
{
    return (struct log_options){
        .folder = options->log_folder,
        .name = options->topology->nodes[options->node].name,
        .file = settings_log_file(&limits->said),
        .bytes_max = limits->log_bytes_max,
        .format = limits->log_format,
    };
}

static void set_lines(const struct gateway_limits *limits, struct logline *lines)
{
    lines->rate = limits->log_rate;
    lines->format = limits->log_format;
    lines->level_min = limits->log_level;
}

void node_log_commands(const struct gateway_limits *limits, struct session_node *node)
{
    node->log_commands = limits->log_commands;
    node->log_one_in = limits->log_one_in;
    node->log_refusals = limits->log_level == LOGLINE_DEBUG;
}

struct log *node_log_open(const struct gateway_options *options,
                          const struct gateway_limits *limits, struct logline *lines,
                          struct fault *fault)
{
    const struct log_options wanted = log_options(options, limits);
    struct log *log = log_open(&wanted, fault);
    set_lines(limits, lines);
    lines->has_priorities = log != NULL && log_has_priorities(log);
    return log;
}

static bool stays_output(const struct log *log, const struct log_options *wanted)
{
    return (wanted->file != NULL && strcmp(wanted->file, "-") == 0) == log_is_output(log);
}

bool node_log_read(struct log *log, const struct gateway_options *options,
                   const struct gateway_limits *limits, struct fault *fault)
{
    const struct log_options wanted = log_options(options, limits);
    return !stays_output(log, &wanted) || log_read(log, &wanted, fault);
}

bool node_log_change(struct log *log, const struct gateway_options *options,
                     const struct gateway_limits *limits, struct logline *lines,
                     struct session_node *node)
{
    const struct log_options wanted = log_options(options, limits);
    set_lines(limits, lines);
    node_log_commands(limits, node);
    if (!stays_output(log, &wanted))
        return false;
    log_change(log, &wanted);
    return true;
}

void node_log_second(struct log *log, struct logline *lines, int64_t realtime_ns)
{
    if (log_take_near(log))
        logline_say(lines, realtime_ns, "fault", 0,
                    "the log's queue was %d %% full: what does not fit is lost and counted",
                    LOG_NEAR_PERCENT);
    logline_second(lines, realtime_ns);
    log_look(log);
}
