#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "bus/base/bytes.h"
#include "topology/cli/host.h"
#include "topology/cli/lock.h"
#include "topology/cli/process.h"
#include "topology/cli/welcome.h"
#include "topology/cli/zherd.h"
#include "topology/format/changes.h"
#include "topology/format/endpoints.h"
#include "topology/format/memory_share.h"
#include "topology/load.h"
#include "topology/memory_limits.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/supervisor.h"
#include "topology/usage.h"

/* How long children may take to stop before they are killed. They need less than 1 s, but for a
 * node with a look-up under way, and 2 s more where its log blocks (PHASES_STOP_MS_MAX in
 * gateway/text/phases.h). */
#define STOP_MS_MAX 8000
/* A herd that is not whole after this long says what it waits for. */
#define PATIENCE_MS 5000
/* What is read of a pipe at once: children say little. */
#define READ_BYTES_MAX 4096
#define SIGNALS        5
/* Messages of children in one turn: more than wait there (net.unix.max_dgram_qlen, unix(7)). */
#define HEARD_MAX 1024
/* How often `up` checks that the folder of logs is still there. */
#define LOOK_MS      1000
#define LOG_DIR_MODE 0755
/* What children keep over a restart stands beside the topology's file, in a folder of its name. */
#define DATA_DIR_ENDING ".data"
#define DATA_DIR_MODE   0700

static const int signal_numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD};

struct up;

/* One life of a child, from its start to its end. */
struct life {
    struct process process;
    struct up *up;
    size_t child;
    uv_pipe_t output;
    struct status_stream stream;
    int owed; /* HUP or USR1 that came before it was ready, or 0; HUP means both */
};

struct up {
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t timer; /* the next start or end; while stopping, the end of waiting */
    uv_poll_t heartbeats;
    uv_timer_t patience; /* with a herd that does not become whole */
    uv_timer_t look;     /* at the folder of logs */
    struct topology topology;
    struct supervisor *core;
    bool *is_here; /* by child; NULL where all are on this host */
    size_t nodes_here, places_here;
    int heartbeats_socket;
    struct life **lives; /* one per child; NULL while it does not run */
    size_t running;      /* how many are not NULL */
    const char *path;    /* of the topology file */
    const char *log_dir;
    int path_lock, log_dir_lock; /* both are ours alone */
    uint64_t table_bytes_max;    /* of each node: all are on this host */
    char program_dir[PATH_MAX];
    bool is_stopping;
    int exit_status;
};

static void name_error_file(const struct up *up, size_t child, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s.err", up->log_dir, supervisor_name(up->core, child));
}

/* ---- the end: children first, then the loop's own handles ---- */

static void signal_children(struct up *up, int number)
{
    for (size_t i = 0; i < supervisor_children(up->core); i++) {
        if (up->lives[i])
            kill(up->lives[i]->process.pid, number);
    }
}

/* The loop ends when nothing is open in it. */
static void end_if_over(struct up *up)
{
    if (!up->is_stopping || up->running > 0 || uv_is_closing((uv_handle_t *)&up->timer))
        return;
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&up->signals[i], NULL);
    uv_close((uv_handle_t *)&up->timer, NULL);
    uv_close((uv_handle_t *)&up->patience, NULL);
    uv_close((uv_handle_t *)&up->look, NULL);
    uv_close((uv_handle_t *)&up->heartbeats, NULL);
}

static void kill_late_children(uv_timer_t *timer)
{
    signal_children(timer->data, SIGKILL);
}

static void stop(struct up *up, int exit_status)
{
    if (up->is_stopping)
        return;
    up->is_stopping = true;
    up->exit_status = exit_status;
    uv_timer_stop(&up->patience);
    uv_timer_start(&up->timer, kill_late_children, STOP_MS_MAX, 0);
    signal_children(up, SIGTERM);
    end_if_over(up);
}

/* ---- what HUP and USR1 mean ---- */

static bool make_log_dir(const struct up *up)
{
    struct stat about;
    if (mkdir(up->log_dir, LOG_DIR_MODE) == 0)
        return true;
    if (errno == EEXIST && stat(up->log_dir, &about) == 0 && S_ISDIR(about.st_mode) &&
        access(up->log_dir, W_OK | X_OK) == 0)
        return true;
    say("cannot write logs to %s: %s", up->log_dir, strerror(errno));
    return false;
}

/* Makes the folder again where it is gone. Whether another one has its name now. */
static bool keep_log_dir(struct up *up)
{
    struct stat about;
    if (stat(up->log_dir, &about) != 0)
        make_log_dir(up);
    return lock_follow(up->log_dir, &up->log_dir_lock);
}

static void tell_child(struct life *life, int number)
{
    if (supervisor_is_ready(life->up->core, life->child))
        kill(life->process.pid, number);
    else if (life->owed != SIGHUP)
        life->owed = number;
}

/* The last ones first: a web shows its token before its node has rules. */
static void tell_children(struct up *up, int number)
{
    for (size_t i = supervisor_children(up->core); i-- > 0;) {
        if (up->lives[i])
            tell_child(up->lives[i], number);
    }
}

static void look(uv_timer_t *timer)
{
    struct up *up = timer->data;
    lock_follow(up->path, &up->path_lock);
    if (!up->is_stopping && keep_log_dir(up))
        tell_children(up, SIGUSR1);
}

static void read_again(const struct up *up)
{
    struct topology topology;
    struct topology_changes changes;
    char later[TOPOLOGY_LATER_BYTES_MAX];
    if (!topology_load(up->path, &topology)) {
        say("nothing changes: %s is not good", up->path);
        return;
    }
    printf("read again from %s\n", up->path);
    topology_changes_list(&up->topology, &topology, TOPOLOGY_ASKER_UP, NULL, &changes);
    topology_changes_at_start(&changes, later);
    if (later[0] != '\0')
        printf("%s: at the next start\n", later);
    topology_free(&topology);
}

static void take_hangup(struct up *up, int number)
{
    if (up->is_stopping)
        return;
    signals_reopen();
    lock_follow(up->path, &up->path_lock);
    keep_log_dir(up);
    if (number == SIGHUP)
        read_again(up);
    tell_children(up, number);
}

/* ---- what children say ---- */

static void do_what_is_due(uv_timer_t *timer);

/* To be called whenever that may be sooner. While it stops, the timer is for that. */
static void await_next_due(struct up *up)
{
    int64_t deadline_ms = supervisor_deadline_ms(up->core), now_ms = (int64_t)uv_now(&up->loop);
    if (up->is_stopping)
        return;
    uv_timer_stop(&up->timer);
    if (deadline_ms != INT64_MAX)
        uv_timer_start(&up->timer, do_what_is_due,
                       deadline_ms > now_ms ? (uint64_t)(deadline_ms - now_ms) : 0, 0);
}

static void allocate_read(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    static char bytes[READ_BYTES_MAX];
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void say_ready(const struct up *up)
{
    const char *places = up->places_here > 0 ? ", places answer" : "";
    if (up->nodes_here == up->topology.node_count)
        printf("ready: all %zu nodes take clients, all %zu links are up%s\n",
               up->topology.node_count, up->topology.link_count, places);
    else
        printf("ready: %zu of %zu nodes are here and take clients, all their links are up%s\n",
               up->nodes_here, up->topology.node_count, places);
}

static void take_status(struct life *life, const struct status *status)
{
    struct up *up = life->up;
    bool was_whole = supervisor_was_whole(up->core);
    if (up->is_stopping ||
        !supervisor_take_status(up->core, life->child, status, (int64_t)uv_now(&up->loop)))
        return;
    if (was_whole && status->kind != STATUS_READY)
        printf("%s: link to %s %s\n", supervisor_name(up->core, life->child), status->peer,
               status->kind == STATUS_LINK_UP ? "up" : "down");
    await_next_due(up);
    if (supervisor_is_whole(up->core)) {
        uv_timer_stop(&up->patience);
        say_ready(up);
    }
}

static void take_output(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buffer)
{
    struct life *life = stream->data;
    struct status status;
    if (bytes < 0) {
        uv_read_stop(stream);
        return;
    }
    struct span input = {buffer->base, (size_t)bytes};
    while (status_next(&life->stream, &input, &status)) {
        take_status(life, &status);
        if (life->owed != 0 && status.kind == STATUS_READY) {
            tell_child(life, life->owed);
            life->owed = 0;
        }
    }
}

/* What arrived while we did not run counts, too. */
static void take_heartbeats(struct up *up)
{
    pid_t pid;
    for (int left = HEARD_MAX; left > 0 && process_next_heard(up->heartbeats_socket, &pid); left--)
        for (size_t i = 0; i < supervisor_children(up->core); i++)
            if (up->lives[i] != NULL && up->lives[i]->process.pid == pid)
                supervisor_alive(up->core, i, (int64_t)uv_now(&up->loop));
}

static void on_heartbeats(uv_poll_t *poll, int status, int events)
{
    struct up *up = poll->data;
    (void)status;
    (void)events;
    take_heartbeats(up);
    await_next_due(up);
}

/* ---- how children begin ---- */

/* Whether only this machine can be a client of the herd. */
static bool is_for_this_machine(const struct topology *topology)
{
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        if (!topology_host_binds_loopback(node->clients.host) ||
            (node->clients_tls.line > 0 && !topology_host_binds_loopback(node->clients_tls.host)))
            return false;
    }
    return true;
}

/* Whether a placesd can keep what it has spent there: its herd runs without that, too. Such a
 * folder is made only where it is needed. */
static bool has_data_dir(const struct topology_places *places, const char *data_dir)
{
    struct stat about;
    if (places->budget == 0 || mkdir(data_dir, DATA_DIR_MODE) == 0)
        return true;
    if (errno == EEXIST)
        errno = stat(data_dir, &about) == 0 && !S_ISDIR(about.st_mode) ? ENOTDIR : 0;
    if (errno == 0 && access(data_dir, R_OK | W_OK | X_OK) == 0)
        return true;
    say("what is spent of the budget is not kept in %s: %s", data_dir, strerror(errno));
    return false;
}

static bool says_log_file(const struct topology *topology, size_t node)
{
    return topology->settings.each[SETTING_LOG_FILE].is_said ||
           topology->nodes[node].settings.each[SETTING_LOG_FILE].is_said;
}

static bool start_process(const struct up *up, size_t child, struct process *process)
{
    char program[PATH_MAX + sizeof "/zherd-gateway"], error_path[PATH_MAX];
    size_t places_first = up->topology.node_count;
    size_t web_first = places_first + up->topology.places_count;
    bool is_node = child < places_first, is_web = child >= web_first;
    snprintf(program, sizeof program, "%s/%s", up->program_dir,
             is_node  ? "zherd-gateway"
             : is_web ? "zherd-web"
                      : "placesd");
    /* execv(3) takes its words without const and leaves them as they are. */
    char *name = (char *)supervisor_name(up->core, child), *path = (char *)up->path;
    char *log_dir = (char *)up->log_dir;
    char number[16], bytes[32];
    snprintf(bytes, sizeof bytes, "%" PRIu64, up->table_bytes_max);
    char data_dir[PATH_MAX + sizeof DATA_DIR_ENDING];
    snprintf(data_dir, sizeof data_dir, "%s" DATA_DIR_ENDING, path);
    char *node[] = {program, "--topology", path,     "--node",
                    name,    "--log-dir",  log_dir,  "--max-table-bytes",
                    bytes,   "--data-dir", data_dir, "--new-clients",
                    "0",     NULL};
    /* Whatever the file says: standard output is where it tells us of its state. */
    char log_file[PATH_MAX + TOPOLOGY_NAME_BYTES_MAX + sizeof "/.log"];
    snprintf(log_file, sizeof log_file, "%s/%s.log", log_dir, name);
    if (is_node && says_log_file(&up->topology, child)) {
        node[5] = "--log-file";
        node[6] = log_file;
    }
    if (!is_for_this_machine(&up->topology))
        node[11] = NULL; /* the rate and burst that it has by itself */
    char *web[] = {program, "--topology", path, "--web", name, NULL};
    snprintf(number, sizeof number, "%zu", child - places_first + 1);
    char *places[] = {program, "--topology", path,     "--places",
                      number,  "--data-dir", data_dir, NULL};
    if (!is_node && !is_web && !has_data_dir(&up->topology.places[child - places_first], data_dir))
        places[5] = NULL;
    name_error_file(up, child, error_path);
    return process_start(is_node ? node : is_web ? web : places, error_path, process);
}

static void start_child(struct up *up, size_t child)
{
    int64_t now_ms = (int64_t)uv_now(&up->loop), pause_ms = 0;
    struct life *life = calloc(1, sizeof *life);
    supervisor_started(up->core, child, now_ms);
    keep_log_dir(up);
    if (!life || !start_process(up, child, &life->process)) {
        say("%s cannot be started: %s", supervisor_name(up->core, child), strerror(errno));
        free(life);
        supervisor_exited(up->core, child, -1, now_ms, &pause_ms);
        if (!supervisor_was_whole(up->core))
            stop(up, 1);
        return;
    }
    life->up = up;
    life->child = child;
    life->output.data = life;
    uv_pipe_init(&up->loop, &life->output, 0);
    uv_pipe_open(&life->output, life->process.output);
    uv_read_start((uv_stream_t *)&life->output, allocate_read, take_output);
    up->lives[child] = life;
    up->running++;
}

/* Its core, where the system keeps one, says where its loop stands. */
static void end_silent_child(const struct up *up, size_t child, bool at_once)
{
    printf("%s said nothing for %d s: ended by %s\n", supervisor_name(up->core, child),
           (at_once ? UP_SILENCE_MS + UP_ABORT_MS : UP_SILENCE_MS) / 1000,
           at_once ? "KILL" : "ABRT");
    kill(up->lives[child]->process.pid, at_once ? SIGKILL : SIGABRT);
}

static void do_what_is_due(uv_timer_t *timer)
{
    struct up *up = timer->data;
    size_t child;
    bool at_once;
    take_heartbeats(up);
    while (supervisor_next_silent(up->core, (int64_t)uv_now(&up->loop), &child, &at_once))
        end_silent_child(up, child, at_once);
    while (!up->is_stopping && supervisor_next_start(up->core, (int64_t)uv_now(&up->loop), &child))
        start_child(up, child);
    await_next_due(up);
}

/* ---- how children end ---- */

static void free_life(uv_handle_t *output)
{
    free(output->data);
}

/* An unexpected end is printed with its reason; the child's own last line says most. */
static void take_death(struct up *up, size_t child, const struct process *process, int wait_status)
{
    char end[64], error_path[PATH_MAX], words[PROCESS_LAST_WORDS_BYTES_MAX];
    const char *name = supervisor_name(up->core, child);
    int exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    int64_t pause_ms;
    enum up_verdict verdict =
        supervisor_exited(up->core, child, exit_status, (int64_t)uv_now(&up->loop), &pause_ms);
    process_tell_end(wait_status, end, sizeof end);
    name_error_file(up, child, error_path);
    process_last_words(process, error_path, words);
    if (verdict == UP_GIVE_UP) {
        say("%s did not start: %s", name, words[0] != '\0' ? words : "it gave no reason");
        stop(up, 1);
        return;
    }
    printf("%s %s%s%s; starting it again in %.1f s\n", name, end, words[0] != '\0' ? ": " : "",
           words, (double)pause_ms / 1000);
    await_next_due(up);
}

static void reap(struct up *up)
{
    for (size_t i = 0; i < supervisor_children(up->core); i++) {
        struct life *life = up->lives[i];
        int wait_status = 0;
        if (!life || waitpid(life->process.pid, &wait_status, WNOHANG) != life->process.pid)
            continue;
        struct process process = life->process;
        up->lives[i] = NULL;
        up->running--;
        uv_close((uv_handle_t *)&life->output, free_life);
        if (!up->is_stopping)
            take_death(up, i, &process, wait_status);
    }
    end_if_over(up);
}

static void take_signal(uv_signal_t *handle, int number)
{
    struct up *up = handle->data;
    if (number == SIGCHLD)
        reap(up);
    else if (number == SIGHUP || number == SIGUSR1)
        take_hangup(up, number);
    else if (up->is_stopping)
        signal_children(up, SIGKILL);
    else
        stop(up, 0);
}

/* ---- the beginning ---- */

static void lose_patience(uv_timer_t *timer)
{
    struct up *up = timer->data;
    char missing[UP_MISSING_BYTES_MAX];
    supervisor_name_missing(up->core, missing);
    printf("not ready after %d s; still missing: %s (logs are in %s)\n", PATIENCE_MS / 1000,
           missing, up->log_dir);
}

static bool find_program_dir(struct up *up)
{
    ssize_t bytes = readlink("/proc/self/exe", up->program_dir, sizeof up->program_dir - 1);
    if (bytes <= 0) {
        say("cannot find the folder of zherd: %s", strerror(errno));
        return false;
    }
    up->program_dir[bytes] = '\0';
    *strrchr(up->program_dir, '/') = '\0';
    return true;
}

/* A second herd of this file, or with these logs, is refused before it touches anything. */
static bool take_locks(struct up *up)
{
    return lock_demand(up->path, "runs this herd", &up->path_lock) && make_log_dir(up) &&
           lock_demand(up->log_dir, "writes the logs of its herd there", &up->log_dir_lock);
}

static void init_handles(struct up *up)
{
    uv_loop_init(&up->loop);
    uv_timer_init(&up->loop, &up->timer);
    uv_timer_init(&up->loop, &up->patience);
    uv_timer_init(&up->loop, &up->look);
    up->timer.data = up->patience.data = up->look.data = up;
    uv_timer_start(&up->look, look, LOOK_MS, LOOK_MS);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&up->loop, &up->signals[i]);
        up->signals[i].data = up;
        uv_signal_start(&up->signals[i], take_signal, signal_numbers[i]);
    }
    uv_poll_init(&up->loop, &up->heartbeats, up->heartbeats_socket);
    up->heartbeats.data = up;
    uv_poll_start(&up->heartbeats, UV_READABLE, on_heartbeats);
    signals_release();
}

static void remove_empty_error_files(const struct up *up)
{
    for (size_t i = 0; i < supervisor_children(up->core); i++) {
        char path[PATH_MAX];
        struct stat about;
        name_error_file(up, i, path);
        if (stat(path, &about) == 0 && about.st_size == 0)
            unlink(path);
    }
}

static int run_herd(struct up *up)
{
    up->core = supervisor_new(&up->topology, up->is_here);
    up->lives = bytes_zeroed(supervisor_children(up->core) * sizeof *up->lives);
    init_handles(up);
    welcome_print(&up->topology, up->is_here, up->log_dir);
    if (geteuid() == 0)
        say(SAY_IS_ROOT);
    uv_timer_start(&up->patience, lose_patience, PATIENCE_MS, 0);
    do_what_is_due(&up->timer);
    uv_run(&up->loop, UV_RUN_DEFAULT);
    uv_loop_close(&up->loop);
    remove_empty_error_files(up);
    free(up->lives);
    supervisor_destroy(&up->core);
    return up->exit_status;
}

/* False, and said, where nothing is to be started. Observers are nobody's children, but where they
 * are a `web`. */
static bool find_who_is_here(struct up *up, const char *name)
{
    const struct topology *topology = &up->topology;
    size_t nodes = topology->node_count, places = topology->places_count;
    size_t children = nodes + places + topology->web_count, here = 0;
    up->nodes_here = nodes;
    up->places_here = places;
    if (name == NULL)
        return true;
    struct host host;
    bool any = host_find(&host, topology, name);
    up->is_here = bytes_zeroed(children * sizeof *up->is_here);
    memcpy(up->is_here, host.belongs, nodes * sizeof *up->is_here);
    memcpy(up->is_here + nodes, host.belongs + nodes + topology->observer_count,
           places * sizeof *up->is_here);
    for (size_t i = 0; i < topology->web_count; i++)
        up->is_here[nodes + places + i] = host.belongs[nodes + topology->webs[i].observer];
    up->nodes_here = up->places_here = 0;
    for (size_t i = 0; i < children; i++) {
        here += up->is_here[i];
        up->nodes_here += i < nodes && up->is_here[i];
        up->places_here += i >= nodes && i < nodes + places && up->is_here[i];
    }
    if (!any || here == 0)
        host_say_nothing_belongs(&host, up->path);
    host_free(&host);
    return here > 0;
}

static bool open_heartbeats(struct up *up)
{
    up->heartbeats_socket = process_hear_all(UP_SILENCE_MS);
    return up->heartbeats_socket >= 0 ||
           say_failure("cannot hear from children: %s", strerror(errno));
}

int up_main(int count, char **words)
{
    static const struct option options[] = {
        {"log-dir", required_argument, NULL, 'l'}, {"host", required_argument, NULL, 'h'}, {0}};
    struct up up = {.log_dir = "log"};
    const char *host = NULL;
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option == 'l')
            up.log_dir = optarg;
        else if (option == 'h')
            host = optarg;
        else
            return usage_refuse_option("zherd up", option, words, options);
    }
    if (host != NULL && !host_name_is_good(host))
        return usage_refuse("zherd up", "--host takes a host name or an address, not %s", host);
    if (count - optind != 1)
        return usage_refuse("zherd up", "write one topology file");
    up.path = words[optind];
    /* A reader at the end of a pipe wants each line when it is written. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    say_as("zherd up", NULL);
    /* A reader that goes away does not end a herd. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    if (!find_program_dir(&up) || !topology_load(up.path, &up.topology))
        return 1;
    bool good = find_who_is_here(&up, host);
    struct memory_limits limits = memory_limits_read();
    up.table_bytes_max = memory_share(&limits, up.nodes_here > 0 ? up.nodes_here : 1);
    int exit_status = good && take_locks(&up) && open_heartbeats(&up) ? run_herd(&up) : 1;
    free(up.is_here);
    topology_free(&up.topology);
    return exit_status;
}
