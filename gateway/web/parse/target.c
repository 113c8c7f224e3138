#include "gateway/web/parse/target.h"

#include <string.h>
#include <strings.h>

#include "gateway/web/parse/form.h"

static struct span skip(struct span text, size_t count)
{
    return (struct span){text.data + count, text.len - count};
}

static size_t bytes_before(struct span text, const char *ends)
{
    size_t count = 0;
    while (count < text.len && strchr(ends, text.data[count]) == NULL)
        count++;
    return count;
}

/* "http://host:port" or "https://host:port", or nothing. */
static size_t address_bytes(struct span sent)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t bytes = strlen(schemes[i]);
        if (sent.len >= bytes && strncasecmp(sent.data, schemes[i], bytes) == 0)
            return bytes + bytes_before(skip(sent, bytes), "/?");
    }
    return 0;
}

struct target target_read(struct span sent)
{
    struct span rest = skip(sent, address_bytes(sent));
    struct target target = {.path = {rest.data, bytes_before(rest, "?")}};
    target.query = skip(rest, target.path.len + (target.path.len < rest.len));
    if (target.path.len == 0)
        target.path = span_of("/");
    return target;
}

void target_spell(struct span path, char text[TARGET_PATH_BYTES_MAX])
{
    size_t bytes = form_path(path, text, TARGET_PATH_BYTES_MAX - 1);
    bool is_text = bytes != SIZE_MAX && memchr(text, '\0', bytes) == NULL;
    text[is_text ? bytes : 0] = '\0';
}
