/* log: appends whole lines, survives what a disk does, reopens its file. */
#include "topology/log.h"
#include "tests/check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 128
#define WAIT_MS    1000

static char folder[PATH_BYTES];

static const char *path_of(const char *name)
{
    static char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct log *open_log(const char *below, const char *name)
{
    struct fault fault;
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, below);
    struct log *log = log_open(&(struct log_options){.folder = path, .name = name}, &fault);
    if (log == NULL)
        printf("    %s\n", fault.text);
    CHECK(log != NULL);
    return log;
}

static void put(struct log *log, const char *text)
{
    struct buffer lines = {0};
    buffer_append(&lines, span_of(text));
    log_write(log, &lines);
    CHECK(log_settle(log, WAIT_MS));
    CHECK_INT(lines.len, 0);
    buffer_free(&lines);
}

static void look(struct log *log)
{
    log_look(log);
    CHECK(log_settle(log, WAIT_MS));
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

/* Takes the next line that reports a gap out of the content. Its bytes, or 0 without one. */
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

/* What the file holds besides the lines that report `gap_bytes` in all. */
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
    log_close(&log, WAIT_MS);
    CHECK(log == NULL);
    log = open_log("a/b/", "Clark");
    put(log, "two\n");
    log_close(&log, WAIT_MS);
    expect("a/b/Clark.log", "one\ntwo\n");
}

static void opens_again(void)
{
    char old[2 * PATH_BYTES];
    struct log *log = open_log("", "Bona");
    put(log, "one\n");
    snprintf(old, sizeof old, "%s", path_of("Bona.old"));
    CHECK(rename(path_of("Bona.log"), old) == 0);
    put(log, "two\n");
    log_reopen(log);
    put(log, "three\n");
    log_close(&log, WAIT_MS);
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
    log_close(&log, WAIT_MS);
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
    log_close(&log, WAIT_MS);
    expect_gaps("Welsh.log", 13, "123456\nnext\nlast\n");
}

static void line_that_ends_at_the_limit_is_whole(void)
{
    struct log *log = open_log("", "Farmar");
    limit_files(5);
    put(log, "1234\n5678\n");
    limit_files(RLIM_INFINITY);
    put(log, "next\n");
    log_close(&log, WAIT_MS);
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
            look(log);
        offered += (uint64_t)bytes;
    }
    limit_files(RLIM_INFINITY);
    look(log);
    uint64_t lost = log_bytes_lost(log);
    CHECK(lost > offered / 10);
    log_close(&log, WAIT_MS);
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
    look(log);
    CHECK_INT(log_bytes_lost(log), 3);
    limit_files(RLIM_INFINITY);
    look(log);
    look(log);
    expect_gaps("Hands.log", 3, "12\n");
    log_close(&log, WAIT_MS);
}

static void end_that_another_process_left_torn(void)
{
    FILE *file = fopen(path_of("Riley.log"), "w");
    CHECK(file != NULL && fputs("first\nsec", file) >= 0 && fclose(file) == 0);
    struct log *log = open_log("", "Riley");
    put(log, "third\n");
    expect("Riley.log", "first\nsec\nthird\n");
    /* The same after HUP, where the file was not moved. */
    limit_files(strlen("first\nsec\nthird\nfo"));
    put(log, "fourth\n");
    limit_files(RLIM_INFINITY);
    log_reopen(log);
    put(log, "fifth\n");
    log_close(&log, WAIT_MS);
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
    look(log);
    remove_folder("c");
    put(log, "lost\n");
    look(log);
    CHECK_INT(log_bytes_lost(log), 5);
    put(log, "two\n");
    expect_gaps("c/d/Jaquez.log", 5, "two\n");
    remove_folder("c");
    log_reopen(log);
    put(log, "three\n");
    log_close(&log, WAIT_MS);
    /* What was written since the last look may not have been read. */
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
    look(log);
    put(log, "lost\n");
    look(log);
    put(log, "lost\n");
    CHECK_INT(log_bytes_lost(log), 10);
    CHECK(unlink(path_of("e")) == 0);
    look(log);
    put(log, "found\n");
    log_close(&log, WAIT_MS);
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
    look(log);
    put(log, "three\n");
    CHECK_INT(log_bytes_lost(log), 0);
    log_close(&log, WAIT_MS);
    expect("Bernard.old", "one\ntwo\n");
    expect("Bernard.log", "three\n");
}

static void make_pipe(const char *name)
{
    CHECK(mkfifo(path_of(name), 0600) == 0);
}

static int open_reader(const char *name)
{
    int reader = open(path_of(name), O_RDONLY | O_NONBLOCK);
    CHECK(reader >= 0);
    return reader;
}

static void pipe_without_a_reader_stops_nobody(void)
{
    char bytes[64];
    make_pipe("Ziegler.log");
    struct log *log = open_log("", "Ziegler");
    put(log, "one\n");
    log_reopen(log);
    put(log, "two\n");
    int reader = open_reader("Ziegler.log");
    ssize_t count = read(reader, bytes, sizeof bytes);
    CHECK_BYTES(bytes, count < 0 ? 0 : (size_t)count, "one\ntwo\n", 8);
    log_close(&log, WAIT_MS);
    close(reader);
}

/* When no further block fits in the queue, a short line would. */
#define BLOCK_BYTES 4093

static void fill_block(char block[BLOCK_BYTES])
{
    memset(block, 'x', BLOCK_BYTES);
    block[BLOCK_BYTES - 1] = '\n';
}

/* More than a pipe holds: the log's thread waits in the middle of it. */
#define FIRST_BLOCKS 64

static void write_until_blocked(struct log *log, int reader, const char block[BLOCK_BYTES])
{
    struct buffer lines = {0};
    struct pollfd polled = {.fd = reader, .events = POLLIN};
    for (int i = 0; i < FIRST_BLOCKS; i++)
        buffer_append(&lines, (struct span){block, BLOCK_BYTES});
    log_write(log, &lines);
    buffer_free(&lines);
    CHECK(poll(&polled, 1, WAIT_MS) == 1);
}

/* Gives blocks until the log blocks and one is lost; returns the bytes given. */
static uint64_t write_until_full(struct log *log, int reader)
{
    char block[BLOCK_BYTES];
    uint64_t given = (uint64_t)FIRST_BLOCKS * BLOCK_BYTES;
    fill_block(block);
    write_until_blocked(log, reader, block);
    while (log_bytes_lost(log) == 0 && given < 4 * (uint64_t)LOG_QUEUE_BYTES_MAX) {
        struct buffer lines = {0};
        buffer_append(&lines, (struct span){block, sizeof block});
        log_write(log, &lines);
        buffer_free(&lines);
        given += BLOCK_BYTES;
    }
    return given;
}

/* Reads until the log has nothing left. Returns the bytes that are no line about a gap; the last
 * ones read stay in `content`. */
static uint64_t drain(struct log *log, int reader)
{
    uint64_t count = 0;
    bool settled = false;
    for (;;) {
        ssize_t got = read(reader, content, sizeof content - 1);
        if (got > 0) {
            content[got] = '\0';
            count += (uint64_t)got;
        } else if (settled) {
            return count;
        }
        settled = log_settle(log, 1);
    }
}

static void pipe_that_nobody_reads_costs_lines_not_the_node(void)
{
    make_pipe("Watson.log");
    int reader = open_reader("Watson.log");
    struct log *log = open_log("", "Watson");
    uint64_t given = write_until_full(log, reader);
    CHECK(given > LOG_QUEUE_BYTES_MAX);
    CHECK_INT(log_bytes_lost(log), BLOCK_BYTES);
    CHECK(!log_settle(log, 1));
    /* What comes later does not slip in before the line about the gap. */
    struct buffer lines = {0};
    buffer_append(&lines, span_of("lost\n"));
    log_write(log, &lines);
    CHECK_INT(log_bytes_lost(log), BLOCK_BYTES + 5);
    CHECK_INT(drain(log, reader), given - BLOCK_BYTES);
    put(log, "next\n");
    CHECK(drain(log, reader) > 5);
    CHECK_INT(take_gap(), BLOCK_BYTES + 5);
    CHECK_BYTES(content, strlen(content), "next\n", 5);
    CHECK_INT(log_bytes_lost(log), BLOCK_BYTES + 5);
    log_close(&log, WAIT_MS);
    buffer_free(&lines);
    close(reader);
}

/* The reader stays open to the end of the process: the log's thread waits for it. */
static void pipe_that_blocks_does_not_keep_the_process(void)
{
    make_pipe("Smith.log");
    int reader = open_reader("Smith.log");
    struct log *log = open_log("", "Smith");
    write_until_full(log, reader);
    log_close(&log, WAIT_MS);
    CHECK(log == NULL);
}

static void says_what_is_wrong(void)
{
    struct fault fault = {0};
    CHECK(log_open(&(struct log_options){.folder = "/dev/null/x", .name = "Clark"}, &fault) ==
          NULL);
    CHECK(strstr(fault.text, "/dev/null/x") != NULL);
    CHECK(mkdir(path_of("Hill.log"), 0700) == 0);
    CHECK(log_open(&(struct log_options){.folder = folder, .name = "Hill"}, &fault) == NULL);
    CHECK(strstr(fault.text, "Hill.log: Is a directory") != NULL);
}

/* ---- a file that has its limit ---- */

#define LIMIT 16

static struct log *open_limited(const char *name)
{
    struct fault fault;
    struct log *log =
        log_open(&(struct log_options){.folder = folder, .name = name, .bytes_max = LIMIT}, &fault);
    CHECK(log != NULL);
    return log;
}

static void is_not_there(const char *name)
{
    CHECK(access(path_of(name), F_OK) != 0);
}

static void a_file_at_its_limit_is_rotated(void)
{
    struct log *log = open_limited("Hill2");
    put(log, "1234567\n1234567\n"); /* at the limit */
    is_not_there("Hill2.log.1");
    put(log, "a\n"); /* and past it */
    expect("Hill2.log.1", "1234567\n1234567\n");
    expect("Hill2.log", "a\n");
    /* In one go, and between two lines each time; the oldest goes. */
    put(log, "bbbbbbbbbbbb\ncccccccccccccc\nd\neeeeeeeeeeeeeee\nf\n");
    CHECK_INT(log_bytes_lost(log), 0);
    log_close(&log, WAIT_MS);
    expect("Hill2.log", "f\n");
    expect("Hill2.log.1", "eeeeeeeeeeeeeee\n");
    expect("Hill2.log.2", "d\n");
    expect("Hill2.log.3", "cccccccccccccc\n");
    is_not_there("Hill2.log.4");
}

static void a_longer_line_is_a_file_of_its_own(void)
{
    struct log *log = open_limited("Hill3");
    put(log, "12345678901234567890\n");
    put(log, "a\n12345678901234567890\nb\n");
    log_close(&log, WAIT_MS);
    expect("Hill3.log.3", "12345678901234567890\n");
    expect("Hill3.log.2", "a\n");
    expect("Hill3.log.1", "12345678901234567890\n");
    expect("Hill3.log", "b\n");
}

static void what_was_there_at_the_start_counts(void)
{
    struct log *log = open_limited("Hill4");
    put(log, "1234567\n");
    log_close(&log, WAIT_MS);
    log = open_limited("Hill4");
    put(log, "123456789\n");
    log_close(&log, WAIT_MS);
    expect("Hill4.log.1", "1234567\n");
    expect("Hill4.log", "123456789\n");
}

/* The link stays one, and its file is rotated where it lies. */
static void a_link_is_followed(void)
{
    struct stat facts;
    CHECK(mkdir(path_of("far"), 0700) == 0);
    CHECK(symlink("far/real", path_of("Hill5.log")) == 0);
    struct log *log = open_limited("Hill5");
    put(log, "1234567\n");
    put(log, "123456789\n");
    log_close(&log, WAIT_MS);
    CHECK(lstat(path_of("Hill5.log"), &facts) == 0 && S_ISLNK(facts.st_mode));
    expect("far/real.1", "1234567\n");
    expect("far/real", "123456789\n");
}

/* A folder that is not empty is in the way: nothing is written until it is. */
static void one_that_cannot_be_rotated_grows_no_more(void)
{
    struct log *log = open_limited("Hill6");
    CHECK(mkdir(path_of("Hill6.log.2"), 0700) == 0 && mkdir(path_of("Hill6.log.3"), 0700) == 0);
    CHECK(mkdir(path_of("Hill6.log.3/x"), 0700) == 0);
    put(log, "1234567\n1234567\n");
    put(log, "12345\n");
    put(log, "123\n");
    CHECK_INT(log_bytes_lost(log), 10);
    expect("Hill6.log", "1234567\n1234567\n");
    CHECK(rmdir(path_of("Hill6.log.3/x")) == 0);
    put(log, "12\n"); /* it is tried again after the next look */
    CHECK_INT(log_bytes_lost(log), 13);
    look(log);
    put(log, "1\n");
    CHECK_INT(log_bytes_lost(log), 13);
    log_close(&log, WAIT_MS);
    expect_gaps("Hill6.log.1", 13, "");
    expect("Hill6.log", "1\n");
}

static void no_limit_is_none(void)
{
    struct log *log = open_log("", "Hill7");
    for (int i = 0; i < 100; i++)
        put(log, "1234567\n");
    log_close(&log, WAIT_MS);
    is_not_there("Hill7.log.1");
}

static void other_options_count_from_then_on(void)
{
    struct log *log = open_log("", "Hill8");
    put(log, "1234567890123456789012345\n");
    char other[2 * PATH_BYTES];
    snprintf(other, sizeof other, "%s", path_of("other/Hill8.json"));
    log_change(log, &(struct log_options){.file = other, .bytes_max = LIMIT});
    put(log, "1234567\n");
    put(log, "123456789\n");
    log_close(&log, WAIT_MS);
    expect("Hill8.log", "1234567890123456789012345\n");
    expect("other/Hill8.json.1", "1234567\n");
    expect("other/Hill8.json", "123456789\n");
}

static void a_queue_that_fills_is_near_its_end_once(void)
{
    make_pipe("Hill9.log");
    int reader = open_reader("Hill9.log");
    struct log *log = open_log("", "Hill9");
    CHECK(!log_take_near(log));
    write_until_full(log, reader);
    CHECK(log_take_near(log));
    struct buffer lines = {0};
    buffer_append(&lines, span_of("more\n"));
    log_write(log, &lines);
    CHECK(!log_take_near(log)); /* it still is */
    drain(log, reader);
    put(log, "a\n");
    CHECK(!log_take_near(log));
    log_close(&log, WAIT_MS);
    buffer_free(&lines);
    close(reader);
}

static const struct check_case cases[] = {
    {"it makes its folder and appends to its file", appends_in_a_folder_it_makes},
    {"after a rotation it opens the file again", opens_again},
    {"a full disk costs lines, counted, and not the node", full_disk_costs_lines_not_the_node},
    {"a line cut short is not continued by the next", line_cut_short_is_not_continued},
    {"a line that ends where the disk does is whole", line_that_ends_at_the_limit_is_whole},
    {"each byte is written, or counted and reported", each_byte_is_written_or_counted},
    {"a gap is reported before the next line comes", tells_of_the_gap_without_a_further_line},
    {"an end that was left torn is not continued", end_that_another_process_left_torn},
    {"a deleted folder is made again, and its loss reported", deleted_folder_is_made_again},
    {"what comes while there is no folder is counted", folder_that_cannot_be_made_again},
    {"a moved file keeps what it has", moved_file_is_noticed_and_keeps_what_it_has},
    {"a pipe needs no reader yet", pipe_without_a_reader_stops_nobody},
    {"a pipe that blocks costs lines, counted, and not the node",
     pipe_that_nobody_reads_costs_lines_not_the_node},
    {"a log that blocks is left at the end", pipe_that_blocks_does_not_keep_the_process},
    {"what cannot be opened is named", says_what_is_wrong},
    {"a file at its limit is rotated, between two lines", a_file_at_its_limit_is_rotated},
    {"a line that is longer than a file may be is one of its own",
     a_longer_line_is_a_file_of_its_own},
    {"what was in the file at the start counts", what_was_there_at_the_start_counts},
    {"a link stays, and what it leads to is rotated", a_link_is_followed},
    {"a file that cannot be rotated grows no more, and what it has no room for is counted",
     one_that_cannot_be_rotated_grows_no_more},
    {"without a limit nothing is rotated", no_limit_is_none},
    {"other options count from then on", other_options_count_from_then_on},
    {"a queue that is nearly full says so once", a_queue_that_fills_is_near_its_end_once},
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
