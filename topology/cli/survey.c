#include "topology/cli/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

#include "bus/net/resolve.h"

#define AGAIN_MS 500
/* A way to a node that has more of them, by another address or key, is left after this silence. */
#define NEXT_MS 700
/* A name that is not known is looked up again after this time, because looking it up may take
 * seconds, in which nobody else is asked. */
#define RESOLVE_AGAIN_MS 30000
/* Descriptors that a connection takes, and what the process needs besides. */
#define DESCRIPTORS_EACH 4
#define DESCRIPTORS_ELSE 64

struct survey_node {
    void *dealer; /* NULL: none yet */
    unsigned attempt;
    size_t ways;          /* addresses times keys, as they were found last */
    int64_t dialled_ms;   /* when the dealer began to connect, or could not */
    int64_t asked_ms;     /* by the last request */
    int64_t heard_ms;     /* INT64_MIN: never */
    uint64_t heard_round; /* whose question it has answered last */
    bool is_unknown;      /* its name is */
};

int64_t survey_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t count_nodes(const struct survey *survey)
{
    return overview_topology(survey->overview)->node_count;
}

/* ZeroMQ ends a process that has no descriptor left. */
static size_t find_dealers_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > DESCRIPTORS_ELSE
               ? (size_t)((limit.rlim_cur - DESCRIPTORS_ELSE) / DESCRIPTORS_EACH)
               : 0;
}

struct survey survey_new(struct operator_session *session, struct overview *overview)
{
    struct survey survey = {
        .session = session, .overview = overview, .dealers_max = find_dealers_max()};
    size_t count = count_nodes(&survey);
    survey.nodes = bytes_zeroed((count + 1) * sizeof *survey.nodes);
    for (size_t i = 0; i < count; i++)
        survey.nodes[i].heard_ms = survey.nodes[i].asked_ms = survey.nodes[i].dialled_ms =
            INT64_MIN;
    (void)zmq_ctx_set(session->context, ZMQ_MAX_SOCKETS, TOPOLOGY_NODES_MAX + DESCRIPTORS_ELSE);
    return survey;
}

static void hang_up(struct survey *survey, struct survey_node *node)
{
    if (node->dealer != NULL) {
        zmq_close(node->dealer);
        survey->dealers--;
    }
    node->dealer = NULL;
}

void survey_free(struct survey *survey)
{
    if (survey->nodes == NULL)
        return;
    for (size_t i = 0; i < count_nodes(survey); i++)
        hang_up(survey, &survey->nodes[i]);
    free(survey->nodes);
    survey->nodes = NULL;
}

/* ---- the ways ---- */

static bool has_passed(int64_t since_ms, int64_t for_ms, int64_t now_ms)
{
    return since_ms == INT64_MIN || now_ms >= since_ms + for_ms;
}

static size_t count_keys(const struct topology_node *node)
{
    size_t count = 0;
    while (count < KEYRING_KEYS_MAX && node->public_keys.text[count][0] != '\0')
        count++;
    return count;
}

static void dial(struct survey *survey, uint32_t index, int64_t now_ms)
{
    struct survey_node *node = &survey->nodes[index];
    const struct topology_node *it = &overview_topology(survey->overview)->nodes[index];
    struct resolve_addresses addresses;
    struct fault fault;
    hang_up(survey, node);
    if (node->attempt > 0 && node->heard_ms == INT64_MIN)
        overview_miss(survey->overview, index, "no answer");
    node->dialled_ms = now_ms;
    node->is_unknown = !resolve_now(it->bus_at.text, &addresses, &fault);
    if (node->is_unknown) {
        overview_miss(survey->overview, index, fault.text);
        return;
    }
    if (survey->dealers == survey->dealers_max) {
        overview_miss(survey->overview, index, "not asked: too few descriptors (ulimit -n)");
        return;
    }
    bool has_keys = operator_has_keys(survey->session);
    size_t keys = has_keys ? count_keys(it) : 1;
    node->ways = addresses.count * keys;
    if (node->ways == 0)
        return;
    size_t way = node->attempt++ % node->ways;
    node->dealer = operator_dial(survey->session, addresses.endpoints[way / keys],
                                 has_keys ? it->public_keys.text[way % keys] : NULL);
    survey->dealers += node->dealer != NULL;
    node->asked_ms = INT64_MIN;
}

/* Without an answer for that time it is dialled anew: ZeroMQ gives a connection up for good that
 * was refused, and what waits there would all be sent to a node that comes back. */
static void tend(struct survey *survey, uint32_t index, int64_t now_ms)
{
    struct survey_node *node = &survey->nodes[index];
    int64_t quiet_since_ms = node->heard_ms > node->dialled_ms ? node->heard_ms : node->dialled_ms;
    int64_t patience_ms = node->is_unknown                                ? RESOLVE_AGAIN_MS
                          : node->ways > 1 && node->heard_ms == INT64_MIN ? NEXT_MS
                                                                          : SURVEY_PATIENCE_MS;
    if (has_passed(quiet_since_ms, patience_ms, now_ms))
        dial(survey, index, now_ms);
    if (node->dealer == NULL || node->heard_round == survey->round ||
        !has_passed(node->asked_ms, AGAIN_MS, now_ms))
        return;
    struct operate_request request = {.from = survey->session->from,
                                      .number = survey->round,
                                      .kind = OPERATE_STATUS,
                                      .which = selection_of_all()};
    operator_send(node->dealer, &request);
    node->asked_ms = now_ms;
}

/* ---- answers ---- */

static void take(struct survey *survey, uint32_t index, const struct operate_reply *reply,
                 int64_t now_ms)
{
    struct survey_node *node = &survey->nodes[index];
    const char *name = overview_topology(survey->overview)->nodes[index].name;
    char why[OVERVIEW_WHY_BYTES_MAX];
    node->heard_ms = now_ms;
    node->heard_round = survey->round;
    if (!span_equals(reply->node, span_of(name))) {
        snprintf(why, sizeof why, "%.*s answers there", (int)reply->node.len, reply->node.data);
        overview_miss(survey->overview, index, why);
    } else if (reply->status.len > 0) {
        overview_take(survey->overview, index, reply->status);
    } else {
        snprintf(why, sizeof why, "%.*s", (int)reply->text.len, reply->text.data);
        overview_miss(survey->overview, index, why);
    }
}

static void take_all(struct survey *survey, int64_t now_ms)
{
    struct operate_reply reply;
    for (uint32_t i = 0; i < count_nodes(survey); i++)
        while (survey->nodes[i].dealer != NULL &&
               operator_take(survey->session, survey->nodes[i].dealer, &reply))
            take(survey, i, &reply, now_ms);
}

/* Who has said something, and nothing for so long, is missed. */
static void miss(struct survey *survey, int64_t now_ms)
{
    for (uint32_t i = 0; i < count_nodes(survey); i++) {
        const struct survey_node *node = &survey->nodes[i];
        if (overview_node(survey->overview, i)->said != NULL &&
            has_passed(node->heard_ms, SURVEY_PATIENCE_MS, now_ms))
            overview_miss(survey->overview, i, "no answer any more");
    }
}

/* ---- rounds ---- */

void survey_ask(struct survey *survey)
{
    survey->round = ++survey->session->number;
    for (size_t i = 0; i < count_nodes(survey); i++)
        survey->nodes[i].asked_ms = INT64_MIN;
}

static bool have_all_answered(const struct survey *survey)
{
    for (size_t i = 0; i < count_nodes(survey); i++)
        if (survey->nodes[i].heard_round != survey->round)
            return false;
    return true;
}

/* True where the descriptor, which is -1 or stands last, is why it returns, or a signal is. */
static bool poll_all(const struct survey *survey, int descriptor, int64_t wait_ms)
{
    zmq_pollitem_t *items = bytes_zeroed((count_nodes(survey) + 1) * sizeof *items);
    int count = 0;
    for (size_t i = 0; i < count_nodes(survey); i++)
        if (survey->nodes[i].dealer != NULL)
            items[count++] =
                (zmq_pollitem_t){.socket = survey->nodes[i].dealer, .events = ZMQ_POLLIN};
    if (descriptor >= 0)
        items[count++] = (zmq_pollitem_t){.fd = descriptor, .events = ZMQ_POLLIN};
    bool is_cut = zmq_poll(items, count, wait_ms) < 0;
    if (!is_cut && descriptor >= 0)
        is_cut = (items[count - 1].revents & (ZMQ_POLLIN | ZMQ_POLLERR)) != 0;
    free(items);
    return is_cut;
}

bool survey_wait(struct survey *survey, int descriptor, int64_t until_ms)
{
    bool is_cut = false;
    for (int64_t now_ms = survey_now_ms();; now_ms = survey_now_ms()) {
        take_all(survey, now_ms);
        if (is_cut || now_ms >= until_ms || have_all_answered(survey))
            break;
        for (uint32_t i = 0; i < count_nodes(survey); i++)
            tend(survey, i, now_ms);
        int64_t wait_ms = until_ms - now_ms;
        is_cut = poll_all(survey, descriptor, wait_ms < NEXT_MS / 7 ? wait_ms : NEXT_MS / 7);
    }
    miss(survey, survey_now_ms());
    overview_join(survey->overview);
    return is_cut;
}

/* Who does not answer is down, as all say who are next to it. */
static bool are_silent_ones_down(const struct survey *survey)
{
    for (uint32_t i = 0; i < count_nodes(survey); i++) {
        struct overview_heard heard = overview_heard(survey->overview, i);
        if (survey->nodes[i].heard_round != survey->round && (heard.said == 0 || heard.up > 0))
            return false;
    }
    return true;
}

void survey_once(struct survey *survey)
{
    char why[OVERVIEW_WHY_BYTES_MAX];
    int64_t began_ms = survey_now_ms();
    survey_ask(survey);
    survey_wait(survey, -1, began_ms + SURVEY_DOWN_MS);
    if (!are_silent_ones_down(survey))
        survey_wait(survey, -1, began_ms + SURVEY_PATIENCE_MS);
    snprintf(why, sizeof why, "no answer within %d s",
             (int)(survey_now_ms() - began_ms + 500) / 1000);
    for (uint32_t i = 0; i < count_nodes(survey); i++)
        if (survey->nodes[i].heard_ms == INT64_MIN && !survey->nodes[i].is_unknown &&
            survey->nodes[i].dealer != NULL)
            overview_miss(survey->overview, i, why);
    overview_join(survey->overview);
}
