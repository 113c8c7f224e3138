/* survey: an operator who asks all nodes of a herd how they are, at once, again and again.
 *
 * It dials each node by itself, under each of its addresses and keys in turn, and puts what they
 * say into an overview (topology/format/overview.h), which judges it. Who does not answer keeps
 * nobody waiting.
 *
 * Invariant: a node that is silent is missed in the overview after SURVEY_PATIENCE_MS, and costs no
 * more than SURVEY_PATIENCE_MS of requests that it may find when it comes back. */
#ifndef ZHERD_TOPOLOGY_CLI_SURVEY_H
#define ZHERD_TOPOLOGY_CLI_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/cli/operator.h"
#include "topology/format/overview.h"

/* A node that says nothing for this time does not answer. Connecting and its handshake take
 * milliseconds; this is for a machine that is far, or has no time at all. */
#define SURVEY_PATIENCE_MS 3000
/* The same for one that all its neighbours say is down, where it is asked once. */
#define SURVEY_DOWN_MS 1000

struct survey_node;

struct survey {
    struct operator_session *session; /* that operator_open has opened */
    struct overview *overview;
    struct survey_node *nodes;
    uint64_t round; /* of questions; 0: none began */
    size_t dealers, dealers_max;
};

/* Borrows both, which outlive it. */
struct survey survey_new(struct operator_session *session, struct overview *overview);
void survey_free(struct survey *survey);

/* Every node is to be asked once more. */
void survey_ask(struct survey *survey);

/* Asks, and takes what is answered, until that moment of survey_now_ms; sooner where all have
 * answered this round, or where something is to be read at `descriptor` (or -1) or a signal came:
 * then true. The overview is joined. */
bool survey_wait(struct survey *survey, int descriptor, int64_t until_ms);
int64_t survey_now_ms(void);

/* All of it once: asks, and waits as long as a node may take. */
void survey_once(struct survey *survey);

#endif
