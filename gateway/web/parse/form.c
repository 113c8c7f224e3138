#include "gateway/web/parse/form.h"

#include <stdint.h>

/* Of a hexadecimal digit; -1 for any other byte. */
static int hex_value(char digit)
{
    int letter = (digit | 0x20) - 'a';
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return letter >= 0 && letter < 6 ? 10 + letter : -1;
}

/* The byte that is spelled at `*at`, which becomes what follows; -1 for a percent sign without its
 * digits. `blank` is what spells a blank besides "%20". */
static int take_byte(struct span text, char blank, size_t *at)
{
    char byte = text.data[(*at)++];
    if (byte == blank)
        return ' ';
    if (byte != '%')
        return (unsigned char)byte;
    if (text.len - *at < 2)
        return -1;
    int high = hex_value(text.data[*at]), low = hex_value(text.data[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool spells(struct span text, const char *name)
{
    for (size_t at = 0; at < text.len; name++)
        if (*name == '\0' || take_byte(text, '+', &at) != (unsigned char)*name)
            return false;
    return *name == '\0';
}

static size_t bytes_before(struct span text, char end)
{
    const char *found = text.len == 0 ? NULL : memchr(text.data, end, text.len);
    return found == NULL ? text.len : (size_t)(found - text.data);
}

static struct span skip(struct span text, size_t count)
{
    return (struct span){text.data + count, text.len - count};
}

const struct form_field *form_find(struct span text, struct form_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fields[i].value = (struct span){0};
    while (text.len > 0) {
        struct span pair = {text.data, bytes_before(text, '&')};
        text = skip(text, pair.len + (pair.len < text.len));
        struct span name = {pair.data, bytes_before(pair, '=')};
        for (size_t i = 0; i < count; i++) {
            if (!spells(name, fields[i].name))
                continue;
            if (fields[i].value.data != NULL)
                return &fields[i];
            fields[i].value = skip(pair, name.len + (name.len < pair.len));
        }
    }
    return NULL;
}

static size_t decode(struct span value, char blank, char *to, size_t bytes_max)
{
    size_t count = 0;
    for (size_t at = 0; at < value.len;) {
        int byte = take_byte(value, blank, &at);
        if (byte < 0 || count == bytes_max)
            return SIZE_MAX;
        to[count++] = (char)byte;
    }
    return count;
}

size_t form_text(struct span value, char *to, size_t bytes_max)
{
    return decode(value, '+', to, bytes_max);
}

size_t form_path(struct span part, char *to, size_t bytes_max)
{
    return decode(part, ' ', to, bytes_max);
}
