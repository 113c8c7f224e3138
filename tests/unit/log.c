/* log: appends whole lines, survives what a disk does, opens anew. */
#include "gateway/log.h"
#include "tests/check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PATH_BYTES 128

static char folder[PATH_BYTES];

static const char *path_of(const char *name)
{
    static char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct log *open_log(const char *below, const char *name)
{
    char error[LOG_ERROR_BYTES_MAX], path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, below);
    struct log *log = log_open(path, name, error);
    if (log == NULL)
        printf("    %s\n", error);
    CHECK(log != NULL);
    return log;
}

static void put(struct log *log, const char *text)
{
    struct buffer lines = {0};
    buffer_append(&lines, span_of(text));
    log_write(log, &lines);
    CHECK_INT(lines.bytes, 0);
    buffer_free(&lines);
}

static void expect(const char *name, const char *wanted)
{
    char got[1024] = "";
    FILE *file = fopen(path_of(name), "r");
    CHECK(file != NULL);
    if (file == NULL)
        return;
    size_t bytes = fread(got, 1, sizeof got, file);
    fclose(file);
    CHECK_BYTES(got, bytes, wanted, strlen(wanted));
}

static void appends_in_a_folder_it_makes(void)
{
    struct log *log = open_log("a/b", "Clark");
    put(log, "one\n");
    log_close(&log);
    CHECK(log == NULL);
    log = open_log("a/b/", "Clark");
    put(log, "two\n");
    log_close(&log);
    expect("a/b/Clark.log", "one\ntwo\n");
}

static void opens_anew(void)
{
    char old[2 * PATH_BYTES];
    struct log *log = open_log("", "Bona");
    put(log, "one\n");
    snprintf(old, sizeof old, "%s", path_of("Bona.old"));
    CHECK(rename(path_of("Bona.log"), old) == 0);
    put(log, "two\n");
    log_reopen(log);
    put(log, "three\n");
    log_close(&log);
    expect("Bona.old", "one\ntwo\n");
    expect("Bona.log", "three\n");
}

static void full_disk_costs_lines_not_the_node(void)
{
    CHECK(symlink("/dev/full", path_of("Ball.log")) == 0);
    struct log *log = open_log("", "Ball");
    put(log, "12345678\n");
    put(log, "12345678\n");
    CHECK_INT(log_bytes_lost(log), 18);
    CHECK(unlink(path_of("Ball.log")) == 0);
    log_reopen(log);
    put(log, "there again\n");
    CHECK_INT(log_bytes_lost(log), 18);
    log_close(&log);
    expect("Ball.log", "there again\n");
}

/* A limit on the size of files stands for a disk that fills up within a line. */
static void line_cut_short_is_not_continued(void)
{
    struct rlimit before;
    struct log *log = open_log("", "Welsh");
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit small = {.rlim_cur = 6, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    put(log, "12345678\n");
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK_INT(log_bytes_lost(log), 3);
    put(log, "next\n");
    put(log, "last\n");
    log_close(&log);
    expect("Welsh.log", "123456\nnext\nlast\n");
}

static void says_what_is_wrong(void)
{
    char error[LOG_ERROR_BYTES_MAX] = "";
    CHECK(log_open("/dev/null/x", "Clark", error) == NULL);
    CHECK(strstr(error, "/dev/null/x") != NULL);
    CHECK(mkdir(path_of("Hill.log"), 0700) == 0);
    CHECK(log_open(folder, "Hill", error) == NULL);
    CHECK(strstr(error, "Hill.log: Is a directory") != NULL);
}

static const struct check_case cases[] = {
    {"it makes its folder and appends to its file", appends_in_a_folder_it_makes},
    {"after a rotation it opens the file anew", opens_anew},
    {"a full disk costs lines, counted, and not the node", full_disk_costs_lines_not_the_node},
    {"a line cut short is not continued by the next", line_cut_short_is_not_continued},
    {"what cannot be opened is named", says_what_is_wrong},
};

int main(void)
{
    char command[PATH_BYTES + 16];
    snprintf(folder, sizeof folder, "/tmp/zherd-log-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        perror("mkdtemp");
        return 2;
    }
    signal(SIGXFSZ, SIG_IGN);
    int status = check_run(cases, sizeof cases / sizeof *cases);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? status : 2;
}
