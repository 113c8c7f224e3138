/* certificate: what zherd-web shows in TLS: a certificate, those above it, and its key, as GnuTLS
 * wants them, which libmicrohttpd speaks TLS with.
 *
 * The library asks for it in each handshake, so that another one is good for the next connection
 * and those that are there go on. There is one for the process, because the library's question does
 * not say who asks. One that was replaced is kept to the end, since a handshake may be at work with
 * it; files that say the same replace nothing.
 *
 * Invariant: key and certificate belong together, or nothing is shown. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_CERTIFICATE_H
#define ZHERD_GATEWAY_WEB_SERVER_CERTIFICATE_H

#include <gnutls/abstract.h>
#include <stdbool.h>

#include "bus/base/fault.h"

/* Those above it, and itself. */
#define CERTIFICATE_CHAIN_MAX 16
/* Of each file. */
#define CERTIFICATE_FILE_BYTES_MAX ((size_t)64 * 1024)

struct certificate;

/* Reads both files, in PEM, the key as topology/secrets.h does. NULL, and one sentence in `fault`
 * that names the file, where one cannot be read or used, or they do not belong together. */
struct certificate *certificate_read(const char *path, const char *key_path, struct fault *fault);

/* Shows it from now on, and says until when it is good; owned here from then on. */
void certificate_show(struct certificate *certificate);

/* What the library calls in each handshake (gnutls_certificate_set_retrieve_function2(3)). */
int certificate_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                         const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                         gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key);

/* Accepts NULL: one that is not shown. */
void certificate_free(struct certificate *certificate);
/* All that were shown, once no connection is there. */
void certificate_close(void);

#endif
