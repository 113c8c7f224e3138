/* admission: who a connection is, by the access rules of its node (topology/format/access.h), and
 * what that lets it do.
 *
 * Who has said nothing is `anyone`. AUTH with a person's token makes a connection that person's,
 * and so does a name that somebody else vouches for, such as a certificate's. Where a node has no
 * rules everything is allowed, and every token is wrong.
 *
 * A command about a client that its connection may not be or see becomes an invalid one before
 * anything is looked up, so it is the same whether that client is known or not. A watch is set up
 * all the same and stays empty (gateway/text/watchers.h), and a search leaves out whom it must not
 * show while it searches, so that its bound counts others.
 *
 * Each wrong token costs its connection ADMISSION_WRONG_MS, and each command beyond the rate
 * ADMISSION_FAST_MS, in which no further command of it is looked at; whoever owns the loop says
 * when that is over. It knows no socket and no clock.
 *
 * Invariant: a connection without a struct admission is nobody where the node has rules. */
#ifndef ZHERD_GATEWAY_TEXT_ADMISSION_H
#define ZHERD_GATEWAY_TEXT_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/text/command.h"
#include "gateway/text/list.h"
#include "topology/format/access.h"

/* Wrong tokens of a connection, the last of which closes it; and what each of the others costs. */
#define ADMISSION_WRONG_MAX 3
#define ADMISSION_WRONG_MS  1000
/* What a command beyond the rate costs: who sends them without end makes a node work no more than
 * others do. */
#define ADMISSION_FAST_MS 1

/* All zero is a connection of a node without rules. */
struct admission {
    struct session *session;
    const struct access_person *person; /* NULL: the node has no rules */
    const struct access_token *token;   /* that it showed; NULL: none */
    struct network_address from;
    int64_t spent_ns; /* of the rate of who has no token, which each connection has for itself */
    struct list_node paused; /* its owner's, while it waits */
    int64_t paused_until_ms;
    bool is_too_fast; /* why it waits: not for a wrong token */
    uint8_t wrong;    /* tokens */
    bool is_vouched;  /* its name came from elsewhere, not from a token */
};

/* The connection is new, or the rules are; `from` is its address. True where it may go on. False:
 * it showed a token that is none any more, or may not see any more what it watches or searches; its
 * watches and searches have ended, and it closes once the replies under way are written. The rules
 * of before may be freed after this. */
bool admission_judge(struct session *session, const struct session_node *node,
                     const struct network_address *from);

/* From now on the connection is the person of that name; false where there is none, or may not come
 * from there or any more, and then it stays who it was. After admission_judge. */
bool admission_vouch(struct session *session, const struct session_node *node, struct span name);

/* `why` of a command that admission_refuse has refused: the same address, not only the text. */
extern const char admission_forbidden[];
/* Makes the command invalid where the connection may not say it. The node has rules. */
void admission_refuse(const struct session *session, struct command *command);

/* Takes the command off the connection's rate; false where that is used up, and then it is refused,
 * and the connection waits. It has a struct admission. */
bool admission_keeps_rate(struct session *session, struct session_node *node,
                          const struct command *command);

/* AUTH: the function of its row. */
void admission_auth(struct session *session, struct session_node *node,
                    const struct command *command, struct table_ref ref);

#endif
