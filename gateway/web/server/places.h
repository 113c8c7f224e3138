/* places: what places are near a point, from the landmarks server that the herd's file names: over
 * HTTP, by libcurl on a loop.
 *
 * The node is not asked, whose WHATSAT is about a client, and no provider that counts or bills its
 * requests is. What the JSON says is its reader's affair.
 *
 * Invariant: each question ends once, within PLACES_MS_MAX, and no function waits. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_PLACES_H
#define ZHERD_GATEWAY_WEB_SERVER_PLACES_H

#include <stdbool.h>
#include <uv.h>

#include "gateway/web/parse/query.h"
#include "topology/format/topology.h"

/* The server's own patience is 5 s. */
#define PLACES_MS_MAX 5000
/* Questions at the same time: the server has four threads, and others that ask. */
#define PLACES_ASKED_MAX 8
/* Of an answer, which has 20 places at most; placesd takes as many. */
#define PLACES_BYTES_MAX ((size_t)1024 * 1024)

struct places;
struct places_question;

/* Called once, unless places_end comes first: the JSON object that the server answered with, or
 * NULL where it was not heard or answered otherwise. Borrowed for the call. */
typedef void places_on_end(void *user, const struct span *json);

struct places *places_new(uv_loop_t *loop);

/* Whom to ask from now on: the first landmarks server of the file. */
void places_set_server(struct places *places, const struct topology *topology);
/* Whether there is one. */
bool places_has_server(const struct places *places);

/* Asks what a QUERY_PLACES asks; NULL where PLACES_ASKED_MAX are asked already and not ended. */
struct places_question *places_ask(struct places *places, const struct query *query,
                                   places_on_end *on_end, void *user);

/* Ends it, before, while or after it has called. Accepts NULL, sets the caller's pointer to NULL.
 */
void places_end(struct places_question **question);

/* Closes its handles, after all questions ended; to be freed with places_free once the loop has
 * run.
 */
void places_close(struct places *places);
/* Accepts NULL, sets the caller's pointer to NULL. */
void places_free(struct places **places);

#endif
