#include "gateway/web/server/certificate.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "bus/base/bytes.h"
#include "topology/say.h"
#include "topology/secrets.h"

/* "2027-01-31 12:00:00 UTC" */
#define TIME_BYTES_MAX 64

struct certificate {
    gnutls_pcert_st chain[CERTIFICATE_CHAIN_MAX];
    unsigned length;
    gnutls_privkey_t key;
    time_t until;
    XXH128_hash_t files;        /* of what both said */
    struct certificate *before; /* that was shown before it */
};

static struct certificate *shown;

/* ---- files ---- */

static bool refuse(struct fault *fault, const char *what, const char *path, const char *why)
{
    return fault_set(fault, "the %s %s cannot be used: %s", what, path, why);
}

static bool read_chain(struct certificate *certificate, const char *path,
                       const gnutls_datum_t *text, struct fault *fault)
{
    certificate->length = CERTIFICATE_CHAIN_MAX;
    int error = gnutls_pcert_list_import_x509_raw(certificate->chain, &certificate->length, text,
                                                  GNUTLS_X509_FMT_PEM, 0);
    if (error < 0)
        certificate->length = 0;
    return error >= 0 || refuse(fault, "certificate", path, gnutls_strerror(error));
}

/* When the first of the chain ends. */
static time_t find_end(gnutls_certificate_credentials_t both)
{
    gnutls_x509_crt_t *chain;
    unsigned count;
    time_t until = 0;
    if (gnutls_certificate_get_x509_crt(both, 0, &chain, &count) < 0)
        return 0;
    if (count > 0)
        until = gnutls_x509_crt_get_expiration_time(chain[0]);
    while (count > 0)
        gnutls_x509_crt_deinit(chain[--count]);
    gnutls_free(chain);
    return until;
}

static bool belong_together(struct certificate *certificate, const gnutls_datum_t *text,
                            const gnutls_datum_t *key)
{
    gnutls_certificate_credentials_t both;
    gnutls_certificate_allocate_credentials(&both);
    bool is_good =
        gnutls_certificate_set_x509_key_mem2(both, text, key, GNUTLS_X509_FMT_PEM, NULL, 0) >= 0;
    if (is_good)
        certificate->until = find_end(both);
    gnutls_certificate_free_credentials(both);
    return is_good;
}

static bool read_key(struct certificate *certificate, const char *path, const gnutls_datum_t *text,
                     const gnutls_datum_t *key, struct fault *fault)
{
    int error = gnutls_privkey_import_x509_raw(certificate->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (error < 0)
        return refuse(fault, "certificate's key", path,
                      "it holds no key in PEM form that needs no password");
    return belong_together(certificate, text, key) ||
           refuse(fault, "certificate's key", path, "it is the key of another certificate");
}

static bool read_both(struct certificate *certificate, const char *path, const char *key_path,
                      const gnutls_datum_t *text, struct fault *fault)
{
    static char bytes[CERTIFICATE_FILE_BYTES_MAX];
    size_t count;
    const struct secrets_file file = {key_path, sizeof bytes, "is no file of a key", bytes,
                                      sizeof bytes};
    if (!secrets_read_file(&file, &count, fault))
        return fault_set(fault, "the certificate's key %s: %s", key_path, fault->text);
    gnutls_datum_t key = {(unsigned char *)bytes, (unsigned)count};
    bool is_good = read_chain(certificate, path, text, fault) &&
                   read_key(certificate, key_path, text, &key, fault);
    certificate->files = XXH3_128bits_withSeed(bytes, count, XXH3_64bits(text->data, text->size));
    explicit_bzero(bytes, sizeof bytes);
    return is_good;
}

struct certificate *certificate_read(const char *path, const char *key_path, struct fault *fault)
{
    struct certificate *certificate = bytes_zeroed(sizeof *certificate);
    gnutls_datum_t text = {0};
    gnutls_privkey_init(&certificate->key);
    int error = gnutls_load_file(path, &text);
    bool is_good = error >= 0 || refuse(fault, "certificate", path, gnutls_strerror(error));
    is_good = is_good && (text.size <= CERTIFICATE_FILE_BYTES_MAX ||
                          refuse(fault, "certificate", path, "it is too large"));
    is_good = is_good && read_both(certificate, path, key_path, &text, fault);
    gnutls_free(text.data);
    if (is_good)
        return certificate;
    certificate_free(certificate);
    return NULL;
}

void certificate_free(struct certificate *certificate)
{
    if (certificate == NULL)
        return;
    for (unsigned i = 0; i < certificate->length; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

/* ---- the one that is shown ---- */

static void say_until(const struct certificate *certificate)
{
    char text[TIME_BYTES_MAX];
    struct tm at;
    if (gmtime_r(&certificate->until, &at) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &at) == 0)
        return;
    say(certificate->until < time(NULL) ? "the certificate is over since %s"
                                        : "the certificate is good until %s",
        text);
}

void certificate_show(struct certificate *certificate)
{
    if (shown != NULL && XXH128_isEqual(shown->files, certificate->files)) {
        certificate_free(certificate);
        return;
    }
    certificate->before = shown;
    shown = certificate;
    say_until(certificate);
}

int certificate_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                         const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                         gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key)
{
    (void)session, (void)authorities, (void)count, (void)algorithms, (void)algorithm_count;
    *chain = shown->chain;
    *chain_length = shown->length;
    *key = shown->key;
    return 0;
}

void certificate_close(void)
{
    while (shown != NULL) {
        struct certificate *last = shown;
        shown = last->before;
        certificate_free(last);
    }
}
