/* A broker's pages and a landmarks server's: what is in them for given figures. That a page as a
 * whole is well formed, tests/system/places_watched.py checks. */
#include "placesd/dispatch/page.h"

#include <jansson.h>

#include "placesd/landmarks/data/figures.h"
#include "tests/check.h"

static struct dispatcher_counters counters;
static struct histogram took[DISPATCHER_SOURCES_MAX][LOOKUP_CODES];
static struct dispatcher_view view;
static struct process_figures process;

/* Two sources of one name, the first with a budget, and a worker at each of two addresses. */
static struct page page_of_two(void)
{
    memset(took, 0, sizeof took);
    counters = (struct dispatcher_counters){.asked = 9, .answers = {[LOOKUP_BUSY] = 4}};
    view = (struct dispatcher_view){
        .count = &counters,
        .sources = {{"photon", 5, 1500, 3, 10, took[0]}, {"photon", 6, 0, 0, 0, took[1]}},
        .source_count = 2,
        .questions = 7,
        .workers = 2,
        .host_count = 2,
        .hosts = {{"192.0.2.1", 1}, {"::1", 1}},
        .kept = 8,
        .kept_bytes = 800,
    };
    process = (struct process_figures){.started_ns = INT64_C(1700000000500000000)};
    return (struct page){
        .commit = "abc",
        .front = "tcp://127.0.0.1:1",
        .back = "tcp://127.0.0.1:2",
        .view = &view,
        .process = &process,
        .refused = {[PAGE_NONSENSE] = 11},
        .answers_waiting_bytes = 12,
        .answers_dropped = 13,
        .reloaded_s = 1700000009,
    };
}

static void check_line(const char *page, const char *line)
{
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    bool found = strstr(page, whole) != NULL;
    if (!found)
        printf("    no line %s\n", line);
    CHECK(found);
}

static void check_lines(const struct page *page, const char *const *lines, size_t count)
{
    struct buffer out = {0};
    page_write_metrics(page, METRICS_OPENMETRICS, &out);
    buffer_append(&out, (struct span){"", 1});
    for (size_t i = 0; i < count; i++)
        check_line(out.data, lines[i]);
    check_line(out.data, "# EOF");
    buffer_free(&out);
}

static void the_page_has_the_brokers_numbers_and_tells_two_sources_of_one_name_apart(void)
{
    static const char *const lines[] = {
        "zherd_placesd_ready 1",
        "zherd_placesd_questions_total 9",
        "zherd_placesd_answers_total{code=\"busy\"} 4",
        "zherd_placesd_answers_total{code=\"bad_reply\"} 0",
        "zherd_placesd_waiting 7",
        "zherd_placesd_requests_total{provider=\"photon\",role=\"provider\"} 5",
        "zherd_placesd_requests_total{provider=\"photon\",role=\"fallback\"} 6",
        "zherd_placesd_provider_paused_seconds{provider=\"photon\",role=\"provider\"} 1.5",
        "zherd_placesd_provider_paused_seconds{provider=\"photon\",role=\"fallback\"} 0.0",
        "zherd_placesd_budget{provider=\"photon\",role=\"provider\"} 10",
        "zherd_placesd_budget_spent{provider=\"photon\",role=\"provider\"} 3",
        "zherd_placesd_provider_seconds_count{provider=\"photon\",role=\"fallback\","
        "outcome=\"timeout\"} 1",
        "zherd_placesd_workers 2",
        "zherd_placesd_workers_at{address=\"192.0.2.1\"} 1",
        "zherd_placesd_workers_at{address=\"::1\"} 1",
        "zherd_placesd_cache_entries 8",
        "zherd_placesd_cache_bytes 800",
        "zherd_placesd_unread_bytes 12",
        "zherd_placesd_dropped_total 13",
        "zherd_placesd_refused_total{reason=\"nonsense\"} 11",
        "zherd_config_reload_success 1",
        "zherd_config_reload_success_timestamp_seconds 1700000009",
        "zherd_build_info{program=\"placesd\",version=\"" ZHERD_VERSION "\",commit=\"abc\"} 1",
        "process_start_time_seconds 1700000000.5",
    };
    struct page page = page_of_two();
    histogram_observe(&took[1][LOOKUP_TIMEOUT], 1000000);
    check_lines(&page, lines, sizeof lines / sizeof *lines);
}

static void a_source_without_a_budget_has_none_in_the_page(void)
{
    struct buffer out = {0};
    struct page page = page_of_two();
    page_write_metrics(&page, METRICS_TEXT, &out);
    buffer_append(&out, (struct span){"", 1});
    CHECK(strstr(out.data, "zherd_placesd_budget{provider=\"photon\",role=\"fallback\"}") == NULL);
    CHECK(strstr(out.data, "# EOF") == NULL);
    buffer_free(&out);
}

static void workers_of_addresses_that_are_not_named_count_as_others(void)
{
    static const char *const lines[] = {"zherd_placesd_workers_at{address=\"other\"} 3"};
    struct page page = page_of_two();
    view.workers = 5;
    check_lines(&page, lines, 1);
}

static void ready_is_who_has_a_worker_and_is_not_stopping(void)
{
    page_of_two();
    CHECK(page_why_not_ready(&view) == NULL);
    view.closed = true;
    CHECK(strcmp(page_why_not_ready(&view), "it is stopping") == 0);
    view.closed = false;
    view.workers = 0;
    CHECK(strcmp(page_why_not_ready(&view), "it has no worker") == 0);
}

/* The text that `path`, keys and numbers of a list with points between, leads to. */
static void check_json(const struct buffer *out, const char *path, const char *wanted)
{
    json_t *root = json_loadb(out->data, out->len, 0, NULL), *at = root;
    char keys[128], *rest = keys;
    CHECK(root != NULL && out->data[out->len - 1] == '\n');
    snprintf(keys, sizeof keys, "%s", path);
    for (char *key; at != NULL && (key = strsep(&rest, ".")) != NULL;)
        at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
                               : json_object_get(at, key);
    char *text = json_dumps(at, JSON_ENCODE_ANY);
    CHECK_BYTES(text != NULL ? text : "", text != NULL ? strlen(text) : 0, wanted, strlen(wanted));
    free(text);
    json_decref(root);
}

static void the_status_has_the_same_numbers(void)
{
    static const char *const rows[][2] = {
        {"ready", "true"},
        {"why_not", "null"},
        {"program.started", "1700000000"},
        {"questions.asked", "9"},
        {"answers.busy", "4"},
        {"sources.0.paused_ms", "1500"},
        {"sources.0.budget", "10"},
        {"sources.1.budget", "null"},
        {"hosts.1.address", "\"::1\""},
        {"cache.bytes", "800"},
        {"unread.dropped", "13"},
        {"refused.nonsense", "11"},
        {"reload.success", "true"},
        {"reload.last", "1700000009"},
        {"workers_at", "\"tcp://127.0.0.1:2\""},
    };
    struct buffer out = {0};
    struct page page = page_of_two();
    strcpy(view.hosts[1].address, "::1");
    page_write_status(&page, &out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_json(&out, rows[i][0], rows[i][1]);
    out.len = 0;
    view.workers = 0;
    page.reload_failed = true;
    page_write_status(&page, &out);
    check_json(&out, "why_not", "\"it has no worker\"");
    check_json(&out, "reload.success", "false");
    buffer_free(&out);
}

static void a_landmarks_server_has_its_numbers_in_both_pages(void)
{
    static const char *const lines[] = {
        "zherd_landmarks_answers_total{answer=\"zero_results\"} 1",
        "zherd_landmarks_search_seconds_count 1",
        "zherd_landmarks_connections 3",
        "zherd_landmarks_connections_max 256",
        "zherd_landmarks_connections_refused_total 4",
        "zherd_landmarks_connections_cut_total 5",
        "zherd_landmarks_reloads_total{result=\"ok\"} 6",
        "zherd_landmarks_reloads_total{result=\"failed\"} 7",
    };
    struct figures figures = {.answers = {[FIGURES_NONE] = 1},
                              .connections = 3,
                              .connections_max = 256,
                              .refused = 4,
                              .cut = 5,
                              .opened = 6,
                              .opened_badly = 7};
    struct buffer out = {0};
    histogram_observe(&figures.searched, 1);
    figures_write_metrics(&figures, "", &process, METRICS_TEXT, &out);
    buffer_append(&out, (struct span){"", 1});
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        check_line(out.data, lines[i]);
    out.len = 0;
    figures_write_status(&figures, "", &process, &out);
    check_json(&out, "answers.zero_results", "1");
    check_json(&out, "connections.cut", "5");
    check_json(&out, "reloads.failed", "7");
    buffer_free(&out);
}

static const struct check_case cases[] = {
    {"the page has the broker's numbers, and tells two sources of one name apart",
     the_page_has_the_brokers_numbers_and_tells_two_sources_of_one_name_apart},
    {"a source without a budget has none in the page",
     a_source_without_a_budget_has_none_in_the_page},
    {"workers of addresses that are not named count as others",
     workers_of_addresses_that_are_not_named_count_as_others},
    {"ready is who has a worker and is not stopping",
     ready_is_who_has_a_worker_and_is_not_stopping},
    {"the status has the same numbers", the_status_has_the_same_numbers},
    {"a landmarks server has its numbers in both pages",
     a_landmarks_server_has_its_numbers_in_both_pages},
};

CHECK_MAIN(cases)
