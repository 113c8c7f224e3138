#include "gateway/web/server/gate.h"

#include <stdlib.h>
#include <time.h>

#include "bus/net/entropy.h"
#include "gateway/web/parse/admit.h"
#include "topology/say.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

void gate_init(struct gate *gate)
{
    struct newest *waiting = &gate->pacer.waiting;
    *gate = (struct gate){0};
    entropy_draw(waiting->key, sizeof waiting->key);
}

void gate_take(struct gate *gate, struct access *rules)
{
    struct access *before = gate->rules;
    gate->rules = rules;
    pacer_change(&gate->pacer, rules);
    if (before != NULL)
        access_free(before);
    free(before);
}

void gate_free(struct gate *gate)
{
    gate_take(gate, NULL);
    pacer_free(&gate->pacer);
}

/* ---- who asks ---- */

static int64_t realtime_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* No token, right or wrong, is ever printed. */
static void note_token(struct gate *gate, const struct gate_request *request)
{
    char from[NETWORK_ADDRESS_BYTES_MAX];
    bool has_token = request->authorization.len > 0;
    network_address_write(request->from, from);
    if (!hourly_is_due(&gate->noted, has_token ? request->authorization : span_of(from),
                       request->now_ms))
        return;
    if (has_token)
        say("%s shows what is no token, or not from there or not any more, at %s", from,
            request->path);
    else
        say("%s shows no token at %s, where one is needed", from, request->path);
}

bool gate_find(struct gate *gate, const struct gate_request *request,
               const struct access_person **person)
{
    if (admit_find(gate->rules, request->authorization, request->from, realtime_ns(), person))
        return true;
    gate->denied++;
    note_token(gate, request);
    return false;
}

unsigned gate_deny(struct gate *gate, const struct gate_request *request,
                   const struct access_person *person)
{
    char from[NETWORK_ADDRESS_BYTES_MAX];
    unsigned status = admit_refusal(person);
    gate->denied++;
    network_address_write(request->from, from);
    if (person->name[0] == '\0')
        note_token(gate, request);
    else if (hourly_is_due(&gate->noted, request->authorization, request->now_ms))
        say("%s asks at %s, from %s, for what its access rules do not allow", person->name,
            request->path, from);
    return status;
}

bool gate_keeps_rate(const struct gate_request *request, const struct access_person *person)
{
    return admit_take(person, request->spent_ns, request->now_ms * NS_PER_MS);
}

/* ---- uploads ---- */

static const char nobodys[] = "this is nobody's token";

unsigned gate_ask_sender(struct gate *gate, const struct gate_request *request, const char **why)
{
    const struct access_person *person;
    *why = nobodys;
    if (!gate_find(gate, request, &person))
        return 401;
    *why = admit_refuse_sender(person);
    return *why == NULL ? 200 : gate_deny(gate, request, person);
}

static unsigned refuse(struct upload *upload, unsigned status, const char *why)
{
    upload_refuse(upload, why);
    return status;
}

unsigned gate_upload(struct gate *gate, const struct gate_request *request,
                     const struct upload_request *body, struct relay *relay, struct upload *upload,
                     uint64_t *number)
{
    const struct access_person *person;
    *number = 0;
    if (!gate_find(gate, request, &person))
        return refuse(upload, 401, nobodys);
    unsigned status = admit_upload(person, body, upload);
    if (status == 401 || status == 403)
        return gate_deny(gate, request, person);
    if (status != 200 || upload->lines.len == 0)
        return status;
    struct pacer_request put = {.person = person,
                                .spent_ns = request->spent_ns,
                                .lines = {upload->lines.data, upload->lines.len},
                                .is_asked = body->kind == UPLOAD_IAMAT};
    switch (pacer_put(&gate->pacer, relay, &put, request->now_ms * NS_PER_MS, number)) {
    case PACER_TAKEN:
        return 200;
    case PACER_TOO_FAST:
        return refuse(upload, 429, "this is faster than the access rules allow");
    default:
        return refuse(upload, 503, "too many positions wait for the node");
    }
}

void gate_release(struct gate *gate, struct relay *relay, int64_t now_ms)
{
    pacer_change(&gate->pacer, gate->rules);
    gate_turn(gate, relay, now_ms);
}

void gate_turn(struct gate *gate, struct relay *relay, int64_t now_ms)
{
    pacer_turn(&gate->pacer, relay, now_ms * NS_PER_MS);
}
