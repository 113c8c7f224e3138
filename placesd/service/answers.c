#include "placesd/service/answers.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "placesd/dispatch/outbox.h"
#include "placesd/service/event.h"

/* What has left since it was last asked. It stays as long as a message does: those that wait when
 * the broker ends leave after it. */
struct departures {
    atomic_uint owners;
    atomic_bool any;
    atomic_size_t bytes[OUTBOX_PLACES_MAX];
};

/* One message in ZeroMQ's hands. What is written last and read first is atomic: ZeroMQ hands it
 * from thread to thread, and ThreadSanitizer does not see how. */
struct parcel {
    _Atomic(struct departures *) departures;
    uint32_t place;
    size_t bytes;
};

struct answers {
    struct outbox *outbox;
    struct departures *departures;
    struct event_fault nearly, dropped;
};

static void let_go(struct departures *departures)
{
    if (atomic_fetch_sub(&departures->owners, 1) == 1)
        free(departures);
}

struct answers *answers_new(void)
{
    struct answers *answers = bytes_zeroed(sizeof *answers);
    answers->outbox = outbox_new(OUTBOX_BYTES_MAX);
    answers->departures = bytes_zeroed(sizeof *answers->departures);
    atomic_init(&answers->departures->owners, 1);
    return answers;
}

void answers_destroy(struct answers **answers)
{
    if (*answers == NULL)
        return;
    outbox_destroy(&(*answers)->outbox);
    let_go((*answers)->departures);
    free(*answers);
    *answers = NULL;
}

/* zmq_msg_init_data(3): in whichever thread ends the message. */
static void leave(void *data, void *hint)
{
    struct parcel *parcel = hint;
    struct departures *departures = atomic_load(&parcel->departures);
    atomic_fetch_add(&departures->bytes[parcel->place], parcel->bytes);
    atomic_store(&departures->any, true);
    let_go(departures);
    free(parcel);
    free(data);
}

static void count_departures(struct answers *answers)
{
    if (!atomic_exchange(&answers->departures->any, false))
        return;
    for (uint32_t place = 0; place < OUTBOX_PLACES_MAX; place++) {
        size_t bytes = atomic_exchange(&answers->departures->bytes[place], 0);
        if (bytes > 0)
            outbox_leave(answers->outbox, place, bytes);
    }
}

/* Whether the message may wait; says what an operator should know. */
static bool admit(struct answers *answers, struct parcel *parcel, struct span name, int64_t now_ms)
{
    char text[EVENT_LINE_BYTES_MAX];
    enum outbox_verdict verdict = outbox_take(answers->outbox, name, parcel->bytes, &parcel->place);
    if (verdict == OUTBOX_TAKEN)
        return true;
    snprintf(text, sizeof text,
             verdict == OUTBOX_FULL
                 ? "an asker does not read: an answer to it is dropped; %zu bytes wait in all"
                 : "an asker reads slowly: 80 %% of what may wait for it does; %zu bytes in all",
             outbox_bytes(answers->outbox));
    event_log_fault(verdict == OUTBOX_FULL ? &answers->dropped : &answers->nearly, now_ms, text);
    return verdict != OUTBOX_FULL;
}

static void send_envelope(zsock_t *socket, zmsg_t *envelope)
{
    for (zframe_t *frame; (frame = zmsg_pop(envelope)) != NULL;)
        if (zframe_send(&frame, socket, ZFRAME_MORE) != 0)
            zframe_destroy(&frame);
}

void answers_send(struct answers *answers, zsock_t *socket, zmsg_t *envelope, struct buffer *bytes,
                  int64_t now_ms)
{
    count_departures(answers);
    struct parcel *parcel = bytes_zeroed(sizeof *parcel);
    parcel->bytes = OUTBOX_MESSAGE_BYTES + zmsg_content_size(envelope) + bytes->capacity;
    struct span name = {(const char *)zframe_data(zmsg_first(envelope)),
                        zframe_size(zmsg_first(envelope))};
    if (admit(answers, parcel, name, now_ms)) {
        zmq_msg_t message;
        atomic_fetch_add(&answers->departures->owners, 1);
        atomic_store(&parcel->departures, answers->departures);
        zmq_msg_init_data(&message, bytes->data, bytes->len, leave, parcel);
        *bytes = (struct buffer){0};
        send_envelope(socket, envelope);
        if (zmq_msg_send(&message, zsock_resolve(socket), 0) < 0)
            zmq_msg_close(&message);
    } else {
        free(parcel);
        buffer_free(bytes);
    }
    zmsg_destroy(&envelope);
}

uint64_t answers_waiting_bytes(struct answers *answers)
{
    count_departures(answers);
    return outbox_bytes(answers->outbox);
}

uint64_t answers_dropped(const struct answers *answers)
{
    return answers->dropped.count;
}
