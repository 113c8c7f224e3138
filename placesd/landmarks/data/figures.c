#include "placesd/landmarks/data/figures.h"

#include "topology/format/status_json.h"

#define NS_PER_S INT64_C(1000000000)

static const char *const answers[FIGURES_ANSWERS] = {
    [FIGURES_OK] = "ok",
    [FIGURES_NONE] = "zero_results",
    [FIGURES_INVALID] = "invalid",
    [FIGURES_FAILED] = "failed",
    [FIGURES_NOT_FOUND] = "not_found",
    [FIGURES_NOT_ALLOWED] = "not_allowed",
};

void figures_write_metrics(const struct figures *figures, const char *commit,
                           const struct process_figures *process, enum metrics_form form,
                           struct buffer *out)
{
    struct metrics metrics = metrics_begin(form, out);
    metrics_family(&metrics, METRICS_COUNTER, "zherd_landmarks_answers",
                   "Requests that were answered, by what the answer was.");
    for (size_t i = 0; i < FIGURES_ANSWERS; i++)
        metrics_count(&metrics, METRICS_LABELS({"answer", span_of(answers[i])}),
                      figures->answers[i]);
    metrics_family(&metrics, METRICS_HISTOGRAM, "zherd_landmarks_search_seconds",
                   "Time that the database took for a question.");
    metrics_histogram(&metrics, NULL, &figures->searched);
    metrics_one(&metrics, METRICS_GAUGE, "zherd_landmarks_connections",
                "Connections from outside of the process.", figures->connections);
    metrics_one(&metrics, METRICS_GAUGE, "zherd_landmarks_connections_max", "As many may be there.",
                figures->connections_max);
    metrics_one(&metrics, METRICS_COUNTER, "zherd_landmarks_connections_refused",
                "Connections refused, because their address had its share.", figures->refused);
    metrics_one(&metrics, METRICS_COUNTER, "zherd_landmarks_connections_cut",
                "Connections cut, because a question took too long to come or to be read.",
                figures->cut);
    metrics_family(&metrics, METRICS_COUNTER, "zherd_landmarks_reloads",
                   "How often the database was to be read again, by whether it could be.");
    metrics_count(&metrics, METRICS_LABELS({"result", span_of("ok")}), figures->opened);
    metrics_count(&metrics, METRICS_LABELS({"result", span_of("failed")}), figures->opened_badly);
    process_metrics(&metrics, "zherd-landmarks", ZHERD_VERSION, commit, process);
    metrics_end(&metrics);
}

static void text(struct status_json *json, const char *key, const char *value)
{
    status_json_text(json, key, span_of(value));
}

void figures_write_status(const struct figures *figures, const char *commit,
                          const struct process_figures *process, struct buffer *out)
{
    struct status_json json = status_json_begin(out);
    status_json_object(&json, "program");
    text(&json, "name", "zherd-landmarks");
    text(&json, "version", ZHERD_VERSION);
    text(&json, "commit", commit);
    status_json_integer(&json, "started", process->started_ns / NS_PER_S);
    status_json_count(&json, "resident_bytes", process->resident_bytes);
    status_json_close(&json);
    status_json_object(&json, "answers");
    for (size_t i = 0; i < FIGURES_ANSWERS; i++)
        status_json_count(&json, answers[i], figures->answers[i]);
    status_json_close(&json);
    status_json_object(&json, "connections");
    status_json_count(&json, "open", figures->connections);
    status_json_count(&json, "max", figures->connections_max);
    status_json_count(&json, "refused", figures->refused);
    status_json_count(&json, "cut", figures->cut);
    status_json_close(&json);
    status_json_object(&json, "reloads");
    status_json_count(&json, "ok", figures->opened);
    status_json_count(&json, "failed", figures->opened_badly);
    status_json_close(&json);
    status_json_end(&json);
}
