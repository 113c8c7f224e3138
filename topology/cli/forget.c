#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus/base/printable.h"
#include "bus/base/timestamp.h"
#include "bus/base/token.h"
#include "bus/table/selection.h"
#include "topology/cli/operator.h"
#include "topology/cli/zherd.h"
#include "topology/format/schema.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/usage.h"

#define PROGRAM "zherd forget"
/* Bytes of the ids in one request; a single id may be as long as any. */
#define IDS_BYTES_MAX (32 * 1024)

struct forget {
    const char *path, *node, *operator_name;
    struct operate_request request; /* all but the ids */
    char **ids;
    size_t id_count;
};

/* What all requests together came to. */
struct total {
    uint64_t matches, forgotten;
    size_t shown; /* examples that were printed */
    bool has_remark;
};

/* ---- words ---- */

/* The end of a moment of RFC 3339 after its seconds: decimals, and Z or the distance to it. */
static bool read_zone(const char *at, int64_t *decimals_ns, int64_t *ahead_s)
{
    int64_t place_ns = NANO / 10;
    char sign, end;
    unsigned hours, minutes;
    *decimals_ns = *ahead_s = 0;
    if (*at == '.' && at[1] >= '0' && at[1] <= '9')
        for (at++; *at >= '0' && *at <= '9'; at++, place_ns /= 10)
            *decimals_ns += (*at - '0') * place_ns;
    if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0)
        return true;
    if (sscanf(at, "%c%2u:%2u%c", &sign, &hours, &minutes, &end) != 3 ||
        (sign != '+' && sign != '-') || hours > 23 || minutes > 59)
        return false;
    *ahead_s = (sign == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

/* A stamp as clients say it, or a moment of RFC 3339. */
static bool read_time(const char *text, int64_t *time_ns)
{
    struct tm fields = {0};
    int64_t decimals_ns, ahead_s;
    *time_ns = location_stamp_ns(span_of(text));
    if (*time_ns != INT64_MIN)
        return true;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &fields);
    if (rest == NULL || !read_zone(rest, &decimals_ns, &ahead_s))
        return false;
    int64_t seconds = (int64_t)timegm(&fields) - ahead_s;
    return !__builtin_mul_overflow(seconds, NANO, time_ns) &&
           !__builtin_add_overflow(*time_ns, decimals_ns, time_ns);
}

static int read_after(struct operate_request *request, const char *text)
{
    if (read_time(text, &request->which.after_ns))
        return 0;
    return usage_refuse(PROGRAM,
                        "--after is `%s`; write a stamp such as 1621464827.95, or a "
                        "moment such as 2021-05-19T22:53:47Z",
                        text);
}

static int read_age(struct operate_request *request, const char *text)
{
    request->older_ms = (uint64_t)topology_schema_duration_ms(text);
    if (request->older_ms > 0)
        return 0;
    return usage_refuse(PROGRAM,
                        "--older-than is `%s`; write a whole number of s, m, h or d, as "
                        "in 24h",
                        text);
}

static int read_pattern(struct operate_request *request, const char *text)
{
    request->which.pattern = span_of(text);
    if (selection_is_pattern(request->which.pattern))
        return 0;
    return usage_refuse(PROGRAM,
                        "--matching is `%s`; write one * and no white space, at most %d "
                        "bytes",
                        text, SELECTION_PATTERN_BYTES_MAX);
}

static int read_origin(struct operate_request *request, const char *text)
{
    request->which.origin = span_of(text);
    if (request->which.origin.len > 0 && request->which.origin.len <= WIRE_NAME_BYTES_MAX)
        return 0;
    return usage_refuse(PROGRAM,
                        "--origin is `%s`; write the name of a node, which may be one "
                        "that is gone",
                        text);
}

static int compare_ids(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Each once: who is named twice is forgotten once. */
static int read_ids(struct forget *forget, char **words, size_t count)
{
    forget->ids = words;
    for (size_t i = 0; i < count; i++)
        if (!token_is_whole(span_of(words[i])) || strlen(words[i]) > LOCATION_TEXT_BYTES_MAX)
            return usage_refuse(PROGRAM, "`%s` is no client's id", words[i]);
    qsort(words, count, sizeof *words, compare_ids);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(words[i], words[i - 1]) != 0)
            words[forget->id_count++] = words[i];
    return 0;
}

static bool has_condition(const struct forget *forget)
{
    const struct selection *which = &forget->request.which;
    return forget->id_count > 0 || forget->request.older_ms > 0 || which->origin.len > 0 ||
           which->pattern.len > 0 || which->after_ns != INT64_MIN;
}

enum { NODE = 1, OPERATOR, ORIGIN, AFTER, OLDER_THAN, MATCHING, YES };

static const struct option options[] = {{"node", required_argument, NULL, NODE},
                                        {"operator", required_argument, NULL, OPERATOR},
                                        {"origin", required_argument, NULL, ORIGIN},
                                        {"after", required_argument, NULL, AFTER},
                                        {"older-than", required_argument, NULL, OLDER_THAN},
                                        {"matching", required_argument, NULL, MATCHING},
                                        {"yes", no_argument, NULL, YES},
                                        {0}};

static int read_option(struct forget *forget, int option, char **words)
{
    struct operate_request *request = &forget->request;
    switch (option) {
    case NODE:
        forget->node = optarg;
        return 0;
    case OPERATOR:
        forget->operator_name = optarg;
        return 0;
    case ORIGIN:
        return read_origin(request, optarg);
    case AFTER:
        return read_after(request, optarg);
    case OLDER_THAN:
        return read_age(request, optarg);
    case MATCHING:
        return read_pattern(request, optarg);
    case YES:
        request->acts = true;
        return 0;
    default:
        return usage_refuse_option(PROGRAM, option, words, options);
    }
}

/* The exit status, if it is to end with these words; else 0. */
static int read_words(int count, char **words, struct forget *forget)
{
    forget->request = (struct operate_request){.kind = OPERATE_FORGET, .which = selection_of_all()};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        int status = read_option(forget, option, words);
        if (status != 0)
            return status;
    }
    if (optind == count)
        return usage_refuse(PROGRAM, "write a topology file, and which clients");
    forget->path = words[optind];
    int status = read_ids(forget, words + optind + 1, (size_t)(count - optind - 1));
    if (status == 0 && !has_condition(forget))
        return usage_refuse(PROGRAM, "write which clients: their ids, or --origin, --after, "
                                     "--older-than or --matching; all of them are --matching '*'");
    return status;
}

/* ---- what is printed ---- */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* An id may come from anybody: a terminal must not carry out what it says. */
static void print_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        putchar(printable(name.data[i]));
}

static void print_example(const struct operate_example *example)
{
    char when[TIMESTAMP_BYTES_MAX] = "before 1970";
    if (example->order_ns >= 0)
        timestamp_write(when, example->order_ns, 3);
    printf("  ");
    print_name(example->client);
    if (example->bytes > example->client.len)
        printf("... (%" PRIu64 " bytes)", example->bytes);
    printf("  taken at ");
    print_name(example->origin);
    printf("  %s\n", when);
}

/* Those of the first requests, as many as one may have. */
static void print_examples(const struct operate_reply *reply, struct total *total)
{
    for (uint32_t i = 0; i < reply->example_count && total->shown < OPERATE_EXAMPLES_MAX; i++) {
        print_example(&reply->examples[i]);
        total->shown++;
    }
}

static void print_total(const struct forget *forget, const struct total *total, const char *node)
{
    if (forget->request.acts) {
        printf("forgot %" PRIu64 " of %" PRIu64 " client%s that matched at %s\n", total->forgotten,
               total->matches, plural(total->matches), node);
        return;
    }
    if (total->matches > total->shown)
        printf("  and %" PRIu64 " more\n", total->matches - total->shown);
    printf("%" PRIu64 " client%s match%s at %s%s\n", total->matches, plural(total->matches),
           total->matches == 1 ? "es" : "", node,
           total->matches > 0 ? "; nobody is forgotten without --yes" : "");
}

/* ---- the requests ---- */

/* As many ids, from that one on, as go into one request. */
static size_t choose_ids(struct forget *forget, size_t first)
{
    size_t bytes = 0, at = first;
    forget->request.id_count = 0;
    while (at < forget->id_count && forget->request.id_count < OPERATE_IDS_MAX) {
        struct span id = span_of(forget->ids[at]);
        bytes += id.len;
        if (at > first && bytes > IDS_BYTES_MAX)
            break;
        forget->request.ids[forget->request.id_count++] = id;
        at++;
    }
    return at;
}

static bool ask(struct forget *forget, struct operator_session *session, struct total *total)
{
    struct operate_reply reply;
    if (!operator_ask(session, &forget->request, &reply))
        return false;
    total->matches += reply.matches;
    total->forgotten += reply.forgotten;
    if (reply.state != OPERATE_DONE)
        return say_failure("%s refuses: %.*s", session->node->name, (int)reply.text.len,
                           reply.text.data);
    if (!forget->request.acts)
        print_examples(&reply, total);
    if (reply.text.len > 0 && !total->has_remark)
        say("%s: %.*s", session->node->name, (int)reply.text.len, reply.text.data);
    total->has_remark = total->has_remark || reply.text.len > 0;
    return true;
}

static bool run(struct forget *forget, struct operator_session *session)
{
    struct total total = {0};
    size_t next = 0;
    bool good = true;
    do {
        next = choose_ids(forget, next);
        good = ask(forget, session, &total);
    } while (good && next < forget->id_count);
    if (good || total.matches > 0)
        print_total(forget, &total, session->node->name);
    return good && (!forget->request.acts || total.forgotten == total.matches);
}

int forget_main(int count, char **words)
{
    struct topology topology;
    struct forget forget = {0};
    struct operator_session session = {0};
    int status = read_words(count, words, &forget);
    if (status != 0)
        return status;
    say_as(PROGRAM, NULL);
    signals_release();
    if (!topology_load(forget.path, &topology))
        return 1;
    struct operator_options who = {.path = forget.path,
                                   .topology = &topology,
                                   .name = forget.operator_name,
                                   .node = forget.node};
    status = operator_begin(&session, &who) && run(&forget, &session) ? 0 : 1;
    operator_end(&session);
    topology_free(&topology);
    return status;
}
