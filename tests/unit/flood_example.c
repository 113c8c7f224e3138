/* The example at the head of bus/flood.h does what it says there: two nodes that are driven by it
 * come to know each other's clients. What is around it here is a transport of arrays. */
#include "bus/flood.h"
#include "tests/check.h"

#define MESSAGES_MAX  64
#define TURNS_MAX     100
#define TURN_MS       10
#define TEXT_BYTES    32768
#define EXAMPLE_BEGIN "static void turn("
#define EXAMPLE_END   "\n}\n"

struct node {
    struct flood *flood;
    struct node *other; /* at the end of the only link */
    size_t peer_count;
    size_t refuse; /* how many messages are not taken */
    size_t count, taken;
    struct span messages[MESSAGES_MAX]; /* that came */
    size_t events;
    int64_t wake_at_ms;
    char out[WIRE_MESSAGE_BYTES_MAX];
};

static bool take_message(struct node *node, size_t *peer, struct span *message)
{
    if (node->taken == node->count)
        return false;
    *peer = 0;
    *message = node->messages[node->taken++];
    return true;
}

static bool send_message(struct node *node, size_t peer, const char *bytes, size_t count)
{
    CHECK_INT(peer, 0);
    CHECK(node->other->count < MESSAGES_MAX);
    if (node->refuse > 0 || node->other->count == MESSAGES_MAX) {
        node->refuse -= node->refuse > 0;
        return false;
    }
    char *copy = bytes_resize(NULL, count);
    memcpy(copy, bytes, count);
    node->other->messages[node->other->count++] = (struct span){copy, count};
    return true;
}

static void log_event(struct node *node, const struct link_event *event)
{
    node->events += event->kind == LINK_UP;
}

static void wake_at(struct node *node, int64_t when_ms)
{
    node->wake_at_ms = when_ms;
}

static void turn(struct node *node, int64_t now_ms)
{
    struct link_event event;
    struct span message;
    size_t peer, bytes;
    while (take_message(node, &peer, &message))
        flood_receive(node->flood, peer, message, now_ms);
    for (peer = 0; peer < node->peer_count; peer++)
        while ((bytes = flood_next(node->flood, peer, now_ms, node->out)) > 0)
            if (!send_message(node, peer, node->out, bytes)) {
                flood_refused(node->flood, peer, now_ms);
                break;
            }
    while (flood_next_event(node->flood, &event))
        log_event(node, &event);
    wake_at(node, flood_deadline_ms(node->flood));
}

static void open_node(struct node *node, struct node *other, const char *name, const char *peer)
{
    const struct span peers[] = {span_of(peer)};
    *node = (struct node){.other = other, .peer_count = 1};
    node->flood = flood_new(&(struct flood_options){.herd = span_of("pair"),
                                                    .node = span_of(name),
                                                    .peers = peers,
                                                    .peer_count = 1,
                                                    .incarnation = (uint64_t)name[0],
                                                    .clients_max = FLOOD_CLIENTS_DEFAULT});
}

static void close_node(struct node *node)
{
    for (size_t i = 0; i < node->count; i++)
        free((char *)(uintptr_t)node->messages[i].data);
    flood_destroy(&node->flood);
}

static void two_driven_nodes_know_each_others_clients(void)
{
    static struct node ada, bob;
    struct location location = {.client = span_of("kiwi"),
                                .position = span_of("+34.068930-118.445127"),
                                .stamp = span_of("1621464827.95"),
                                .order_ns = 1621464827950000000};
    open_node(&ada, &bob, "Ada", "Bob");
    open_node(&bob, &ada, "Bob", "Ada");
    ada.refuse = 2;
    CHECK_INT(flood_local(ada.flood, &location), FLOOD_STORED);
    int64_t now_ms = 0;
    for (int i = 0; i < TURNS_MAX; i++, now_ms += TURN_MS) {
        turn(&ada, now_ms);
        turn(&bob, now_ms);
    }
    CHECK_INT(ada.refuse, 0);
    CHECK_INT(ada.events, 1);
    CHECK_INT(bob.events, 1);
    CHECK(ada.wake_at_ms >= now_ms - TURN_MS && ada.wake_at_ms < INT64_MAX);
    CHECK(flood_find(bob.flood, span_of("kiwi"), &location));
    CHECK_BYTES(location.origin.data, location.origin.len, "Ada", 3);
    CHECK(flood_digest(ada.flood) == flood_digest(bob.flood));
    close_node(&ada);
    close_node(&bob);
}

static size_t read_text(const char *path, char *text)
{
    FILE *file = fopen(path, "r");
    size_t bytes = file == NULL ? 0 : fread(text, 1, TEXT_BYTES - 1, file);
    if (file != NULL)
        fclose(file);
    text[bytes] = '\0';
    return bytes;
}

static void the_header_shows_what_is_driven_here(void)
{
    static char code[TEXT_BYTES], header[TEXT_BYTES], comment[TEXT_BYTES];
    CHECK(read_text("tests/unit/flood_example.c", code) > 0);
    CHECK(read_text("bus/flood.h", header) > 0);
    const char *begin = strstr(code, "\n" EXAMPLE_BEGIN);
    const char *end = begin == NULL ? NULL : strstr(begin, EXAMPLE_END);
    CHECK(end != NULL);
    size_t bytes = 0;
    for (const char *at = begin; at != NULL && at <= end; at++)
        bytes += (size_t)snprintf(comment + bytes, sizeof comment - bytes, "%s%c",
                                  at == begin || at[-1] != '\n' ? "" : " *     ", *at);
    comment[bytes] = '\0';
    CHECK(bytes > 0 && strstr(header, comment) != NULL);
}

int main(void)
{
    static const struct check_case cases[] = {
        {"two driven nodes know each other's clients", two_driven_nodes_know_each_others_clients},
        {"the header shows what is driven here", the_header_shows_what_is_driven_here},
    };
    return check_run(cases, sizeof cases / sizeof *cases);
}
