/* telnet: every sequence of RFC 854 in, text and answers out. */
#include "gateway/telnet.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define IAC  "\xff"
#define DONT "\xfe"
#define DO   "\xfd"
#define WONT "\xfc"
#define WILL "\xfb"
#define SB   "\xfa"
#define IP   "\xf4"
#define SE   "\xf0"

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
    char *bytes = check_at_page_end(in.at, in.bytes);
    bool interrupted = true;
    size_t remain = telnet_filter(telnet, bytes, in.bytes, &interrupted, &outcome->answers);
    if (interrupted) {
        outcome->text_bytes = 0;
        outcome->interrupted = true;
    }
    memcpy(outcome->text + outcome->text_bytes, bytes, remain);
    outcome->text_bytes += remain;
}

/* What a new connection makes of `in`, in one read and split in two anywhere. Texts here hold
 * no LF before an interrupt unless said so, so that an interrupt drops all that came before. */
static void check(struct span in, struct span text, struct span answers)
{
    for (size_t split = 0; split <= in.bytes; split++) {
        struct telnet telnet = {0};
        struct outcome outcome = {0};
        feed(&telnet, (struct span){in.at, split}, &outcome);
        feed(&telnet, (struct span){in.at + split, in.bytes - split}, &outcome);
        CHECK_BYTES(outcome.text, outcome.text_bytes, text.at, text.bytes);
        CHECK_BYTES(outcome.answers.at, outcome.answers.bytes, answers.at, answers.bytes);
        CHECK_INT(telnet.state, TELNET_TEXT);
        buffer_free(&outcome.answers);
    }
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

static void options_are_declined(void)
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

static void declined_once(void)
{
    check(SPAN(IAC DO "\x01" IAC DO "\x01" IAC WILL "\x01" IAC WILL "\x01" IAC DO "\x01"), SPAN(""),
          SPAN(IAC WONT "\x01" IAC DONT "\x01"));
    struct telnet telnet = {0};
    struct buffer answers = {0};
    bool interrupted;
    for (int round = 0; round < 2; round++)
        for (int verb = 0xfb; verb <= 0xfe; verb++)
            for (int option = 0; option < 256; option++) {
                char in[] = {(char)0xff, (char)verb, (char)option};
                CHECK_INT(telnet_filter(&telnet, in, sizeof in, &interrupted, &answers), 0);
            }
    /* Every option once for WILL and once for DO, and the second DO TIMING-MARK. */
    CHECK_INT(answers.bytes, 3 * (256 + 256 + 1));
    buffer_free(&answers);
}

static void refusals_need_no_answer(void)
{
    check(SPAN("a" IAC WONT "\x01"
               "b" IAC DONT "\x01"
               "c"),
          SPAN("abc"), SPAN(""));
}

static void timing_mark_each_time(void)
{
    check(SPAN(IAC DO "\x06" IAC DO "\x06" IAC DO "\x06"), SPAN(""),
          SPAN(IAC WONT "\x06" IAC WONT "\x06" IAC WONT "\x06"));
    check(SPAN(IAC WILL "\x06" IAC WILL "\x06"), SPAN(""), SPAN(IAC DONT "\x06"));
}

static void control_c_of_the_real_telnet(void)
{
    check(SPAN("half a li" IAC IP IAC DO "\x06"
               "IAMAT\r\n"),
          SPAN("IAMAT\r\n"), SPAN(IAC WONT "\x06"));
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
        bool is_interrupt = command == 0xf4;
        check((struct span){in, sizeof in}, is_interrupt ? SPAN("b\n") : SPAN("ab\n"), SPAN(""));
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
        char *bytes = check_at_page_end(cases[i].in.at, cases[i].in.bytes);
        size_t remain = telnet_filter(&telnet, bytes, cases[i].in.bytes, &interrupted, &answers);
        CHECK_BYTES(bytes, remain, cases[i].remain.at, cases[i].remain.bytes);
        CHECK_INT(interrupted, cases[i].interrupted);
        CHECK_INT(answers.bytes, 0);
    }
}

/* Every pair behind an IAC, in the middle of a line, with a sub-negotiation's end behind it
 * that is harmless where there is none: the line after it is always whole. */
static void every_pair(void)
{
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char in[] = {'x',        (char)0xff, (char)a, (char)b, (char)0xff, (char)0xf0,
                         (char)0xff, (char)0xf0, '\n',    'y',     '\n'};
            char wanted[BYTES_MAX];
            size_t w = 0;
            if (a != 0xf4)
                wanted[w++] = 'x';
            if (a == 0xff)
                wanted[w++] = (char)0xff;
            bool is_text = a < 0xfa || a == 0xff;
            if (is_text)
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
                CHECK_INT(answers.bytes, a == 0xfb || a == 0xfd ? 3 : 0);
                buffer_free(&answers);
            }
        }
}

static const struct check_case cases[] = {
    {"text without IAC passes as it is", text_passes},
    {"IAC IAC is the byte 0xff", doubled_is_a_byte},
    {"DO is answered WONT, WILL is answered DONT", options_are_declined},
    {"each option is declined once per verb", declined_once},
    {"WONT and DONT need no answer", refusals_need_no_answer},
    {"DO TIMING-MARK is answered each time", timing_mark_each_time},
    {"Ctrl-C of the real telnet drops the line and is answered", control_c_of_the_real_telnet},
    {"a sub-negotiation is taken out up to IAC SE", subnegotiations_go},
    {"every other command of two bytes is taken out", other_commands_go},
    {"an interrupt drops the line typed so far and no other", interrupt_within_a_read},
    {"after any pair behind an IAC the next line is whole", every_pair},
};

CHECK_MAIN(cases)
