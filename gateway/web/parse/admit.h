/* admit: who has sent a request over HTTP, by its header Authorization (RFC 9110, 11.6.2) and the
 * access rules of the herd (topology/format/access.h), and what that lets it do.
 *
 * A token comes as `Bearer TOKEN` (RFC 6750, 2.1) or as the password of `Basic` (RFC 7617), whose
 * user is not looked at. Two things are read that those do not have: the pair of Basic in clear, as
 * Overland sends it, and a pair without a password, whose user is the token. Who shows none is
 * `anyone`. It knows no HTTP beside that header and no clock.
 *
 * Invariant: a person is NULL where the herd has no rules, and then all is allowed. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_ADMIT_H
#define ZHERD_GATEWAY_WEB_PARSE_ADMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "gateway/web/parse/upload.h"
#include "topology/format/access.h"

/* Of a user, a colon and a token. */
#define ADMIT_PAIR_BYTES_MAX 1024
/* What 429 says in Retry-After: a rate has the room of a second. */
#define ADMIT_RETRY_S 1

/* Who it is; `authorization` is empty where there is none, `access` NULL without rules. False, 401:
 * it shows a token that is none, or its person may not come from there or not any more. The person
 * is borrowed from the rules, or is access_nobody. */
bool admit_find(const struct access *access, struct span authorization,
                const struct network_address *from, int64_t now_ns,
                const struct access_person **person);

/* The token in the header, borrowed from it or from `room`, which the caller wipes; empty where
 * there is none that can be read. */
struct span admit_token(struct span authorization, char room[ADMIT_PAIR_BYTES_MAX]);

/* Whether it may see that client, and may move it. */
bool admit_may_see(const struct access_person *person, struct span client);
bool admit_may_be(const struct access_person *person, struct span client);

/* The status for whoever may not: 401 where it has shown no token, which may help, else 403. */
unsigned admit_refusal(const struct access_person *person);

/* The one client that it may be, whatever a request says; empty where that is not exactly one. */
struct span admit_own_client(const struct access_person *person);

/* Why the person may send no position at all, whatever stands in the request; NULL where it may. */
const char *admit_refuse_sender(const struct access_person *person);

/* Reads a request as upload_read does, for the one client that the person may be, if that is so.
 * The status: 200; 400 or 413 where it is no good; 401 or 403 where it has a position of a client
 * that the person may not be, or comes from who may be nobody. Then there are no lines, and the
 * upload says why. */
unsigned admit_upload(const struct access_person *person, const struct upload_request *request,
                      struct upload *upload);

/* Takes one command off the person's rate; false, 429 or later, where that is used up. `spent_ns`
 * is the connection's own, 0 at first, for who has no token. `now_ns` never runs backwards. */
bool admit_take(const struct access_person *person, int64_t *spent_ns, int64_t now_ns);

#endif
