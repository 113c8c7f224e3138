/* page: an answer about positions, written a part at a time: who is where, one client, who is near.
 *
 * A table of millions takes longer to look through than a loop's turn has, so a page goes on from
 * call to call, over the table as it is then; a client that moves meanwhile may stand in it with
 * its old place or its new one. What is asked, gateway/web/parse/query.h has read.
 *
 * Invariant: what was written, from the first call to the end, is one JSON text, and shows nobody
 * whom its reader may not see. */
#ifndef ZHERD_GATEWAY_WEB_SHOW_PAGE_H
#define ZHERD_GATEWAY_WEB_SHOW_PAGE_H

#include "bus/flood.h"
#include "bus/table/grid.h"
#include "gateway/web/parse/query.h"
#include "gateway/web/show/geojson.h"

/* Looks at a client that a turn of the loop has for all pages: about 5 ms. */
#define PAGE_TURN_LOOKS 50000
/* What a page has ready at most before it is taken, but for the last client. */
#define PAGE_READY_BYTES ((size_t)32 * 1024)

struct page {
    const struct query *query; /* its caller's, as long as the page */
    struct sight sight;        /* likewise, what it borrows */
    struct buffer ready;       /* what was not taken yet */
    bool is_over;              /* nothing follows that */
    uint32_t slot, count;      /* the next to look at; clients that were written */
    struct grid_search *search;
    bool is_found; /* it is over, and those from `near` on are still to be written */
    uint32_t near;
};

/* Begins the page of a query of the kinds CLIENTS, CLIENT and NEARBY. False where nobody has heard
 * of its client: then there is nothing to end. `now_ns` is the herd's time; `id` that of events,
 * for CLIENTS. */
bool page_begin(struct page *page, const struct query *query, const struct sight *sight,
                struct flood *flood, int64_t now_ns, const char *id);

/* Takes up to `room` bytes (1 or more), and says how many: 0 at the end. Goes on for about `*looks`
 * looks, which it takes off; where they lead to nothing, a line end says that it goes on. */
size_t page_read(struct page *page, struct flood *flood, int64_t now_ns, int64_t *looks, char *to,
                 size_t room);

void page_end(struct page *page);

#endif
