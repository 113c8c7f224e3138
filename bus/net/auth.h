/* auth: who may come through our doors: CURVE keys (zmq_curve(7)) and the handler that ZeroMQ asks
 * about each of them (ZAP, https://rfc.zeromq.org/spec/27/). Also the one rule of a herd without
 * keys: whoever connects speaks ZMTP 3.
 *
 * Each kind of bound socket is a door with a ring of its own, so a key that opens one opens no
 * other. The handler is a thread with one socket; it decides nothing that the rings do not say.
 * It knows keys, not addresses, and says nothing of what a friend may say once inside.
 *
 * Invariant: without a running handler, with an empty ring, or with a key that was taken from its
 * ring a moment ago, nobody is known: auth_find fails closed, whatever ZeroMQ has let in.
 *
 * Any thread may call. */
#ifndef ZHERD_BUS_NET_AUTH_H
#define ZHERD_BUS_NET_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/fault.h"
#include "bus/link/keyring.h"

/* An address as ZeroMQ tells it: IPv6 with a scope. */
#define AUTH_ADDRESS_BYTES_MAX 63
/* How long the refusal of a stranger may take at the start. It takes milliseconds; this is for a
 * machine that has no time at all. */
#define AUTH_PROOF_MS_MAX 5000

/* Where the key of a connection stands in a message that came over it: zmq_msg_gets(3). */
#define AUTH_KEY_PROPERTY "User-Id"

enum auth_door {
    AUTH_BUS,          /* a node's neighbours */
    AUTH_PLACES_FRONT, /* whoever may ask the places service */
    AUTH_PLACES_BACK,  /* its workers */
    AUTH_DOORS,
};

/* A key pair, as text. */
struct auth_certificate {
    char public_key[KEYRING_KEY_BYTES + 1];
    char secret_key[KEYRING_KEY_BYTES + 1];
};

/* What one end of a connection needs to know of both. */
struct auth_ends {
    struct auth_certificate own;
    struct keyring_keys theirs;
};

/* Connections refused since the start, and the last of them. */
struct auth_refusals {
    uint64_t count;
    char key[KEYRING_KEY_BYTES + 1];
    char address[AUTH_ADDRESS_BYTES_MAX + 1];
};

struct auth;

/* Starts the handler for the sockets of `context`, of which there can be one, with empty rings:
 * before any of its doors is bound. NULL and one clear sentence in `fault`. */
struct auth *auth_open(void *context, struct fault *fault);
/* After the doors are closed, before their context is. Accepts NULL, sets the pointer to NULL. */
void auth_close(struct auth **auth);

/* Puts `ring` in place of the door's; the old one is freed, and `ring` left empty. */
void auth_allow(struct auth *auth, enum auth_door door, struct keyring *ring);

/* Whose key it is at that door at this moment, written to `name`. False for a stranger's, and for
 * NULL. */
bool auth_find(struct auth *auth, enum auth_door door, const char *key,
               char name[KEYRING_NAME_BYTES_MAX + 1]);

struct auth_refusals auth_refused(struct auth *auth);

/* Sets the longest frame (ZMQ_MAXMSGSIZE) of a socket with keys to one that holds this many bytes
 * of ours: encryption adds some, and its handshake needs some. Beyond it a sender loses the
 * connection. False with errno. */
bool auth_limit(void *socket, int64_t frame_bytes_max);

/* Makes the socket a door, before it is bound. False with errno. */
bool auth_guard(void *socket, enum auth_door door, const struct auth_certificate *own);

/* For a socket without keys, before it is bound: its other end may be anybody who greets as ZMTP 3
 * does, within ZMQ_HANDSHAKE_IVL, and nobody else. Without this ZeroMQ takes any byte but FF for
 * the greeting of ZMTP 1.0, and from then on waits as long as the stranger likes (since version
 * 4.3.5; until then such a connection ended with that time, a true one of ZMTP 1.0 and 2.0 alike).
 * With a ZAP domain it refuses both versions at once. Needs the handler. False with errno.
 *
 * Not for a socket that connects: over its reconnections ZeroMQ keeps one way to the handler, and
 * where the other end greets while the socket is being closed it ends the process (4.3.4, an
 * assertion of zap_client.cpp), as a neighbour does that starts again at the wrong moment. An other
 * end that says nothing of use is given up by who connected (bus/link/dial.h). */
bool auth_clear(void *socket);

/* Connects the socket with our certificate to whoever has the secret of `their_key` and to nobody
 * else; in the clear where `own` is NULL. False with errno. One socket takes one connection to an
 * endpoint, so of two keys that the other may have only one can be tried at a time; and ZeroMQ
 * gives a connection up for good that was refused: who still wants it disconnects and connects. */
bool auth_connect(void *socket, const char *endpoint, const struct auth_certificate *own,
                  const char *their_key);

/* Whether a stranger is refused at the door that was bound to `endpoint`: comes with a key drawn
 * for this and waits for the refusal. False and one clear sentence in `fault` when the stranger
 * is let in, or nothing happens; then the door must not stay open. Does not count as a refusal. */
bool auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                struct fault *fault);

#endif
