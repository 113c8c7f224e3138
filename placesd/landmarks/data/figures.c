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

void figures_write_status(const struct figures *figures, const char *commit,
                          const struct process_figures *process, struct buffer *out)
{
    json_t *by_answer = json_object();
    for (size_t i = 0; i < FIGURES_ANSWERS; i++)
        status_json_put(by_answer, answers[i], status_json_count(figures->answers[i]));
    json_t *root = json_pack(
        "{s:{s:s, s:s, s:s, s:I, s:o}, s:o, s:{s:o, s:i, s:o, s:o}, s:{s:o, s:o}}", "program",
        "name", "zherd-landmarks", "version", ZHERD_VERSION, "commit", commit, "started",
        (json_int_t)(process->started_ns / NS_PER_S), "resident_bytes",
        status_json_count(process->resident_bytes), "answers", by_answer, "connections", "open",
        status_json_count(figures->connections), "max", (int)figures->connections_max, "refused",
        status_json_count(figures->refused), "cut", status_json_count(figures->cut), "reloads",
        "ok", status_json_count(figures->opened), "failed",
        status_json_count(figures->opened_badly));
    status_json_write(root, out);
}
