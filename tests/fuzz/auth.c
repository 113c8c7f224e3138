/* Whatever follows AUTH is that one token or a wrong one, and is never shown again: neither in the
 * reply nor in the log. The first byte says where the line is split over two reads. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/token.h"
#include "gateway/text/session.h"
#include "tests/fuzz/fuzz.h"

#define TOKEN_BYTES_MAX 256

static const char *find(const struct buffer *in, const char *bytes, size_t count)
{
    return in->len == 0 ? NULL : memmem(in->data, in->len, bytes, count);
}

/* The rules of one person with the token of 32 zeros. */
static void make_rules(struct access *rules, char text[ACCESS_TOKEN_TEXT_BYTES + 1])
{
    uint8_t zeros[ACCESS_TOKEN_BYTES] = {0};
    char entry[ACCESS_ENTRY_TEXT_BYTES];
    struct topology_faults faults = {0};
    access_write_token(zeros, text, entry);
    const struct topology_entry entries[] = {
        {1, {"person", 6}, "person", ""},
        {2, {"    name", 8}, "name", "ada"},
        {3, {"    token", 9}, "token", entry},
    };
    bool good = access_read(entries, sizeof entries / sizeof *entries, rules, &faults);
    assert(good);
}

static void read_all(struct session *session, struct session_node *node, char *bytes, size_t count)
{
    static const struct turns_budget budget = {TURNS_BACK_COMMANDS_MAX, TURNS_BACK_IN_BYTES_MAX,
                                               TURNS_BACK_OUT_BYTES_MAX};
    if (count == 0 || !session_wants_input(session))
        return;
    session_read(session, bytes, count);
    session_work(session, node, &budget, NULL);
}

static struct span trim(struct span text)
{
    while (text.len > 0 && token_is_white(text.data[0]))
        text = (struct span){text.data + 1, text.len - 1};
    while (text.len > 0 && token_is_white(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* What AUTH goes by and does not change. */
static struct access access;
static struct flood *flood;
static char token[ACCESS_TOKEN_TEXT_BYTES + 1];

static void make_node(void)
{
    struct flood_options options = {
        .herd = span_of("herd"), .node = span_of("Clark"), .incarnation = 1, .clients_max = 1};
    if (flood != NULL)
        return;
    make_rules(&access, token);
    flood = flood_new(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char line[TOKEN_BYTES_MAX + 8] = "AUTH ", said[TOKEN_BYTES_MAX];
    struct logline log = {0};
    struct session session = {.number = 1};
    make_node();
    struct session_node node = {.flood = flood,
                                .access = &access,
                                .log = &log,
                                .log_commands = true,
                                .id_bytes_max = LINES_BYTES_MAX};
    size_t split = count > 0 ? bytes[0] : 0, said_bytes = count > 0 ? count - 1 : 0;
    said_bytes = said_bytes < TOKEN_BYTES_MAX ? said_bytes : TOKEN_BYTES_MAX;
    if (said_bytes > 0)
        memcpy(said, bytes + 1, said_bytes);
    /* One line, in which no TELNET command stands. */
    for (size_t i = 0; i < said_bytes; i++)
        said[i] = said[i] == '\n' || said[i] == '\xff' ? 'x' : said[i];
    memcpy(line + 5, said, said_bytes);
    line[5 + said_bytes] = '\n';
    struct span shown = trim((struct span){said, said_bytes});
    bool is_right = span_equals(shown, span_of(token));
    split = split < said_bytes + 6 ? split : said_bytes + 6;
    read_all(&session, &node, line, split);
    read_all(&session, &node, line + split, said_bytes + 6 - split);
    struct span out = session_output(&session);
    assert(span_equals(out, span_of(is_right ? "AUTH ada\n" : "? AUTH *\n")));
    assert((session.waits & SESSION_WAITS_PAUSED) == (is_right ? 0 : SESSION_WAITS_PAUSED));
    assert(find(&log.lines, " AUTH *\n", 8) != NULL);
    /* Some words of its own stand in the log. */
    assert(shown.len < 30 || find(&log.lines, shown.data, shown.len) == NULL);
    session_free(&session);
    logline_free(&log);
    return 0;
}
