/* log: appends whole lines, survives what a disk does, opens anew. */
#include "gateway/node/log.h"
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
    CHECK_INT(lines.len, 0);
    buffer_free(&lines);
}

static char content[256 * 1024];

static void read_log(const char *name)
{
    FILE *file = fopen(path_of(name), "r");
    content[0] = '\0';
    CHECK(file != NULL);
    if (file == NULL)
        return;
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
}

/* Takes the next line that tells of a gap out of the content. Its bytes, or 0 without one. */
static uint64_t take_gap(void)
{
    uint64_t bytes;
    char *end = strstr(content, " bytes were lost here\n"), *start = end;
    if (end == NULL)
        return 0;
    while (start > content && start[-1] != '\n')
        start--;
    CHECK(sscanf(start, "%*26[0-9T:.-]Z fault - %" SCNu64, &bytes) == 1);
    end = strchr(end, '\n') + 1;
    memmove(start, end, strlen(end) + 1);
    return bytes;
}

/* What the file holds besides the lines that tell of `gap_bytes` in all. */
static void expect_gaps(const char *name, uint64_t gap_bytes, const char *wanted)
{
    uint64_t told = 0;
    read_log(name);
    for (uint64_t bytes; (bytes = take_gap()) > 0;)
        told += bytes;
    CHECK_INT(told, gap_bytes);
    CHECK_BYTES(content, strlen(content), wanted, strlen(wanted));
}

static void expect(const char *name, const char *wanted)
{
    expect_gaps(name, 0, wanted);
}

/* A limit on the size of files stands for a disk that fills up within a line. */
static void limit_files(rlim_t bytes_max)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes_max;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
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
    expect_gaps("Ball.log", 18, "there again\n");
}

static void line_cut_short_is_not_continued(void)
{
    struct log *log = open_log("", "Welsh");
    limit_files(6);
    put(log, "12345678\n");
    CHECK_INT(log_bytes_lost(log), 3);
    /* Its newline does not fit either, and so what comes next is lost, too. */
    put(log, "lost\n");
    put(log, "lost\n");
    CHECK_INT(log_bytes_lost(log), 13);
    limit_files(RLIM_INFINITY);
    put(log, "next\n");
    put(log, "last\n");
    log_close(&log);
    expect_gaps("Welsh.log", 13, "123456\nnext\nlast\n");
}

static void line_that_ends_at_the_limit_is_whole(void)
{
    struct log *log = open_log("", "Farmar");
    limit_files(5);
    put(log, "1234\n5678\n");
    limit_files(RLIM_INFINITY);
    put(log, "next\n");
    log_close(&log);
    expect_gaps("Farmar.log", 5, "1234\nnext\n");
}

/* A disk that has room for a few bytes now and then: nothing is counted twice or not at all. */
static void each_byte_is_written_or_counted(void)
{
    uint64_t offered = 0, told = 0, torn = 0;
    struct log *log = open_log("", "Goloman");
    srand(7);
    for (int i = 0; i < 2000; i++) {
        char line[64];
        struct stat facts;
        CHECK(stat(path_of("Goloman.log"), &facts) == 0);
        limit_files((rlim_t)facts.st_size + (rlim_t)(rand() % 150));
        int bytes = snprintf(line, sizeof line, "%.*s\n", rand() % 40,
                             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
        put(log, line);
        if (i % 3 == 0)
            log_look(log);
        offered += (uint64_t)bytes;
    }
    limit_files(RLIM_INFINITY);
    log_look(log);
    uint64_t lost = log_bytes_lost(log);
    CHECK(lost > offered / 10);
    log_close(&log);
    read_log("Goloman.log");
    for (uint64_t bytes; (bytes = take_gap()) > 0;)
        told += bytes;
    CHECK_INT(told, lost);
    /* What remains are lines and the beginnings of lines, each ended by a newline of our own, and
     * beginnings of lines about a gap. */
    uint64_t kept = 0;
    for (const char *at = content; *at != '\0'; at += strcspn(at, "\n") + 1) {
        size_t bytes = strcspn(at, "\n");
        if (at[0] == '2')
            continue;
        torn += bytes < 39;
        kept += bytes + 1;
    }
    CHECK(kept >= offered - lost);
    CHECK(kept <= offered - lost + torn);
}

static void tells_of_the_gap_without_a_further_line(void)
{
    struct log *log = open_log("", "Hands");
    limit_files(2);
    put(log, "1234\n");
    log_look(log);
    CHECK_INT(log_bytes_lost(log), 3);
    limit_files(RLIM_INFINITY);
    log_look(log);
    log_look(log);
    expect_gaps("Hands.log", 3, "12\n");
    log_close(&log);
}

static void end_that_another_process_left_torn(void)
{
    FILE *file = fopen(path_of("Riley.log"), "w");
    CHECK(file != NULL && fputs("first\nsec", file) >= 0 && fclose(file) == 0);
    struct log *log = open_log("", "Riley");
    put(log, "third\n");
    expect("Riley.log", "first\nsec\nthird\n");
    /* The same after HUP, where nobody moved the file. */
    limit_files(strlen("first\nsec\nthird\nfo"));
    put(log, "fourth\n");
    limit_files(RLIM_INFINITY);
    log_reopen(log);
    put(log, "fifth\n");
    log_close(&log);
    expect_gaps("Riley.log", 5, "first\nsec\nthird\nfo\nfifth\n");
}

static void remove_folder(const char *name)
{
    char command[3 * PATH_BYTES];
    snprintf(command, sizeof command, "rm -r %s", path_of(name));
    CHECK(system(command) == 0);
}

static void deleted_folder_is_made_again(void)
{
    struct log *log = open_log("c/d", "Jaquez");
    put(log, "one\n");
    log_look(log);
    remove_folder("c");
    put(log, "lost\n");
    log_look(log);
    CHECK_INT(log_bytes_lost(log), 5);
    put(log, "two\n");
    expect_gaps("c/d/Jaquez.log", 5, "two\n");
    remove_folder("c");
    log_reopen(log);
    put(log, "three\n");
    log_close(&log);
    /* What was written since the last look may have been read by nobody. */
    expect_gaps("c/d/Jaquez.log",
                4 + strlen("2026-07-29T12:34:56.123456Z fault - 5 bytes were lost "
                           "here\n"),
                "three\n");
}

/* Something stands in the folder's place: what comes meanwhile is counted, and said once. */
static void folder_that_cannot_be_made_again(void)
{
    struct log *log = open_log("e", "Juzang");
    remove_folder("e");
    FILE *file = fopen(path_of("e"), "w");
    CHECK(file != NULL && fclose(file) == 0);
    log_look(log);
    put(log, "lost\n");
    log_look(log);
    put(log, "lost\n");
    CHECK_INT(log_bytes_lost(log), 10);
    CHECK(unlink(path_of("e")) == 0);
    log_look(log);
    put(log, "found\n");
    log_close(&log);
    expect_gaps("e/Juzang.log", 10, "found\n");
}

static void moved_file_is_noticed_and_keeps_what_it_has(void)
{
    char old[2 * PATH_BYTES];
    struct log *log = open_log("", "Bernard");
    put(log, "one\n");
    snprintf(old, sizeof old, "%s", path_of("Bernard.old"));
    CHECK(rename(path_of("Bernard.log"), old) == 0);
    put(log, "two\n");
    log_look(log);
    put(log, "three\n");
    CHECK_INT(log_bytes_lost(log), 0);
    log_close(&log);
    expect("Bernard.old", "one\ntwo\n");
    expect("Bernard.log", "three\n");
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
    {"a line that ends where the disk does is whole", line_that_ends_at_the_limit_is_whole},
    {"each byte is written, or counted and told", each_byte_is_written_or_counted},
    {"a gap is told before the next line comes", tells_of_the_gap_without_a_further_line},
    {"an end that was left torn is not continued", end_that_another_process_left_torn},
    {"a deleted folder is made again, and its loss told", deleted_folder_is_made_again},
    {"what comes while there is no folder is counted", folder_that_cannot_be_made_again},
    {"a moved file keeps what it has", moved_file_is_noticed_and_keeps_what_it_has},
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
    /* What these logs complain of is not our own failure. */
    if (freopen("/dev/null", "w", stderr) == NULL)
        return 2;
    int status = check_run(cases, sizeof cases / sizeof *cases);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? status : 2;
}
