#include "topology/format/access.h"

#include <assert.h>
#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/token.h"

#define NS_PER_S INT64_C(1000000000)
#define BASE64   sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(ACCESS_SALT_BYTES >= crypto_generichash_KEYBYTES_MIN &&
                   ACCESS_SALT_BYTES <= crypto_generichash_KEYBYTES_MAX &&
                   ACCESS_HASH_BYTES <= crypto_generichash_BYTES_MAX,
               "BLAKE2b takes the one as a key and gives the other");
_Static_assert(sodium_base64_ENCODED_LEN(ACCESS_TOKEN_BYTES, BASE64) ==
                       ACCESS_TOKEN_TEXT_BYTES + 1 &&
                   sodium_base64_ENCODED_LEN(ACCESS_SALT_BYTES, BASE64) +
                           sodium_base64_ENCODED_LEN(ACCESS_HASH_BYTES, BASE64) ==
                       ACCESS_ENTRY_TEXT_BYTES,
               "these are the sizes of the texts");

const struct access_person access_nobody = {.until_ns = INT64_MAX};

/* ---- tokens ---- */

static void hash_token(const char *text, const uint8_t salt[ACCESS_SALT_BYTES],
                       uint8_t hash[ACCESS_HASH_BYTES])
{
    crypto_generichash(hash, ACCESS_HASH_BYTES, (const unsigned char *)text,
                       ACCESS_TOKEN_TEXT_BYTES, salt, ACCESS_SALT_BYTES);
}

/* Exactly so many bytes, in the one text that they have. */
static bool read_base64(struct span text, uint8_t *bytes, size_t count)
{
    size_t got;
    const char *end;
    return sodium_base642bin(bytes, count, text.data, text.len, NULL, &got, &end, BASE64) == 0 &&
           end == text.data + text.len && got == count;
}

void access_write_token(const uint8_t bytes[ACCESS_TOKEN_BYTES],
                        char token[ACCESS_TOKEN_TEXT_BYTES + 1],
                        char entry[ACCESS_ENTRY_TEXT_BYTES])
{
    uint8_t hash[ACCESS_HASH_BYTES];
    size_t salt_bytes = sodium_base64_ENCODED_LEN(ACCESS_SALT_BYTES, BASE64);
    sodium_bin2base64(token, ACCESS_TOKEN_TEXT_BYTES + 1, bytes, ACCESS_TOKEN_BYTES, BASE64);
    hash_token(token, bytes, hash);
    sodium_bin2base64(entry, salt_bytes, bytes, ACCESS_SALT_BYTES, BASE64);
    entry[salt_bytes - 1] = ':';
    sodium_bin2base64(entry + salt_bytes, ACCESS_ENTRY_TEXT_BYTES - salt_bytes, hash,
                      ACCESS_HASH_BYTES, BASE64);
}

static bool is_base64url(char letter)
{
    return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
}

/* Runs of so many letters; with rules only those that are a token of theirs. */
static size_t hide_runs(const struct access *access, char *text, size_t bytes, size_t run_bytes_min)
{
    size_t left = 0;
    for (size_t at = 0, run; at<bytes; at += run> 0 ? run : 1) {
        for (run = 0; at + run < bytes && is_base64url(text[at + run]); run++)
            ;
        bool is_hidden =
            run >= run_bytes_min &&
            (access == NULL || access_find_token(access, (struct span){text + at, run}) != NULL);
        size_t kept = is_hidden ? 0 : run > 0 ? run : 1;
        memmove(text + left, text + at, kept);
        left += kept;
        if (is_hidden)
            text[left++] = '*';
    }
    return left;
}

size_t access_hide_tokens(char *text, size_t bytes, size_t run_bytes_min)
{
    return hide_runs(NULL, text, bytes, run_bytes_min);
}

size_t access_hide_own_tokens(const struct access *access, char *text, size_t bytes)
{
    return hide_runs(access, text, bytes, ACCESS_TOKEN_TEXT_BYTES);
}

static int compare_salts(const void *left, const void *right)
{
    const struct access_token *one = left, *other = right;
    return memcmp(one->salt, other->salt, ACCESS_SALT_BYTES);
}

static const struct access_token *find_salt(const struct access *access,
                                            const uint8_t salt[ACCESS_SALT_BYTES])
{
    struct access_token wanted;
    memcpy(wanted.salt, salt, ACCESS_SALT_BYTES);
    return access->token_count == 0 ? NULL
                                    : bsearch(&wanted, access->tokens, access->token_count,
                                              sizeof wanted, compare_salts);
}

/* One whose salt is not there is hashed all the same. */
const struct access_token *access_find_token(const struct access *access, struct span token)
{
    static const struct access_token none;
    uint8_t bytes[ACCESS_TOKEN_BYTES] = {0}, hash[ACCESS_HASH_BYTES];
    char text[ACCESS_TOKEN_TEXT_BYTES] = {0};
    bool is_token =
        token.len == ACCESS_TOKEN_TEXT_BYTES && read_base64(token, bytes, ACCESS_TOKEN_BYTES);
    if (is_token)
        memcpy(text, token.data, sizeof text);
    const struct access_token *found = is_token ? find_salt(access, bytes) : NULL;
    hash_token(text, bytes, hash);
    bool is_same = sodium_memcmp(hash, (found != NULL ? found : &none)->hash, sizeof hash) == 0;
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(text, sizeof text);
    return is_same ? found : NULL;
}

const struct access_token *access_find_again(const struct access *access,
                                             const struct access_token *token, const char *name)
{
    const struct access_token *found = find_salt(access, token->salt);
    bool is_same = found != NULL &&
                   sodium_memcmp(found->hash, token->hash, sizeof token->hash) == 0 &&
                   strcmp(access->persons[found->person].name, name) == 0;
    return is_same ? found : NULL;
}

/* ---- whom, when, from where ---- */

const struct access_person *access_find_person(const struct access *access, struct span name)
{
    size_t from = 0, to = access->named_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct access_person *person = access->named[middle];
        int order = span_compare(name, span_of(person->name));
        if (order == 0)
            return person;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

bool access_is_open(const struct access_person *person, const struct network_address *from,
                    int64_t now_ns)
{
    return now_ns < person->until_ns && (person->from == NULL || networks_hold(person->from, from));
}

int64_t access_next_end_ns(const struct access *access, int64_t now_ns)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < access->person_count; i++) {
        int64_t until = access->persons[i].until_ns;
        if (until > now_ns && until < next)
            next = until;
    }
    return next;
}

bool access_take(uint32_t rate, int64_t *spent_ns, int64_t now_ns)
{
    int64_t each_ns = NS_PER_S / rate, from_ns = *spent_ns > now_ns ? *spent_ns : now_ns;
    if (from_ns + each_ns > now_ns + NS_PER_S)
        return false;
    *spent_ns = from_ns + each_ns;
    return true;
}

/* ---- patterns ---- */

static inline bool matches(const struct access_pattern *pattern, struct span client)
{
    size_t before = pattern->before_bytes, after = pattern->after_bytes;
    if (pattern->has_star ? client.len < before + after : client.len != before)
        return false;
    return memcmp(client.data, pattern->text, before) == 0 &&
           (after == 0 ||
            memcmp(client.data + client.len - after, pattern->text + before, after) == 0);
}

static inline bool match(const struct access_patterns *patterns, struct span client)
{
    for (uint32_t i = 0; i < patterns->count; i++)
        if (matches(&patterns->all[i], client))
            return true;
    return false;
}

bool access_may_be(const struct access_person *person, struct span client)
{
    return match(&person->be, client);
}

bool access_may_see(const struct access_person *person, struct span client)
{
    return match(&person->see, client) || match(&person->be, client);
}

bool access_is_everybody(const struct access_person *person)
{
    for (uint32_t i = 0; i < person->be.count; i++) {
        const struct access_pattern *pattern = &person->be.all[i];
        if (pattern->has_star && pattern->before_bytes == 0 && pattern->after_bytes == 0)
            return true;
    }
    return false;
}

static bool equal(const struct access_patterns *one, const struct access_patterns *other)
{
    if (one->count != other->count)
        return false;
    for (uint32_t i = 0; i < one->count; i++) {
        const struct access_pattern *a = &one->all[i], *b = &other->all[i];
        if (a->has_star != b->has_star || a->before_bytes != b->before_bytes ||
            a->after_bytes != b->after_bytes ||
            memcmp(a->text, b->text, a->before_bytes + a->after_bytes) != 0)
            return false;
    }
    return true;
}

bool access_see_alike(const struct access_person *one, const struct access_person *other)
{
    return equal(&one->be, &other->be) && equal(&one->see, &other->see);
}

static void free_patterns(struct access_patterns *patterns)
{
    for (uint32_t i = 0; i < patterns->count; i++)
        free(patterns->all[i].text);
    free(patterns->all);
}

void access_free(struct access *access)
{
    for (size_t i = 0; i < access->person_count; i++) {
        struct access_person *person = &access->persons[i];
        free_patterns(&person->be);
        free_patterns(&person->see);
        free(person->from);
    }
    free(access->persons);
    free(access->named);
    free(access->tokens);
    free(access->spent_ns);
    *access = (struct access){0};
}

/* ---- the file ---- */

enum { OF_PERSON = 1, OF_ANYONE = 2 };

struct reader {
    struct access *access;
    struct access_person *current; /* NULL before the first section and in an unknown one */
    bool any;                      /* a section, known or not, has begun */
    bool is_doubtful;              /* a line of the current one could not be read */
    uint32_t tokens;               /* of the current one */
    bool has[7];                   /* which of `keys` it has */
    struct topology_faults *faults;
};

/* Room for one more, where it doubles at each power of two. */
static void *with_room(void *all, size_t count, size_t bytes)
{
    return (count & (count - 1)) == 0 ? bytes_resize(all, (count > 0 ? 2 * count : 1) * bytes)
                                      : all;
}

/* The next word of a value that has several, with blanks between them. */
static struct span take_word(const char **at)
{
    *at += strspn(*at, " \t");
    struct span word = {*at, strcspn(*at, " \t")};
    *at += word.len;
    return word;
}

static void read_name(struct reader *reader, uint32_t line, const char *value)
{
    char name[TOPOLOGY_NAME_BYTES_MAX + 1];
    if (!topology_schema_take_name(line, value, strlen(value), name, reader->faults))
        return;
    memcpy(reader->current->name, name, sizeof name);
}

static void read_token(struct reader *reader, uint32_t line, const char *value)
{
    struct access *access = reader->access;
    struct span word;
    for (const char *at = value; (word = take_word(&at)).len > 0;) {
        const char *colon = memchr(word.data, ':', word.len);
        struct access_token token = {.person = (uint32_t)(reader->current - access->persons),
                                     .line = line};
        size_t salt_bytes = colon == NULL ? 0 : (size_t)(colon - word.data);
        if (colon == NULL ||
            !read_base64((struct span){word.data, salt_bytes}, token.salt, ACCESS_SALT_BYTES) ||
            !read_base64((struct span){colon + 1, word.len - salt_bytes - 1}, token.hash,
                         ACCESS_HASH_BYTES)) {
            topology_faults_add(reader->faults, line,
                                "`token` is not what the file keeps of one; let `zherd token new "
                                "NAME` write it");
            return;
        }
        if (reader->tokens++ == ACCESS_TOKENS_OF_PERSON_MAX) {
            topology_faults_add(reader->faults, line,
                                "the person has too many tokens; write at most %d",
                                ACCESS_TOKENS_OF_PERSON_MAX);
            return;
        }
        access->tokens = with_room(access->tokens, access->token_count, sizeof token);
        access->tokens[access->token_count++] = token;
    }
}

static void add_pattern(struct access_patterns *patterns, struct span word, const char *star)
{
    struct access_pattern pattern = {.text = bytes_resize(NULL, word.len + 1),
                                     .has_star = star != NULL};
    pattern.before_bytes = (uint32_t)(star == NULL ? word.len : (size_t)(star - word.data));
    pattern.after_bytes = (uint32_t)(star == NULL ? 0 : word.len - pattern.before_bytes - 1);
    memcpy(pattern.text, word.data, pattern.before_bytes);
    if (pattern.after_bytes > 0)
        memcpy(pattern.text + pattern.before_bytes, star + 1, pattern.after_bytes);
    patterns->all = bytes_resize(patterns->all, (patterns->count + 1) * sizeof *patterns->all);
    patterns->all[patterns->count++] = pattern;
}

static void read_patterns(struct reader *reader, struct access_patterns *patterns, const char *key,
                          uint32_t line, const char *value)
{
    struct span word;
    for (const char *at = value; (word = take_word(&at)).len > 0;) {
        const char *star = memchr(word.data, '*', word.len);
        size_t begin = star == NULL ? word.len : (size_t)(star - word.data) + 1;
        if (word.len > ACCESS_PATTERN_BYTES_MAX || !token_is_whole(word) ||
            memchr(word.data + begin, '*', word.len - begin) != NULL) {
            topology_faults_add(
                reader->faults, line,
                "`%s` has `%.*s`; write ids of at most %d bytes, each with at most "
                "one *",
                key,
                (int)(word.len < TOPOLOGY_QUOTE_BYTES_MAX ? word.len : TOPOLOGY_QUOTE_BYTES_MAX),
                word.data, ACCESS_PATTERN_BYTES_MAX);
            return;
        }
        if (patterns->count == ACCESS_PATTERNS_MAX) {
            topology_faults_add(reader->faults, line, "`%s` has too many ids; write at most %d",
                                key, ACCESS_PATTERNS_MAX);
            return;
        }
        add_pattern(patterns, word, star);
    }
}

static void read_be(struct reader *reader, uint32_t line, const char *value)
{
    read_patterns(reader, &reader->current->be, "be", line, value);
}

static void read_see(struct reader *reader, uint32_t line, const char *value)
{
    read_patterns(reader, &reader->current->see, "see", line, value);
}

static void read_rate(struct reader *reader, uint32_t line, const char *value)
{
    uint64_t rate = 0;
    size_t digits = strspn(value, "0123456789");
    for (size_t i = 0; i < digits && rate <= ACCESS_RATE_MAX; i++)
        rate = rate * 10 + (uint64_t)(value[i] - '0');
    if (rate == 0 || rate > ACCESS_RATE_MAX || strcmp(value + digits, "/s") != 0)
        topology_faults_add(reader->faults, line,
                            "`rate` is `%.*s`; write commands a second as in 10/s (1 to %d)",
                            TOPOLOGY_QUOTE_BYTES_MAX, value, ACCESS_RATE_MAX);
    else
        reader->current->rate = (uint32_t)rate;
}

static void read_from(struct reader *reader, uint32_t line, const char *value)
{
    struct networks more = {0}, **from = &reader->current->from;
    struct fault fault;
    if (!networks_parse(span_of(value), &more, &fault)) {
        topology_faults_add(reader->faults, line, "`from`: %s", fault.text);
        return;
    }
    if (*from == NULL)
        *from = bytes_zeroed(sizeof **from);
    if ((*from)->count + more.count > NETWORKS_MAX) {
        topology_faults_add(reader->faults, line, "`from` has too many networks; write at most %d",
                            NETWORKS_MAX);
        return;
    }
    memcpy(&(*from)->all[(*from)->count], more.all, more.count * sizeof *more.all);
    (*from)->count += more.count;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Since 1970-01-01 of the Gregorian calendar; the year is 1970 or later. */
static int64_t days_before(int64_t year, int64_t month, int64_t day)
{
    static const int16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1;
    int64_t leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return (year - 1970) * 365 + leaps + before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
}

/* "2027-01-31"; false where there is no such day. */
static bool read_day(const char *value, int64_t *days)
{
    static const char form[] = "dddd-dd-dd";
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t numbers[3] = {0};
    size_t number = 0;
    if (strlen(value) != sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool is_digit = value[i] >= '0' && value[i] <= '9';
        if (form[i] == 'd' ? !is_digit : value[i] != '-')
            return false;
        if (is_digit)
            numbers[number] = numbers[number] * 10 + (value[i] - '0');
        else
            number++;
    }
    int64_t year = numbers[0], month = numbers[1], day = numbers[2];
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year)))
        return false;
    *days = days_before(year, month, day);
    return *days < INT64_MAX / NS_PER_S / 86400 - 1;
}

static void read_until(struct reader *reader, uint32_t line, const char *value)
{
    int64_t days;
    if (read_day(value, &days))
        reader->current->until_ns = (days + 1) * 86400 * NS_PER_S;
    else
        topology_faults_add(reader->faults, line,
                            "`until` is `%.*s`; write the last day, from 1970 to 2261, as in "
                            "2027-01-31",
                            TOPOLOGY_QUOTE_BYTES_MAX, value);
}

/* A key of a section. */
struct key {
    const char *name;
    void (*read)(struct reader *reader, uint32_t line, const char *value);
    int sections;
    bool is_once;
    const char *example;
};

static const struct key keys[] = {
    {"name", read_name, OF_PERSON, true, "ada"},
    {"token", read_token, OF_PERSON, false, "SALT:HASH"},
    {"be", read_be, OF_PERSON | OF_ANYONE, false, "ada ada-*"},
    {"see", read_see, OF_PERSON | OF_ANYONE, false, "team-*"},
    {"rate", read_rate, OF_PERSON | OF_ANYONE, true, "10/s"},
    {"from", read_from, OF_PERSON | OF_ANYONE, false, "192.0.2.0/24"},
    {"until", read_until, OF_PERSON | OF_ANYONE, true, "2027-01-31"},
};
#define KEYS (sizeof keys / sizeof *keys)

static bool is_anyone(const struct reader *reader)
{
    return reader->current == reader->access->persons;
}

/* A person has a name; who has none was told so. */
static void end_section(struct reader *reader)
{
    struct access_person *person = reader->current;
    if (person == NULL || is_anyone(reader))
        return;
    if (person->name[0] == '\0' && !reader->has[0] && !reader->is_doubtful)
        topology_faults_add(reader->faults, person->line,
                            "this `person` has no `name`; write a line `    name = ada`");
}

static void begin_person(struct reader *reader, uint32_t line)
{
    struct access *access = reader->access;
    if (access->person_count > ACCESS_PERSONS_MAX) {
        topology_faults_add(reader->faults, line, "there are too many persons; write at most %d",
                            ACCESS_PERSONS_MAX);
        return;
    }
    access->persons = with_room(access->persons, access->person_count, sizeof *access->persons);
    reader->current = &access->persons[access->person_count++];
    *reader->current = (struct access_person){.until_ns = INT64_MAX, .line = line};
}

static void begin_anyone(struct reader *reader, uint32_t line)
{
    struct access_person *anyone = reader->access->persons;
    if (anyone->line > 0)
        topology_faults_add(reader->faults, line,
                            "`anyone` stands in line %u already; write it once", anyone->line);
    else
        anyone->line = line;
    reader->current = anyone;
}

static void begin_section(struct reader *reader, const struct topology_entry *entry)
{
    struct topology_nearest nearest = {.word = entry->name};
    topology_nearest_offer(&nearest, "person");
    topology_nearest_offer(&nearest, "anyone");
    end_section(reader);
    reader->any = true;
    reader->current = NULL;
    reader->is_doubtful = false;
    reader->tokens = 0;
    memset(reader->has, 0, sizeof reader->has);
    if (nearest.best == NULL || strcmp(nearest.best, entry->name) != 0)
        topology_faults_add(reader->faults, entry->line, "there is no section `%.*s`; write %s",
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->name,
                            nearest.best != NULL ? nearest.best : "person or anyone");
    else if (entry->value[0] != '\0')
        topology_faults_add(reader->faults, entry->line,
                            "the section `%s` takes no value; write its keys on the lines below, "
                            "indented by 4 blanks",
                            entry->name);
    if (nearest.best != NULL && strcmp(nearest.best, "anyone") == 0)
        begin_anyone(reader, entry->line);
    else if (nearest.best != NULL)
        begin_person(reader, entry->line);
}

static void tell_unknown_key(struct reader *reader, const struct topology_entry *entry,
                             const char *meant)
{
    bool is_of_anyone = is_anyone(reader);
    const char *all = is_of_anyone ? "only be, see, rate, from, until"
                                   : "only name, token, be, see, rate, from, until";
    topology_faults_add(reader->faults, entry->line, "`%s` has no key `%.*s`; write %s",
                        is_of_anyone ? "anyone" : "person", TOPOLOGY_QUOTE_BYTES_MAX, entry->name,
                        meant != NULL ? meant : all);
}

static void read_key(struct reader *reader, const struct topology_entry *entry, size_t number)
{
    const struct key *key = &keys[number];
    bool is_again = key->is_once && reader->has[number];
    reader->has[number] = true;
    if (is_again)
        topology_faults_add(reader->faults, entry->line, "`%s` is there already; write it once",
                            key->name);
    else if (entry->value[0] == '\0')
        topology_faults_add(reader->faults, entry->line, "`%s` has no value; write `%s = %s`",
                            key->name, key->name, key->example);
    else
        key->read(reader, entry->line, entry->value);
}

static void take_key(struct reader *reader, const struct topology_entry *entry)
{
    int section = is_anyone(reader) ? OF_ANYONE : OF_PERSON;
    struct topology_nearest nearest = {.word = entry->name};
    for (size_t i = 0; i < KEYS; i++)
        if ((keys[i].sections & section) != 0)
            topology_nearest_offer(&nearest, keys[i].name);
    if (nearest.best == NULL || strcmp(nearest.best, entry->name) != 0)
        tell_unknown_key(reader, entry, nearest.best);
    for (size_t i = 0; i < KEYS && nearest.best != NULL; i++)
        if (keys[i].name == nearest.best)
            read_key(reader, entry, i);
}

static void take_entry(struct reader *reader, const struct topology_entry *entry)
{
    const char *fault = topology_sections_line_fault(entry);
    if (fault != NULL) {
        topology_faults_add(reader->faults, entry->line, "%s", fault);
        reader->is_doubtful = true;
    }
    if (entry->name == NULL || entry->name[0] == '\0')
        return;
    size_t level = topology_sections_level(entry);
    if (level == 0) {
        begin_section(reader, entry);
        return;
    }
    if (!reader->any)
        topology_faults_add(reader->faults, entry->line,
                            "`%.*s` belongs to no section; begin one before it: person or anyone, "
                            "without indentation",
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->name);
    else if (level > 1)
        topology_faults_add(reader->faults, entry->line,
                            "`%.*s` is indented too far; write keys with 4 blanks before them",
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->name);
    if (reader->current != NULL)
        take_key(reader, entry);
}

/* ---- what is there once in all of it ---- */

static int compare_names(const void *left, const void *right)
{
    const struct access_person *one = *(const struct access_person *const *)left;
    const struct access_person *other = *(const struct access_person *const *)right;
    int order = span_compare(span_of(one->name), span_of(other->name));
    return order != 0 ? order : one->line < other->line ? -1 : one->line > other->line;
}

static void sort_names(struct access *access, struct topology_faults *faults)
{
    access->named = bytes_resize(NULL, access->person_count * sizeof *access->named);
    for (size_t i = 1; i < access->person_count; i++)
        if (access->persons[i].name[0] != '\0')
            access->named[access->named_count++] = &access->persons[i];
    qsort(access->named, access->named_count, sizeof *access->named, compare_names);
    for (size_t i = 1; i < access->named_count; i++) {
        const struct access_person *before = access->named[i - 1], *person = access->named[i];
        if (strcmp(before->name, person->name) == 0)
            topology_faults_add(faults, person->line,
                                "a person `%s` stands in line %u already; write each once",
                                person->name, before->line);
    }
}

static int compare_tokens(const void *left, const void *right)
{
    const struct access_token *one = left, *other = right;
    int order = compare_salts(left, right);
    return order != 0 ? order : one->line < other->line ? -1 : one->line > other->line;
}

static void sort_tokens(struct access *access, struct topology_faults *faults)
{
    if (access->token_count > 0)
        qsort(access->tokens, access->token_count, sizeof *access->tokens, compare_tokens);
    for (size_t i = 1; i < access->token_count; i++)
        if (compare_salts(&access->tokens[i - 1], &access->tokens[i]) == 0)
            topology_faults_add(faults, access->tokens[i].line,
                                "this token stands in line %u already; write each once",
                                access->tokens[i - 1].line);
}

/* A token that stands where a name belongs is quoted up to its salt at most. */
static void hide_tokens(struct topology_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        char *text = faults->list[i].text;
        text[access_hide_tokens(text, strlen(text), ACCESS_SALT_TEXT_BYTES + 1)] = '\0';
    }
}

bool access_read(const struct topology_entry *entries, size_t count, struct access *access,
                 struct topology_faults *faults)
{
    struct reader reader = {.access = access, .faults = faults};
    *access = (struct access){.person_count = 1};
    access->persons = bytes_zeroed(sizeof *access->persons);
    access->persons[0].until_ns = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        take_entry(&reader, &entries[i]);
    end_section(&reader);
    sort_names(access, faults);
    sort_tokens(access, faults);
    access->spent_ns = bytes_zeroed(access->person_count * sizeof *access->spent_ns);
    for (size_t i = 0; i < access->person_count; i++)
        access->persons[i].spent_ns = &access->spent_ns[i];
    if (faults->count > 0)
        access_free(access);
    hide_tokens(faults);
    return faults->count == 0;
}
