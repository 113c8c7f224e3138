#include "placesd/landmarks/data/nearby_search.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include <sodium/crypto_shorthash.h>
#include <sodium/utils.h>

#include "bus/base/packed.h"
#include "placesd/landmarks/data/decimal.h"

/* Parameters of Google's service that choose other results than the plain question. */
static const char *const not_served[] = {
    "maxprice",
    "minprice",
    "opennow",
    "types",
};

static void refuse(struct query *query, const char *fault)
{
    if (query->fault == NULL)
        query->fault = fault;
}

static void take_location(struct query *query, struct span value)
{
    if (query->has_location) {
        refuse(query, "location is given twice.");
        return;
    }
    query->has_location = true;
    const char *comma = memchr(value.data, ',', value.len);
    if (comma == NULL) {
        refuse(query, "location must be LATITUDE,LONGITUDE in decimal degrees.");
        return;
    }
    struct span latitude = {value.data, (size_t)(comma - value.data)};
    struct span longitude = {comma + 1, value.len - latitude.len - 1};
    if (!decimal_read(latitude, &query->centre.latitude_deg) ||
        !decimal_read(longitude, &query->centre.longitude_deg))
        refuse(query, "location must be LATITUDE,LONGITUDE in decimal degrees.");
    else if (fabs(query->centre.latitude_deg) > 90 || fabs(query->centre.longitude_deg) > 180)
        refuse(query, "location is not on the Earth: latitude ends at 90, longitude at 180.");
}

static void take_radius(struct query *query, struct span value)
{
    if (query->has_radius) {
        refuse(query, "radius is given twice.");
        return;
    }
    query->has_radius = true;
    if (!decimal_read(value, &query->radius_m) || query->radius_m <= 0)
        refuse(query, "radius must be a number of metres above 0.");
    query->radius_m = fmin(query->radius_m, QUERY_RADIUS_M_MAX);
}

static void take_order(struct query *query, struct span value)
{
    query->nearest_first = span_equals(value, span_of("distance"));
    if (query->nearest_first && !query->has_radius)
        query->radius_m = QUERY_RADIUS_M_MAX;
    if (!query->nearest_first && !span_equals(value, span_of("prominence")))
        refuse(query, "rankby must be prominence or distance.");
}

static void take_type(struct query *query, struct span value)
{
    size_t bytes = 0;
    while (bytes < value.len && value.data[bytes] != '|' && value.data[bytes] != ',')
        bytes++;
    if (query->filter.type[0] != '\0' || bytes == 0)
        return;
    bool good = bytes <= QUERY_TYPE_BYTES_MAX;
    for (size_t i = 0; i < bytes; i++) {
        char byte = value.data[i];
        good =
            good && ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_');
    }
    if (good)
        memcpy(query->filter.type, value.data, bytes);
    else
        refuse(query, "type must be one of Google's, such as museum or art_gallery.");
}

/* ---- words ---- */

/* The small letter of a character of two bytes in UTF-8, from U+0080 to U+07FF. */
static unsigned fold_two(unsigned code)
{
    bool is_latin = code >= 0xc0 && code <= 0xde && code != 0xd7;
    bool is_greek = code >= 0x391 && code <= 0x3a9;
    bool is_cyrillic = code >= 0x410 && code <= 0x42f;
    if (is_latin || is_greek || is_cyrillic)
        return code + 0x20;
    return code >= 0x400 && code <= 0x40f ? code + 0x50 : code;
}

/* Small letters, of as many bytes as the capital ones, and a blank for each white space or control
 * byte. `to` has room for the text and a NUL. */
static void fold(struct span text, char *to)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        unsigned char next = i + 1 < text.len ? (unsigned char)text.data[i + 1] : 0;
        to[i] = (char)byte;
        if (byte >= 'A' && byte <= 'Z') {
            to[i] = (char)(byte + 0x20);
        } else if (byte <= ' ' || byte == 0x7f) {
            to[i] = ' ';
        } else if (byte >= 0xc2 && byte <= 0xdf && (next & 0xc0) == 0x80) {
            unsigned code = fold_two((byte & 0x1fu) << 6 | (next & 0x3fu));
            to[i++] = (char)(0xc0 | code >> 6);
            to[i] = (char)(0x80 | (code & 0x3f));
        }
    }
    to[text.len] = '\0';
}

/* Adds the words to those that are there, with one blank before each but the first. */
static void take_words(struct query *query, struct span value)
{
    char folded[QUERY_WORDS_BYTES_MAX + 1], *words = query->filter.words;
    if (value.len > QUERY_WORDS_BYTES_MAX) {
        refuse(query, "keyword and name are too long: 255 bytes are allowed.");
        return;
    }
    fold(value, folded);
    size_t bytes = strlen(words);
    for (const char *at = folded; *(at += strspn(at, " ")) != '\0';) {
        size_t word = strcspn(at, " ");
        if (bytes + (bytes > 0) + word > QUERY_WORDS_BYTES_MAX) {
            refuse(query, "keyword and name are too long: 255 bytes are allowed.");
            return;
        }
        if (bytes > 0)
            words[bytes++] = ' ';
        memcpy(words + bytes, at, word);
        bytes += word;
        words[bytes] = '\0';
        at += word;
    }
}

static bool is_letter(char byte)
{
    return (byte & 0x80) != 0 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z');
}

/* Whether the word, which is followed by a blank or a NUL, begins one of the folded text. */
static bool has_word(const char *text, struct span word)
{
    size_t bytes = strlen(text);
    const char *at = text, *end = text + bytes;
    while ((at = memmem(at, (size_t)(end - at), word.data, word.len)) != NULL) {
        if (at == text || !is_letter(at[-1]) || !is_letter(*at))
            return true;
        at++;
    }
    return false;
}

bool query_is_narrow(const struct query_filter *filter)
{
    return filter->type[0] != '\0' || filter->words[0] != '\0';
}

bool query_passes(const struct query_filter *filter, const struct place *place)
{
    if (filter->type[0] != '\0' && !place_is(place, filter->type))
        return false;
    if (filter->words[0] == '\0')
        return true;
    char name[PLACE_NAME_BYTES_MAX + 1], vicinity[PLACE_VICINITY_BYTES_MAX + 1];
    fold(span_of(place->name), name);
    fold(span_of(place->vicinity), vicinity);
    for (const char *at = filter->words; *at != '\0'; at += strspn(at, " ")) {
        struct span word = {at, strcspn(at, " ")};
        if (!has_word(name, word) && !has_word(vicinity, word) && !has_word(place->types, word))
            return false;
        at += word.len;
    }
    return true;
}

/* ---- pages ----
 *
 * A token is the whole question, so that the server needs to remember none. It is a hash and after
 * it these lines, all in letters that need no escape in a URL:
 *
 *     offset, location, radius, rankby, type, words
 *
 * The hash finds what was cut off or mistyped. It is no signature: who makes a token of his own
 * asks a question that he could have asked without one. */

enum { OFFSET, LOCATION, RADIUS, ORDER, TYPE, WORDS, TOKEN_LINES };

#define TOKEN_CHECK_BYTES    crypto_shorthash_BYTES
#define TOKEN_TEXT_BYTES_MAX 448
#define BASE64               sodium_base64_VARIANT_URLSAFE_NO_PADDING

static_assert(sodium_base64_ENCODED_LEN(TOKEN_CHECK_BYTES + TOKEN_TEXT_BYTES_MAX, BASE64) <=
                  QUERY_TOKEN_BYTES_MAX,
              "the longest token has room");

static void hash_token(const unsigned char *text, size_t bytes, unsigned char check[])
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "zherd page token";
    crypto_shorthash(check, text, bytes, key);
}

void query_write_token(const struct query *query, uint32_t offset, struct buffer *token)
{
    unsigned char bytes[TOKEN_CHECK_BYTES + TOKEN_TEXT_BYTES_MAX];
    char *text = (char *)bytes + TOKEN_CHECK_BYTES;
    assert(offset >= 1 && offset <= QUERY_OFFSET_MAX);
    /* As many decimals as are read (DECIMAL_FRACTION_DIGITS_MAX). */
    int count = snprintf(text, TOKEN_TEXT_BYTES_MAX, "%u\n%.9f,%.9f\n%.9f\n%s\n%s\n%s",
                         (unsigned)offset, query->centre.latitude_deg, query->centre.longitude_deg,
                         query->radius_m, query->nearest_first ? "distance" : "prominence",
                         query->filter.type, query->filter.words);
    assert(count > 0 && count < TOKEN_TEXT_BYTES_MAX);
    hash_token(bytes + TOKEN_CHECK_BYTES, (size_t)count, bytes);
    char *to = buffer_reserve(token, QUERY_TOKEN_BYTES_MAX);
    sodium_bin2base64(to, QUERY_TOKEN_BYTES_MAX, bytes, TOKEN_CHECK_BYTES + (size_t)count, BASE64);
    token->len += strlen(to);
}

/* The text of a token to `text`, with a NUL. */
static bool open_token(struct span token, char text[TOKEN_TEXT_BYTES_MAX + 1])
{
    unsigned char bytes[TOKEN_CHECK_BYTES + TOKEN_TEXT_BYTES_MAX], check[TOKEN_CHECK_BYTES];
    size_t count = 0;
    if (sodium_base642bin(bytes, sizeof bytes, token.data, token.len, NULL, &count, NULL, BASE64) !=
            0 ||
        count < TOKEN_CHECK_BYTES)
        return false;
    hash_token(bytes + TOKEN_CHECK_BYTES, count - TOKEN_CHECK_BYTES, check);
    memcpy(text, bytes + TOKEN_CHECK_BYTES, count - TOKEN_CHECK_BYTES);
    text[count - TOKEN_CHECK_BYTES] = '\0';
    return memcmp(check, bytes, sizeof check) == 0;
}

static bool read_token(struct span token, struct query *query)
{
    char text[TOKEN_TEXT_BYTES_MAX + 1], *rest = text;
    struct span lines[TOKEN_LINES];
    uint64_t offset;
    if (!open_token(token, text))
        return false;
    for (size_t i = 0; i < TOKEN_LINES; i++) {
        const char *line = strsep(&rest, "\n");
        if (line == NULL)
            return false;
        lines[i] = span_of(line);
    }
    if (rest != NULL || !decimal_read_whole(lines[OFFSET], QUERY_OFFSET_MAX, &offset))
        return false;
    query->offset = (uint32_t)offset;
    take_location(query, lines[LOCATION]);
    take_radius(query, lines[RADIUS]);
    take_order(query, lines[ORDER]);
    take_type(query, lines[TYPE]);
    take_words(query, lines[WORDS]);
    return query->fault == NULL;
}

/* Whatever else was or will be given counts no more. */
static void take_page(struct query *query, struct span value)
{
    struct query page = {.has_page = true};
    if (!read_token(value, &page))
        page = (struct query){.has_page = true,
                              .fault = "pagetoken is not one that this server has given."};
    *query = page;
}

/* ---- all of them ---- */

void query_take(struct query *query, struct span name, struct span value)
{
    static const struct {
        const char *name;
        void (*take)(struct query *query, struct span value);
    } served[] = {
        {"location", take_location}, {"radius", take_radius}, {"rankby", take_order},
        {"type", take_type},         {"keyword", take_words}, {"name", take_words},
        {"pagetoken", take_page},
    };
    if (query->has_page)
        return;
    for (size_t i = 0; i < sizeof served / sizeof *served; i++)
        if (span_equals(name, span_of(served[i].name)))
            served[i].take(query, value);
    for (size_t i = 0; i < sizeof not_served / sizeof *not_served; i++)
        if (span_equals(name, span_of(not_served[i])))
            refuse(query, "maxprice, minprice, opennow and types are not served here.");
}

const char *query_fault(const struct query *query)
{
    if (query->fault != NULL)
        return query->fault;
    if (!query->has_location)
        return "location is missing.";
    if (!query->has_radius && !query->nearest_first)
        return "radius is missing.";
    return NULL;
}
