#include "gateway/web/parse/admit.h"

#include <sodium/utils.h>
#include <string.h>
#include <strings.h>

#include "gateway/web/parse/iamat_line.h"

/* ---- the header ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span trim(struct span text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = (struct span){text.data + 1, text.len - 1};
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* What follows the scheme, whose case does not matter; false where it has another one. */
static bool follows_scheme(struct span header, const char *scheme, struct span *rest)
{
    size_t bytes = strlen(scheme);
    if (header.len <= bytes || strncasecmp(header.data, scheme, bytes) != 0 ||
        !is_blank(header.data[bytes]))
        return false;
    *rest = trim((struct span){header.data + bytes, header.len - bytes});
    return true;
}

/* The password may have colons, the user has none. */
static struct span token_of_pair(struct span pair)
{
    const char *colon = pair.len == 0 ? NULL : memchr(pair.data, ':', pair.len);
    if (colon == NULL)
        return (struct span){0};
    struct span user = {pair.data, (size_t)(colon - pair.data)};
    struct span password = {colon + 1, pair.len - user.len - 1};
    return password.len > 0 ? password : user;
}

/* Base64 has no colon, so a pair in clear shows. Clients leave the padding out at times. */
static struct span token_of_basic(struct span text, char room[ADMIT_PAIR_BYTES_MAX])
{
    size_t bytes = 0;
    if (text.len == 0 || memchr(text.data, ':', text.len) != NULL)
        return token_of_pair(text);
    while (text.len > 0 && text.data[text.len - 1] == '=')
        text.len--;
    if (sodium_base642bin((unsigned char *)room, ADMIT_PAIR_BYTES_MAX, text.data, text.len, NULL,
                          &bytes, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
        return (struct span){0};
    return token_of_pair((struct span){room, bytes});
}

struct span admit_token(struct span authorization, char room[ADMIT_PAIR_BYTES_MAX])
{
    struct span header = trim(authorization), rest;
    if (follows_scheme(header, "Basic", &rest))
        return token_of_basic(rest, room);
    return follows_scheme(header, "Bearer", &rest) ? rest : (struct span){0};
}

/* ---- who it is, and what it may ---- */

bool admit_find(const struct access *access, struct span authorization,
                const struct network_address *from, int64_t now_ns,
                const struct access_person **person)
{
    char room[ADMIT_PAIR_BYTES_MAX];
    *person = NULL;
    if (access == NULL)
        return true;
    if (authorization.len == 0) {
        const struct access_person *anyone = &access->persons[0];
        *person = access_is_open(anyone, from, now_ns) ? anyone : &access_nobody;
        return true;
    }
    const struct access_token *token = access_find_token(access, admit_token(authorization, room));
    sodium_memzero(room, sizeof room);
    if (token == NULL || !access_is_open(&access->persons[token->person], from, now_ns))
        return false;
    *person = &access->persons[token->person];
    return true;
}

bool admit_may_see(const struct access_person *person, struct span client)
{
    return person == NULL || access_may_see(person, client);
}

bool admit_may_be(const struct access_person *person, struct span client)
{
    return person == NULL || access_may_be(person, client);
}

unsigned admit_refusal(const struct access_person *person)
{
    return person->name[0] == '\0' ? 401 : 403;
}

struct span admit_own_client(const struct access_person *person)
{
    if (person == NULL || person->be.count != 1 || person->be.all[0].has_star)
        return (struct span){0};
    return (struct span){person->be.all[0].text, person->be.all[0].before_bytes};
}

/* ---- uploads ---- */

const char *admit_refuse_sender(const struct access_person *person)
{
    return person != NULL && person->be.count == 0
               ? "show the token of a person who may send positions"
               : NULL;
}

static unsigned refuse(const struct access_person *person, struct upload *upload, const char *why)
{
    upload->lines.len = 0;
    upload->accepted = upload->skipped = 0;
    upload->is_too_large = false;
    upload_refuse(upload, why);
    return admit_refusal(person);
}

/* Whoever has no token learns first that one is needed, whatever the request is. */
unsigned admit_upload(const struct access_person *person, const struct upload_request *request,
                      struct upload *upload)
{
    struct upload_request own = *request;
    const char *why = admit_refuse_sender(person);
    own.client = admit_own_client(person);
    if (why != NULL)
        return refuse(person, upload, why);
    if (!upload_read(&own, upload))
        return upload->is_too_large ? 413 : 400;
    for (struct span rest = {upload->lines.data, upload->lines.len}; rest.len > 0;)
        if (!admit_may_be(person, iamat_line_client(iamat_line_take(&rest))))
            return refuse(person, upload, "the access rules have no such client for you");
    return 200;
}

/* ---- rates ---- */

bool admit_take(const struct access_person *person, int64_t *spent_ns, int64_t now_ns)
{
    if (person == NULL || person->rate == 0)
        return true;
    return access_take(person->rate, person->name[0] != '\0' ? person->spent_ns : spent_ns, now_ns);
}
