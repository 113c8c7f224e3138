#include "placesd/dispatch/page.h"

#include <string.h>

#include "placesd/dispatch/cache.h"
#include "placesd/dispatch/outbox.h"
#include "topology/format/status_json.h"

#define NS_PER_MS 1000000
#define NS_PER_S  INT64_C(1000000000)

/* The words of both pages. */
static const char *const codes[LOOKUP_CODES] = {
    [LOOKUP_OK] = "ok",           [LOOKUP_UNAVAILABLE] = "unavailable",
    [LOOKUP_TIMEOUT] = "timeout", [LOOKUP_BUSY] = "busy",
    [LOOKUP_REFUSED] = "refused", [LOOKUP_BAD_REPLY] = "bad_reply",
    [LOOKUP_INVALID] = "invalid",
};
static const char *const refusals[PAGE_REFUSALS] = {
    [PAGE_KEY] = "key",
    [PAGE_NO_KEY] = "no_key",
    [PAGE_NO_ENVELOPE] = "no_envelope",
    [PAGE_INVALID] = "invalid",
    [PAGE_NOT_READY] = "not_ready",
    [PAGE_CROWDED] = "crowded",
    [PAGE_NONSENSE] = "nonsense",
};
/* A herd may name the same provider twice; its place tells the two apart. */
static const char *const roles[DISPATCHER_SOURCES_MAX] = {"provider", "fallback"};

const char *page_why_not_ready(const struct dispatcher_view *view)
{
    if (view->closed)
        return "it is stopping";
    return view->workers == 0 ? "it has no worker" : NULL;
}

/* ---- metrics ---- */

static void count(struct metrics *metrics, const char *name, const char *help, uint64_t value)
{
    metrics_one(metrics, METRICS_COUNTER, name, help, value);
}

static void gauge(struct metrics *metrics, const char *name, const char *help, uint64_t value)
{
    metrics_one(metrics, METRICS_GAUGE, name, help, value);
}

static void write_questions(struct metrics *metrics, const struct page *page)
{
    const struct dispatcher_counters *counters = page->view->count;
    count(metrics, "zherd_placesd_questions", "Look-ups that were asked.", counters->asked);
    metrics_family(metrics, METRICS_COUNTER, "zherd_placesd_answers",
                   "Look-ups that were taken and answered, by the answer's code.");
    for (size_t i = 0; i < LOOKUP_CODES; i++)
        metrics_count(metrics, METRICS_LABELS({"code", span_of(codes[i])}), counters->answers[i]);
    count(metrics, "zherd_placesd_busy",
          "Look-ups that found no room at the door or with the workers.", counters->busy);
    count(metrics, "zherd_placesd_cached", "Look-ups answered by the cache.", counters->hits);
    count(metrics, "zherd_placesd_joined", "Look-ups answered by another one's request.",
          counters->joined);
    count(metrics, "zherd_placesd_stale",
          "Requests that failed and were answered by what the cache had kept too long.",
          counters->stale);
    count(metrics, "zherd_placesd_failures", "Requests that ended without a good answer.",
          counters->failures);
    count(metrics, "zherd_placesd_retries", "Second and third attempts.", counters->retries);
    gauge(metrics, "zherd_placesd_waiting", "Look-ups that are not answered yet.",
          page->view->questions);
    gauge(metrics, "zherd_placesd_waiting_max", "As many may wait.", DISPATCHER_WAITERS_MAX);
}

static const struct metrics_labels *label_source(const struct dispatcher_view *view, uint32_t i,
                                                 struct metrics_labels *labels)
{
    *labels =
        *METRICS_LABELS({"provider", span_of(view->sources[i].name)}, {"role", span_of(roles[i])});
    return labels;
}

/* One family, whose value each source has; those without a budget are left out of the budget's. */
static void write_of_sources(struct metrics *metrics, const struct dispatcher_view *view,
                             uint64_t value(const struct dispatcher_source_view *source),
                             bool of_budget)
{
    struct metrics_labels labels;
    for (uint32_t i = 0; i < view->source_count; i++)
        if (!of_budget || view->sources[i].budget > 0)
            metrics_count(metrics, label_source(view, i, &labels), value(&view->sources[i]));
}

static uint64_t requests_of(const struct dispatcher_source_view *source)
{
    return source->requests;
}

static uint64_t spent_of(const struct dispatcher_source_view *source)
{
    return source->spent;
}

static uint64_t budget_of(const struct dispatcher_source_view *source)
{
    return source->budget;
}

static void write_took(struct metrics *metrics, const struct dispatcher_view *view)
{
    metrics_family(metrics, METRICS_HISTOGRAM, "zherd_placesd_provider_seconds",
                   "Time that workers took for a request, in whole milliseconds, rounded up.");
    for (uint32_t i = 0; i < view->source_count; i++)
        for (size_t code = 0; code < LOOKUP_CODES; code++)
            metrics_histogram(metrics,
                              METRICS_LABELS({"provider", span_of(view->sources[i].name)},
                                             {"role", span_of(roles[i])},
                                             {"outcome", span_of(codes[code])}),
                              &view->sources[i].took[code]);
}

static void write_sources(struct metrics *metrics, const struct dispatcher_view *view)
{
    struct metrics_labels labels;
    metrics_family(metrics, METRICS_COUNTER, "zherd_placesd_requests",
                   "Requests given to workers, each of which asks the provider once.");
    write_of_sources(metrics, view, requests_of, false);
    write_took(metrics, view);
    metrics_family(metrics, METRICS_GAUGE, "zherd_placesd_provider_paused_seconds",
                   "How long the provider is left alone from now on, because it failed; 0: it is "
                   "asked.");
    for (uint32_t i = 0; i < view->source_count; i++)
        metrics_nanos(metrics, label_source(view, i, &labels),
                      (int64_t)view->sources[i].paused_ms * NS_PER_MS);
    metrics_family(metrics, METRICS_GAUGE, "zherd_placesd_budget_spent",
                   "Requests of the day's budget that were made.");
    write_of_sources(metrics, view, spent_of, true);
    metrics_family(metrics, METRICS_GAUGE, "zherd_placesd_budget",
                   "Requests that the provider may be asked a day; not there without a limit.");
    write_of_sources(metrics, view, budget_of, true);
}

static void write_workers(struct metrics *metrics, const struct dispatcher_view *view)
{
    uint64_t named = 0;
    gauge(metrics, "zherd_placesd_workers", "Workers that are there.", view->workers);
    metrics_family(metrics, METRICS_GAUGE, "zherd_placesd_workers_at",
                   "Workers by address: the first 16 addresses, and all others.");
    for (uint32_t i = 0; i < view->host_count; i++) {
        named += view->hosts[i].workers;
        metrics_count(metrics, METRICS_LABELS({"address", span_of(view->hosts[i].address)}),
                      view->hosts[i].workers);
    }
    if (named < view->workers)
        metrics_count(metrics, METRICS_LABELS({"address", span_of("other")}),
                      view->workers - named);
}

void page_write_metrics(const struct page *page, enum metrics_form form, struct buffer *out)
{
    struct metrics metrics = metrics_begin(form, out);
    gauge(&metrics, "zherd_placesd_ready", "1 while a worker is there and the broker serves.",
          page_why_not_ready(page->view) == NULL);
    write_questions(&metrics, page);
    write_sources(&metrics, page->view);
    write_workers(&metrics, page->view);
    gauge(&metrics, "zherd_placesd_cache_entries", "Answers in the cache.", page->view->kept);
    gauge(&metrics, "zherd_placesd_cache_bytes", "Memory of the cache.", page->view->kept_bytes);
    gauge(&metrics, "zherd_placesd_cache_max_bytes", "As much memory may the cache take.",
          CACHE_BYTES_MAX);
    gauge(&metrics, "zherd_placesd_unread_bytes", "Answers that their askers have not read.",
          page->answers_waiting_bytes);
    gauge(&metrics, "zherd_placesd_unread_max_bytes", "As much may wait to be read.",
          OUTBOX_BYTES_MAX);
    count(&metrics, "zherd_placesd_dropped", "Answers dropped, because their asker does not read.",
          page->answers_dropped);
    metrics_family(&metrics, METRICS_COUNTER, "zherd_placesd_refused",
                   "What came and was not taken, by the reason.");
    for (size_t i = 0; i < PAGE_REFUSALS; i++)
        metrics_count(&metrics, METRICS_LABELS({"reason", span_of(refusals[i])}), page->refused[i]);
    gauge(&metrics, "zherd_config_reload_success",
          "Whether what HUP read last was taken; 1 before the first.", !page->reload_failed);
    gauge(&metrics, "zherd_config_reload_success_timestamp_seconds",
          "When files were read last that it runs by, in Unix time.", (uint64_t)page->reloaded_s);
    process_metrics(&metrics, "placesd", ZHERD_VERSION, page->commit, page->process);
    metrics_end(&metrics);
}

/* ---- JSON ---- */

static void show_text(struct status_json *json, const char *key, const char *text)
{
    status_json_text(json, key, span_of(text));
}

static void show_program(struct status_json *json, const struct page *page)
{
    status_json_object(json, "program");
    show_text(json, "name", "placesd");
    show_text(json, "version", ZHERD_VERSION);
    show_text(json, "commit", page->commit);
    status_json_integer(json, "started", page->process->started_ns / NS_PER_S);
    status_json_count(json, "resident_bytes", page->process->resident_bytes);
    status_json_close(json);
}

static void show_questions(struct status_json *json, const struct page *page)
{
    const struct dispatcher_counters *counters = page->view->count;
    status_json_object(json, "questions");
    status_json_count(json, "asked", counters->asked);
    status_json_count(json, "busy", counters->busy);
    status_json_count(json, "cached", counters->hits);
    status_json_count(json, "joined", counters->joined);
    status_json_count(json, "stale", counters->stale);
    status_json_count(json, "failures", counters->failures);
    status_json_count(json, "retries", counters->retries);
    status_json_count(json, "waiting", page->view->questions);
    status_json_count(json, "waiting_max", DISPATCHER_WAITERS_MAX);
    status_json_close(json);
}

static void show_numbers(struct status_json *json, const char *key, const char *const *names,
                         const uint64_t *values, size_t length)
{
    status_json_object(json, key);
    for (size_t i = 0; i < length; i++)
        status_json_count(json, names[i], values[i]);
    status_json_close(json);
}

static void show_sources(struct status_json *json, const struct dispatcher_view *view)
{
    status_json_array(json, "sources");
    for (uint32_t i = 0; i < view->source_count; i++) {
        const struct dispatcher_source_view *source = &view->sources[i];
        status_json_object(json, NULL);
        show_text(json, "provider", source->name);
        show_text(json, "role", roles[i]);
        status_json_count(json, "requests", source->requests);
        status_json_count(json, "paused_ms", source->paused_ms);
        status_json_count(json, "spent", source->spent);
        status_json_count_or_null(json, "budget", source->budget);
        status_json_close(json);
    }
    status_json_close(json);
}

static void show_workers(struct status_json *json, const struct dispatcher_view *view)
{
    status_json_count(json, "workers", view->workers);
    status_json_array(json, "hosts");
    for (uint32_t i = 0; i < view->host_count; i++) {
        status_json_object(json, NULL);
        show_text(json, "address", view->hosts[i].address);
        status_json_count(json, "workers", view->hosts[i].workers);
        status_json_close(json);
    }
    status_json_close(json);
}

static void show_memory(struct status_json *json, const struct page *page)
{
    status_json_object(json, "cache");
    status_json_count(json, "entries", page->view->kept);
    status_json_count(json, "bytes", page->view->kept_bytes);
    status_json_count(json, "bytes_max", CACHE_BYTES_MAX);
    status_json_close(json);
    status_json_object(json, "unread");
    status_json_count(json, "bytes", page->answers_waiting_bytes);
    status_json_count(json, "bytes_max", OUTBOX_BYTES_MAX);
    status_json_count(json, "dropped", page->answers_dropped);
    status_json_close(json);
}

void page_write_status(const struct page *page, struct buffer *out)
{
    const struct dispatcher_view *view = page->view;
    const char *why = page_why_not_ready(view);
    struct status_json json = status_json_begin(out);
    show_program(&json, page);
    status_json_flag(&json, "ready", why == NULL);
    status_json_text_or_null(&json, "why_not", span_of(why != NULL ? why : ""));
    show_text(&json, "gateways_at", page->front);
    show_text(&json, "workers_at", page->back);
    show_questions(&json, page);
    show_numbers(&json, "answers", codes, view->count->answers, LOOKUP_CODES);
    show_sources(&json, view);
    show_workers(&json, view);
    show_memory(&json, page);
    show_numbers(&json, "refused", refusals, page->refused, PAGE_REFUSALS);
    status_json_object(&json, "reload");
    status_json_flag(&json, "success", !page->reload_failed);
    status_json_integer(&json, "last", page->reloaded_s);
    status_json_close(&json);
    status_json_end(&json);
}
