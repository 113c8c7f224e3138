#include "gateway/node/tls.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "topology/secrets.h"

#if OPENSSL_VERSION_MAJOR < 3
#error "OpenSSL 3 is needed"
#endif

/* A key of RSA with 16,384 bits has 13 kB. */
#define KEY_BYTES_MAX (16 * 1024)
/* Of a client's certificate and those above it. */
#define CHAIN_BYTES_MAX (16 * 1024)
/* Only such of TLS 1.2 as TLS 1.3 would have: a fresh key for each connection, and one pass. */
#define CIPHERS_OF_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define UNTIL_BYTES    32

struct tls_door {
    SSL_CTX *context;
    SSL_CTX *next; /* read, and not taken yet; or NULL */
    BIO_METHOD *method;
    char until[UNTIL_BYTES];
    bool is_over;
};

/* ---- the two ends that OpenSSL reads and writes ---- */

static int read_given(BIO *bio, char *to, int bytes_max)
{
    struct tls *tls = BIO_get_data(bio);
    size_t bytes = tls->given.len < (size_t)bytes_max ? tls->given.len : (size_t)bytes_max;
    BIO_clear_retry_flags(bio);
    if (bytes == 0 || tls->reads_left == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, tls->given.data, bytes);
    tls->given.data += bytes;
    tls->given.len -= bytes;
    tls->reads_left--;
    return (int)bytes;
}

static int write_wire(BIO *bio, const char *from, int bytes)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    return buffer_try_append(&tls->wire, (struct span){from, (size_t)bytes}) ? bytes : -1;
}

/* BIO_ctrl(3): 0 is the answer to what is not known. */
static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "zherd");
    if (method == NULL)
        abort();
    BIO_meth_set_read(method, read_given);
    BIO_meth_set_write(method, write_wire);
    BIO_meth_set_ctrl(method, control);
    return method;
}

/* ---- files ---- */

/* The first reason that OpenSSL has left, which is the cause of those after it. */
static const char *reason(void)
{
    unsigned long error = ERR_peek_error();
    const char *text = NULL;
    if (ERR_SYSTEM_ERROR(error))
        text = strerror(ERR_GET_REASON(error));
    else if (error != 0)
        text = ERR_reason_error_string(error);
    return text != NULL ? text : "unknown reason";
}

static bool refuse(struct fault *fault, const char *what, const char *path, const char *why)
{
    return fault_set(fault, "the %s %s cannot be used: %s", what, path, why);
}

/* Nobody is asked for the password of an encrypted key. */
static int no_password(char *to, int bytes_max, int is_writing, void *user)
{
    (void)to;
    (void)bytes_max;
    (void)is_writing;
    (void)user;
    return -1;
}

static bool take_key_text(SSL_CTX *context, const char *path, const char *text, size_t bytes,
                          struct fault *fault)
{
    BIO *bio = BIO_new_mem_buf(text, (int)bytes);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (key == NULL)
        return refuse(fault, "certificate's key", path,
                      "it holds no key in PEM form that needs no password");
    ERR_clear_error();
    bool good = SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    if (!good && ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_VALUES_MISMATCH &&
        ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_TYPE_MISMATCH)
        return refuse(fault, "certificate's key", path, reason());
    if (!good || SSL_CTX_check_private_key(context) != 1)
        return refuse(fault, "certificate's key", path, "it is the key of another certificate");
    return true;
}

static bool take_key(SSL_CTX *context, const char *path, struct fault *fault)
{
    static char text[KEY_BYTES_MAX];
    size_t bytes;
    const struct secrets_file file = {path, KEY_BYTES_MAX, "is no file of a key", text,
                                      KEY_BYTES_MAX};
    if (!secrets_read_file(&file, &bytes, fault))
        return fault_set(fault, "the certificate's key %s: %s", path, fault->text);
    bool good = take_key_text(context, path, text, bytes, fault);
    explicit_bzero(text, sizeof text);
    return good;
}

/* Whoever has no certificate of this authority is not let in. A session that is resumed is not
 * verified again (SSL_CTX_set_verify(3)), so a ticket would outlive its certificate: there is none.
 */
static bool take_authority(SSL_CTX *context, const char *path, struct fault *fault)
{
    if (path[0] == '\0')
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (names == NULL || SSL_CTX_load_verify_file(context, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return refuse(fault, "authority of clients", path, reason());
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

static void note_end(const SSL_CTX *context, char until[UNTIL_BYTES], bool *is_over)
{
    const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));
    BIO *text = BIO_new(BIO_s_mem());
    int bytes = text != NULL && ASN1_TIME_print(text, end) == 1
                    ? BIO_read(text, until, UNTIL_BYTES - 1)
                    : 0;
    until[bytes > 0 ? bytes : 0] = '\0';
    BIO_free(text);
    *is_over = X509_cmp_current_time(end) < 0;
}

static void set_options(SSL_CTX *context)
{
    static const unsigned char name[] = "zherd"; /* whose sessions tickets are of */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_max_cert_list(context, CHAIN_BYTES_MAX);
}

/* A renewed certificate whose key is a credential has to wait for the next start. */
static bool keep_pair(SSL_CTX *context, SSL_CTX *before, const char *key, struct fault *fault)
{
    STACK_OF(X509) *chain = NULL;
    if (before == NULL || !secrets_is_credential(key) ||
        SSL_CTX_get0_chain_certs(before, &chain) != 1 ||
        SSL_CTX_use_cert_and_key(context, SSL_CTX_get0_certificate(before),
                                 SSL_CTX_get0_privatekey(before), chain, 1) != 1)
        return false;
    fault_set(fault,
              "%s; a credential stays as it is until the next start, and so does its "
              "certificate",
              fault->text);
    return true;
}

/* `before`: the one that it is for, or NULL at the start. */
static SSL_CTX *make_context(const struct topology_tls *files, SSL_CTX *before, struct fault *fault)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS_OF_1_2) != 1) {
        fault_set(fault, "OpenSSL cannot be used: %s", reason());
        SSL_CTX_free(context);
        return NULL;
    }
    set_options(context);
    ERR_clear_error();
    bool good = SSL_CTX_use_certificate_chain_file(context, files->certificate) == 1 ||
                refuse(fault, "certificate", files->certificate, reason());
    if (good &&
        (take_key(context, files->certificate_key, fault) ||
         keep_pair(context, before, files->certificate_key, fault)) &&
        take_authority(context, files->client_ca, fault))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

bool tls_door_read(struct tls_door *door, const struct topology_tls *files, struct fault *fault)
{
    ERR_clear_error();
    SSL_CTX_free(door->next);
    fault->text[0] = '\0';
    door->next = make_context(files, door->context, fault);
    ERR_clear_error();
    return door->next != NULL;
}

void tls_door_take(struct tls_door *door)
{
    assert(door->next != NULL);
    SSL_CTX_free(door->context);
    door->context = door->next;
    door->next = NULL;
    note_end(door->context, door->until, &door->is_over);
}

struct tls_door *tls_door_open(const struct topology_tls *files, struct fault *fault)
{
    struct tls_door *door = bytes_zeroed(sizeof *door);
    if (tls_door_read(door, files, fault)) {
        tls_door_take(door);
        door->method = make_method();
        return door;
    }
    free(door);
    return NULL;
}

void tls_door_close(struct tls_door **door)
{
    if (*door == NULL)
        return;
    SSL_CTX_free((*door)->context);
    SSL_CTX_free((*door)->next);
    BIO_meth_free((*door)->method);
    free(*door);
    *door = NULL;
}

const char *tls_door_until(const struct tls_door *door, bool *is_over)
{
    *is_over = door->is_over;
    return door->until;
}

/* ---- a connection ---- */

/* The bytes of a call, or those that an earlier one kept. */
static void give(struct tls *tls, struct span bytes)
{
    assert(bytes.len == 0 || tls->kept.len == 0);
    tls->given = bytes.len > 0 ? bytes : (struct span){tls->kept.data, tls->kept.len};
    tls->reads_left = 2 * TLS_RECORDS_MAX;
    ERR_clear_error();
}

static bool break_off(struct tls *tls, const char *why)
{
    tls->why = why;
    buffer_free(&tls->kept);
    return false;
}

/* Keeps what is left of what was given. False without memory. */
static bool keep(struct tls *tls)
{
    struct span left = tls->given;
    tls->given = (struct span){0};
    if (tls->why != NULL)
        return false;
    if (left.len == 0 || tls->is_ended)
        buffer_free(&tls->kept);
    else if (tls->kept.len > 0)
        buffer_consume(&tls->kept, tls->kept.len - left.len);
    else if (!buffer_try_append(&tls->kept, left))
        return break_off(tls, "the system gives no memory");
    return true;
}

static bool begin(struct tls *tls, const struct tls_door *door)
{
    BIO *bio = BIO_new(door->method);
    tls->ssl = SSL_new(door->context);
    if (bio == NULL || tls->ssl == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    return true;
}

static enum handshakes_failure failure_of(unsigned long error)
{
    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return HANDSHAKES_OTHER;
    switch (ERR_GET_REASON(error)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_DATA_LENGTH_TOO_LONG:
        return HANDSHAKES_NOT_TLS;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_VERSION_TOO_LOW:
        return HANDSHAKES_NOTHING_SHARED;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        return HANDSHAKES_NO_CERTIFICATE;
    default:
        return HANDSHAKES_OTHER;
    }
}

enum tls_shaken tls_shake(struct tls *tls, const struct tls_door *door, struct span bytes,
                          enum handshakes_failure *failure)
{
    *failure = HANDSHAKES_OTHER;
    give(tls, bytes);
    tls->shaken_bytes += (uint32_t)bytes.len;
    if ((tls->ssl == NULL && !begin(tls, door)) || tls->shaken_bytes > TLS_HANDSHAKE_BYTES_MAX)
        return TLS_BROKEN;
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1 && SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ) {
        *failure = failure_of(ERR_peek_error());
        return TLS_BROKEN;
    }
    if (!keep(tls))
        return TLS_BROKEN;
    tls->is_done = result == 1;
    return tls->is_done ? TLS_SHAKEN : TLS_SHAKES;
}

bool tls_is_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

bool tls_wants_person(const struct tls *tls)
{
    return SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE;
}

/* As OpenSSL does it in a handshake (X509_verify_cert(3)). */
static bool verifies(const struct tls *tls, X509 *certificate, X509_STORE *authorities)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool is_good = context != NULL &&
                   X509_STORE_CTX_init(context, authorities, certificate,
                                       SSL_get_peer_cert_chain(tls->ssl)) == 1 &&
                   X509_STORE_CTX_set_default(context, "ssl_client") == 1 &&
                   X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return is_good;
}

bool tls_is_vouched(const struct tls *tls, const struct tls_door *door)
{
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    bool is_wanted = SSL_CTX_get_verify_mode(door->context) != SSL_VERIFY_NONE;
    if (SSL_get_SSL_CTX(tls->ssl) == door->context)
        return true;
    if (certificate == NULL || !is_wanted)
        return certificate == NULL && !is_wanted;
    return verifies(tls, certificate, SSL_CTX_get_cert_store(door->context));
}

bool tls_person(const struct tls *tls, char person[TOPOLOGY_NAME_BYTES_MAX + 1])
{
    const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    X509_NAME *subject = certificate == NULL ? NULL : X509_get_subject_name(certificate);
    int at = subject == NULL ? -1 : X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return false;
    const ASN1_STRING *name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const char *text = (const char *)ASN1_STRING_get0_data(name);
    size_t bytes = (size_t)ASN1_STRING_length(name);
    if (!topology_is_name(text, bytes))
        return false;
    memcpy(person, text, bytes);
    person[bytes] = '\0';
    return true;
}

void tls_show(const struct tls *tls, char text[TLS_SHOWN_BYTES_MAX])
{
    snprintf(text, TLS_SHOWN_BYTES_MAX, "%s %s", SSL_get_version(tls->ssl),
             SSL_get_cipher_name(tls->ssl));
}

/* What a failed SSL_read means. */
static void take_error(struct tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN)
        tls->is_ended = true;
    else if (error != SSL_ERROR_WANT_READ)
        break_off(tls, ERR_peek_error() != 0 ? reason() : "broken off");
}

size_t tls_receive(struct tls *tls, struct span bytes, char *plain, size_t bytes_max)
{
    size_t got = 0;
    uint32_t full_records = 0;
    if (tls->why != NULL || tls->is_ended)
        return 0;
    give(tls, bytes);
    /* Most reads are one record: to be told that there is no other would cost as much again. */
    do {
        int result = SSL_read(tls->ssl, plain + got, (int)(bytes_max - got));
        if (result <= 0) {
            take_error(tls, result);
            break;
        }
        got += (size_t)result;
        full_records++;
    } while (got < bytes_max && (tls->given.len > 0 || SSL_pending(tls->ssl) > 0));
    uint32_t records = TLS_RECORDS_MAX - tls->reads_left / 2;
    tls->empty_records += records > full_records ? records - full_records : 0;
    keep(tls);
    return got;
}

bool tls_has_more(const struct tls *tls)
{
    return tls->why == NULL && !tls->is_ended &&
           (tls->kept.len > 0 || (tls->ssl != NULL && SSL_pending(tls->ssl) > 0));
}

bool tls_has_part(const struct tls *tls)
{
    /* Right after a header nothing is pending, and OpenSSL reads a body ("RB"). */
    return tls->why == NULL && tls->kept.len == 0 && SSL_pending(tls->ssl) == 0 &&
           (SSL_has_pending(tls->ssl) == 1 || SSL_rstate_string(tls->ssl)[1] == 'B');
}

bool tls_send(struct tls *tls, struct span plain)
{
    if (tls->why != NULL)
        return false;
    ERR_clear_error();
    assert(plain.len <= INT_MAX);
    return SSL_write(tls->ssl, plain.data, (int)plain.len) == (int)plain.len ||
           break_off(tls, ERR_peek_error() != 0 ? reason() : "the system gives no memory");
}

void tls_close(struct tls *tls)
{
    if (tls->is_closed || tls->why != NULL || !tls->is_done)
        return;
    tls->is_closed = true;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
}

void tls_sent(struct tls *tls, size_t bytes)
{
    buffer_consume(&tls->wire, bytes);
    if (tls->wire.len == 0)
        buffer_free(&tls->wire);
}

void tls_free(struct tls *tls)
{
    SSL_free(tls->ssl);
    buffer_free(&tls->kept);
    buffer_free(&tls->wire);
    *tls = (struct tls){0};
}
