/* Who a request over HTTP is from, and what that lets it do. */
#include "gateway/web/parse/admit.h"

#include <sodium/utils.h>

#include "tests/check.h"
#include "tests/unit/access_rules.h"
#include "tests/unit/input.h"

#define NS_PER_S INT64_C(1000000000)
#define NOON_NS  (INT64_C(1795946400) * NS_PER_S)

static char token_a[ACCESS_TOKEN_TEXT_BYTES + 1], token_b[ACCESS_TOKEN_TEXT_BYTES + 1];
static struct access rules;

static struct network_address address(const char *text)
{
    struct network_address address;
    CHECK(network_address_parse(span_of(text), &address));
    return address;
}

static void set_up(const char *rest)
{
    char entry_a[ACCESS_ENTRY_TEXT_BYTES], entry_b[ACCESS_ENTRY_TEXT_BYTES], text[1024];
    uint8_t bytes[ACCESS_TOKEN_BYTES] = {1};
    access_write_token(bytes, token_a, entry_a);
    bytes[0] = 2;
    access_write_token(bytes, token_b, entry_b);
    snprintf(
        text, sizeof text,
        "person\n    name = ada\n    token = %s\n    be = ada\n    see = ada/*\n    rate = 3/s\n"
        "person\n    name = bob\n    token = %s\n    be = bob/*\n    from = 192.0.2.0/24\n"
        "    until = 2026-11-29\n%s",
        entry_a, entry_b, rest);
    rules = rules_of(text);
}

/* The name of whom the header stands for, "" for anyone, "nobody" or "401". */
static const char *find(const char *authorization, const char *from, int64_t now_ns)
{
    const struct access_person *person;
    struct network_address at = address(from);
    size_t bytes = strlen(authorization);
    struct span header = {check_at_page_end(authorization, bytes), bytes};
    if (!admit_find(&rules, header, &at, now_ns, &person))
        return "401";
    return person == &access_nobody ? "nobody" : person->name;
}

#define CHECK_WHO(authorization, wanted)                                                           \
    do {                                                                                           \
        const char *who = find((authorization), "192.0.2.7", NOON_NS);                             \
        CHECK_BYTES(who, strlen(who), (wanted), strlen(wanted));                                   \
    } while (0)

/* "Basic " and the pair in base64, after which `after` follows. */
static const char *basic(const char *user, const char *password, const char *after)
{
    static char header[4096];
    char pair[2048];
    size_t bytes = (size_t)snprintf(pair, sizeof pair, "%s:%s", user, password);
    strcpy(header, "Basic ");
    sodium_bin2base64(header + 6, sizeof header - 6, (unsigned char *)pair, bytes,
                      sodium_base64_VARIANT_ORIGINAL);
    return strcat(header, after);
}

static void a_token_names_its_person(void)
{
    char text[256];
    set_up("");
    snprintf(text, sizeof text, "Bearer %s", token_a);
    CHECK_WHO(text, "ada");
    snprintf(text, sizeof text, " \tbEARER  \t%s \t", token_b);
    CHECK_WHO(text, "bob");
    snprintf(text, sizeof text, "Bearer %sx", token_a);
    CHECK_WHO(text, "401");
    snprintf(text, sizeof text, "Bearer%s", token_a);
    CHECK_WHO(text, "401");
    CHECK_WHO("Bearer ", "401");
    CHECK_WHO("Bearer", "401");
    CHECK_WHO(token_a, "401");
    CHECK_WHO(" ", "401");
    CHECK_WHO("Digest username=\"ada\"", "401");
    access_free(&rules);
}

static void a_password_is_a_token(void)
{
    char text[256];
    set_up("");
    CHECK_WHO(basic("whoever", token_a, ""), "ada");
    CHECK_WHO(basic("", token_a, ""), "ada");
    CHECK_WHO(basic(token_a, "", ""), "ada");
    CHECK_WHO(basic("bob", "s3cret", ""), "401");
    snprintf(text, sizeof text, "pa:%s", token_a);
    CHECK_WHO(basic("ada", text, ""), "401"); /* the first colon counts */
    CHECK_WHO(basic("ada", token_a, "#"), "401");
    /* In clear, and with nothing after the token. */
    snprintf(text, sizeof text, "basic ada:%s", token_a);
    CHECK_WHO(text, "ada");
    snprintf(text, sizeof text, "Basic %s:", token_b);
    CHECK_WHO(text, "bob");
    snprintf(text, sizeof text, "Basic %s", token_b);
    CHECK_WHO(text, "401");
    CHECK_WHO("Basic :", "401");
    CHECK_WHO("Basic", "401");
    CHECK_WHO("Basic ====", "401");
    /* Without padding; "YWRh" is a pair without a colon. */
    const char *padded = basic("adams", token_a, "");
    CHECK(strchr(padded, '=') != NULL);
    snprintf(text, sizeof text, "%.*s", (int)strcspn(padded, "="), padded);
    CHECK_WHO(text, "ada");
    CHECK_WHO("Basic YWRh", "401");
    access_free(&rules);
}

static void a_pair_has_a_limit(void)
{
    char user[ADMIT_PAIR_BYTES_MAX + 1];
    size_t most = ADMIT_PAIR_BYTES_MAX - 1 - ACCESS_TOKEN_TEXT_BYTES;
    set_up("");
    memset(user, 'u', sizeof user);
    user[most] = '\0';
    CHECK_WHO(basic(user, token_a, ""), "ada");
    user[most] = 'u';
    user[most + 1] = '\0';
    CHECK_WHO(basic(user, token_a, ""), "401");
    access_free(&rules);
}

static void where_and_when_count(void)
{
    char text[256];
    set_up("anyone\n    see = tram-*\n    from = 198.51.100.0/24\n");
    snprintf(text, sizeof text, "Bearer %s", token_b);
    CHECK(strcmp(find(text, "192.0.2.255", NOON_NS), "bob") == 0);
    CHECK(strcmp(find(text, "192.0.3.0", NOON_NS), "401") == 0);
    int64_t end_ns = INT64_C(1795996800) * NS_PER_S; /* 2026-11-30 00:00:00 */
    CHECK(strcmp(find(text, "192.0.2.7", end_ns - 1), "bob") == 0);
    CHECK(strcmp(find(text, "192.0.2.7", end_ns), "401") == 0);
    /* Who shows nothing is never wrong. */
    CHECK(strcmp(find("", "198.51.100.7", NOON_NS), "") == 0);
    CHECK(strcmp(find("", "192.0.2.7", NOON_NS), "nobody") == 0);
    access_free(&rules);
}

static void what_each_may(void)
{
    set_up("anyone\n    be = tram-1 tram-2\n");
    const struct access_person *ada = access_find_person(&rules, SPAN("ada")),
                               *bob = access_find_person(&rules, SPAN("bob")),
                               *anyone = &rules.persons[0];
    CHECK(admit_may_be(ada, SPAN("ada")) && !admit_may_be(ada, SPAN("ada/x")));
    CHECK(admit_may_see(ada, SPAN("ada")) && admit_may_see(ada, SPAN("ada/x")) &&
          !admit_may_see(ada, SPAN("bob/x")));
    CHECK(span_equals(admit_own_client(ada), SPAN("ada")));
    CHECK_INT(admit_own_client(bob).len, 0);
    CHECK_INT(admit_own_client(anyone).len, 0);
    CHECK_INT(admit_own_client(&access_nobody).len, 0);
    CHECK_INT(admit_refusal(ada), 403);
    CHECK_INT(admit_refusal(anyone), 401);
    CHECK_INT(admit_refusal(&access_nobody), 401);
    access_free(&rules);
}

static unsigned upload_as(const struct access_person *person, const char *body,
                          struct upload *upload)
{
    struct upload_request request = {.kind = UPLOAD_IAMAT, .body = span_of(body)};
    unsigned status = admit_upload(person, &request, upload);
    CHECK_INT(status == 200, upload->why[0] == '\0');
    CHECK(status == 200 || (upload->lines.len == 0 && upload->accepted == 0));
    return status;
}

#define POSITION(id) "{\"id\":\"" id "\",\"lat\":1,\"lon\":2,\"time\":3}"

static void an_upload_is_of_whom_a_person_may_be(void)
{
    struct upload upload = {0};
    set_up("anyone\n    be = tram-*\n");
    const struct access_person *ada = access_find_person(&rules, SPAN("ada")),
                               *bob = access_find_person(&rules, SPAN("bob")),
                               *anyone = &rules.persons[0];
    CHECK_INT(upload_as(ada, POSITION("eve"), &upload), 200);
    CHECK(memmem(upload.lines.data, upload.lines.len, "IAMAT ada ", 10) != NULL);
    CHECK_INT(upload_as(bob, "[" POSITION("bob/1") "," POSITION("bob/") "]", &upload), 200);
    CHECK_INT(upload.accepted, 2);
    CHECK_INT(upload_as(bob, "[" POSITION("bob/1") "," POSITION("bob") "]", &upload), 403);
    CHECK_INT(upload_as(bob, "[" POSITION("bob/1") ",7]", &upload), 400);
    CHECK_INT(upload_as(anyone, POSITION("tram-1"), &upload), 200);
    CHECK_INT(upload_as(anyone, POSITION("ada"), &upload), 401);
    CHECK_INT(upload_as(&access_nobody, POSITION("tram-1"), &upload), 401);
    CHECK_INT(upload_as(&access_nobody, "nonsense", &upload), 401);
    CHECK_INT(upload_as(NULL, POSITION("anybody"), &upload), 200);
    upload_free(&upload);
    access_free(&rules);
}

static void a_rate_is_a_persons_or_a_connections(void)
{
    set_up("anyone\n    rate = 1/s\n");
    const struct access_person *ada = access_find_person(&rules, SPAN("ada")),
                               *bob = access_find_person(&rules, SPAN("bob"));
    int64_t one = 0, other = 0, now_ns = NOON_NS;
    CHECK(admit_take(ada, &one, now_ns) && admit_take(ada, &other, now_ns) &&
          admit_take(ada, &one, now_ns));
    CHECK(!admit_take(ada, &one, now_ns) && !admit_take(ada, &other, now_ns));
    CHECK(one == 0 && other == 0);
    CHECK(admit_take(ada, &one, now_ns + ADMIT_RETRY_S * NS_PER_S));
    CHECK(admit_take(&rules.persons[0], &one, now_ns));
    CHECK(!admit_take(&rules.persons[0], &one, now_ns));
    CHECK(admit_take(&rules.persons[0], &other, now_ns));
    for (int i = 0; i < 100; i++)
        CHECK(admit_take(bob, &one, now_ns) && admit_take(NULL, &one, now_ns) &&
              admit_take(&access_nobody, &one, now_ns));
    access_free(&rules);
}

static void without_rules_all_is_allowed(void)
{
    const struct access_person *person = &access_nobody;
    struct network_address from = address("192.0.2.7");
    CHECK(admit_find(NULL, SPAN("Bearer of nothing"), &from, 0, &person));
    CHECK(person == NULL && admit_may_be(person, SPAN("a")) && admit_may_see(person, SPAN("a")));
    CHECK_INT(admit_own_client(person).len, 0);
}

static const struct check_case cases[] = {
    {"a token names its person", a_token_names_its_person},
    {"a password is a token, however the pair is written", a_password_is_a_token},
    {"a pair has a limit", a_pair_has_a_limit},
    {"where and when a person may come", where_and_when_count},
    {"what each person may", what_each_may},
    {"an upload is of whom a person may be", an_upload_is_of_whom_a_person_may_be},
    {"a rate is a person's, or a connection's", a_rate_is_a_persons_or_a_connections},
    {"without rules all is allowed", without_rules_all_is_allowed},
};
CHECK_MAIN(cases)
