/* The broker's monitor: puts together what the pages show (placesd/dispatch/page.h). */
#include <string.h>

#include "placesd/dispatch/page.h"
#include "placesd/service/answers.h"
#include "placesd/service/broker_state.h"
#include "topology/version.h"

#define MS_PER_S 1000

/* Borrows from `view`. */
static struct page look(struct broker *broker, struct dispatcher_view *view)
{
    dispatcher_look(broker->dispatcher, zclock_mono(), view);
    process_read(&broker->process);
    process_count_descriptors(&broker->process);
    return (struct page){
        .commit = version_commit,
        .front = broker->front_at,
        .back = broker->back_at,
        .view = view,
        .process = &broker->process,
        .reload_failed = atomic_load(&broker->reload_failed),
        .reloaded_s = atomic_load(&broker->reloaded_s),
        .refused = {[PAGE_KEY] = broker->auth != NULL ? auth_refused(broker->auth).count : 0,
                    [PAGE_NO_KEY] = broker->keyless.count,
                    [PAGE_NO_ENVELOPE] = broker->strange_front.count,
                    [PAGE_INVALID] = broker->invalid,
                    [PAGE_NOT_READY] = broker->strange_back.count,
                    [PAGE_CROWDED] = broker->crowded.count,
                    [PAGE_NONSENSE] = broker->nonsense.count},
        .answers_waiting_bytes = answers_waiting_bytes(broker->answers),
        .answers_dropped = answers_dropped(broker->answers),
    };
}

static void write_metrics(void *user, enum metrics_form form, struct buffer *out)
{
    struct dispatcher_view view;
    struct page page = look(user, &view);
    page_write_metrics(&page, form, out);
}

static void write_status(void *user, struct buffer *out)
{
    struct dispatcher_view view;
    struct page page = look(user, &view);
    page_write_status(&page, out);
}

static const char *why_not_ready(void *user)
{
    const struct broker *broker = user;
    struct dispatcher_view view;
    dispatcher_look(broker->dispatcher, zclock_mono(), &view);
    return page_why_not_ready(&view);
}

void broker_note_reload(struct broker *broker, bool good)
{
    atomic_store(&broker->reload_failed, !good);
    if (good)
        atomic_store(&broker->reloaded_s, zclock_time() / MS_PER_S);
}

void broker_set_token(struct broker *broker, struct span token)
{
    pthread_mutex_lock(&broker->token_lock);
    memcpy(broker->token, token.data, token.len);
    broker->token_bytes = token.len;
    atomic_store(&broker->token_changed, true);
    pthread_mutex_unlock(&broker->token_lock);
}

/* The monitor is this thread's alone. */
static void take_token(struct broker *broker)
{
    pthread_mutex_lock(&broker->token_lock);
    atomic_store(&broker->token_changed, false);
    monitor_set_token(broker->monitor, (struct span){broker->token, broker->token_bytes});
    explicit_bzero(broker->token, sizeof broker->token);
    pthread_mutex_unlock(&broker->token_lock);
}

bool broker_open_monitor(struct broker *broker, const struct broker_options *options,
                         struct fault *fault)
{
    const struct monitor_pages pages = {broker, write_metrics, write_status, why_not_ready};
    const char *place = options->monitor_place;
    process_begin(&broker->process);
    pthread_mutex_init(&broker->token_lock, NULL);
    atomic_init(&broker->reloaded_s, zclock_time() / MS_PER_S);
    if (options->monitor == NULL)
        return true;
    broker->monitor = monitor_open(options->monitor, options->monitor_token, &pages, fault);
    return broker->monitor != NULL ||
           fault_set(fault, "%s%scannot listen on %s: %s", place != NULL ? place : "",
                     place != NULL ? ": " : "", options->monitor, fault->text);
}

int64_t broker_monitor_deadline_ms(const struct broker *broker, int64_t now_ms)
{
    return broker->monitor != NULL ? monitor_deadline_ms(broker->monitor, now_ms) : INT64_MAX;
}

void broker_run_monitor(struct broker *broker, bool is_readable, int64_t now_ms)
{
    if (broker->monitor == NULL)
        return;
    if (atomic_load(&broker->token_changed))
        take_token(broker);
    if (is_readable || monitor_deadline_ms(broker->monitor, now_ms) <= now_ms)
        monitor_run(broker->monitor, now_ms);
}
