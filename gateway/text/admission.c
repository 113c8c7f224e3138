#include "gateway/text/admission.h"

#include <stdlib.h>

#include "bus/base/token.h"
#include "gateway/text/session.h"

#define NS_PER_MS INT64_C(1000000)

/* What is said of any token: an echo would show it. */
static const char auth_line[] = "AUTH *";

/* ---- who it is ---- */

static bool see_alike(const struct access_person *one, const struct access_person *other)
{
    return one == NULL || other == NULL ? one == other : access_see_alike(one, other);
}

/* Whoever searches and watches for it goes by the new rules from now on. */
static void become(struct session *session, const struct access_person *person)
{
    session->admission->person = person;
    if (session->nearby != NULL)
        nearby_show(session->nearby, person);
    watchers_show(&session->watches, person);
}

static bool is_open(const struct admission *admission, const struct session_node *node,
                    const struct access_person *person)
{
    return access_is_open(person, &admission->from, node->accept_ns);
}

/* Who the rules say it is now. False: who it was is not there any more, or may do nothing. */
static bool find_again(struct admission *admission, const struct session_node *node,
                       const struct access_person **person)
{
    const struct access *access = node->access;
    *person = access == NULL ? NULL : &access->persons[0];
    if (access != NULL && !is_open(admission, node, *person))
        *person = &access_nobody;
    bool was_somebody = admission->person != NULL && admission->person->name[0] != '\0';
    if (!was_somebody || access == NULL) {
        admission->token = NULL;
        admission->is_vouched = false;
        return true;
    }
    const char *name = admission->person->name;
    const struct access_person *same = access_find_person(access, span_of(name));
    if (!admission->is_vouched)
        admission->token = access_find_again(access, admission->token, name);
    if (same == NULL || (!admission->is_vouched && admission->token == NULL) ||
        !is_open(admission, node, same))
        return false;
    *person = same;
    return true;
}

static void revoke(struct session *session, const struct session_node *node)
{
    session_dismiss(session, node);
    session->admission->token = NULL;
    session->admission->is_vouched = false;
    become(session, node->access == NULL ? NULL : &access_nobody);
}

static bool make(struct session *session)
{
    if (session->admission == NULL)
        session->admission = calloc(1, sizeof *session->admission);
    session->lost |= session->admission == NULL;
    if (session->admission != NULL)
        session->admission->session = session;
    return session->admission != NULL;
}

bool admission_judge(struct session *session, const struct session_node *node,
                     const struct network_address *from)
{
    const struct access_person *person;
    if (!make(session))
        return true;
    struct admission *admission = session->admission;
    admission->from = *from;
    bool is_there = find_again(admission, node, &person);
    bool is_shown = watchers_has_any(&session->watches) || session->searches;
    if (!is_there || (is_shown && !see_alike(admission->person, person))) {
        revoke(session, node);
        return false;
    }
    become(session, person);
    return true;
}

/* It was told of others until now, so what it watches would not add up. Whoever may be everybody is
 * taken for the node's own web: all its trackers are one address. */
static void enter(struct session *session, const struct session_node *node,
                  const struct access_person *person)
{
    if (node->has_web && node->limits != NULL && access_is_everybody(person))
        client_limits_trust(node->limits, &session->limits);
    if (session->admission->person != person)
        session_end_watches(session, node);
    become(session, person);
}

bool admission_vouch(struct session *session, const struct session_node *node, struct span name)
{
    const struct access_person *person =
        node->access == NULL ? NULL : access_find_person(node->access, name);
    if (person == NULL || session->admission == NULL || !is_open(session->admission, node, person))
        return false;
    session->admission->is_vouched = true;
    session->admission->token = NULL;
    enter(session, node, person);
    return true;
}

/* ---- what it may ---- */

static bool is_allowed(const struct access_person *person, const struct command *command)
{
    switch (command_rows[command->kind].needs) {
    case COMMAND_NEEDS_BE:
        return access_may_be(person, command->client);
    case COMMAND_NEEDS_SEE:
        return access_may_see(person, command->client);
    default:
        return true;
    }
}

const char admission_forbidden[] = "its access rules have no such client for it";

void admission_refuse(const struct session *session, struct command *command)
{
    const struct access_person *person =
        session->admission == NULL ? &access_nobody : session->admission->person;
    if (is_allowed(person, command))
        return;
    command->kind = COMMAND_INVALID;
    command->client.len = 0;
    command->why = admission_forbidden;
}

/* It waits, unless it leaves. */
static void pause_for(struct session *session, const struct session_node *node, int64_t pause_ms)
{
    struct admission *admission = session->admission;
    session->waits |= session->leaving ? 0 : SESSION_WAITS_PAUSED;
    admission->is_too_fast = pause_ms == ADMISSION_FAST_MS;
    admission->paused_until_ms = node->now_ms + pause_ms;
}

bool admission_keeps_rate(struct session *session, struct session_node *node,
                          const struct command *command)
{
    struct admission *admission = session->admission;
    const struct access_person *person = admission->person;
    bool is_free =
        command_rows[command->kind].is_for_everybody && command->why != admission_forbidden;
    if (person == NULL || person->rate == 0 || is_free)
        return true;
    int64_t *spent_ns = person->name[0] != '\0' ? person->spent_ns : &admission->spent_ns;
    if (access_take(person->rate, spent_ns, node->now_ms * NS_PER_MS))
        return true;
    session_refuse(session, node, command->text, REFUSAL_TOO_FAST, "it is faster than its rate");
    pause_for(session, node, ADMISSION_FAST_MS);
    return false;
}

/* ---- AUTH ---- */

/* The one word after AUTH; white space in it makes it wrong. */
static struct span token_of(const struct command *command)
{
    size_t word = token_bytes(command->text);
    struct span rest = {command->text.data + word, command->text.len - word};
    while (rest.len > 0 && token_is_white(rest.data[0]))
        rest = (struct span){rest.data + 1, rest.len - 1};
    return rest;
}

static void refuse_token(struct session *session, struct session_node *node, const char *why)
{
    struct admission *admission = session->admission;
    session_refuse(session, node, span_of(auth_line), REFUSAL_TOKEN,
                   why != NULL ? why : "this is nobody's token");
    session->leaving = ++admission->wrong >= ADMISSION_WRONG_MAX;
    pause_for(session, node, ADMISSION_WRONG_MS);
}

void admission_auth(struct session *session, struct session_node *node,
                    const struct command *command, struct table_ref ref)
{
    (void)ref;
    struct span text = token_of(command);
    bool may_be_right = node->access != NULL && command->why == NULL;
    const struct access_token *token = may_be_right ? access_find_token(node->access, text) : NULL;
    lines_wipe(&session->lines, text);
    session->waits |= SESSION_WAITS_NEW_NAME;
    node->count.auths++;
    if (!make(session))
        return;
    struct admission *admission = session->admission;
    const struct access_person *person =
        token == NULL ? NULL : &node->access->persons[token->person];
    if (person == NULL || !is_open(admission, node, person)) {
        refuse_token(session, node, command->why);
        return;
    }
    enter(session, node, person);
    admission->token = token;
    admission->is_vouched = false;
    size_t start = session->out.len;
    buffer_append(&session->out, span_of("AUTH "));
    buffer_append(&session->out, span_of(person->name));
    buffer_append(&session->out, span_of("\n"));
    session_end_line(session, node, start);
}
