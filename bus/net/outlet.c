#include "bus/net/outlet.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "bus/flood.h"
#include "bus/net/entropy.h"
#include "bus/net/peer_socket.h"
#include "bus/net/socket_option.h"

/* Connecting and greeting may take eight seconds together before ZeroMQ tries again by itself: who
 * is merely slow is not disturbed. With a choice of keys each gets less. */
static const struct dial_rules rules = {
    .away_ms = 10000, .away_two_keys_ms = 5000, .unanswered_ms = LINK_ANSWER_MS};
/* With a choice of addresses each gets as long as connecting may take. */
static const struct dial_rules rules_of_many_addresses = {
    .away_ms = 4000, .away_two_keys_ms = 4000, .unanswered_ms = LINK_ANSWER_MS};
/* A name that nobody knew is asked for again. */
static const struct dial_rules rules_without_address = {
    .away_ms = 1000, .away_two_keys_ms = 1000, .unanswered_ms = LINK_ANSWER_MS};

static const struct socket_option options_of_dealer[] = {
    {ZMQ_IMMEDIATE, 1},          /* nothing is queued for an absent peer: sending says EAGAIN */
    {ZMQ_SNDHWM, 0},             /* see outlet.h */
    {ZMQ_RCVHWM, 1},             /* never read: an endpoint that talks back fills one place */
    {ZMQ_CONNECT_TIMEOUT, 3000}, /* ms: the system would try a silent address for two minutes */
    {ZMQ_HANDSHAKE_IVL, 5000},   /* ms: a listener that accepts and then says nothing is left */
    {ZMQ_RECONNECT_IVL, OUTLET_RECONNECT_MS}, /* a neighbour that starts is found at once */
    {ZMQ_RECONNECT_IVL_MAX, 0}, /* no backoff: it would find a late neighbour only after seconds */
};

static const char *explain(int error)
{
    switch (error) {
    case EINVAL:
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO:
        return "not of the form tcp://host:port";
    default:
        return zmq_strerror(error);
    }
}

static void name_it(void *dealer, const struct outlet_home *home)
{
    uint8_t number[PEER_DIRECTORY_NUMBER_BYTES];
    char id[PEER_DIRECTORY_ID_BYTES_MAX];
    const size_t drawn_bytes = sizeof number - PEER_DIRECTORY_PROCESS_BYTES;
    entropy_draw(number, drawn_bytes);
    memcpy(number + drawn_bytes, home->process, PEER_DIRECTORY_PROCESS_BYTES);
    int rc =
        zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id, peer_directory_write_id(home->name, number, id));
    assert(rc == 0);
}

/* A DEALER that connects to that address and expects the key that is to be tried now. NULL with
 * errno. */
static void *make_dealer(const struct outlet *outlet, const char *address)
{
    const struct outlet_home *home = outlet->home;
    void *dealer = peer_socket_make(home->context, ZMQ_DEALER, home->own != NULL);
    if (dealer == NULL)
        return NULL;
    socket_options_set(dealer, options_of_dealer,
                       sizeof options_of_dealer / sizeof *options_of_dealer);
    /* Only for an address in brackets: ZeroMQ would reach others as IPv4 in IPv6. */
    int ipv6 = strchr(address, '[') != NULL;
    int rc = zmq_setsockopt(dealer, ZMQ_IPV6, &ipv6, sizeof ipv6);
    assert(rc == 0);
    name_it(dealer, home);
    if (auth_connect(dealer, address, home->own, outlet->dial.keys.text[outlet->dial.key]))
        return dealer;
    int error = errno;
    zmq_close(dealer);
    errno = error;
    return NULL;
}

static void close_dealer(void *dealer, int linger_ms)
{
    if (dealer == NULL)
        return;
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_close(dealer);
}

/* A trouble is one until another one comes, or none. */
static bool get_into_trouble(struct outlet *outlet, const char *reason)
{
    if (strcmp(outlet->trouble, reason) != 0) {
        snprintf(outlet->trouble, sizeof outlet->trouble, "%s", reason);
        outlet->is_in_trouble = true;
    }
    return false;
}

static void drop_dealer(struct outlet *outlet, int linger_ms)
{
    close_dealer(outlet->dealer, linger_ms);
    outlet->dealer = NULL;
    outlet->descriptor = -1;
}

static void take_dealer(struct outlet *outlet, void *dealer)
{
    size_t bytes = sizeof outlet->descriptor;
    drop_dealer(outlet, 0);
    outlet->dealer = dealer;
    int rc = zmq_getsockopt(dealer, ZMQ_FD, &outlet->descriptor, &bytes);
    assert(rc == 0);
}

/* The new one before the old one: without resources for both the old one stays. */
static bool replace(struct outlet *outlet)
{
    size_t count = outlet->address.known.count;
    outlet->dial.rules = count == 0   ? &rules_without_address
                         : count == 1 ? &rules
                                      : &rules_of_many_addresses;
    const char *chosen = address_choose(&outlet->address, &outlet->dial);
    void *dealer = chosen != NULL ? make_dealer(outlet, chosen) : NULL;
    if (dealer == NULL)
        return get_into_trouble(outlet, chosen != NULL ? explain(errno) : outlet->address.trouble);
    take_dealer(outlet, dealer);
    outlet->is_connected = false;
    outlet->messages = outlet->bytes = 0;
    if (outlet->address.trouble[0] != '\0')
        return get_into_trouble(outlet, outlet->address.trouble); /* and on with the old address */
    outlet->trouble[0] = '\0';
    outlet->is_in_trouble = false;
    return true;
}

/* False when there was an answer, and no connection could be begun with it as it should. */
static bool go_on(struct outlet *outlet, int64_t now_ms)
{
    if (!address_find(&outlet->address, now_ms))
        return true;
    if (outlet->begins)
        dial_restart(&outlet->dial, now_ms);
    else
        dial_renew(&outlet->dial, now_ms);
    outlet->begins = false;
    return replace(outlet);
}

bool outlet_open(struct outlet *outlet, const struct outlet_home *home, const char *endpoint,
                 const struct keyring_keys *keys, struct fault *fault)
{
    *outlet = (struct outlet){
        .home = home, .address = {.endpoint = endpoint}, .descriptor = -1, .begins = true};
    dial_start(&outlet->dial, &rules, keys, 0);
    if (go_on(outlet, 0))
        return true;
    /* A name server may have said no already, and yes the next time. */
    bool is_unknown = outlet->address.known.count == 0 && !outlet->address.is_malformed;
    return is_unknown || fault_set(fault, "%s", outlet->trouble);
}

void outlet_close(struct outlet *outlet, int linger_ms)
{
    drop_dealer(outlet, linger_ms);
    address_drop(&outlet->address);
}

/* A copy that there is no memory for is not sent, as where there is no connection. */
static bool try_send(void *dealer, const char *message, size_t bytes)
{
    while (zmq_send(dealer, message, bytes, ZMQ_DONTWAIT) < 0) {
        if (errno == EAGAIN || errno == ENOMEM)
            return false;
        assert(errno == EINTR);
    }
    return true;
}

static void see(struct outlet *outlet, bool is_connected)
{
    if (outlet->is_connected && !is_connected)
        dial_lost(&outlet->dial);
    outlet->is_connected = is_connected;
}

/* While sending, ZeroMQ looks only once a millisecond at what its I/O thread has done since, so its
 * first no may be out of date; asking for events makes it look. */
bool outlet_send(struct outlet *outlet, const char *message, size_t bytes)
{
    void *dealer = outlet->dealer;
    if (dealer == NULL || outlet->messages == OUTLET_MESSAGES_MAX ||
        outlet->bytes + bytes > OUTLET_BYTES_MAX)
        return false;
    bool taken = try_send(dealer, message, bytes) ||
                 (peer_socket_is_ready(dealer, ZMQ_POLLOUT) && try_send(dealer, message, bytes));
    see(outlet, taken);
    if (taken) {
        outlet->messages++;
        outlet->bytes += bytes;
    }
    return taken;
}

void outlet_answered(struct outlet *outlet)
{
    dial_answered(&outlet->dial);
    outlet->messages = outlet->bytes = 0;
}

void outlet_tend(struct outlet *outlet, int64_t now_ms)
{
    if (!outlet->is_timed && !outlet->dial.is_stale)
        dial_restart(&outlet->dial, now_ms);
    outlet->is_timed = true;
    bool is_due = outlet->begins || dial_is_due(&outlet->dial, now_ms);
    if (!is_due) {
        address_drop(&outlet->address); /* the old one works again */
        return;
    }
    if (outlet->dial.is_stale) { /* nothing more goes there, not even while a name is asked for */
        drop_dealer(outlet, 0);
        outlet->is_connected = false;
    }
    go_on(outlet, now_ms);
}

bool outlet_is_new(struct outlet *outlet)
{
    bool was_connected = outlet->is_connected;
    see(outlet, outlet->dealer != NULL && peer_socket_is_ready(outlet->dealer, ZMQ_POLLOUT));
    return outlet->is_connected && !was_connected;
}
