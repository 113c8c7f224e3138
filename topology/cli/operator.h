/* operator: an operator's conversation with one node of the herd, the first that answers; and what
 * whoever speaks with all of them needs of it (topology/cli/survey.h).
 *
 * It dials, proves who it is where the herd has keys, sends a request until it is answered, and
 * waits. What is asked and what an answer means, its caller knows (bus/link/operate.h). It says
 * itself, on standard error, what keeps it from getting an answer.
 *
 * Invariant: requests of one conversation go to one node, and each of them is done there at most
 * once, however often it had to be sent. */
#ifndef ZHERD_TOPOLOGY_CLI_OPERATOR_H
#define ZHERD_TOPOLOGY_CLI_OPERATOR_H

#include <stdbool.h>

#include "bus/link/operate.h"
#include "bus/net/auth.h"
#include "topology/format/topology.h"

struct operator_options {
    const char *path; /* of the topology file, for sentences */
    const struct topology *topology;
    const char *name; /* who we are; NULL: the file's first operator */
    const char *node; /* who is asked; NULL: the first node that answers */
};

struct operator_session {
    struct operator_options options;
    struct topology_operator self;
    struct auth_certificate own; /* wiped at the end; only with keys */
    void *context;
    struct auth *auth;
    void *dealer;                        /* to the node that answered */
    const struct topology_node *node;    /* that one */
    uint64_t from, number;               /* of the last request */
    char bytes[OPERATE_REPLY_BYTES_MAX]; /* of the last reply */
};

/* Finds out who we are, and gets ready to dial; with `session` all zero. False after a sentence. To
 * be ended in any case. */
bool operator_open(struct operator_session *session, const struct operator_options *options);
bool operator_has_keys(const struct operator_session *session);

/* A DEALER to an address, which begins to connect; with keys to who has this one. NULL where the
 * system gives none. zmq_close ends it. */
void *operator_dial(const struct operator_session *session, const char *address, const char *key);
/* Sends a request, or does not where nobody is there: to be sent again. */
void operator_send(void *dealer, const struct operate_request *request);
/* The next reply to any request of this session that is here; false for none. It borrows from the
 * session until the next call. */
bool operator_take(struct operator_session *session, void *dealer, struct operate_reply *reply);

/* Opens it, and finds a node that answers, to whom operator_ask goes. False after a sentence. To be
 * ended in any case. */
bool operator_begin(struct operator_session *session, const struct operator_options *options);

/* Sends the request, of which `from` and `number` are filled in here, and waits until it is done or
 * refused. The reply borrows from the session until the next call. False after a sentence: then it
 * may have been done or not. */
bool operator_ask(struct operator_session *session, struct operate_request *request,
                  struct operate_reply *reply);

/* An all-zero session may be ended, too. */
void operator_end(struct operator_session *session);

#endif
