#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "topology/cli/survey.h"
#include "topology/cli/zherd.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/usage.h"

#define PROGRAM "zherd status"
/* Where nothing can be said of the herd; 0, 1 and 2 say how it is. */
#define CANNOT_SAY 3

enum { JSON = 1, OPERATOR, WAYS };

struct status_words {
    const char *path, *operator_name;
    bool json, ways;
};

static bool read_words(int count, char **words, struct status_words *read)
{
    static const struct option options[] = {{"json", no_argument, NULL, JSON},
                                            {"operator", required_argument, NULL, OPERATOR},
                                            {"ways", no_argument, NULL, WAYS},
                                            {0}};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option == JSON)
            read->json = true;
        else if (option == OPERATOR)
            read->operator_name = optarg;
        else if (option == WAYS)
            read->ways = true;
        else
            return usage_refuse_option(PROGRAM, option, words, options) == 0;
    }
    if (count - optind != 1)
        return usage_refuse(PROGRAM, "write a topology file") == 0;
    read->path = words[optind];
    return true;
}

/* The exit status. */
static int ask(struct operator_session *session, const struct status_words *words)
{
    struct overview *overview = overview_new(session->options.topology);
    struct survey survey = survey_new(session, overview);
    struct buffer out = {0};
    survey_once(&survey);
    struct overview_verdict verdict = overview_judge(overview);
    struct overview_view view = {.picked = OVERVIEW_NOBODY, .all = true, .ways = words->ways};
    if (words->json)
        overview_write_json(overview, words->ways, &out);
    else
        overview_write(overview, &view, &out);
    bool is_written = fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buffer_free(&out);
    survey_free(&survey);
    overview_destroy(&overview);
    if (!is_written)
        say("what is to be said cannot be written");
    return is_written ? overview_status_of_all(&verdict) : CANNOT_SAY;
}

int status_main(int count, char **words)
{
    struct topology topology;
    struct status_words read = {0};
    struct operator_session session = {0};
    if (!read_words(count, words, &read))
        return CANNOT_SAY;
    say_as(PROGRAM, NULL);
    signals_release();
    if (!topology_load(read.path, &topology))
        return CANNOT_SAY;
    struct operator_options who = {
        .path = read.path, .topology = &topology, .name = read.operator_name};
    int status = operator_open(&session, &who) ? ask(&session, &read) : CANNOT_SAY;
    operator_end(&session);
    topology_free(&topology);
    return status;
}
