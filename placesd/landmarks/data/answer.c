#include "placesd/landmarks/data/answer.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/base/json_scan.h"
#include "bus/base/packed.h"

/* Nine digits would distinguish coordinates to a metre and better; ten keep seven decimals of any
 * longitude, as Google gives them, and print 34.06893 as just that. */
#define DIGITS           10
#define DIGITS_POWER     1e10
#define DEGREES_MAX      1000.0
#define DEGREES_MIN      1e-4
#define NUMBER_BYTES_MAX 32
/* Half the height of the window a map would show a place in: 150 m. */
#define VIEWPORT_HALF_DEG 0.00135

#define INDENT "            "

static void put(struct buffer *out, const char *text)
{
    buffer_append(out, span_of(text));
}

/* ---- numbers ---- */

/* As "%.10g" writes it, with a point at least, and an exponent without zeros in front. */
static size_t print_slowly(double value, char *to)
{
    size_t bytes = (size_t)snprintf(to, NUMBER_BYTES_MAX, "%.*g", DIGITS, value);
    char *exponent = strchr(to, 'e');
    if (exponent != NULL) {
        long power = strtol(exponent + 1, NULL, 10);
        size_t before = (size_t)(exponent + 1 - to);
        return before + (size_t)snprintf(exponent + 1, NUMBER_BYTES_MAX - before, "%ld", power);
    }
    if (strchr(to, '.') != NULL)
        return bytes;
    memcpy(to + bytes, ".0", 2);
    return bytes + 2;
}

/* How many decimals ten digits leave. */
static unsigned count_decimals(double size)
{
    static const double bounds[] = {100, 10, 1, 1e-1, 1e-2, 1e-3};
    unsigned decimals = DIGITS - 3;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds && size < bounds[i]; i++)
        decimals++;
    return decimals;
}

/* The same number in a tenth of the time, or 0: one that lies so near to the middle of two that a
 * multiplication may have moved it to the other side, or is out of bounds. */
static size_t print_fast(double value, char *to)
{
    static const double powers[] = {1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};
    double size = fabs(value);
    if (!(size >= DEGREES_MIN && size < DEGREES_MAX))
        return 0;
    unsigned decimals = count_decimals(size),
             whole_digits = decimals < DIGITS ? DIGITS - decimals : 1;
    double power = powers[decimals - (DIGITS - 3)];
    double scaled = size * power, whole = floor(scaled), rest = scaled - whole;
    if (fabs(rest - 0.5) < 1e-3 || whole + 1 >= DIGITS_POWER)
        return 0;
    uint64_t digits = (uint64_t)whole + (rest > 0.5), unit = (uint64_t)power;
    char *end = to;
    *end = '-';
    end += value < 0;
    end = decimal_put(end, digits / unit, whole_digits);
    *end++ = '.';
    const char *first = end;
    end = decimal_put(end, digits % unit, decimals);
    while (end > first + 1 && end[-1] == '0')
        end--;
    return (size_t)(end - to);
}

static void put_number(struct buffer *out, double value)
{
    char *to = buffer_reserve(out, NUMBER_BYTES_MAX);
    size_t bytes = print_fast(value, to);
    out->len += bytes > 0 ? bytes : print_slowly(value, to);
}

static double wrap(double longitude_deg)
{
    return fabs(longitude_deg) <= 180 ? longitude_deg : remainder(longitude_deg, 360.0);
}

/* ---- texts ---- */

/* The escape of a byte, or NULL where it stands for itself; `code` has room for "\u001f". */
static const char *escape(unsigned char byte, char code[8])
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char *const to[] = {"\\\"", "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t"};
    const char *known = byte == '\0' ? NULL : strchr(from, byte);
    if (known != NULL)
        return to[known - from];
    if (byte >= 0x20)
        return NULL;
    snprintf(code, 8, "\\u%04X", (unsigned)byte);
    return code;
}

static void put_text(struct buffer *out, struct span text)
{
    char code[8];
    put(out, "\"");
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buffer_append(out, (struct span){text.data + from, i - from});
        put(out, escape(byte, code));
        from = i + 1;
    }
    buffer_append(out, (struct span){text.data + from, text.len - from});
    put(out, "\"");
}

/* ---- a result ---- */

static void put_point(struct buffer *out, const char *before, double latitude_deg,
                      double longitude_deg, const char *indent)
{
    put(out, before);
    put(out, indent);
    put(out, "   \"lat\": ");
    put_number(out, latitude_deg);
    put(out, ",\n");
    put(out, indent);
    put(out, "   \"lng\": ");
    put_number(out, longitude_deg);
    put(out, "\n");
    put(out, indent);
    put(out, "}");
}

static void put_geometry(struct buffer *out, struct sphere_point at)
{
    double north_deg = fmin(at.latitude_deg + VIEWPORT_HALF_DEG, 90.0);
    double south_deg = fmax(at.latitude_deg - VIEWPORT_HALF_DEG, -90.0);
    put_point(out, "         \"geometry\": {\n" INDENT "\"location\": {\n", at.latitude_deg,
              at.longitude_deg, INDENT);
    put_point(out, ",\n" INDENT "\"viewport\": {\n" INDENT "   \"northeast\": {\n", north_deg,
              wrap(at.longitude_deg + VIEWPORT_HALF_DEG), INDENT "   ");
    put_point(out, ",\n" INDENT "   \"southwest\": {\n", south_deg,
              wrap(at.longitude_deg - VIEWPORT_HALF_DEG), INDENT "   ");
    put(out, "\n" INDENT "}\n         },\n");
}

static void put_types(struct buffer *out, const char *types)
{
    put(out, "         \"types\": [\n");
    for (const char *at = types;; at++) {
        size_t bytes = strcspn(at, ",");
        put(out, INDENT);
        put_text(out, (struct span){at, bytes});
        at += bytes;
        if (*at == '\0')
            break;
        put(out, ",\n");
    }
    put(out, "\n         ]");
}

static void put_member(struct buffer *out, const char *before, const char *text)
{
    put(out, before);
    put_text(out, span_of(text));
}

/* The data hold what exists now, so each place of business is open. A city or a mountain is not
 * one. */
static bool is_business(const struct place *place)
{
    return !place_is(place, "political") && !place_is(place, "natural_feature");
}

static void put_result(struct buffer *out, const struct place *place)
{
    char id[PLACE_ID_BYTES_MAX + 1];
    place_write_id(place, id);
    put(out, "      {\n");
    if (is_business(place))
        put(out, "         \"business_status\": \"OPERATIONAL\",\n");
    put_geometry(out, place->position);
    put_member(out, "         \"name\": ", place->name);
    put_member(out, ",\n         \"place_id\": ", id);
    put_member(out, ",\n         \"reference\": ", id);
    put(out, ",\n");
    put_types(out, place->types);
    if (place->vicinity[0] != '\0')
        put_member(out, ",\n         \"vicinity\": ", place->vicinity);
    put(out, "\n      }");
}

/* ---- the answer ---- */

/* An array of one text, or of none where it is NULL. */
static void put_texts(struct buffer *out, const char *before, const char *text)
{
    put(out, before);
    if (text != NULL) {
        put_member(out, "\n      ", text);
        put(out, "\n   ");
    }
    put(out, "],\n");
}

bool answer_places(const struct place *places, size_t count, const struct answer_notes *notes,
                   struct buffer *out)
{
    size_t before = out->len, at;
    put_texts(out, "{\n   \"html_attributions\": [", notes->attribution);
    if (notes->info != NULL)
        put_texts(out, "   \"info_messages\": [", notes->info);
    if (notes->next_page_token.len > 0) {
        put(out, "   \"next_page_token\": ");
        put_text(out, notes->next_page_token);
        put(out, ",\n");
    }
    put(out, "   \"results\": [");
    for (size_t i = 0; i < count; i++) {
        put(out, i == 0 ? "\n" : ",\n");
        put_result(out, &places[i]);
    }
    put(out,
        count > 0 ? "\n   ],\n   \"status\": \"OK\"\n}" : "],\n   \"status\": \"ZERO_RESULTS\"\n}");
    if (json_scan_object((struct span){out->data + before, out->len - before}, NULL, 0, &at) ==
        NULL)
        return true;
    out->len = before;
    return false;
}

void answer_invalid(const char *reason, struct buffer *out)
{
    put_member(out, "{\n   \"error_message\": ", reason);
    put(out, ",\n   \"html_attributions\": [],\n   \"results\": [],\n"
             "   \"status\": \"INVALID_REQUEST\"\n}");
}
