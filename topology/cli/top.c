#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef ZHERD_HAS_CURSES
#include <curses.h>
#endif

#include "topology/cli/survey.h"
#include "topology/cli/zherd.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/usage.h"

#define PROGRAM  "zherd top"
#define ROUND_MS 1000

struct top {
    const char *path, *operator_name;
    bool once;
    struct overview *overview;
    struct survey survey;
    struct overview_view view;
    struct buffer lines;
};

/* ---- once ---- */

static bool is_nobody_there(const struct top *top, const struct operator_session *session)
{
    struct overview_verdict verdict = overview_judge(top->overview);
    return verdict.answered == 0 &&
           !say_failure("no node of %s answers; check that one runs, and that the file it has "
                        "read%s lists the operator %s",
                        top->path, operator_has_keys(session) ? "" : ", where it has keys,",
                        session->self.name);
}

static int print_once(struct top *top, const struct operator_session *session)
{
    survey_once(&top->survey);
    struct overview_verdict verdict = overview_judge(top->overview);
    overview_write(top->overview, &top->view, &top->lines);
    bool is_written =
        fwrite(top->lines.data, 1, top->lines.len, stdout) == top->lines.len && fflush(stdout) == 0;
    if (!is_written || is_nobody_there(top, session))
        return 1;
    return overview_status_of_links(&verdict);
}

/* ---- the view ---- */

#ifdef ZHERD_HAS_CURSES

static const char KEYS[] = "q quit  sort: f file  n name  s state  c clients  r rate  l lag  "
                           "pick: up, down  Esc: nobody";

#define ESCAPE 27

static void move_pick(struct top *top, int by)
{
    size_t count = overview_topology(top->overview)->node_count, at = 0;
    uint32_t *order = bytes_resize(NULL, (count + 1) * sizeof *order);
    overview_order(top->overview, top->view.sort, order);
    while (at < count && order[at] != top->view.picked)
        at++;
    if (at == count)
        at = by > 0 ? 0 : count - 1;
    else if (by > 0 ? at + 1 < count : at > 0)
        at = by > 0 ? at + 1 : at - 1;
    top->view.picked = order[at];
    free(order);
}

/* False to quit. */
static bool take_key(struct top *top, int key)
{
    static const struct {
        int key;
        enum overview_sort sort;
    } sorts[] = {{'f', OVERVIEW_BY_FILE},    {'n', OVERVIEW_BY_NAME}, {'s', OVERVIEW_BY_STATE},
                 {'c', OVERVIEW_BY_CLIENTS}, {'r', OVERVIEW_BY_RATE}, {'l', OVERVIEW_BY_LAG}};
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if (key == sorts[i].key)
            top->view.sort = sorts[i].sort;
    if (key == KEY_DOWN || key == 'j')
        move_pick(top, 1);
    else if (key == KEY_UP || key == 'k')
        move_pick(top, -1);
    else if (key == ESCAPE)
        top->view.picked = OVERVIEW_NOBODY;
    return key != 'q';
}

/* The lines from `first` on, as many as there is room for, and below them the keys. */
static void put_lines(const struct top *top, size_t first, int picked_row)
{
    const char *at = top->lines.data, *end = at + top->lines.len;
    for (int row = -(int)first; at < end && row < LINES - 1; row++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (row >= 0) {
            if (row == picked_row)
                attron(A_BOLD);
            mvaddnstr(row, 0, at, newline - at < COLS ? (int)(newline - at) : COLS);
            attroff(A_BOLD);
        }
        at = newline + 1;
    }
    attron(A_REVERSE);
    mvaddnstr(LINES - 1, 0, KEYS, COLS - 1);
    attroff(A_REVERSE);
}

static void draw(struct top *top)
{
    top->lines.len = 0;
    size_t picked = overview_write(top->overview, &top->view, &top->lines);
    size_t rows = LINES > 1 ? (size_t)LINES - 1 : 1;
    size_t first = picked + 1 > rows ? picked + 1 - rows : 0;
    erase();
    put_lines(top, first, picked > 0 ? (int)(picked - first) : -1);
    refresh();
}

/* Until a key is pressed that quits. KEY_RESIZE is a key, too, which only draws anew. */
static void go_on(struct top *top)
{
    int64_t round_ms = survey_now_ms();
    for (bool goes_on = true; goes_on;) {
        int64_t now_ms = survey_now_ms();
        if (now_ms >= round_ms) {
            survey_ask(&top->survey);
            round_ms = now_ms + ROUND_MS;
        }
        bool is_cut = survey_wait(&top->survey, STDIN_FILENO, round_ms);
        draw(top);
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        int64_t left_ms = round_ms - survey_now_ms();
        if (!is_cut && left_ms > 0)
            (void)poll(&input, 1, (int)left_ms);
        for (int key; goes_on && (key = getch()) != ERR;)
            goes_on = take_key(top, key);
        draw(top);
        /* A terminal that is gone is always ready, and never gives a key. */
        goes_on = goes_on && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
    }
}

static bool watch(struct top *top)
{
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
        return say_failure("this is no terminal; write --once");
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (screen == NULL)
        return say_failure("the terminal (TERM) is not known; write --once");
    cbreak();
    noecho();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    go_on(top);
    endwin();
    delscreen(screen);
    return true;
}

#else

static bool watch(struct top *top)
{
    (void)top;
    return say_failure("this was built without ncurses; write --once");
}

#endif

/* ---- words ---- */

enum { ONCE = 1, OPERATOR };

/* The exit status, if it is to end with these words; else 0. */
static int read_words(int count, char **words, struct top *top)
{
    static const struct option options[] = {
        {"once", no_argument, NULL, ONCE}, {"operator", required_argument, NULL, OPERATOR}, {0}};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option == ONCE)
            top->once = true;
        else if (option == OPERATOR)
            top->operator_name = optarg;
        else
            return usage_refuse_option(PROGRAM, option, words, options);
    }
    if (count - optind != 1)
        return usage_refuse(PROGRAM, "write a topology file");
    top->path = words[optind];
    return 0;
}

static int run(struct top *top, struct operator_session *session)
{
    top->overview = overview_new(session->options.topology);
    top->survey = survey_new(session, top->overview);
    int status = top->once ? print_once(top, session) : !watch(top);
    survey_free(&top->survey);
    overview_destroy(&top->overview);
    buffer_free(&top->lines);
    return status;
}

int top_main(int count, char **words)
{
    struct topology topology;
    struct top top = {.view = {.picked = OVERVIEW_NOBODY}};
    struct operator_session session = {0};
    int status = read_words(count, words, &top);
    if (status != 0)
        return status;
    say_as(PROGRAM, NULL);
    signals_release();
    if (!topology_load(top.path, &topology))
        return 1;
    struct operator_options who = {
        .path = top.path, .topology = &topology, .name = top.operator_name};
    status = operator_open(&session, &who) ? run(&top, &session) : 1;
    operator_end(&session);
    topology_free(&topology);
    return status;
}
