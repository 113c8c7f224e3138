#include "gateway/web/server/herd.h"

#include <stdlib.h>
#include <time.h>

#include "bus/base/packed.h"
#include "bus/net/entropy.h"
#include "topology/say.h"

struct herd {
    uv_loop_t *loop;
    struct observer observer;
    bool bus_waits;          /* something came, or may have */
    struct stream *stream;   /* NULL until it is complete */
    struct buffer data, was; /* of the event `herd`; as it was, but for how many clients */
    struct buffer graph;     /* of the file as it was read last */
    uv_poll_t poll, watch;
    uv_timer_t due, tick;
    uv_idle_t again; /* active while the loop is not to sleep */
    int64_t heard_ms, ask_ms;
    bool is_tick, is_news, watch_waits;
    bool hides_clients;
    int64_t expire_ms;
};

static void on_bus(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    ((struct herd *)poll->data)->bus_waits = true;
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    ((struct herd *)poll->data)->watch_waits = true;
}

static void on_due(uv_timer_t *timer)
{
    (void)timer;
}

static void on_tick(uv_timer_t *timer)
{
    ((struct herd *)timer->data)->is_tick = true;
}

static void on_again(uv_idle_t *idle)
{
    (void)idle;
}

static bool is_heard(const struct herd *herd)
{
    return flood_link(herd->observer.flood, 0).up;
}

/* ---- what the link says ---- */

static void say_events(struct herd *herd)
{
    static const char *const words[] = {
        [LINK_UP] = "is heard",          [LINK_DOWN] = "is not heard any more: ",
        [LINK_REFUSED] = "refused: ",    [LINK_UNANSWERED] = "silent: ",
        [LINK_UNMET] = "silent: ",       [LINK_STUCK] = "stuck: ",
        [LINK_MISREAD] = "is misread: ", [LINK_UNKEPT] = "says a location that is not kept: ",
        [LINK_OWN_CLOCK_RIGHT] = NULL, /* the last: no clock of ours counts */
    };
    struct link_event event;
    while (flood_next_event(herd->observer.flood, &event))
        if (words[event.kind] != NULL)
            say("%s %s%s", herd->observer.node->name, words[event.kind], event.reason);
}

static bool knows_all(struct herd *herd, int64_t now_ms)
{
    if (!is_heard(herd))
        return false;
    if (herd->heard_ms == 0)
        herd->heard_ms = now_ms;
    return flood_ready_ms(herd->observer.flood, herd->heard_ms, HERD_COMPLETE_MS) <= now_ms;
}

static void begin_stream(struct herd *herd)
{
    uint64_t run;
    entropy_draw(&run, sizeof run);
    herd->stream = stream_new(herd->observer.flood, run);
    uv_timer_start(&herd->tick, on_tick, STREAM_TICK_MS, STREAM_TICK_MS);
}

/* How many clients there are is told with what else changes. */
static void tell_herd(struct herd *herd)
{
    const struct observer *observer = &herd->observer;
    const struct flood_status *status = flood_status(observer->flood);
    struct buffer shape = {0};
    web_write_herd(observer->topology, observer->node, is_heard(herd), NULL, status, &shape);
    bool is_new = !span_equals((struct span){shape.data, shape.len},
                               (struct span){herd->was.data, herd->was.len});
    buffer_free(&herd->was);
    herd->was = shape;
    herd->data.len = 0;
    uint32_t clients = flood_clients(observer->flood);
    web_write_herd(observer->topology, observer->node, is_heard(herd),
                   herd->hides_clients ? NULL : &clients, status, &herd->data);
    stream_tell_herd(herd->stream, (struct span){herd->data.data, herd->data.len}, !is_new);
    herd->is_news |= is_new;
}

static void tick(struct herd *herd, int64_t now_ms)
{
    herd->is_tick = false;
    stream_hide_before(herd->stream, herd_from_ns(herd));
    herd->is_news |= stream_tick(herd->stream, now_ms);
    tell_herd(herd);
    if (now_ms < herd->ask_ms)
        return;
    herd->ask_ms = now_ms + HERD_ASK_MS;
    flood_ask_status(herd->observer.flood, 0);
}

/* ---- on the loop ---- */

static void arm(struct herd *herd, int64_t now_ms)
{
    int64_t due_ms = observer_deadline_ms(&herd->observer);
    bool is_again = herd->observer.more || herd->watch_waits;
    if (due_ms == INT64_MAX)
        uv_timer_stop(&herd->due);
    else
        uv_timer_start(&herd->due, on_due, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 1, 0);
    if (is_again)
        uv_idle_start(&herd->again, on_again);
    else
        uv_idle_stop(&herd->again);
}

/* Not in a turn in which nothing came and nothing is due, which most are where many trackers send:
 * to ask the sockets costs more than an upload. */
static void turn_bus(struct herd *herd, int64_t now_ms)
{
    struct observer *observer = &herd->observer;
    if (!herd->bus_waits && !observer->more && !flood_is_due(observer->flood, now_ms) &&
        now_ms < bus_deadline_ms(observer->bus))
        return;
    herd->bus_waits = false;
    observer_turn(observer, now_ms);
}

void herd_turn(struct herd *herd)
{
    int64_t now_ms = observer_now_ms();
    if (herd->watch_waits)
        herd->watch_waits = bus_watch(herd->observer.bus);
    turn_bus(herd, now_ms);
    say_events(herd);
    if (herd->stream == NULL && knows_all(herd, now_ms))
        begin_stream(herd);
    if (herd->stream != NULL && herd->is_tick)
        tick(herd, now_ms);
    arm(herd, now_ms);
}

bool herd_take_news(struct herd *herd)
{
    bool is_news = herd->is_news;
    herd->is_news = false;
    return is_news;
}

bool herd_is_complete(const struct herd *herd)
{
    return herd->stream != NULL;
}

struct flood *herd_flood(struct herd *herd)
{
    return herd->observer.flood;
}

struct stream *herd_stream(struct herd *herd)
{
    return herd->stream;
}

int64_t herd_from_ns(const struct herd *herd)
{
    struct flood_time time = flood_time(herd->observer.flood, observer_now_ms());
    return sight_from_ns(&time, herd->expire_ms);
}

int64_t herd_now_ns(const struct herd *herd)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return flood_accept_ns(herd->observer.flood, (int64_t)now.tv_sec * NANO + now.tv_nsec,
                           observer_now_ms());
}

void herd_count(const struct herd *herd, struct web_figures *figures)
{
    figures->is_heard = is_heard(herd);
    figures->is_complete = herd_is_complete(herd);
    figures->clients = flood_clients(herd->observer.flood);
    if (herd->stream != NULL)
        figures->stream = *stream_count(herd->stream);
}

void herd_hide_clients(struct herd *herd, bool is_hidden)
{
    herd->hides_clients = is_hidden;
}

static void note_graph(struct herd *herd, const struct topology *topology)
{
    herd->graph.len = 0;
    web_write_graph(topology, &herd->graph);
}

struct span herd_graph(const struct herd *herd)
{
    return (struct span){herd->graph.data, herd->graph.len};
}

void herd_change(struct herd *herd, const struct topology *topology)
{
    observer_change(&herd->observer, topology);
    herd->expire_ms = topology->expire_ms;
    note_graph(herd, topology);
}

/* ---- start and stop ---- */

static void begin_poll(struct herd *herd, uv_poll_t *poll, int descriptor, uv_poll_cb on_event)
{
    uv_poll_init(herd->loop, poll, descriptor);
    poll->data = herd;
    uv_poll_start(poll, UV_READABLE, on_event);
}

struct herd *herd_new(uv_loop_t *loop, const struct topology *topology,
                      const struct topology_observer *self, const char *path)
{
    struct herd *herd = bytes_zeroed(sizeof *herd);
    herd->loop = loop;
    herd->expire_ms = topology->expire_ms;
    if (!observer_open(&herd->observer, topology, self, path, true)) {
        free(herd);
        return NULL;
    }
    note_graph(herd, topology);
    begin_poll(herd, &herd->poll, bus_descriptor(herd->observer.bus), on_bus);
    begin_poll(herd, &herd->watch, bus_watch_descriptor(herd->observer.bus), on_watch);
    uv_timer_init(loop, &herd->due);
    uv_timer_init(loop, &herd->tick);
    uv_idle_init(loop, &herd->again);
    herd->tick.data = herd;
    herd->bus_waits = true;
    uv_timer_start(&herd->due, on_due, 1, 0);
    return herd;
}

void herd_say_goodbye(struct herd *herd)
{
    flood_say_goodbye(herd->observer.flood);
}

bool herd_is_over(const struct herd *herd)
{
    return flood_is_over(herd->observer.flood);
}

void herd_close(struct herd *herd)
{
    uv_close((uv_handle_t *)&herd->poll, NULL);
    uv_close((uv_handle_t *)&herd->watch, NULL);
    uv_close((uv_handle_t *)&herd->due, NULL);
    uv_close((uv_handle_t *)&herd->tick, NULL);
    uv_close((uv_handle_t *)&herd->again, NULL);
}

void herd_free(struct herd **herd)
{
    if (*herd == NULL)
        return;
    stream_destroy(&(*herd)->stream);
    observer_close(&(*herd)->observer);
    buffer_free(&(*herd)->data);
    buffer_free(&(*herd)->was);
    buffer_free(&(*herd)->graph);
    free(*herd);
    *herd = NULL;
}
