/* herd: what zherd-web knows of where everybody is: the table of an observer of its node, and the
 * stream of its changes, on a loop.
 *
 * Who may see what of it, and in which form it is shown, others decide.
 *
 * Invariant: no function waits, and none touches the node's positions. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_HERD_H
#define ZHERD_GATEWAY_WEB_SERVER_HERD_H

#include <stdbool.h>
#include <uv.h>

#include "gateway/web/show/figures.h"
#include "gateway/web/show/stream.h"
#include "topology/observer.h"

/* How long after the node was heard first all is taken to be known, where its version cannot say
 * when it is. */
#define HERD_COMPLETE_MS 5000
/* So often the node is asked for the state of its links. */
#define HERD_ASK_MS 5000

struct herd;

/* Begins to listen to the node of that observer, as the topology, which is borrowed, says. NULL,
 * and said, where it cannot. */
struct herd *herd_new(uv_loop_t *loop, const struct topology *topology,
                      const struct topology_observer *self, const char *path);

/* For the end of each turn of the loop. */
void herd_turn(struct herd *herd);

/* Whether events came since this was asked last. */
bool herd_take_news(struct herd *herd);

/* Whether all that the node knows came once: until then a client that is not known may be one. */
bool herd_is_complete(const struct herd *herd);

struct flood *herd_flood(struct herd *herd);
/* Only when it is complete. */
struct stream *herd_stream(struct herd *herd);
/* Who is over already: sight_from_ns (gateway/web/show/geojson.h). */
int64_t herd_from_ns(const struct herd *herd);
/* The herd's time. */
int64_t herd_now_ns(const struct herd *herd);
void herd_count(const struct herd *herd, struct web_figures *figures);

/* All nodes and links of the file, as JSON. Borrowed until herd_change. */
struct span herd_graph(const struct herd *herd);

/* Whether events say how many clients there are: not where somebody may not see all. */
void herd_hide_clients(struct herd *herd, bool is_hidden);

/* Of a file that was read again, what counts at once. */
void herd_change(struct herd *herd, const struct topology *topology);

/* Says goodbye to the node; until herd_is_over, turns go on. */
void herd_say_goodbye(struct herd *herd);
bool herd_is_over(const struct herd *herd);

/* Closes its handles; to be freed with herd_free once the loop has run. */
void herd_close(struct herd *herd);
/* Accepts NULL, sets the caller's pointer to NULL. */
void herd_free(struct herd **herd);

#endif
