/* node_figures: each number has its line, and a node says when clients should go elsewhere. */
#include "gateway/text/node_figures.h"

#include <jansson.h>

#include "tests/check.h"

static struct topology topology = {.herd = "trial", .expire_ms = 90000, .keys = "secret.keys"};
static struct topology_node self = {
    .name = "Alford",
    .clients = {.text = "tcp://127.0.0.1:1"},
    .bus = {.text = "tcp://127.0.0.1:2"},
    .bus_at = {.text = "tcp://127.0.0.1:2"},
    .monitor = {.at = {.text = "tcp://127.0.0.1:3"}, .token_file = "hidden.token"}};
static struct operate_status status;
static struct delays delays;
static struct histogram replies;
static struct buffer page;

static struct node_figures plain(void)
{
    status = (struct operate_status){.version = span_of("1"), .lookups_p99_ms = WIRE_NEVER};
    delays = (struct delays){0};
    replies = (struct histogram){0};
    return (struct node_figures){.topology = &topology,
                                 .self = &self,
                                 .phase = PHASE_READY,
                                 .commit = "abc",
                                 .status = &status,
                                 .delays = &delays,
                                 .replies = &replies};
}

static const char *metrics(const struct node_figures *figures, enum metrics_form form)
{
    page.len = 0;
    node_write_metrics(figures, form, &page);
    buffer_append(&page, (struct span){"", 1});
    return page.data;
}

static size_t times(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

/* Numbers from `first` on, in a struct that begins with as many of 64 bits. */
static void number(void *fields, size_t bytes, uint64_t first)
{
    for (size_t i = 0; i < bytes / sizeof first; i++, first++)
        memcpy((char *)fields + i * sizeof first, &first, sizeof first);
}

static void each_is_there(const char *text, uint64_t first, size_t bytes)
{
    for (uint64_t value = first; value < first + bytes / sizeof value; value++) {
        char line[32];
        snprintf(line, sizeof line, " %" PRIu64 "\n", value);
        if (times(text, line) != 1)
            printf("    %" PRIu64 " is there %zu times\n", value, times(text, line));
        CHECK_INT(times(text, line), 1);
    }
}

static void each_counter_has_its_line(void)
{
    struct node_figures figures = plain();
    size_t requests_bytes = offsetof(struct requests_counters, time);
    size_t refused_at = offsetof(struct handshakes_counters, refused);
    number(&figures.bus, sizeof figures.bus, 1000000);
    number(&figures.operators, sizeof figures.operators, 1100000);
    number(&figures.connections, sizeof figures.connections, 1200000);
    number(&figures.addresses, sizeof figures.addresses, 1300000);
    number(&figures.limits, sizeof figures.limits, 1400000);
    number(&figures.watchers, sizeof figures.watchers, 1500000);
    number(&figures.requests, requests_bytes, 1600000);
    figures.said = (struct session_counters){.iamats = 1700000,
                                             .whatsats = 1700001,
                                             .forgets = 1700002,
                                             .invalid = 1700003,
                                             .nearbys = 1700004,
                                             .watches = 1700005,
                                             .auths = 1700006,
                                             .backward = 1700008};
    figures.commands_other = 1700007;
    number(&figures.reasons, sizeof figures.reasons, 2000000);
    figures.strangers = 1800000;
    figures.multiparts = 1800001;
    figures.requests_dropped = 1800002;
    figures.keys_refused = 1800003;
    figures.impostors = 1800004;
    figures.log_bytes_lost = 1800005;
    figures.log_lines_refused = 1800006;
    figures.connection_faults = 1800007;
    figures.monitor_answers = 1800008;
    figures.monitor_refused = 1800009;
    figures.monitor_cut = 1800010;
    figures.has_tls = true;
    number(&figures.handshakes, sizeof figures.handshakes, 1900000);
    figures.has_journal = true;
    figures.journal_batches = 1800011;
    figures.journal_failed = 1800012;
    figures.segments_made = 1800013;
    figures.segments_not_made = 1800014;
    figures.segments_removed = 1800015;
    figures.segments_not_removed = 1800016;
    const char *text = metrics(&figures, METRICS_TEXT);
    each_is_there(text, 1000000, sizeof figures.bus);
    each_is_there(text, 1100000, sizeof figures.operators);
    each_is_there(text, 1200000, sizeof figures.connections);
    each_is_there(text, 1300000, sizeof figures.addresses);
    each_is_there(text, 1400000, sizeof figures.limits);
    each_is_there(text, 1500000, sizeof figures.watchers);
    each_is_there(text, 1600000, requests_bytes);
    each_is_there(text, 1700000, 9 * sizeof(uint64_t));
    each_is_there(text, 2000000, sizeof figures.reasons);
    each_is_there(text, 1800000, 17 * sizeof(uint64_t));
    each_is_there(text, 1900000, refused_at);
    each_is_there(text, 1900000 + refused_at / sizeof(uint64_t) + 1,
                  (HANDSHAKES_VERDICTS - 1) * sizeof(uint64_t)); /* all but ADMITTED */
    CHECK_INT(times(text, "zherd_commands_total{command=\"whatsat\"} 1700001\n"), 1);
    CHECK_INT(times(text, "zherd_connections_ended_total{reason=\"silent\"} "), 1);
    CHECK_INT(times(text, "zherd_connections_closed"), 0); /* each is counted once */
}

static void what_is_not_there_has_no_line(void)
{
    struct node_figures figures = plain();
    const char *text = metrics(&figures, METRICS_OPENMETRICS);
    CHECK_INT(times(text, "zherd_journal"), 0);
    CHECK_INT(times(text, "zherd_tls"), 0);
    CHECK_INT(times(text, "zherd_lookup_seconds"), 0);
    CHECK_INT(times(text, "{peer="), 0);
    CHECK_INT(times(text, "zherd_phase{phase=\"ready\"} 1\n"), 1);
    CHECK_INT(times(text, "zherd_phase{phase=\"closed\"} 0\n"), 1);
    CHECK_INT(times(text, "zherd_config_reload_success 1\n"), 1);
    figures.has_journal = true;
    status.journal = WIRE_JOURNAL_FAILED;
    status.journal_age_ms = 1500;
    figures.reload_failed = true;
    text = metrics(&figures, METRICS_OPENMETRICS);
    CHECK_INT(times(text, "zherd_journal_up 0\n"), 1);
    CHECK_INT(times(text, "zherd_journal_lag_seconds 1.5\n"), 1);
    CHECK_INT(times(text, "zherd_config_reload_success 0\n"), 1);
    CHECK(strcmp(text + strlen(text) - 6, "# EOF\n") == 0);
}

static void a_link_has_its_lines(void)
{
    struct node_figures figures = plain();
    struct flood_link links[] = {{.name = span_of("Ball"),
                                  .why = "",
                                  .up = true,
                                  .due = 3,
                                  .in_flight = 2,
                                  .lag_ms = 1250,
                                  .met_age_ms = 60000,
                                  .acked = 11,
                                  .head = 14,
                                  .received = 9,
                                  .compared_age_ms = 700,
                                  .settled = TABLE_RANGES / 4},
                                 {.name = {"\"E\n\xff", 4},
                                  .why = "",
                                  .is_observer = true,
                                  .differs = true,
                                  .compared_age_ms = UINT64_MAX,
                                  .settled = TABLE_RANGES}};
    figures.links = links;
    figures.link_count = 2;
    const char *text = metrics(&figures, METRICS_TEXT);
#define BALL "{peer=\"Ball\",kind=\"neighbour\"} "
    static const char *const lines[] = {
        "\nzherd_link_up" BALL "1\n",
        "\nzherd_link_differs" BALL "0\n",
        "\nzherd_link_due" BALL "3\n",
        "\nzherd_link_in_flight" BALL "2\n",
        "\nzherd_link_settled_ratio" BALL "0.25\n",
        "\nzherd_link_lag_seconds" BALL "1.25\n",
        "\nzherd_link_met_age_seconds" BALL "60.0\n",
        "\nzherd_link_compared_age_seconds" BALL "0.7\n",
        "\nzherd_link_changes_total" BALL "14\n",
        "\nzherd_link_acked_total" BALL "11\n",
        "\nzherd_link_received_total" BALL "9\n",
        "\nzherd_link_up{peer=\"\\\"E\\n?\",kind=\"observer\"} 0\n",
        "\nzherd_link_settled_ratio{peer=\"\\\"E\\n?\",kind=\"observer\"} 1.0\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (times(text, lines[i]) != 1)
            printf("    %s", lines[i]);
        CHECK_INT(times(text, lines[i]), 1);
    }
    CHECK_INT(times(text, "zherd_link_compared_age_seconds{"), 1);
}

static void a_node_is_ready_with_a_link(void)
{
    static const struct {
        enum phase phase;
        size_t neighbours, up;
        bool is_ready;
    } rows[] = {{PHASE_CLOSED, 1, 1, false}, {PHASE_OPEN, 1, 1, false},
                {PHASE_READY, 0, 0, true},   {PHASE_READY, 1, 0, false},
                {PHASE_READY, 1, 1, true},   {PHASE_READY, 9, 1, true},
                {PHASE_READY, 9, 0, false},  {PHASE_DRAINS, 1, 1, false},
                {PHASE_STOPS, 1, 1, false},  {PHASE_OVER, 0, 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(node_why_not_ready(rows[i].phase, rows[i].neighbours, rows[i].up) == NULL,
                  rows[i].is_ready);
}

static void the_status_is_json_without_secrets(void)
{
    struct node_figures figures = plain();
    struct flood_link links[] = {{.name = span_of("Ball"), .why = "", .up = true}};
    status.link_count = 1;
    status.links[0] = (struct operate_link){.name = span_of("Ball"), .up = true};
    status.broker_count = 1;
    status.brokers[0] = (struct operate_broker){.endpoint = span_of("tcp://127.0.0.1:4")};
    figures.links = links;
    figures.link_count = figures.neighbours = 1;
    page.len = 0;
    node_write_status(&figures, &page);
    CHECK(page.data[page.len - 1] == '\n');
    json_t *whole = json_loadb(page.data, page.len, 0, NULL);
    CHECK(whole != NULL);
    CHECK(json_is_true(json_object_get(whole, "ready")));
    CHECK_INT(json_integer_value(json_object_get(whole, "neighbours_up")), 1);
    CHECK_INT(json_array_size(json_object_get(whole, "links")), 1);
    CHECK_INT(json_array_size(json_object_get(whole, "places")), 1);
    json_t *configuration = json_object_get(whole, "configuration");
    CHECK(json_is_true(json_object_get(configuration, "keys")));
    CHECK(json_is_true(json_object_get(configuration, "monitor_token")));
    CHECK_INT(json_integer_value(json_object_get(configuration, "expire_ms")), 90000);
    json_decref(whole);
    buffer_append(&page, (struct span){"", 1});
    CHECK_INT(times(page.data, "secret"), 0);
    CHECK_INT(times(page.data, "hidden"), 0);
    metrics(&figures, METRICS_TEXT);
    CHECK_INT(times(page.data, "secret"), 0);
    CHECK_INT(times(page.data, "hidden"), 0);
}

/* ---- delays ---- */

static uint64_t count_of(const struct histogram *histogram)
{
    uint64_t count = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += histogram->counts[i];
    return count;
}

static void arrive(const char *origin, int64_t accepted_ns, uint64_t met_age_ms, int64_t herd_ns)
{
    struct flood_arrival arrival = {.accepted_ns = accepted_ns, .met_age_ms = met_age_ms};
    strcpy(arrival.origin, origin);
    delays_take(&delays, &arrival, herd_ns);
}

static void delays_are_those_of_their_origin(void)
{
    delays = (struct delays){0};
    arrive("Ball", 1000, 5, 3000);
    arrive("Cup", 0, 5, 5999999);  /* 5.999999 ms of 5 */
    arrive("Cup", 0, 5, 6000000);  /* before the peer was met */
    arrive("Ball", 9000, 0, 3000); /* a clock that is ahead */
    arrive("Ball", INT64_MIN, UINT64_MAX, INT64_MAX);
    CHECK_INT(delays.count, 2);
    CHECK_INT(count_of(&delays.origins[0].time), 2);
    CHECK_INT(delays.origins[0].time.sum_ns, 2000);
    CHECK_INT(count_of(&delays.origins[1].time), 1);
    CHECK_INT(count_of(&delays.other), 0);
    arrive("other", 0, 5, 1000); /* a node of that name has no series of its own beside it */
    CHECK_INT(delays.count, 2);
    CHECK_INT(count_of(&delays.other), 1);
}

static void origins_end_at_their_limit(void)
{
    delays = (struct delays){0};
    for (int i = 0; i <= DELAYS_ORIGINS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "N%d", i);
        arrive(name, 0, 10, 1000);
        CHECK_INT(count_of(&delays.other), i == DELAYS_ORIGINS_MAX);
    }
    arrive("N0", 0, 10, 1000);
    CHECK_INT(delays.count, DELAYS_ORIGINS_MAX);
    CHECK_INT(count_of(&delays.origins[0].time), 2);
    CHECK_INT(count_of(&delays.other), 1);
    struct node_figures figures = plain();
    arrive("N1", 0, 10, 1000);
    const char *text = metrics(&figures, METRICS_TEXT);
    CHECK_INT(times(text, "zherd_propagation_seconds_count{origin=\"N1\"} 1\n"), 1);
    CHECK_INT(times(text, "zherd_propagation_seconds_count{origin=\"other\"} 0\n"), 1);
}

static const struct check_case cases[] = {
    {"each counter has one line of its own", each_counter_has_its_line},
    {"what is not there has no line", what_is_not_there_has_no_line},
    {"a link has its lines", a_link_has_its_lines},
    {"a node is ready with a link, or without neighbours", a_node_is_ready_with_a_link},
    {"the status is JSON, and no page has a secret", the_status_is_json_without_secrets},
    {"delays are those of their origin", delays_are_those_of_their_origin},
    {"origins end at their limit", origins_end_at_their_limit},
};

CHECK_MAIN(cases)
