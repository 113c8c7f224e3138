#include "topology/format/metrics.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "bus/base/printable.h"

#define NANOS INT64_C(1000000000)
/* "-9223372036.854775808" and the like, with a NUL. */
#define NUMBER_BYTES_MAX 48
/* A weight of an Accept header, which has three decimals at most. */
#define WEIGHT_MAX 1000

/* ---- the form ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* The part of `text` up to `end`, without blanks around it; `text` goes on after it. */
static struct span cut(struct span *text, char end)
{
    const char *at = text->len > 0 ? memchr(text->data, end, text->len) : NULL;
    struct span part = {text->data, at != NULL ? (size_t)(at - text->data) : text->len};
    size_t taken = part.len + (at != NULL ? 1 : 0);
    *text = (struct span){text->data + taken, text->len - taken};
    while (part.len > 0 && is_blank(part.data[0]))
        part = (struct span){part.data + 1, part.len - 1};
    while (part.len > 0 && is_blank(part.data[part.len - 1]))
        part.len--;
    return part;
}

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

/* "0.75" as 750; what is no weight is none. */
static int read_weight(struct span text)
{
    int weight = 0, scale = WEIGHT_MAX;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 1 && text.data[i] == '.')
            continue;
        if (!isdigit((unsigned char)text.data[i]) || i > 4)
            return 0;
        weight += (text.data[i] - '0') * scale;
        scale /= 10;
    }
    return weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
}

/* How much OpenMetrics 1.0.0, or else the text format, is wanted by one element of the header. */
static void weigh(struct span element, int *open_metrics, int *text)
{
    struct span type = cut(&element, ';');
    int weight = WEIGHT_MAX;
    bool ours = true;
    while (element.len > 0) {
        struct span value = cut(&element, ';');
        struct span name = cut(&value, '=');
        if (value.len >= 2 && value.data[0] == '"')
            value = (struct span){value.data + 1, value.len - 2};
        if (is_word(name, "q"))
            weight = read_weight(value);
        else if (is_word(name, "version"))
            ours = is_word(value, "1.0.0");
    }
    int *wanted = is_word(type, "application/openmetrics-text") && ours ? open_metrics
                  : is_word(type, "text/plain")                         ? text
                                                                        : NULL;
    if (wanted != NULL && weight > *wanted)
        *wanted = weight;
}

enum metrics_form metrics_choose(struct span accept)
{
    int open_metrics = 0, text = 0;
    while (accept.len > 0)
        weigh(cut(&accept, ','), &open_metrics, &text);
    return open_metrics > 0 && open_metrics >= text ? METRICS_OPENMETRICS : METRICS_TEXT;
}

const char *metrics_content_type(enum metrics_form form)
{
    return form == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; "
                                         "charset=utf-8"
                                       : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- families ---- */

static void put(struct metrics *metrics, const char *text)
{
    buffer_append(metrics->out, span_of(text));
}

static bool is_name(const char *name)
{
    if (!isalpha((unsigned char)*name))
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

static bool ends_with(const char *name, const char *end)
{
    size_t name_bytes = strlen(name), end_bytes = strlen(end);
    return name_bytes > end_bytes && strcmp(name + name_bytes - end_bytes, end) == 0;
}

/* "# WORD NAME TEXT" */
static void put_about(struct metrics *metrics, const char *word, const char *text)
{
    bool total = metrics->form == METRICS_TEXT && metrics->kind == METRICS_COUNTER;
    put(metrics, "# ");
    put(metrics, word);
    put(metrics, " ");
    put(metrics, metrics->family);
    put(metrics, total ? "_total " : " ");
    put(metrics, text);
    put(metrics, "\n");
}

struct metrics metrics_begin(enum metrics_form form, struct buffer *out)
{
    return (struct metrics){.out = out, .form = form};
}

void metrics_family(struct metrics *metrics, enum metrics_kind kind, const char *name,
                    const char *help)
{
    static const char *const kinds[] = {
        [METRICS_COUNTER] = "counter",
        [METRICS_GAUGE] = "gauge",
        [METRICS_HISTOGRAM] = "histogram",
    };
    static const char *const units[] = {"_seconds", "_bytes", "_metres", "_ratio"};
    assert(is_name(name) && !ends_with(name, "_total"));
    assert(*help != '\0' && strpbrk(help, "\\\"\n") == NULL);
    metrics->kind = kind;
    metrics->family = name;
    put_about(metrics, "HELP", help);
    put_about(metrics, "TYPE", kinds[kind]);
    for (size_t i = 0; i < sizeof units / sizeof *units && metrics->form == METRICS_OPENMETRICS;
         i++)
        if (ends_with(name, units[i]))
            put_about(metrics, "UNIT", units[i] + 1);
}

/* ---- samples ---- */

static void put_value(struct metrics *metrics, struct span value)
{
    size_t count = value.len < METRICS_VALUE_BYTES_MAX ? value.len : METRICS_VALUE_BYTES_MAX;
    char *at = buffer_reserve(metrics->out, 2 * METRICS_VALUE_BYTES_MAX), *end = at;
    for (size_t i = 0; i < count; i++) {
        char byte = value.data[i];
        if (byte == '\\' || byte == '"' || byte == '\n')
            *end++ = '\\';
        *end++ = byte == '\n' ? 'n' : printable(byte);
    }
    metrics->out->len += (size_t)(end - at);
}

static void put_label(struct metrics *metrics, bool first, const char *name, struct span value)
{
    put(metrics, first ? "{" : ",");
    put(metrics, name);
    put(metrics, "=\"");
    put_value(metrics, value);
    put(metrics, "\"");
}

/* A whole line; `bound` is a bucket's, NULL where there is none. */
static void put_sample(struct metrics *metrics, const char *suffix,
                       const struct metrics_labels *labels, const char *bound, const char *number)
{
    bool any = false;
    put(metrics, metrics->family);
    put(metrics, suffix);
    for (size_t i = 0; labels != NULL && labels->list[i].name != NULL; i++) {
        assert(i < METRICS_LABELS_MAX && is_name(labels->list[i].name));
        put_label(metrics, !any, labels->list[i].name, labels->list[i].value);
        any = true;
    }
    if (bound != NULL)
        put_label(metrics, !any, "le", span_of(bound));
    put(metrics, any || bound != NULL ? "} " : " ");
    put(metrics, number);
    put(metrics, "\n");
}

static const char *write_count(char text[NUMBER_BYTES_MAX], uint64_t value)
{
    snprintf(text, NUMBER_BYTES_MAX, "%" PRIu64, value);
    return text;
}

/* `whole` and `rest` billionths with one decimal at least: "1.0", "0.0025". */
static const char *write_decimal(char text[NUMBER_BYTES_MAX], bool is_negative, uint64_t whole,
                                 uint64_t rest)
{
    int bytes = snprintf(text, NUMBER_BYTES_MAX, "%s%" PRIu64 ".%09" PRIu64, is_negative ? "-" : "",
                         whole, rest);
    while (text[bytes - 1] == '0' && text[bytes - 2] != '.')
        bytes--;
    text[bytes] = '\0';
    return text;
}

static const char *write_nanos(char text[NUMBER_BYTES_MAX], int64_t nanos)
{
    uint64_t size = nanos < 0 ? -(uint64_t)nanos : (uint64_t)nanos;
    return write_decimal(text, nanos < 0, size / NANOS, size % NANOS);
}

static void put_number(struct metrics *metrics, const struct metrics_labels *labels,
                       const char *number)
{
    assert(metrics->family != NULL && metrics->kind != METRICS_HISTOGRAM);
    put_sample(metrics, metrics->kind == METRICS_COUNTER ? "_total" : "", labels, NULL, number);
}

void metrics_count(struct metrics *metrics, const struct metrics_labels *labels, uint64_t value)
{
    char text[NUMBER_BYTES_MAX];
    put_number(metrics, labels, write_count(text, value));
}

void metrics_nanos(struct metrics *metrics, const struct metrics_labels *labels, int64_t nanos)
{
    char text[NUMBER_BYTES_MAX];
    assert(nanos >= 0 || metrics->kind == METRICS_GAUGE);
    put_number(metrics, labels, write_nanos(text, nanos));
}

void metrics_histogram(struct metrics *metrics, const struct metrics_labels *labels,
                       const struct histogram *histogram)
{
    char bound[NUMBER_BYTES_MAX], text[NUMBER_BYTES_MAX];
    uint64_t count = 0;
    assert(metrics->family != NULL && metrics->kind == METRICS_HISTOGRAM);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        bool last = i == HISTOGRAM_BOUNDS;
        count += histogram->counts[i];
        put_sample(metrics, "_bucket", labels,
                   last ? "+Inf" : write_nanos(bound, histogram_bounds_ns[i]),
                   write_count(text, count));
    }
    uint64_t sum_s = histogram->sum_carries * (HISTOGRAM_CARRY_NS / NANOS);
    put_sample(
        metrics, "_sum", labels, NULL,
        write_decimal(text, false, sum_s + histogram->sum_ns / NANOS, histogram->sum_ns % NANOS));
    put_sample(metrics, "_count", labels, NULL, write_count(text, count));
}

void metrics_one(struct metrics *metrics, enum metrics_kind kind, const char *name,
                 const char *help, uint64_t value)
{
    metrics_family(metrics, kind, name, help);
    metrics_count(metrics, NULL, value);
}

void metrics_end(struct metrics *metrics)
{
    metrics->family = NULL;
    if (metrics->form == METRICS_OPENMETRICS)
        put(metrics, "# EOF\n");
}
