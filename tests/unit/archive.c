/* archive: what a herd's files are called in its backup. */
#include "topology/format/archive.h"
#include "tests/check.h"

static void names(void)
{
    static const struct {
        const char *folder, *path, *wanted; /* NULL: refused */
    } rows[] = {
        {"/etc/zherd", "/etc/zherd/herd.keys", "herd.keys"},
        {"/etc/zherd", "/etc/zherd/herd.keys/North.secret", "herd.keys/North.secret"},
        {"/etc/zherd", "/var/lib/zherd/places.db", "outside/var/lib/zherd/places.db"},
        {"/etc/zherd", "/etc/zherds", "outside/etc/zherds"},
        {"/etc/zherd", "/etc", "outside/etc"},
        {"/etc/zherd/more", "/etc/zherd/places.db", "outside/etc/zherd/places.db"},
        {"/", "/places.db", "places.db"},
        {"/", "/var/places.db", "var/places.db"},
        {"/etc/zherd", "/etc/zherd", NULL},
        {"/", "/", NULL},
        {"/etc/zherd", "etc/zherd/places.db", NULL},
        {"/etc/zherd", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[ARCHIVE_NAME_BYTES_MAX];
        CHECK_INT(archive_name(rows[i].folder, rows[i].path, name), rows[i].wanted != NULL);
        CHECK(strcmp(name, rows[i].wanted ? rows[i].wanted : "") == 0);
    }
}

/* The longest path has a name in either place; one byte more has none. */
static void long_paths(void)
{
    static char path[2 * ARCHIVE_NAME_BYTES_MAX], name[ARCHIVE_NAME_BYTES_MAX];
    size_t longest = ARCHIVE_NAME_BYTES_MAX - sizeof "outside";
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[longest] = '\0';
    CHECK(archive_name("/etc", path, name));
    CHECK_INT(strlen(name), ARCHIVE_NAME_BYTES_MAX - 1);
    path[longest] = 'a';
    path[longest + 1] = '\0';
    CHECK(!archive_name("/etc", path, name));
    CHECK_INT(name[0], '\0');
    CHECK(archive_name("/", path, name));
}

static const struct check_case cases[] = {
    {"what is below the file's folder keeps its place, all else is outside", names},
    {"a path is as long as Linux allows", long_paths},
};

CHECK_MAIN(cases)
