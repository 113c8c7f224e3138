/* tls: the TLS of a node's clients: from bytes of a connection to what the client said, and back.
 *
 * OpenSSL 3 does the work, TLS 1.2 and 1.3. It is given bytes and gives bytes; nothing here knows a
 * socket, a loop or a session (gateway/node/clients_tls.c does). It is no deciding file all the
 * same: OpenSSL draws random numbers, looks at the clock and reads the files of certificates.
 *
 * What a client can have done in one call is bounded. One SSL_read works through all records that
 * are there and hold nothing for the application, at 10 to 30 us for a KeyUpdate (RFC 8446, 4.6.3):
 * 60 kB of them take 60 ms. So a call takes TLS_RECORDS_MAX records and keeps what is beyond them
 * for the next one. Answers to such records wait in `wire` like all that the client has to read.
 *
 * Early data is not taken. A client may renegotiate nothing. Tickets resume a session without
 * anything being kept here, until the certificate is read again.
 *
 * The end of the connection is the caller's to see. That it came without close_notify is not told
 * to OpenSSL, which would refuse to write from then on: replies still due could not leave.
 *
 * Invariant: after each call all of the bytes given are used or kept, and `wire` has all that has
 * to be sent before anything that is made later. */
#ifndef ZHERD_GATEWAY_NODE_TLS_H
#define ZHERD_GATEWAY_NODE_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"
#include "gateway/text/handshakes.h"
#include "topology/format/topology.h"

/* Records of one call: of KeyUpdates less than 2 ms. */
#define TLS_RECORDS_MAX 64
/* Of one call while the handshake is under way; a hello of OpenSSL 3.5 has 1,533 bytes. */
#define TLS_HANDSHAKE_READ_BYTES 4096
/* All that a client may send before its handshake is done: certificates of some authorities. */
#define TLS_HANDSHAKE_BYTES_MAX (48 * 1024)
/* What waits to be sent, from which on nothing more is read from the client or made for it. */
#define TLS_WIRE_BYTES_MAX (64 * 1024)
/* What OpenSSL holds of a record that has not come whole: the largest one there is. */
#define TLS_RECORD_BYTES (17 * 1024)
/* A version, a cipher and a name, with the NUL. */
#define TLS_SHOWN_BYTES_MAX 192

/* ---- what all connections share ---- */

struct tls_door;

/* Reads certificate, key and authority. NULL and one sentence in `fault`, which names the file,
 * where one cannot be read or is refused (the key as topology/secrets.h does), or the key is not
 * the certificate's. */
struct tls_door *tls_door_open(const struct topology_tls *files, struct fault *fault);

/* Reads them again, or others, for tls_door_take. False and `fault` as above: then there is nothing
 * to be taken. Until then all stays as it was. True and a sentence in `fault`, else none: the key
 * is a credential, which stays what it was at the start of the process (systemd.exec(5)), and the
 * certificate is another one; so certificate and key stay those of before, and the rest is taken.
 */
bool tls_door_read(struct tls_door *door, const struct topology_tls *files, struct fault *fault);

/* Goes by what was read last, once, for connections that come from now on; those that are there
 * keep what they have, and tls_is_vouched says whether they may. Cannot fail. */
void tls_door_take(struct tls_door *door);

/* Accepts NULL, sets the caller's pointer to NULL. Connections that are there go on. */
void tls_door_close(struct tls_door **door);

/* When the certificate ends: "Jan  9 00:00:00 2027 GMT"; and whether that is over. */
const char *tls_door_until(const struct tls_door *door, bool *is_over);

/* ---- a connection ---- */

/* All zero is one whose first byte has not come: it costs nothing. Stays where it is. */
struct tls {
    SSL *ssl;
    struct span given;      /* of the call at work, or of `kept` */
    struct buffer kept;     /* what that call did not get to */
    struct buffer wire;     /* to be sent */
    uint32_t reads_left;    /* of the call at work; a record takes two */
    uint32_t empty_records; /* that brought nothing for the session */
    uint32_t shaken_bytes;  /* came before the handshake was done */
    bool is_done;           /* the handshake is */
    bool is_ended;          /* the client has sent close_notify */
    bool is_closed;         /* so have we */
    const char *why;        /* it is broken, and nothing more can be read or said; or NULL */
};

enum tls_shaken { TLS_SHAKES, TLS_SHAKEN, TLS_BROKEN };

/* Goes on with the handshake by these bytes, at most TLS_HANDSHAKE_READ_BYTES, or by what is kept.
 * TLS_BROKEN: `failure` says why, and `wire` may have a last word. */
enum tls_shaken tls_shake(struct tls *tls, const struct tls_door *door, struct span bytes,
                          enum handshakes_failure *failure);

/* Of a connection whose handshake is done. */
bool tls_is_resumed(const struct tls *tls);
/* Whether the client must have a certificate, and so a name: as the door was at its first byte. */
bool tls_wants_person(const struct tls *tls);
/* Whether the door as it is now would let this connection in: by a certificate of the client that
 * its authority vouches for, or by none where it wants none. True for one that it did let in. Costs
 * what the verification of a signature or two does. */
bool tls_is_vouched(const struct tls *tls, const struct tls_door *door);
/* The common name in the client's certificate; false where it has none, or one that is no name as
 * topology files have them. */
bool tls_person(const struct tls *tls, char person[TOPOLOGY_NAME_BYTES_MAX + 1]);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
void tls_show(const struct tls *tls, char text[TLS_SHOWN_BYTES_MAX]);

/* Writes what the client says to `plain`, at most `bytes_max`, and returns how much that is. The
 * bytes are what was read of the connection, or none, to go on with what is kept: while
 * tls_has_more, none may be given. 0: more is needed, or it ended, or broke. */
size_t tls_receive(struct tls *tls, struct span bytes, char *plain, size_t bytes_max);

/* How many records brought nothing since this was asked last. */
static inline uint32_t tls_take_empty(struct tls *tls)
{
    uint32_t count = tls->empty_records;
    tls->empty_records = 0;
    return count;
}

/* tls_receive has something to do without more bytes. */
bool tls_has_more(const struct tls *tls);

/* Part of a record came, and only the client can end it. */
bool tls_has_part(const struct tls *tls);

/* Puts this on the wire, all of it; false where it is broken, or there is no memory. */
bool tls_send(struct tls *tls, struct span plain);

/* Puts close_notify on the wire, once. */
void tls_close(struct tls *tls);

/* So much of `wire` was sent. */
void tls_sent(struct tls *tls, size_t bytes);

void tls_free(struct tls *tls);

#endif
