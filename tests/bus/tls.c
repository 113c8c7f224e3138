/* The TLS of clients, without a socket: OpenSSL's own client on the other side of memory, each byte
 * of whose records may be the last of a read. What one call costs is counted in records, not timed.
 */
#include "gateway/node/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "tests/check.h"

#define READ_BYTES  (17 * 1024)
#define PLAIN_BYTES (256 * 1024)
#define IAMAT       "IAMAT kiwi +34.068930-118.445127 1621464827.5\n"

static char folder[] = "/tmp/zherd-tls-XXXXXX";
static struct topology_tls files;

/* ---- certificates ---- */

static void name_file(char path[TOPOLOGY_PATH_BYTES_MAX + 1], const char *name)
{
    snprintf(path, TOPOLOGY_PATH_BYTES_MAX + 1, "%s/%s", folder, name);
}

static FILE *create(const char *name)
{
    char path[TOPOLOGY_PATH_BYTES_MAX + 1];
    name_file(path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL)
        abort();
    return file;
}

/* A certificate of that name, signed by itself: it is its own authority. */
static void make_certificate(const char *certificate_file, const char *key_file, const char *name,
                             EVP_PKEY **key, X509 **certificate)
{
    *key = EVP_EC_gen("P-256");
    *certificate = X509_new();
    X509_set_version(*certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(*certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(*certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(*certificate), 3600);
    X509_set_pubkey(*certificate, *key);
    X509_NAME *subject = X509_get_subject_name(*certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(*certificate, subject);
    CHECK(X509_sign(*certificate, *key, EVP_sha256()) > 0);
    FILE *file = create(certificate_file);
    CHECK(PEM_write_X509(file, *certificate) == 1);
    fclose(file);
    file = create(key_file);
    CHECK(PEM_write_PrivateKey(file, *key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
}

static EVP_PKEY *keys[2];
static X509 *certificates[2];

static void make_files(void)
{
    CHECK(mkdtemp(folder) != NULL);
    make_certificate("node.pem", "node.key", "node.example", &keys[0], &certificates[0]);
    make_certificate("ada.pem", "ada.key", "Ada", &keys[1], &certificates[1]);
    name_file(files.certificate, "node.pem");
    name_file(files.certificate_key, "node.key");
}

static void remove_files(void)
{
    static const char *const names[] = {"node.pem", "node.key", "ada.pem",
                                        "ada.key",  "both.pem", "bad"};
    char path[TOPOLOGY_PATH_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        name_file(path, names[i]);
        unlink(path);
    }
    CHECK(rmdir(folder) == 0);
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_free(keys[i]);
        X509_free(certificates[i]);
    }
}

/* ---- a client and a node ---- */

static struct tls_door *door;
static struct tls node;
static SSL_CTX *context;
static SSL *client;
static BIO *to_client, *from_client;
static enum handshakes_failure failure;
static char heard[PLAIN_BYTES]; /* by the node */
static size_t heard_bytes;

static void open_client(int version)
{
    context = SSL_CTX_new(TLS_client_method());
    if (version != 0) {
        SSL_CTX_set_min_proto_version(context, version);
        SSL_CTX_set_max_proto_version(context, version);
    }
    client = SSL_new(context);
    to_client = BIO_new(BIO_s_mem());
    from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(client, to_client, from_client);
    SSL_set_connect_state(client);
}

static void open_both(int version)
{
    struct fault fault = {0};
    door = tls_door_open(&files, &fault);
    if (door == NULL) {
        printf("%s\n", fault.text);
        abort();
    }
    open_client(version);
    heard_bytes = 0;
}

static void close_client(void)
{
    tls_free(&node);
    SSL_shutdown(client); /* whose tickets would be worth nothing otherwise */
    SSL_free(client);
    SSL_CTX_free(context);
}

static void close_both(void)
{
    close_client();
    tls_door_close(&door);
}

static void give_client(void)
{
    if (node.wire.len == 0)
        return;
    CHECK(BIO_write(to_client, node.wire.data, (int)node.wire.len) == (int)node.wire.len);
    tls_sent(&node, node.wire.len);
}

static void hear(struct span bytes, size_t plain_max)
{
    do {
        size_t room = PLAIN_BYTES - heard_bytes;
        heard_bytes +=
            tls_receive(&node, bytes, heard + heard_bytes, plain_max < room ? plain_max : room);
        bytes.len = 0;
    } while (tls_has_more(&node));
}

/* All that the client has sent, in reads of so many bytes. */
static enum tls_shaken give_node(size_t chunk, size_t plain_max)
{
    char bytes[READ_BYTES];
    enum tls_shaken shaken = TLS_SHAKEN;
    int count;
    while ((count = BIO_read(from_client, bytes, (int)chunk)) > 0) {
        struct span given = {bytes, (size_t)count};
        if (node.is_done) {
            hear(given, plain_max);
            continue;
        }
        shaken = tls_shake(&node, door, given, &failure);
        while (shaken == TLS_SHAKES && node.kept.len > 0)
            shaken = tls_shake(&node, door, (struct span){0}, &failure);
        if (shaken == TLS_BROKEN)
            return shaken;
        if (node.is_done && tls_has_more(&node))
            hear((struct span){0}, plain_max);
    }
    return shaken;
}

/* Both sides, until the client is done; how the node's side went. */
static enum tls_shaken shake(size_t chunk)
{
    enum tls_shaken shaken = TLS_SHAKES;
    for (int round = 0; round < 10 && shaken != TLS_BROKEN; round++) {
        int result = SSL_do_handshake(client);
        shaken = give_node(chunk, PLAIN_BYTES);
        give_client();
        if (result == 1 && node.is_done)
            return TLS_SHAKEN;
    }
    return shaken;
}

static void say(const char *text)
{
    CHECK(SSL_write(client, text, (int)strlen(text)) == (int)strlen(text));
}

static void check_heard(const char *text)
{
    CHECK_BYTES(heard, heard_bytes, text, strlen(text));
    heard_bytes = 0;
}

/* What the client hears of what the node says. */
static void check_said(const char *text)
{
    char got[4096];
    CHECK(tls_send(&node, span_of(text)));
    give_client();
    int bytes = SSL_read(client, got, sizeof got);
    CHECK_BYTES(got, (size_t)(bytes > 0 ? bytes : 0), text, strlen(text));
}

/* ---- cases ---- */

static void every_split_is_the_same(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION, 0};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        for (size_t chunk = 1; chunk < 600; chunk = chunk < 12 ? chunk + 1 : chunk * 3 / 2) {
            open_both(versions[i]);
            CHECK_INT(shake(chunk), TLS_SHAKEN);
            say(IAMAT);
            say(IAMAT "WHATSAT kiwi 10 5\n");
            give_node(chunk, chunk);
            check_heard(IAMAT IAMAT "WHATSAT kiwi 10 5\n");
            check_said("AT Clark +1.5 kiwi\n");
            CHECK(node.kept.len == 0 && node.wire.len == 0 && !tls_has_part(&node));
            close_both();
        }
    }
}

/* The first read ends at each byte of all that the client sends. */
static void every_place_may_be_the_end_of_a_read(void)
{
    for (size_t at = 1;; at++) {
        char bytes[4096];
        open_both(TLS1_3_VERSION);
        SSL_do_handshake(client);
        int all = BIO_read(from_client, bytes, sizeof bytes);
        if (all <= 0 || at >= (size_t)all) {
            close_both();
            CHECK(all > 200);
            break;
        }
        CHECK_INT(tls_shake(&node, door, (struct span){bytes, at}, &failure), TLS_SHAKES);
        CHECK_INT(tls_shake(&node, door, (struct span){bytes + at, (size_t)all - at}, &failure),
                  TLS_SHAKES);
        give_client();
        CHECK_INT(shake(4096), TLS_SHAKEN);
        close_both();
    }
}

static void a_part_of_a_record_is_known_as_one(void)
{
    char bytes[256];
    open_both(0);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    say(IAMAT);
    int all = BIO_read(from_client, bytes, sizeof bytes);
    for (int i = 0; i < all; i++) {
        char plain[256];
        size_t got = tls_receive(&node, (struct span){bytes + i, 1}, plain, sizeof plain);
        CHECK_INT(got, i == all - 1 ? sizeof IAMAT - 1 : 0);
        CHECK_INT(tls_has_part(&node), i < all - 1);
        CHECK(!tls_has_more(&node));
    }
    close_both();
}

/* What the node has room for comes first, the rest when it asks. */
static void no_more_is_decrypted_than_there_is_room_for(void)
{
    char big[16384 + 1], plain[1000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    open_both(0);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    say(big);
    char wire[READ_BYTES];
    int all = BIO_read(from_client, wire, sizeof wire);
    struct span given = {wire, (size_t)all};
    size_t sum = 0, calls = 0;
    do {
        size_t got = tls_receive(&node, given, plain, sizeof plain);
        CHECK(got <= sizeof plain);
        sum += got;
        given.len = 0;
        calls++;
    } while (tls_has_more(&node));
    CHECK_INT(sum, sizeof big - 1);
    CHECK_INT(calls, (sizeof big - 1 + sizeof plain - 1) / sizeof plain);
    close_both();
}

/* 2,000 KeyUpdates are no more work in one call than TLS_RECORDS_MAX of them. */
static void key_updates_are_worked_off_in_parts(void)
{
    static char wire[128 * 1024];
    char plain[64];
    int updates = 0, all = 0;
    open_both(TLS1_3_VERSION);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    for (; updates < 2000; updates++) {
        CHECK_INT(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED), 1);
        CHECK_INT(SSL_do_handshake(client), 1);
    }
    say("HELP\n");
    all = BIO_read(from_client, wire, sizeof wire);
    CHECK(all > 2000 * 20);
    struct span given = {wire, (size_t)all};
    int calls = 0;
    size_t got, before = (size_t)all;
    do {
        got = tls_receive(&node, given, plain, sizeof plain);
        given.len = 0;
        calls++;
        CHECK_INT(tls_take_empty(&node), got > 0 ? 2000 % TLS_RECORDS_MAX : TLS_RECORDS_MAX);
        CHECK(before - node.kept.len <= TLS_RECORDS_MAX * 32);
        before = node.kept.len;
    } while (got == 0 && tls_has_more(&node));
    CHECK_BYTES(plain, got, "HELP\n", 5);
    CHECK(calls > 2000 / TLS_RECORDS_MAX);
    CHECK(node.wire.len > 0); /* answers count as what the client has to read */
    check_said("help\n");
    close_both();
}

/* Of 1.2: asked for a new handshake, the node says no, and the connection goes on. */
static void nobody_renegotiates(void)
{
    open_both(TLS1_2_VERSION);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    CHECK_INT(SSL_renegotiate(client), 1);
    SSL_do_handshake(client);
    give_node(4096, PLAIN_BYTES);
    CHECK(node.why == NULL);
    give_client();
    char byte;
    CHECK(SSL_read(client, &byte, 1) <= 0);
    CHECK_INT(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    close_both();
}

/* After close_notify of the client all replies still leave, and then ours. */
static void the_client_may_end_first(void)
{
    open_both(0);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    say(IAMAT);
    CHECK(SSL_shutdown(client) == 0);
    give_node(4096, PLAIN_BYTES);
    check_heard(IAMAT);
    CHECK(node.is_ended && node.why == NULL && !tls_has_more(&node));
    check_said("AT Clark\n");
    tls_close(&node);
    tls_close(&node);
    give_client();
    CHECK_INT(SSL_shutdown(client), 1);
    close_both();
}

static void renew(void)
{
    struct fault fault;
    CHECK(tls_door_read(door, &files, &fault));
    tls_door_take(door);
}

static void a_ticket_resumes_until_the_files_are_read_again(void)
{
    char byte;
    open_both(TLS1_3_VERSION);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    CHECK(!tls_is_resumed(&node));
    CHECK(SSL_read(client, &byte, 1) <= 0); /* takes the ticket */
    for (int renewed = 0; renewed < 2; renewed++) {
        SSL_SESSION *session = SSL_get1_session(client);
        CHECK(SSL_SESSION_is_resumable(session));
        if (renewed == 1)
            renew();
        close_client();
        open_client(TLS1_3_VERSION);
        SSL_set_session(client, session);
        SSL_SESSION_free(session);
        CHECK_INT(shake(4096), TLS_SHAKEN);
        CHECK_INT(tls_is_resumed(&node), renewed == 0);
        CHECK(SSL_read(client, &byte, 1) <= 0);
    }
    close_both();
}

static void a_connection_survives_a_renewal(void)
{
    open_both(0);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    renew();
    say(IAMAT);
    give_node(4096, PLAIN_BYTES);
    CHECK_INT(tls_take_empty(&node), 0);
    check_heard(IAMAT);
    check_said("AT Clark\n");
    close_both();
}

static void a_bad_file_keeps_what_was_there(void)
{
    struct fault fault = {0};
    open_both(0);
    FILE *file = create("bad");
    fclose(file);
    struct topology_tls before = files;
    name_file(files.certificate, "bad");
    CHECK(!tls_door_read(door, &files, &fault));
    CHECK(strstr(fault.text, "/bad cannot be used: ") != NULL);
    files = before;
    CHECK_INT(shake(4096), TLS_SHAKEN);
    close_both();
}

/* A certificate was renewed, and its key cannot be before the next start: the pair of before stays,
 * and the authority is taken. */
static void a_credential_keeps_its_certificate(void)
{
    struct topology_tls before = files;
    struct fault fault = {0};
    CHECK(setenv("CREDENTIALS_DIRECTORY", folder, 1) == 0);
    open_both(0);
    CHECK(tls_door_read(door, &files, &fault) && fault.text[0] == '\0');
    name_file(files.certificate, "ada.pem");
    name_file(files.client_ca, "ada.pem");
    CHECK(tls_door_read(door, &files, &fault));
    CHECK(strstr(fault.text, "/node.key cannot be used: it is the key of another certificate; a "
                             "credential stays as it is until the next start, and so does its "
                             "certificate") != NULL);
    tls_door_take(door);
    CHECK_INT(SSL_use_certificate(client, certificates[1]), 1);
    CHECK_INT(SSL_use_PrivateKey(client, keys[1]), 1);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    CHECK(tls_wants_person(&node));
    CHECK_INT(X509_cmp(SSL_get0_peer_certificate(client), certificates[0]), 0);
    name_file(files.client_ca, "none");
    CHECK(!tls_door_read(door, &files, &fault) && strstr(fault.text, "/none cannot") != NULL);
    close_both();
    /* At the start there is no pair of before. */
    files.client_ca[0] = '\0';
    CHECK(tls_door_open(&files, &fault) == NULL);
    CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
    files = before;
    open_both(0);
    name_file(files.certificate, "ada.pem");
    CHECK(!tls_door_read(door, &files, &fault));
    files = before;
    close_both();
}

static void files_are_refused_by_name(void)
{
    static const struct {
        const char *certificate, *key, *authority, *says;
    } rows[] = {
        {"none", "node.key", NULL, "none cannot be used: No such file or directory"},
        {"bad", "node.key", NULL, "the certificate "},
        {"node.pem", "ada.key", NULL, "ada.key cannot be used: it is the key of another"},
        {"node.pem", "node.pem", NULL, "node.pem cannot be used: it holds no key"},
        {"node.pem", "none", NULL, "none: No such file"},
        {"node.pem", "node.key", "none", "the authority of clients "},
        {"node.pem", "node.key", "bad", "the authority of clients "},
    };
    fclose(create("bad"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology_tls some = {.client_ca = ""};
        struct fault fault = {0};
        name_file(some.certificate, rows[i].certificate);
        name_file(some.certificate_key, rows[i].key);
        if (rows[i].authority != NULL)
            name_file(some.client_ca, rows[i].authority);
        CHECK(tls_door_open(&some, &fault) == NULL);
        if (strstr(fault.text, rows[i].says) == NULL)
            printf("    row %zu: %s\n", i, fault.text);
        CHECK(strstr(fault.text, rows[i].says) != NULL);
    }
}

static void a_key_that_others_can_read_is_refused(void)
{
    struct fault fault = {0};
    CHECK(chmod(files.certificate_key, 0644) == 0);
    CHECK(tls_door_open(&files, &fault) == NULL);
    CHECK(strstr(fault.text, "0600") != NULL);
    CHECK(chmod(files.certificate_key, 0600) == 0);
}

static void the_common_name_is_the_person(void)
{
    char person[TOPOLOGY_NAME_BYTES_MAX + 1];
    name_file(files.client_ca, "ada.pem");
    for (int has_one = 0; has_one < 2; has_one++) {
        open_both(0);
        if (has_one == 1) {
            CHECK_INT(SSL_use_certificate(client, certificates[1]), 1);
            CHECK_INT(SSL_use_PrivateKey(client, keys[1]), 1);
        }
        CHECK_INT(shake(4096), has_one == 1 ? TLS_SHAKEN : TLS_BROKEN);
        if (has_one == 0)
            CHECK_INT(failure, HANDSHAKES_NO_CERTIFICATE);
        else
            CHECK(tls_person(&node, person) && strcmp(person, "Ada") == 0);
        close_both();
    }
    /* That of somebody else, signed by itself. */
    open_both(0);
    CHECK_INT(SSL_use_certificate(client, certificates[0]), 1);
    CHECK_INT(SSL_use_PrivateKey(client, keys[0]), 1);
    CHECK_INT(shake(4096), TLS_BROKEN);
    CHECK_INT(failure, HANDSHAKES_NO_CERTIFICATE);
    close_both();
    files.client_ca[0] = '\0';
}

/* Who is in stays while the door would let him in: by each authority, or none. */
static void a_certificate_is_good_while_the_door_wants_it(void)
{
    static const struct {
        const char *before, *after;
        bool is_vouched;
    } rows[] = {
        {"ada.pem", "ada.pem", true},
        {"ada.pem", "both.pem", true},
        {"ada.pem", "node.pem", false},
        {"both.pem", "ada.pem", true},
        {"ada.pem", NULL, false},
        {NULL, "ada.pem", false},
        {NULL, NULL, true},
    };
    FILE *both = create("both.pem");
    CHECK(PEM_write_X509(both, certificates[0]) == 1 && PEM_write_X509(both, certificates[1]) == 1);
    fclose(both);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        files.client_ca[0] = '\0';
        if (rows[i].before != NULL)
            name_file(files.client_ca, rows[i].before);
        open_both(0);
        CHECK_INT(SSL_use_certificate(client, certificates[1]), 1);
        CHECK_INT(SSL_use_PrivateKey(client, keys[1]), 1);
        CHECK_INT(shake(4096), TLS_SHAKEN);
        CHECK(tls_is_vouched(&node, door));
        files.client_ca[0] = '\0';
        if (rows[i].after != NULL)
            name_file(files.client_ca, rows[i].after);
        renew();
        if (tls_is_vouched(&node, door) != rows[i].is_vouched)
            printf("    row %zu\n", i);
        CHECK_INT(tls_is_vouched(&node, door), rows[i].is_vouched);
        close_both();
    }
    files.client_ca[0] = '\0';
}

static void what_fails_has_its_reason(void)
{
    static const struct {
        const char *text;
        enum handshakes_failure failure;
    } rows[] = {
        {"IAMAT kiwi +34.068930-118.445127 1621464827.5\n", HANDSHAKES_NOT_TLS},
        {"GET / HTTP/1.1\r\n", HANDSHAKES_NOT_TLS},
        {"\x16\x03\x01\xff\xff\x01\x02\x03\x04\x05\x06", HANDSHAKES_NOT_TLS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_both(0);
        CHECK_INT(tls_shake(&node, door, span_of(rows[i].text), &failure), TLS_BROKEN);
        CHECK_INT(failure, rows[i].failure);
        close_both();
    }
    open_both(TLS1_2_VERSION);
    SSL_set_security_level(client, 0);
    SSL_set_cipher_list(client, "AES128-SHA");
    CHECK_INT(shake(4096), TLS_BROKEN);
    CHECK_INT(failure, HANDSHAKES_NOTHING_SHARED);
    ERR_clear_error();
    CHECK(SSL_do_handshake(client) <= 0);
    CHECK_INT(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
    close_both();
}

/* A hello of 64 KiB, in whole records, to which OpenSSL itself would listen: the limit, and one
 * read past it. */
static void a_handshake_has_so_many_bytes(void)
{
    static const char record_head[] = "\x16\x03\x01\x40", hello_head[] = "\x01\x00\xff\xf0";
    static char stream[4 * (5 + 16384)];
    for (size_t i = 0; i < 4; i++)
        memcpy(stream + i * (5 + 16384), record_head, sizeof record_head);
    memcpy(stream + 5, hello_head, sizeof hello_head - 1);
    open_both(0);
    enum tls_shaken shaken = TLS_SHAKES;
    size_t sent = 0;
    while (shaken == TLS_SHAKES && sent + TLS_HANDSHAKE_READ_BYTES <= sizeof stream) {
        struct span bytes = {stream + sent, TLS_HANDSHAKE_READ_BYTES};
        shaken = tls_shake(&node, door, bytes, &failure);
        sent += bytes.len;
    }
    CHECK_INT(shaken, TLS_BROKEN);
    CHECK_INT(sent, TLS_HANDSHAKE_BYTES_MAX + TLS_HANDSHAKE_READ_BYTES);
    close_both();
}

static void a_broken_record_ends_it(void)
{
    char bytes[256], plain[256];
    open_both(0);
    CHECK_INT(shake(4096), TLS_SHAKEN);
    say("HELP\n");
    int first = BIO_read(from_client, bytes, sizeof bytes);
    say("QUIT\n");
    int second = BIO_read(from_client, bytes + first, (int)sizeof bytes - first);
    bytes[first + second - 1] ^= 1;
    struct span given = {bytes, (size_t)(first + second)};
    CHECK_INT(tls_receive(&node, given, plain, sizeof plain), 5);
    CHECK(node.why != NULL && !tls_has_more(&node) && !tls_has_part(&node));
    CHECK(node.wire.len > 0);
    CHECK_INT(tls_receive(&node, given, plain, sizeof plain), 0);
    CHECK(!tls_send(&node, span_of("AT\n")));
    close_both();
}

static const struct check_case cases[] = {
    {"reads of any length bring the same, in 1.2 and 1.3", every_split_is_the_same},
    {"the first read may end at each byte of a hello", every_place_may_be_the_end_of_a_read},
    {"part of a record is known as one", a_part_of_a_record_is_known_as_one},
    {"no more is decrypted than there is room for", no_more_is_decrypted_than_there_is_room_for},
    {"KeyUpdates are worked off in parts", key_updates_are_worked_off_in_parts},
    {"nobody renegotiates", nobody_renegotiates},
    {"the client may end first, and all replies still come", the_client_may_end_first},
    {"a ticket resumes until the files are read again",
     a_ticket_resumes_until_the_files_are_read_again},
    {"a connection survives a renewal", a_connection_survives_a_renewal},
    {"a bad file keeps what was there", a_bad_file_keeps_what_was_there},
    {"a credential keeps its certificate", a_credential_keeps_its_certificate},
    {"files are refused by name", files_are_refused_by_name},
    {"a key that others can read is refused", a_key_that_others_can_read_is_refused},
    {"the common name is the person", the_common_name_is_the_person},
    {"a certificate is good while the door wants it",
     a_certificate_is_good_while_the_door_wants_it},
    {"what fails has its reason", what_fails_has_its_reason},
    {"a handshake has so many bytes", a_handshake_has_so_many_bytes},
    {"a broken record ends it, after what came before", a_broken_record_ends_it},
};

int main(void)
{
    make_files();
    int result = check_run(cases, sizeof cases / sizeof *cases);
    remove_files();
    return result;
}
