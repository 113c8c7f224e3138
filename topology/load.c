#include "topology/load.h"

#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "topology/format/check.h"
#include "topology/quiet.h"
#include "topology/say.h"

/* The largest herd, with room for comments; a reader must not be fed a disk. */
#define FILE_BYTES_MAX (4 * 1024 * 1024)

/* The lines of a file. Names and values of the entries belong to the trees. */
struct lines {
    struct topology_entry *entries;
    zconfig_t **trees;
    size_t count;
};

/* One byte more is asked for, so that too large a file is noticed. */
bool topology_read_file(const char *path, struct buffer *text)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        char where[SAY_WHERE_BYTES_MAX];
        int reason = errno;
        say("%s: cannot be opened: %s%s", path, strerror(reason), say_where(path, where));
        return false;
    }
    if (!buffer_try_grow(text, FILE_BYTES_MAX + 1)) {
        say("%s: there is not enough memory to read this file", path);
        fclose(file);
        return false;
    }
    size_t bytes = fread(text->data + text->len, 1, FILE_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0;
    if (failed)
        say("%s: cannot be read: %s", path, strerror(errno));
    else if (bytes > FILE_BYTES_MAX)
        say("%s: larger than a topology file may be (%d bytes)", path, FILE_BYTES_MAX);
    else
        text->len += bytes;
    fclose(file);
    return !failed && bytes <= FILE_BYTES_MAX;
}

static bool is_blank(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isspace((unsigned char)text.data[i]))
            return false;
    }
    return true;
}

/* One line through zconfig. It knows no line numbers and gives up a whole file at its first bad
 * line; line by line, every fault has its place. Levels are then ours to count, from the blanks
 * at the beginning, which are kept from it here. */
static void parse_line(struct lines *lines, uint32_t number, struct span text)
{
    size_t blanks = 0;
    while (blanks < text.len && text.data[blanks] == ' ')
        blanks++;
    char *line = strndup(text.data + blanks, text.len - blanks);
    zconfig_t *tree = line ? zconfig_str_load(line) : NULL;
    zconfig_t *item = tree ? zconfig_child(tree) : NULL;
    struct topology_entry entry = {.line = number, .text = text};
    if (tree) {
        entry.name = item ? zconfig_name(item) : "";
        entry.value = item ? zconfig_value(item) : "";
    }
    free(line);
    lines->trees[lines->count] = tree;
    lines->entries[lines->count++] = entry;
}

static void parse_lines(struct lines *lines, struct span content)
{
    uint32_t number = 1;
    for (const char *at = content.data, *end = content.data + content.len; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline ? newline : end;
        struct span text = {at, (size_t)(line_end - at)};
        if (!is_blank(text))
            parse_line(lines, number, text);
        at = line_end + 1;
    }
}

static size_t count_lines(struct span content)
{
    size_t count = 1;
    for (size_t i = 0; i < content.len; i++)
        count += content.data[i] == '\n';
    return count;
}

/* What the lines say, into what the caller wants of them. */
struct content {
    bool (*check)(const struct topology_entry *entries, size_t count, void *into,
                  struct topology_faults *faults);
    void *into;
};

static bool check_herd(const struct topology_entry *entries, size_t count, void *into,
                       struct topology_faults *faults)
{
    return topology_check(entries, count, into, faults);
}

static bool check_access(const struct topology_entry *entries, size_t count, void *into,
                         struct topology_faults *faults)
{
    return access_read(entries, count, into, faults);
}

static bool check_content(struct span text, const struct content *content,
                          struct topology_faults *faults)
{
    size_t lines_max = count_lines(text);
    struct lines lines = {
        .entries = calloc(lines_max, sizeof *lines.entries),
        .trees = calloc(lines_max, sizeof *lines.trees),
    };
    bool good = false;
    /* CZMQ must never take our signals. */
    zsys_handler_set(NULL);
    if (lines.entries && lines.trees) {
        int kept = quiet_begin();
        parse_lines(&lines, text);
        quiet_end(kept);
        good = content->check(lines.entries, lines.count, content->into, faults);
    } else {
        topology_faults_add(faults, 0, "there is not enough memory to read this file");
    }
    for (size_t i = 0; i < lines.count; i++)
        zconfig_destroy(&lines.trees[i]);
    free(lines.entries);
    free(lines.trees);
    return good;
}

/* A path in a file of another folder means one beside that file. */
static void resolve(const char *path, const char *key, uint32_t line,
                    char to[TOPOLOGY_PATH_BYTES_MAX + 1], struct topology_faults *faults)
{
    char full[TOPOLOGY_PATH_BYTES_MAX + 1];
    const char *slash = strrchr(path, '/');
    if (to[0] == '\0' || to[0] == '/' || !slash)
        return;
    int bytes = snprintf(full, sizeof full, "%.*s/%s", (int)(slash - path), path, to);
    if (bytes < 0 || (size_t)bytes >= sizeof full)
        topology_faults_add(faults, line,
                            "the path of `%s` is too long; write an absolute one of at most %d "
                            "bytes",
                            key, TOPOLOGY_PATH_BYTES_MAX);
    else
        memcpy(to, full, sizeof full);
}

static void resolve_all(const char *path, struct topology *topology, struct topology_faults *faults)
{
    resolve(path, "keys", topology->herd_line, topology->keys, faults);
    resolve(path, "access", topology->herd_line, topology->access, faults);
    for (size_t i = 0; i < topology->node_count; i++) {
        struct topology_node *node = &topology->nodes[i];
        if (node->clients_tls.line == 0)
            continue;
        resolve(path, "certificate", node->line, node->tls.certificate, faults);
        resolve(path, "certificate_key", node->line, node->tls.certificate_key, faults);
        resolve(path, "client_ca", node->line, node->tls.client_ca, faults);
    }
    for (size_t i = 0; i < topology->web_count; i++) {
        struct topology_web *web = &topology->webs[i];
        resolve(path, "token_file", web->line, web->token_file, faults);
        resolve(path, "certificate", web->line, web->certificate, faults);
        resolve(path, "certificate_key", web->line, web->certificate_key, faults);
    }
}

static bool say_faults(const char *path, const struct topology_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        say("%s:%u: %s", path, faults->list[i].line, faults->list[i].text);
    if (faults->more > 0)
        say("%s: and %zu more fault%s", path, faults->more, faults->more == 1 ? "" : "s");
    return faults->count == 0;
}

static bool load_text(const char *path, struct span text, struct topology *topology,
                      bool demand_keys)
{
    struct topology_faults faults = {0};
    if (check_content(text, &(struct content){check_herd, topology}, &faults)) {
        resolve_all(path, topology, &faults);
        if (demand_keys)
            topology_check_keys(topology, &faults);
        if (faults.count > 0)
            topology_free(topology);
    }
    return say_faults(path, &faults);
}

static bool load(const char *path, struct topology *topology, bool demand_keys)
{
    struct buffer text = {0};
    bool good = topology_read_file(path, &text) &&
                load_text(path, (struct span){text.data, text.len}, topology, demand_keys);
    buffer_free(&text);
    return good;
}

bool topology_load(const char *path, struct topology *topology)
{
    return load(path, topology, true);
}

bool topology_load_before_keys(const char *path, struct topology *topology)
{
    return load(path, topology, false);
}

bool topology_load_text(const char *name, struct span text, struct topology *topology)
{
    return load_text(name, text, topology, true);
}

bool access_load_text(const char *name, struct span text, struct access *access)
{
    struct topology_faults faults = {0};
    check_content(text, &(struct content){check_access, access}, &faults);
    return say_faults(name, &faults);
}

bool access_load(const char *path, struct access *access)
{
    struct buffer text = {0};
    bool good = topology_read_file(path, &text) &&
                access_load_text(path, (struct span){text.data, text.len}, access);
    buffer_free(&text);
    return good;
}

bool access_load_own(const char *path, struct access **access)
{
    *access = NULL;
    if (path[0] == '\0')
        return true;
    *access = bytes_zeroed(sizeof **access);
    if (access_load(path, *access))
        return true;
    free(*access);
    *access = NULL;
    return false;
}
