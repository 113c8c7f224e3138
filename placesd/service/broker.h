/* broker: the service's two doors, one for whoever asks and one for workers.
 *
 * The front answers any REQ socket, or a DEALER that speaks REQ's envelope; the back speaks with
 * workers (placesd/PROTOCOL.md). Between them stands a dispatcher, which decides; the broker moves
 * bytes. It asks no provider.
 *
 * Invariant: a question that came in a REQ envelope gets exactly one answer, within its deadline.
 *
 * One thread owns a broker. */
#ifndef ZHERD_PLACESD_SERVICE_BROKER_H
#define ZHERD_PLACESD_SERVICE_BROKER_H

#include "bus/base/fault.h"
#include "bus/net/auth.h"
#include "placesd/dispatch/dispatcher.h"
#include "placesd/service/budget.h"

/* What a broker keeps of questions and answers never takes more memory than this, whoever asks and
 * does not read: answers that wait for askers, questions that wait for answers, and the cache. A
 * constant, for a herd's smallest machine has room for it, and no more serves anybody. Beside it
 * stands what ZeroMQ has read of a connection and its broker has not, 64 messages each. */
#define BROKER_BYTES_MAX ((size_t)256 * 1024 * 1024)

/* Whose messages count: at the front those of nodes, at the back those of workers. */
struct broker_keys {
    struct auth_certificate own;
    struct keyring front, back;
};

struct broker_options {
    const char *front, *back; /* to bind (bus/net/binding.h) */
    /* Where each was asked for, "FILE:LINE": begins the sentence that it cannot be bound. NULL:
     * nothing does. */
    const char *front_place, *back_place;
    struct broker_keys *keys; /* its rings are taken over; NULL: in the clear, for everybody */
    /* As in placesd/dispatch/dispatcher.h. */
    struct dispatcher_source sources[DISPATCHER_SOURCES_MAX];
    uint32_t source_count;
    uint32_t grid_m;
    uint32_t nodes; /* of the herd */
    /* Where what is spent of the first source's budget is kept, and what was there. NULL: nowhere.
     */
    struct budget *budget;
    const char *spent;
    /* Where it lets itself be watched (topology/monitor.h), NULL: nowhere; where that was asked
     * for; and the token of those who may, copied, empty: everybody. */
    const char *monitor, *monitor_place;
    struct span monitor_token;
    uint64_t kin; /* drawn for this process, whose worker's answers are passed on as they are: its
                   * life in placesd/caller.h; 0 where there is none. Its worker reaches the back at
                   * broker_own_back, too. */
};

struct broker;

/* Binds both doors, and the monitor. Names of sources must stay, all else is copied. A process has
 * one broker with keys. NULL and one clear sentence in `fault` when an endpoint is taken or wrong,
 * or when a stranger sent to try the keys is let in. */
struct broker *broker_open(const struct broker_options *options, struct fault *fault);

/* Where its back is really bound, as numbers ("tcp://0.0.0.0:13501"): owned by the broker. */
const char *broker_back(const struct broker *broker);

/* Where the worker of this process reaches the back over no network and without a key
 * (zmq_inproc(7)): owned by the broker. NULL where it has no kin. */
const char *broker_own_back(const struct broker *broker);

/* Who may ask and who may work from now on; takes the rings over. Only for a broker with keys; any
 * thread. */
void broker_admit(struct broker *broker, struct keyring *front, struct keyring *back);

/* Listens at these endpoints, too, where it does not yet, for broker_take_addresses: "HOST:PORT" as
 * the options have them. False and one clear sentence in `fault` where one cannot be had; then, and
 * where it is not taken, broker_leave_addresses has to follow. These three wait for the broker's
 * thread, which is in broker_run, will be, or was; for any other thread, one at a time. */
bool broker_read_addresses(struct broker *broker, const char *front, const char *back,
                           struct fault *fault);
/* And no more at those of before, whose connections end. */
void broker_take_addresses(struct broker *broker);
/* Where it is to listen stays as it is. */
void broker_leave_addresses(struct broker *broker);

/* Who may watch from now on, as monitor_token_find says; only for a broker with a monitor; any
 * thread. The copy counts from the next time that somebody watches. */
void broker_set_token(struct broker *broker, struct span token);

/* For the monitor: HUP had files read again, and all of them were taken or not; any thread. */
void broker_note_reload(struct broker *broker, bool good);

/* Serves until `stop_descriptor` is readable. Then new questions fail at once, those on their way
 * get a moment, and what is unfinished after it fails. Takes nothing from the descriptor. */
void broker_run(struct broker *broker, int stop_descriptor);

const struct dispatcher_counters *broker_count(const struct broker *broker);

/* Gives the last answers a moment to leave. Accepts NULL, sets the caller's pointer to NULL. */
void broker_close(struct broker **broker);

#endif
