/* telnet: every sequence of RFC 854 in, text and answers out. */
#include "gateway/text/telnet.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define IAC  "\xff"
#define DONT "\xfe"
#define DO   "\xfd"
#define WONT "\xfc"
#define WILL "\xfb"
#define SB   "\xfa"
#define EL   "\xf8"
#define IP   "\xf4"
#define DM   "\xf2"
#define SE   "\xf0"
#define EOF_ "\xec"

#define BYTES_MAX 64

struct outcome {
    char text[BYTES_MAX];
    size_t text_bytes;
    bool interrupted;
    struct buffer answers;
};

/* One read of `in`, which ends at an unreadable page. */
static void feed(struct telnet *telnet, struct span in, struct outcome *outcome)
{
    char *bytes = check_at_page_end(in.data, in.len);
    bool interrupted = true;
    size_t remain = telnet_filter(telnet, bytes, in.len, &interrupted, &outcome->answers);
    if (interrupted) {
        outcome->text_bytes = 0;
        outcome->interrupted = true;
    }
    memcpy(outcome->text + outcome->text_bytes, bytes, remain);
    outcome->text_bytes += remain;
}

/* What a new connection makes of `in`, in one read, split in two anywhere, and byte by byte. Texts
 * here hold no LF before an interrupt unless said so, so that an interrupt drops all that came
 * before. */
static void check_ends(struct span in, struct span text, struct span answers,
                       enum telnet_state state)
{
    for (size_t split = 0; split <= in.len + 1; split++) {
        struct telnet telnet = {0};
        struct outcome outcome = {0};
        size_t first = split <= in.len ? split : 0;
        feed(&telnet, (struct span){in.data, first}, &outcome);
        for (size_t at = first, more; at < in.len; at += more) {
            more = split <= in.len ? in.len - at : 1;
            feed(&telnet, (struct span){in.data + at, more}, &outcome);
        }
        CHECK_BYTES(outcome.text, outcome.text_bytes, text.data, text.len);
        CHECK_BYTES(outcome.answers.data, outcome.answers.len, answers.data, answers.len);
        CHECK_INT(telnet.state, state);
        buffer_free(&outcome.answers);
    }
}

static void check(struct span in, struct span text, struct span answers)
{
    bool is_silent = memchr(in.data, 0xff, in.len) == NULL;
    check_ends(in, text, answers, is_silent ? TELNET_SILENT : TELNET_TEXT);
}

static void text_passes(void)
{
    check(SPAN("IAMAT kiwi\r\n"), SPAN("IAMAT kiwi\r\n"), SPAN(""));
    check(SPAN("a\0b\x80\xfe\xf4\n"), SPAN("a\0b\x80\xfe\xf4\n"), SPAN(""));
    check(SPAN(""), SPAN(""), SPAN(""));
}

static void doubled_is_a_byte(void)
{
    check(SPAN(IAC IAC), SPAN("\xff"), SPAN(""));
    check(SPAN("a" IAC IAC IAC IAC "b\n"),
          SPAN("a\xff\xff"
               "b\n"),
          SPAN(""));
    check(SPAN(IAC IAC IP "\n"), SPAN("\xff\xf4\n"), SPAN(""));
}

static void options_are_refused(void)
{
    check(SPAN("a" IAC DO "\x01"
               "b"),
          SPAN("ab"), SPAN(IAC WONT "\x01"));
    check(SPAN("a" IAC WILL "\x1f"
               "b"),
          SPAN("ab"), SPAN(IAC DONT "\x1f"));
    check(SPAN(IAC DO IAC "b"), SPAN("b"), SPAN(IAC WONT IAC));
    check(SPAN(IAC DO "\n"
                      "b"),
          SPAN("b"), SPAN(IAC WONT "\n"));
}

static void refused_each_time(void)
{
    check(SPAN(IAC DO "\x01" IAC DO "\x01" IAC WILL "\x01" IAC WILL "\x01" IAC DO "\x01"), SPAN(""),
          SPAN(IAC WONT "\x01" IAC WONT "\x01" IAC DONT "\x01" IAC DONT "\x01" IAC WONT "\x01"));
    check(SPAN(IAC DO "\x06" IAC DO "\x06" IAC WILL "\x06" IAC WILL "\x06"), SPAN(""),
          SPAN(IAC WONT "\x06" IAC WONT "\x06" IAC DONT "\x06" IAC DONT "\x06"));
    struct telnet telnet = {0};
    struct buffer answers = {0};
    bool interrupted;
    size_t asked = 0;
    for (int round = 0; round < 2; round++)
        for (int verb = 0xfb; verb <= 0xfe; verb++)
            for (int option = 0; option < 256; option++) {
                char in[] = {(char)0xff, (char)verb, (char)option};
                CHECK_INT(telnet_filter(&telnet, in, sizeof in, &interrupted, &answers), 0);
                bool asks = verb == 0xfb || verb == 0xfd;
                char wanted[] = {(char)0xff, (char)(verb + (verb == 0xfb ? 3 : -1)), (char)option};
                asked += asks ? 3 : 0;
                CHECK_INT(answers.len, asked);
                CHECK(!asks || memcmp(answers.data + asked - 3, wanted, 3) == 0);
            }
    buffer_free(&answers);
}

static void refusals_need_no_answer(void)
{
    check(SPAN("a" IAC WONT "\x01"
               "b" IAC DONT "\x01"
               "c"),
          SPAN("abc"), SPAN(""));
}

static void subnegotiations_go(void)
{
    check(SPAN("a" IAC SB "\x18\0xterm\n" IAC SE "b\n"), SPAN("ab\n"), SPAN(""));
    check(SPAN("a" IAC SB "\x1f\0" IAC IAC "\0P" IAC SE "b\n"), SPAN("ab\n"), SPAN(""));
    check(SPAN("a" IAC SB IAC DO "\x01" IAC IP IAC SE "b\n"), SPAN("ab\n"), SPAN(""));
    check(SPAN("a" IAC SB IAC IAC SE "xyz" IAC SE "b\n"), SPAN("ab\n"), SPAN(""));
    check(SPAN("a" IAC SB SE IAC IAC SE IAC SE "b\n"), SPAN("ab\n"), SPAN(""));
}

static void other_commands_go(void)
{
    for (int command = 0; command < 0xfa; command++) {
        char in[] = {'a', (char)0xff, (char)command, 'b', '\n'};
        bool is_interrupt = command == 0xf4, is_end = command == 0xec;
        struct span wanted = is_end ? SPAN("a") : is_interrupt ? SPAN("b\n") : SPAN("ab\n");
        check_ends((struct span){in, sizeof in}, wanted, SPAN(""),
                   is_end ? TELNET_ENDED : TELNET_TEXT);
    }
}

struct row {
    struct span in, text;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(rows[i].in, rows[i].text, SPAN(""));
}

/* RFC 1123, 3.3.1; NOP stands for any command. */
#define NOP IAC "\xf1"

static void cr_nul_ends_a_line(void)
{
    const struct row rows[] = {
        {SPAN(NOP "HELP\r\0QUIT\r\0"), SPAN("HELP\r\nQUIT\r\n")},
        {SPAN("HELP\r\0"), SPAN("HELP\r\0")},
        {SPAN("a\r\0" NOP "b\r\0"), SPAN("a\r\0b\r\n")},
        {SPAN("a\r" NOP "\0"), SPAN("a\r\n")},
        {SPAN(NOP "a\r" NOP "\0b"), SPAN("a\r\nb")},
        {SPAN(NOP "a\0b\0\r"), SPAN("a\0b\0\r")},
        {SPAN(NOP "\0\r\0\0"), SPAN("\0\r\n\0")},
        {SPAN(NOP "\r\r\0\r\n\0"), SPAN("\r\r\n\r\n\0")},
        {SPAN(NOP "\ra\0"), SPAN("\ra\0")},
        {SPAN(NOP "\r" IAC IAC "\0"), SPAN("\r\xff\0")},
        {SPAN(NOP "a\r" IAC IP "\0b"), SPAN("\0b")},
        {SPAN(IAC SB "\x18\r\0" IAC SE "a\r" IAC SB "\0" IAC SE "\0"), SPAN("a\r\n")},
        {SPAN(IAC IAC "\r\0"), SPAN("\xff\r\n")},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}

static void keys_before_a_command_go(void)
{
    const struct row rows[] = {
        {SPAN("\x04HELP\r\n\x03QUIT\r\n"), SPAN("\x04HELP\r\n\x03QUIT\r\n")},
        {SPAN(NOP "\x04HELP\r\n\x04QUIT\r\n"), SPAN("HELP\r\nQUIT\r\n")},
        {SPAN(NOP "\x04\x04 \x04\tHELP\n"), SPAN(" \tHELP\n")},
        {SPAN(NOP "H\x04\n \x04\n"), SPAN("H\x04\n \n")},
        {SPAN(NOP "HELP \x04\r\0\x04QUIT\r\0"), SPAN("HELP \x04\r\nQUIT\r\n")},
        {SPAN("a\n" NOP "\x04HELP\n"), SPAN("a\nHELP\n")},
        {SPAN(" " NOP "\x04HELP\n"), SPAN(" HELP\n")},
        {SPAN("H" NOP "\x04"
              "ELP\n"),
         SPAN("H\x04"
              "ELP\n")},
        {SPAN("\x04" NOP "\x04HELP\n"), SPAN("\x04\x04HELP\n")},
        {SPAN("half" IAC IP "\x04HELP\n"), SPAN("HELP\n")},
        {SPAN(NOP "\x04\r\n"), SPAN("\r\n")},
        {SPAN(IAC IAC "\x04\n\x04"), SPAN("\xff\x04\n")},
        /* PuTTY's Ctrl-C, Ctrl-U, Ctrl-\ and Ctrl-Z */
        {SPAN(IAC EL "\x03HELP\r\n"), SPAN("HELP\r\n")},
        {SPAN(IAC EL "\x15HELP\r\n"), SPAN("HELP\r\n")},
        {SPAN(IAC EL "\x1cHELP\r\n"), SPAN("HELP\r\n")},
        {SPAN(IAC EL "\x1aHELP\r\n"), SPAN("HELP\r\n")},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
    for (int byte = 0; byte < 0xff; byte++) {
        char in[] = {(char)0xff, (char)0xf1, (char)byte, 'x', (char)byte, '\n'};
        bool is_key = byte == 3 || byte == 4 || byte == 0x15 || byte == 0x1a || byte == 0x1c;
        size_t kept = is_key ? 3 : 2;
        check((struct span){in, sizeof in}, (struct span){in + kept, sizeof in - kept}, SPAN(""));
    }
}

static void eof_is_the_end(void)
{
    const struct row rows[] = {
        {SPAN(IAC EOF_), SPAN("")},
        {SPAN("a\nb" IAC EOF_ "c\n" IAC DO "\x01" IAC IP IAC EOF_ "d\n"), SPAN("a\nb")},
        {SPAN(IAC SB "\x22" IAC EOF_ IAC SE "a" IAC EOF_ "b"), SPAN("a")},
        {SPAN(IAC IAC EOF_ IAC DONT EOF_ "a" IAC EOF_ "b"), SPAN("\xff\xec"
                                                                 "a")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_ends(rows[i].in, rows[i].text, SPAN(""), TELNET_ENDED);
}

/* What real programs sent, byte for byte, and the text in it. */
static void real_clients(void)
{
    const struct {
        const char *name;
        struct span in, text, answers;
    } rows[] = {
        {"PuTTY's greeting and Enter",
         SPAN(IAC WILL "\x1f" IAC WILL "\x20" IAC WILL "\x18" IAC WILL "\x27" IAC DO "\x01" IAC WILL
                       "\x03" IAC DO "\x03"
                       "HELP\r\n"),
         SPAN("HELP\r\n"),
         SPAN(IAC DONT "\x1f" IAC DONT "\x20" IAC DONT "\x18" IAC DONT "\x27" IAC WONT
                       "\x01" IAC DONT "\x03" IAC WONT "\x03")},
        {"inetutils, mode character twice, Enter, mode line",
         SPAN(IAC DO "\x01" IAC DO "\x03" IAC DO "\x01" IAC DO "\x03"
                     "HELP\r\0" IAC DONT "\x03"),
         SPAN("HELP\r\n"), SPAN(IAC WONT "\x01" IAC WONT "\x03" IAC WONT "\x01" IAC WONT "\x03")},
        {"inetutils, Ctrl-C", SPAN("half a li" IAC IP IAC DO "\x06HELP\r\n"), SPAN("HELP\r\n"),
         SPAN(IAC WONT "\x06")},
        {"inetutils, Ctrl-C and Synch", SPAN("half" IAC IP IAC DM "HELP\r\n"), SPAN("HELP\r\n"),
         SPAN("")},
        {"socat's BINARY and SGA",
         SPAN(IAC DO "\x01" IAC WILL "\0" IAC DO "\0" IAC WILL "\x03"
                     "HELP\n"),
         SPAN("HELP\n"), SPAN(IAC WONT "\x01" IAC DONT "\0" IAC WONT "\0" IAC DONT "\x03")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int before = check_failures;
        check(rows[i].in, rows[i].text, rows[i].answers);
        if (check_failures > before)
            printf("    of %s\n", rows[i].name);
    }
}

static void interrupt_within_a_read(void)
{
    struct {
        struct span in, remain;
        bool interrupted;
    } cases[] = {
        {SPAN(IAC IP), SPAN(""), true},
        {SPAN("abc" IAC IP "d\n"), SPAN("d\n"), true},
        {SPAN("abc\n" IAC IP "d\n"), SPAN("abc\nd\n"), false},
        {SPAN("abc\nxyz" IAC IP "d\n"), SPAN("abc\nd\n"), false},
        {SPAN("abc" IAC IP "d\nxyz" IAC IP "e"), SPAN("d\ne"), true},
        {SPAN("abc" IAC IP "d" IAC IP "e"), SPAN("e"), true},
        {SPAN("\n\n" IAC IP IAC IP), SPAN("\n\n"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct telnet telnet = {0};
        struct buffer answers = {0};
        bool interrupted = !cases[i].interrupted;
        char *bytes = check_at_page_end(cases[i].in.data, cases[i].in.len);
        size_t remain = telnet_filter(&telnet, bytes, cases[i].in.len, &interrupted, &answers);
        CHECK_BYTES(bytes, remain, cases[i].remain.data, cases[i].remain.len);
        CHECK_INT(interrupted, cases[i].interrupted);
        CHECK_INT(answers.len, 0);
    }
}

/* Every pair after an IAC, in the middle of a line, followed by a sub-negotiation's end, which is
 * harmless where there is none: the line after it is always whole. */
static void every_pair(void)
{
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char in[] = {'x',        (char)0xff, (char)a, (char)b, (char)0xff, (char)0xf0,
                         (char)0xff, (char)0xf0, '\n',    'y',     '\n'};
            char wanted[BYTES_MAX];
            size_t w = 0;
            if (a == 0xec)
                continue;
            if (a != 0xf4)
                wanted[w++] = 'x';
            if (a == 0xff)
                wanted[w++] = (char)0xff;
            bool is_text = a < 0xfa || a == 0xff;
            bool is_key = b == 3 || b == 4 || b == 0x15 || b == 0x1a || b == 0x1c;
            if (is_text && !(a == 0xf4 && is_key))
                wanted[w++] = (char)b; /* a lone IAC makes 0xff with the one that follows */
            if (is_text && b == 0xff)
                wanted[w++] = (char)0xf0;
            memcpy(wanted + w, "\ny\n", 3);
            w += 3;
            for (size_t split = 0; split <= sizeof in; split++) {
                struct telnet telnet = {0};
                struct buffer answers = {0};
                char copy[sizeof in], text[sizeof in];
                memcpy(copy, in, sizeof in);
                bool first, second;
                size_t bytes = telnet_filter(&telnet, copy, split, &first, &answers);
                memcpy(text, copy, bytes);
                size_t more =
                    telnet_filter(&telnet, copy + split, sizeof in - split, &second, &answers);
                if (second)
                    bytes = 0;
                memcpy(text + bytes, copy + split, more);
                CHECK_BYTES(text, bytes + more, wanted, w);
                CHECK_INT(telnet.state, TELNET_TEXT);
                CHECK_INT(answers.len, a == 0xfb || a == 0xfd ? 3 : 0);
                buffer_free(&answers);
            }
        }
}

static const struct check_case cases[] = {
    {"text without IAC passes as it is", text_passes},
    {"IAC IAC is the byte 0xff", doubled_is_a_byte},
    {"DO is answered WONT, WILL is answered DONT", options_are_refused},
    {"every DO and WILL is refused each time", refused_each_time},
    {"WONT and DONT need no answer", refusals_need_no_answer},
    {"a sub-negotiation is taken out up to IAC SE", subnegotiations_go},
    {"every other command of two bytes is taken out", other_commands_go},
    {"an interrupt drops the line typed so far and no other", interrupt_within_a_read},
    {"CR NUL ends a line, after the first IAC only", cr_nul_ends_a_line},
    {"keys before a command go, after the first IAC only", keys_before_a_command_go},
    {"IAC EOF is the end of input", eof_is_the_end},
    {"what real clients send", real_clients},
    {"after any pair that follows an IAC the next line is whole", every_pair},
};

CHECK_MAIN(cases)
