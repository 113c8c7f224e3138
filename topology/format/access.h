/* access: who may do what at a node's door for clients: the persons of an access file, their
 * tokens, and which ids each may be and may see.
 *
 *     person
 *         name = ada
 *         token = SALT:HASH           # by `zherd token new ada`; several lines or words are
 * several be = ada ada-*              # ids for IAMAT and FORGET; a pattern has one * see = team-*
 * # and for WHATSAT, NEARBY and WATCH; `be` is among them rate = 10/s                 # commands a
 * second from = 192.0.2.0/24         # networks until = 2027-01-31          # the last day, in UTC
 *     anyone                          # who has no token; it has neither `name` nor `token`
 *         see = tram-*
 *
 * A token is 32 random bytes in base64url. Its first half is the salt, by which it is found without
 * a look at all others; HASH is the whole text's BLAKE2b with the salt as its key, so a reader of
 * the file has 128 bits to guess. It reads no file and no clock, and knows no command: a caller
 * says which id is meant and what for.
 *
 * Invariant: nothing that a line says is dropped without a fault; names and salts are unique. */
#ifndef ZHERD_TOPOLOGY_FORMAT_ACCESS_H
#define ZHERD_TOPOLOGY_FORMAT_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "topology/format/faults.h"
#include "topology/format/networks.h"
#include "topology/format/sections.h"
#include "topology/format/topology.h"

/* More than one herd's owner knows by name; a file of 4 MiB holds about twice as many. */
#define ACCESS_PERSONS_MAX 16384
/* A phone, a computer, a few programs, and twice that while old ones are replaced. */
#define ACCESS_TOKENS_OF_PERSON_MAX 16
/* Each is compared with the id of every command. */
#define ACCESS_PATTERNS_MAX      64
#define ACCESS_PATTERN_BYTES_MAX 1024
/* Commands a second; more than a node answers. */
#define ACCESS_RATE_MAX 1000000

#define ACCESS_TOKEN_BYTES 32
#define ACCESS_SALT_BYTES  16
#define ACCESS_HASH_BYTES  32
/* In base64url without padding. */
#define ACCESS_TOKEN_TEXT_BYTES 43
/* The first bytes of that, which are the salt, and no secret. */
#define ACCESS_SALT_TEXT_BYTES 22
/* "SALT:HASH" and its NUL. */
#define ACCESS_ENTRY_TEXT_BYTES (ACCESS_SALT_TEXT_BYTES + 1 + 43 + 1)

/* "kiwi", "kiwi-*" or "*". */
struct access_pattern {
    char *text; /* without its star */
    uint32_t before_bytes, after_bytes;
    bool has_star;
};

struct access_patterns {
    struct access_pattern *all;
    uint32_t count;
};

struct access_person {
    char name[TOPOLOGY_NAME_BYTES_MAX + 1]; /* empty: who has no token */
    struct access_patterns be, see;
    uint32_t rate; /* commands a second; 0: any number */
    uint32_t line;
    struct networks *from; /* NULL: everywhere */
    int64_t *spent_ns; /* for access_take, by whoever uses the rules; NULL for `access_nobody` */
    int64_t until_ns;  /* of the herd's time: nothing is allowed from then on; INT64_MAX: never */
};

/* What the file keeps of a token. */
struct access_token {
    uint8_t salt[ACCESS_SALT_BYTES], hash[ACCESS_HASH_BYTES];
    uint32_t person; /* its index */
    uint32_t line;
};

/* All zero holds nothing. Never changed after access_read. */
struct access {
    struct access_person *persons; /* the first is who has no token */
    struct access_person **named;  /* the others, by their names */
    size_t person_count, named_count;
    int64_t *spent_ns;
    struct access_token *tokens; /* by their salts */
    size_t token_count;
};

/* Who may nothing: of no file. */
extern const struct access_person access_nobody;

/* Borrows the entries. True and rules (release with access_free) when `faults` stayed empty; else
 * `access` holds nothing. No fault shows a token, wherever in the file one stands. */
bool access_read(const struct topology_entry *entries, size_t count, struct access *access,
                 struct topology_faults *faults);
void access_free(struct access *access);

/* The person's token that this is; NULL where it is none. All wrong ones take the same time, and a
 * right one no other: the salt is no secret, and the rest is compared in constant time. */
const struct access_token *access_find_token(const struct access *access, struct span token);
/* The same token in other rules, for the person of the same name; NULL: not there. */
const struct access_token *access_find_again(const struct access *access,
                                             const struct access_token *token, const char *name);
/* By name; NULL: none. The empty name is nobody's. */
const struct access_person *access_find_person(const struct access *access, struct span name);

/* Whether the person may do anything from that address at that time. */
bool access_is_open(const struct access_person *person, const struct network_address *from,
                    int64_t now_ns);
/* When the next one of these rules is over; INT64_MAX: none. */
int64_t access_next_end_ns(const struct access *access, int64_t now_ns);

/* Whether the person may move and forget that client; and be told of it. */
bool access_may_be(const struct access_person *person, struct span client);
bool access_may_see(const struct access_person *person, struct span client);

/* Whether the person may be any client (`be = *`), and so may see all, too. */
bool access_is_everybody(const struct access_person *person);

/* Takes one of `rate` a second, as many as a second's at once; false where all are taken.
 * `*spent_ns` is 0 at first (the leaky bucket of ITU-T I.371, Annex A, as a virtual time). */
bool access_take(uint32_t rate, int64_t *spent_ns, int64_t now_ns);

/* Whether both see the same, whoever they are, as far as their patterns show. */
bool access_see_alike(const struct access_person *one, const struct access_person *other);

/* Of 32 random bytes: the token in text, and what stands in the file, both with a NUL. */
void access_write_token(const uint8_t bytes[ACCESS_TOKEN_BYTES],
                        char token[ACCESS_TOKEN_TEXT_BYTES + 1],
                        char entry[ACCESS_ENTRY_TEXT_BYTES]);

/* Makes one `*` of each run of `run_bytes_min` or more letters of base64url, in place, and returns
 * how many bytes are left: for words that may be a token, before they are shown. */
size_t access_hide_tokens(char *text, size_t bytes, size_t run_bytes_min);
/* The same of tokens of these rules alone: for words that are taken, among which long ids are. */
size_t access_hide_own_tokens(const struct access *access, char *text, size_t bytes);

#endif
