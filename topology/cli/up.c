#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "bus/net/resolve.h"
#include "topology/cli/process.h"
#include "topology/cli/up_lock.h"
#include "topology/cli/zherd.h"
#include "topology/format/changes.h"
#include "topology/format/endpoints.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/supervisor.h"
#include "topology/usage.h"

/* How long children may take to stop before they are killed: they promise to need less. */
#define STOP_MS_MAX 1000
/* A herd that is not whole after this long says what it waits for. */
#define PATIENCE_MS 5000
/* What is read of a pipe at once: children say little. */
#define READ_BYTES_MAX 4096
#define SIGNALS        5
/* How often it is looked whether the folder of logs is still there. */
#define LOOK_MS      1000
#define LOG_DIR_MODE 0755

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
    uv_timer_t timer;    /* the next start; while stopping, the end of waiting */
    uv_timer_t patience; /* with a herd that does not become whole */
    uv_timer_t look;     /* at the folder of logs */
    struct topology topology;
    struct supervisor *core;
    struct life **lives; /* one per child; NULL while it does not run */
    size_t running;      /* how many are not NULL */
    const char *path;    /* of the topology file */
    const char *log_dir;
    int path_lock, log_dir_lock; /* both are ours alone */
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
    return up_lock_follow(up->log_dir, &up->log_dir_lock);
}

static void tell_child(struct life *life, int number)
{
    if (supervisor_is_ready(life->up->core, life->child))
        kill(life->process.pid, number);
    else if (life->owed != SIGHUP)
        life->owed = number;
}

static void tell_children(struct up *up, int number)
{
    for (size_t i = 0; i < supervisor_children(up->core); i++) {
        if (up->lives[i])
            tell_child(up->lives[i], number);
    }
}

static void look(uv_timer_t *timer)
{
    struct up *up = timer->data;
    up_lock_follow(up->path, &up->path_lock);
    if (!up->is_stopping && keep_log_dir(up))
        tell_children(up, SIGUSR1);
}

static void read_again(const struct up *up)
{
    struct topology topology;
    char changes[TOPOLOGY_CHANGES_BYTES_MAX];
    if (!topology_load(up->path, &topology)) {
        say("all stays as it is: %s is not good", up->path);
        return;
    }
    printf("read again from %s\n", up->path);
    topology_changes_list(&up->topology, &topology, NULL, changes);
    if (changes[0] != '\0')
        printf("%s: at the next start\n", changes);
    topology_free(&topology);
}

static void take_hangup(struct up *up, int number)
{
    if (up->is_stopping)
        return;
    signals_reopen();
    up_lock_follow(up->path, &up->path_lock);
    keep_log_dir(up);
    if (number == SIGHUP)
        read_again(up);
    tell_children(up, number);
}

/* ---- what children say ---- */

static void allocate_read(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    static char bytes[READ_BYTES_MAX];
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void take_status(struct life *life, const struct status *status)
{
    struct up *up = life->up;
    bool was_whole = supervisor_was_whole(up->core);
    if (up->is_stopping || !supervisor_take_status(up->core, life->child, status))
        return;
    if (was_whole && status->kind != STATUS_READY)
        printf("%s: link to %s %s\n", supervisor_name(up->core, life->child), status->peer,
               status->kind == STATUS_LINK_UP ? "up" : "down");
    if (supervisor_is_whole(up->core)) {
        uv_timer_stop(&up->patience);
        printf("ready: all %zu nodes take clients, all %zu links are up%s\n",
               up->topology.node_count, up->topology.link_count,
               up->topology.places_count > 0 ? ", places answer" : "");
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

/* ---- how children begin ---- */

static void start_due_children(uv_timer_t *timer);

static void await_next_start(struct up *up)
{
    int64_t deadline_ms = supervisor_deadline_ms(up->core), now_ms = (int64_t)uv_now(&up->loop);
    uv_timer_stop(&up->timer);
    if (deadline_ms != INT64_MAX)
        uv_timer_start(&up->timer, start_due_children,
                       deadline_ms > now_ms ? (uint64_t)(deadline_ms - now_ms) : 0, 0);
}

static bool start_process(const struct up *up, size_t child, struct process *process)
{
    char program[PATH_MAX + sizeof "/zherd-gateway"], error_path[PATH_MAX];
    bool is_node = child < up->topology.node_count;
    snprintf(program, sizeof program, "%s/%s", up->program_dir,
             is_node ? "zherd-gateway" : "placesd");
    /* execv(3) takes its words without const and leaves them as they are. */
    char *name = (char *)supervisor_name(up->core, child), *path = (char *)up->path;
    char *log_dir = (char *)up->log_dir;
    char *node[] = {program, "--topology", path, "--node", name, "--log-dir", log_dir, NULL};
    char number[16];
    snprintf(number, sizeof number, "%zu", child - up->topology.node_count + 1);
    char *places[] = {program, "--topology", path, "--places", number, NULL};
    name_error_file(up, child, error_path);
    return process_start(is_node ? node : places, error_path, process);
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

static void start_due_children(uv_timer_t *timer)
{
    struct up *up = timer->data;
    size_t child;
    while (!up->is_stopping && supervisor_next_start(up->core, (int64_t)uv_now(&up->loop), &child))
        start_child(up, child);
    if (!up->is_stopping)
        await_next_start(up);
}

/* ---- how children end ---- */

static void free_life(uv_handle_t *output)
{
    free(output->data);
}

/* A death nobody asked for is told with its reason; the child's own last line says most. */
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
        say("%s did not start: %s", name, words[0] != '\0' ? words : "it did not say why");
        stop(up, 1);
        return;
    }
    printf("%s %s%s%s; starting it again in %.1f s\n", name, end, words[0] != '\0' ? ": " : "",
           words, (double)pause_ms / 1000);
    await_next_start(up);
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

/* Where telnet on this machine finds what is bound to the endpoint. */
static void find_reachable(const struct topology_endpoint *endpoint,
                           char host[TOPOLOGY_HOST_BYTES_MAX + 1])
{
    struct resolve_addresses addresses;
    struct topology_endpoint numbers;
    char error[RESOLVE_ERROR_BYTES_MAX];
    strcpy(host, endpoint->host);
    if (topology_host_is_any(host))
        strcpy(host, strcmp(host, "::") == 0 ? "::1" : "127.0.0.1");
    else if (topology_host_is_interface(host) &&
             resolve_to_bind(endpoint->text, &addresses, error) &&
             topology_endpoint_parse(addresses.endpoints[0], &numbers) == NULL)
        strcpy(host, numbers.host);
}

static void print_telnet(const struct topology_node *node)
{
    char host[TOPOLOGY_HOST_BYTES_MAX + 1];
    find_reachable(&node->clients, host);
    printf("telnet %s %u\n", host, node->clients.port);
}

static void print_welcome(const struct up *up)
{
    const struct topology *topology = &up->topology;
    const struct topology_node *first = &topology->nodes[0];
    const struct topology_node *last = &topology->nodes[topology->node_count - 1];
    struct timespec now;
    int width = 0;
    printf("%s: nodes %zu, links %zu, logs in %s\n\n", topology->herd, topology->node_count,
           topology->link_count, up->log_dir);
    for (size_t i = 0; i < topology->node_count; i++) {
        int bytes = (int)strlen(topology->nodes[i].name);
        width = bytes > width ? bytes : width;
    }
    for (size_t i = 0; i < topology->node_count; i++) {
        printf("  %-*s  ", width, topology->nodes[i].name);
        print_telnet(&topology->nodes[i]);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    printf("\nTell %s where you are:\n\n  ", first->name);
    print_telnet(first);
    printf("  IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 %lld.%09ld\n", (long long)now.tv_sec,
           now.tv_nsec);
    printf("\nand ask %s what is near you:\n\n  ", last->name);
    print_telnet(last);
    puts("  WHATSAT kiwi.cs.ucla.edu 10 5\n\nCtrl-C stops the herd.");
}

static bool find_program_dir(struct up *up)
{
    ssize_t bytes = readlink("/proc/self/exe", up->program_dir, sizeof up->program_dir - 1);
    if (bytes <= 0) {
        say("cannot find its own folder: %s", strerror(errno));
        return false;
    }
    up->program_dir[bytes] = '\0';
    *strrchr(up->program_dir, '/') = '\0';
    return true;
}

static bool take_lock(const char *path, const char *taken, int *lock)
{
    char holder[UP_LOCK_HOLDER_BYTES_MAX];
    *lock = up_lock_take(path, holder);
    if (*lock < 0 && holder[0] != '\0')
        say("%s %s: %s has it", path, taken, holder);
    else if (*lock < 0)
        say("%s: %s", path, strerror(errno));
    return *lock >= 0;
}

/* A second herd of this file, or with these logs, is refused before it touches anything. */
static bool take_locks(struct up *up)
{
    return take_lock(up->path, "runs already", &up->path_lock) && make_log_dir(up) &&
           take_lock(up->log_dir, "has the logs of a herd that runs", &up->log_dir_lock);
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
    up->core = supervisor_new(&up->topology);
    up->lives = calloc(supervisor_children(up->core), sizeof *up->lives);
    if (!up->lives) {
        say("there is not enough memory");
        exit(1);
    }
    init_handles(up);
    print_welcome(up);
    uv_timer_start(&up->patience, lose_patience, PATIENCE_MS, 0);
    start_due_children(&up->timer);
    uv_run(&up->loop, UV_RUN_DEFAULT);
    uv_loop_close(&up->loop);
    remove_empty_error_files(up);
    free(up->lives);
    supervisor_destroy(&up->core);
    return up->exit_status;
}

int up_main(int count, char **words)
{
    static const struct option options[] = {{"log-dir", required_argument, NULL, 'l'}, {0}};
    struct up up = {.log_dir = "log"};
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option != 'l')
            return usage_refuse_option("zherd up", option, words, options);
        up.log_dir = optarg;
    }
    if (count - optind != 1)
        return usage_refuse("zherd up", "write one topology file");
    up.path = words[optind];
    /* Who reads us through a pipe wants each line when it is written. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    say_as("zherd up", NULL);
    /* Nor does whoever reads us end a herd. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    if (!find_program_dir(&up) || !topology_load(up.path, &up.topology))
        return 1;
    int exit_status = take_locks(&up) ? run_herd(&up) : 1;
    topology_free(&up.topology);
    return exit_status;
}
