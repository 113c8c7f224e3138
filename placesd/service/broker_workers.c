/* The broker's back: what workers say, and how they are spoken to. */
#include <string.h>

#include "placesd/caller.h"
#include "placesd/dispatch/foreign.h"
#include "placesd/service/broker_state.h"
#include "placesd/service/handover.h"

/* Lines about workers in a second of the log: as many as a herd has, all at once. */
#define WORKER_LINES_MAX BALANCE_WORKERS_MAX
/* Where the worker of this process is. */
#define OWN_ADDRESS "127.0.0.1"

bool broker_is_own(const struct broker *broker, zmsg_t *message)
{
    struct span name = broker_bytes(zmsg_first(message));
    return broker->kin != 0 && caller_is_of(name, CALLER_WORKER, broker->kin) &&
           zframe_meta(zmsg_last(message), BROKER_ADDRESS_PROPERTY) == NULL;
}

/* A worker's name as a line of the log can show it. That of our own process's is a secret. */
static const char *show_worker(const struct broker *broker, struct span name,
                               char shown[BALANCE_NAME_BYTES_MAX + 1])
{
    if (caller_is_of(name, CALLER_WORKER, broker->kin))
        return "of this process";
    for (size_t i = 0; i < name.len; i++)
        shown[i] = name.data[i] > ' ' && name.data[i] < 0x7f ? name.data[i] : '.';
    shown[name.len] = '\0';
    return shown;
}

/* Whoever reaches the back without keys may come under a new name thousands of times a second. */
void broker_log_worker(struct broker *broker, struct span name, const char *what, int64_t now_ms)
{
    char shown[BALANCE_NAME_BYTES_MAX + 1];
    bool same = now_ms / 1000 == broker->workers_second;
    broker->workers_told = same ? broker->workers_told + 1 : 1;
    broker->workers_second = now_ms / 1000;
    if (broker->workers_told <= WORKER_LINES_MAX)
        event_log("worker", "worker %s %s", show_worker(broker, name, shown), what);
    else
        event_log_fault(&broker->rush, now_ms, "a worker comes or goes, one of too many to tell");
}

static void log_nonsense(struct broker *broker, struct span name, const char *why, int64_t now_ms)
{
    char shown[BALANCE_NAME_BYTES_MAX + 1], text[EVENT_LINE_BYTES_MAX];
    snprintf(text, sizeof text, "worker %s answered nonsense: %s", show_worker(broker, name, shown),
             why);
    event_log_fault(&broker->nonsense, now_ms, text);
}

/* A worker that cannot be reached any more is lost. */
void broker_send_to_worker(struct broker *broker, struct span worker, zmsg_t *message)
{
    zmsg_pushmem(message, worker.data, worker.len);
    if (zmsg_send(&message, broker->back) == 0)
        return;
    zmsg_destroy(&message);
    dispatcher_lose(broker->dispatcher, worker);
}

void broker_probe(struct broker *broker, struct span worker)
{
    zmsg_t *message = zmsg_new();
    zmsg_addmem(message, "", 0);
    broker_send_to_worker(broker, worker, message);
}

static void take_ready(struct broker *broker, struct span worker, zframe_t *last, int64_t now_ms)
{
    const char *address = last != NULL ? zframe_meta(last, BROKER_ADDRESS_PROPERTY) : NULL;
    uint32_t credits;
    if (last == NULL || !lookup_read_ready(broker_bytes(last), &credits)) {
        event_log_fault(&broker->strange_back, now_ms,
                        "a worker's message is neither READY nor an answer: dropped");
        return;
    }
    enum balance_welcome welcome = dispatcher_ready(broker->dispatcher, worker, credits, now_ms);
    if (address == NULL && caller_is_of(worker, CALLER_WORKER, broker->kin))
        address = OWN_ADDRESS;
    dispatcher_locate(broker->dispatcher, worker, span_of(address != NULL ? address : ""));
    switch (welcome) {
    case BALANCE_JOINED:
        broker_log_worker(broker, worker, "joined", now_ms);
        break;
    case BALANCE_CROWDED:
        event_log_fault(&broker->crowded, now_ms, "too many workers: one more is not taken");
        broker_probe(broker, worker); /* it is heard all the same */
        break;
    case BALANCE_KNOWN:
        break;
    }
}

/* Whether an answer counts; what does may borrow from `json`. Our own process's worker has checked
 * its body where it was made, and an answer that nobody waits for is not looked at. */
static bool read_answer(struct broker *broker, struct span worker, uint64_t job, struct span bytes,
                        struct lookup_reply *reply, struct buffer *json, int64_t now_ms)
{
    char why[FOREIGN_WHY_BYTES_MAX];
    if (!dispatcher_expects(broker->dispatcher, worker, job) ||
        (caller_is_of(worker, CALLER_WORKER, broker->kin) && lookup_read_reply(bytes, reply)) ||
        foreign_take(bytes, reply, json, why))
        return true;
    log_nonsense(broker, worker, why, now_ms);
    return false;
}

/* The reply after a job's number, and after it, perhaps, for how long the provider wants rest. */
static void take_answer(struct broker *broker, struct span worker, zmsg_t *message, int64_t now_ms)
{
    struct span number = broker_bytes(zmsg_next(message));
    struct span bytes = broker_bytes(zmsg_next(message));
    handover_take((void *)bytes.data); /* of the worker of this process, and free to be read */
    zframe_t *last = zmsg_next(message);
    uint64_t job;
    if (number.len != sizeof job)
        return;
    memcpy(&job, number.data, sizeof job);
    uint32_t rest_ms = 0;
    if (last != NULL && !lookup_read_rest(broker_bytes(last), &rest_ms))
        rest_ms = 0;
    struct buffer json = {0};
    struct lookup_reply reply = {LOOKUP_BAD_REPLY, {"", 0}};
    if (read_answer(broker, worker, job, bytes, &reply, &json, now_ms))
        dispatcher_done(broker->dispatcher, worker, job, &reply, rest_ms, now_ms);
    else
        dispatcher_garbled(broker->dispatcher, worker, job, now_ms);
    buffer_free(&json);
}

/* After the worker's name: one frame is READY, more are an answer. */
void broker_take_from_worker(struct broker *broker, zmsg_t *message, int64_t now_ms)
{
    size_t frames = zmsg_size(message);
    struct span worker = broker_bytes(zmsg_first(message));
    if (frames == 3 || frames == 4)
        take_answer(broker, worker, message, now_ms);
    else
        take_ready(broker, worker, frames == 2 ? zmsg_last(message) : NULL, now_ms);
}
