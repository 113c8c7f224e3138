#include "topology/load.h"

#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "topology/format/check.h"
#include "topology/format/keys.h"
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

/* `content` has room for one byte more than FILE_BYTES_MAX, which tells too large a file. */
static bool read_file(const char *path, char *content, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        char where[SAY_WHERE_BYTES_MAX];
        int reason = errno;
        say("%s: cannot be opened: %s%s", path, strerror(reason), say_where(path, where));
        return false;
    }
    *bytes = fread(content, 1, FILE_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0;
    if (failed)
        say("%s: cannot be read: %s", path, strerror(errno));
    else if (*bytes > FILE_BYTES_MAX)
        say("%s: larger than a topology can be (%d bytes)", path, FILE_BYTES_MAX);
    fclose(file);
    return !failed && *bytes <= FILE_BYTES_MAX;
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

static bool check_content(struct span content, struct topology *topology,
                          struct topology_faults *faults)
{
    size_t lines_max = count_lines(content);
    struct lines lines = {
        .entries = calloc(lines_max, sizeof *lines.entries),
        .trees = calloc(lines_max, sizeof *lines.trees),
    };
    bool good = false;
    if (lines.entries && lines.trees) {
        int kept = quiet_begin();
        parse_lines(&lines, content);
        quiet_end(kept);
        good = topology_check(lines.entries, lines.count, topology, faults);
    } else {
        topology_faults_add(faults, 0, "there is not enough memory to read this file");
    }
    for (size_t i = 0; i < lines.count; i++)
        zconfig_destroy(&lines.trees[i]);
    free(lines.entries);
    free(lines.trees);
    return good;
}

/* A file in another folder means a folder beside itself. */
static void resolve_keys(const char *path, struct topology *topology,
                         struct topology_faults *faults)
{
    char full[TOPOLOGY_PATH_BYTES_MAX + 1];
    const char *slash = strrchr(path, '/');
    if (topology->keys[0] == '\0' || topology->keys[0] == '/' || !slash)
        return;
    int bytes = snprintf(full, sizeof full, "%.*s/%s", (int)(slash - path), path, topology->keys);
    if (bytes < 0 || (size_t)bytes >= sizeof full)
        topology_faults_add(faults, topology->herd_line,
                            "the path of `keys` is too long; write an absolute one of at most %d "
                            "bytes",
                            TOPOLOGY_PATH_BYTES_MAX);
    else
        memcpy(topology->keys, full, sizeof full);
}

static bool load(const char *path, struct topology *topology, bool demand_keys)
{
    struct topology_faults faults = {0};
    size_t bytes = 0;
    char *content = malloc(FILE_BYTES_MAX + 1);
    if (!content) {
        say("%s: there is not enough memory to read this file", path);
        return false;
    }
    /* CZMQ must never take our signals. */
    zsys_handler_set(NULL);
    bool good = read_file(path, content, &bytes) &&
                check_content((struct span){content, bytes}, topology, &faults);
    if (good) {
        resolve_keys(path, topology, &faults);
        if (demand_keys)
            topology_keys_demand(topology, &faults);
        good = faults.count == 0;
        if (!good)
            topology_free(topology);
    }
    for (size_t i = 0; i < faults.count; i++)
        say("%s:%u: %s", path, faults.list[i].line, faults.list[i].text);
    if (faults.more > 0)
        say("%s: and %zu more fault%s", path, faults.more, faults.more == 1 ? "" : "s");
    free(content);
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
