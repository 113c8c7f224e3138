/* Spans and buffers, and what is said when memory is refused. */
#include "bus/base/bytes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/base/printable.h"
#include "tests/check.h"

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void spans_compare_as_unsigned_bytes(void)
{
    static const char *const ordered[] = {"", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"};
    size_t count = sizeof ordered / sizeof *ordered;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int wanted = (i > j) - (i < j);
            CHECK_INT(sign(span_compare(span_of(ordered[i]), span_of(ordered[j]))), wanted);
            CHECK(span_equals(span_of(ordered[i]), span_of(ordered[j])) == (i == j));
        }
}

static void a_nul_byte_is_a_byte(void)
{
    struct span with = {"a\0b", 3}, without = {"a", 1};
    CHECK(span_compare(with, without) > 0);
    CHECK(!span_equals(with, without));
}

static void an_empty_span_needs_no_memory(void)
{
    struct span none = {NULL, 0};
    CHECK_INT(span_compare(none, none), 0);
    CHECK(span_equals(none, span_of("")));
    struct buffer buffer = {0};
    buffer_append(&buffer, none);
    CHECK(buffer.data == NULL);
    buffer_consume(&buffer, 1);
    buffer_free(&buffer);
}

static void a_buffer_keeps_everything_while_it_grows(void)
{
    struct buffer buffer = {0};
    for (unsigned i = 0; i < 100000; i++) {
        char byte = (char)(i * 7);
        buffer_append(&buffer, (struct span){&byte, 1});
    }
    CHECK_INT(buffer.len, 100000);
    unsigned wrong = 0;
    for (unsigned i = 0; i < 100000; i++)
        wrong += buffer.data[i] != (char)(i * 7);
    CHECK_INT(wrong, 0);
    buffer_free(&buffer);
    CHECK(buffer.data == NULL && buffer.len == 0 && buffer.capacity == 0);
}

static void reserve_promises_room_but_adds_nothing(void)
{
    struct buffer buffer = {0};
    char *place = buffer_reserve(&buffer, 0);
    CHECK(place != NULL);
    buffer_append(&buffer, span_of("abc"));
    place = buffer_reserve(&buffer, 5000);
    CHECK(place == buffer.data + 3);
    CHECK_INT(buffer.len, 3);
    CHECK(buffer.capacity >= 5003);
    memset(place, 'x', 5000);
    buffer_free(&buffer);
}

static void consume_drops_from_the_front(void)
{
    struct buffer buffer = {0};
    buffer_append(&buffer, span_of("hello world"));
    buffer_consume(&buffer, 6);
    CHECK_BYTES(buffer.data, buffer.len, "world", 5);
    buffer_consume(&buffer, 0);
    CHECK_BYTES(buffer.data, buffer.len, "world", 5);
    buffer_consume(&buffer, 99);
    CHECK_INT(buffer.len, 0);
    buffer_append(&buffer, span_of("again"));
    CHECK_BYTES(buffer.data, buffer.len, "again", 5);
    buffer_free(&buffer);
}

static void refused_memory_ends_the_process_with_a_sentence(void)
{
    int ends[2], status;
    CHECK_INT(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        bytes_refused(12345);
    }
    close(ends[1]);
    char wanted[128], said[sizeof wanted];
    int wanted_bytes =
        snprintf(wanted, sizeof wanted, "%s: out of memory: 12345 bytes were refused\n",
                 program_invocation_short_name);
    ssize_t said_bytes = read(ends[0], said, sizeof said);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_BYTES(said, (size_t)said_bytes, wanted, (size_t)wanted_bytes);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    close(ends[0]);
}

static void a_text_is_copied_with_its_end(void)
{
    char text[] = "kiwi";
    char *copy = bytes_text(text), *empty = bytes_text("");
    text[0] = 'x';
    CHECK(strcmp(copy, "kiwi") == 0);
    CHECK(strcmp(empty, "") == 0);
    free(copy);
    free(empty);
}

static void a_strangers_bytes_become_printable(void)
{
    char text[] = "\x01\x1f \"~\x7f\x80\xff\n";
    printable_make(text);
    CHECK(strcmp(text, "?? \"~????") == 0);
    for (int byte = 0; byte < 256; byte++)
        CHECK_INT(printable((char)byte), byte >= 0x20 && byte <= 0x7e ? byte : '?');
}

static const struct check_case cases[] = {
    {"spans compare as unsigned bytes", spans_compare_as_unsigned_bytes},
    {"a NUL byte is a byte", a_nul_byte_is_a_byte},
    {"an empty span needs no memory", an_empty_span_needs_no_memory},
    {"a buffer keeps everything while it grows", a_buffer_keeps_everything_while_it_grows},
    {"reserve promises room but adds nothing", reserve_promises_room_but_adds_nothing},
    {"consume drops from the front", consume_drops_from_the_front},
    {"a text is copied with its end", a_text_is_copied_with_its_end},
    {"a stranger's bytes become printable", a_strangers_bytes_become_printable},
    {"refused memory ends the process with a sentence",
     refused_memory_ends_the_process_with_a_sentence},
};

CHECK_MAIN(cases)
