/* The built placesd from outside: how it starts, refuses to start, serves and stops. The
 * build says where it is (PLACESD_PROGRAM). */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "placesd/dispatch/dispatcher.h"
#include "tests/bus/asker.h"
#include "tests/bus/upstream.h"

#define START_MS 10000
#define STOP_MS  1000

static void *context;
static struct upstream upstream;
static char folder[] = "/tmp/zherd-placesd-XXXXXX";
static char topology_path[64], key_path[64];
static uint16_t front_port, back_port;
static char front[64];

/* A running placesd and what it wrote. */
struct run {
    pid_t process;
    int out, err;
    int status; /* once it has ended */
    char out_text[4096], err_text[16384];
};

static struct run launch(char *const arguments[])
{
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
        perror("pipe2");
        exit(2);
    }
    struct run run = {.process = fork(), .out = out[0], .err = err[0]};
    if (run.process == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        /* A process that hides a key cannot be traced, so no sanitizer can look for leaks. */
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        execv(PLACESD_PROGRAM, arguments);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    return run;
}

/* Reads what there is and appends it. False at the end. */
static bool read_more(int file, char *text, size_t room)
{
    size_t before = strlen(text);
    ssize_t got = read(file, text + before, room - before - 1);
    text[before + (got > 0 ? (size_t)got : 0)] = '\0';
    return got > 0;
}

/* Waits until standard output holds `text`. */
static bool wait_for(struct run *run, const char *text)
{
    int64_t give_up_ms = asker_now_ms() + START_MS;
    while (strstr(run->out_text, text) == NULL) {
        struct pollfd item = {run->out, POLLIN, 0};
        int64_t left_ms = give_up_ms - asker_now_ms();
        if (left_ms <= 0 || poll(&item, 1, (int)left_ms) <= 0 ||
            !read_more(run->out, run->out_text, sizeof run->out_text))
            return false;
    }
    return true;
}

/* Waits until it has ended by itself. Its exit status, or -1 for any other end. */
static int finish(struct run *run)
{
    while (read_more(run->out, run->out_text, sizeof run->out_text))
        continue;
    while (read_more(run->err, run->err_text, sizeof run->err_text))
        continue;
    waitpid(run->process, &run->status, 0);
    close(run->out);
    close(run->err);
    CHECK(strstr(run->out_text, ASKER_CANARY) == NULL);
    CHECK(strstr(run->err_text, ASKER_CANARY) == NULL);
    return WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -1;
}

/* Sends it a signal to stop; it must end within STOP_MS. */
static void stop(struct run *run, int signal_number)
{
    int64_t start_ms = asker_now_ms();
    kill(run->process, signal_number);
    CHECK_INT(finish(run), 0);
    CHECK(asker_now_ms() - start_ms < STOP_MS);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    fchmod(file, mode);
    CHECK(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

/* A herd of one node, with places as given. */
static void write_topology(const char *places)
{
    char text[2048];
    snprintf(text, sizeof text,
             "herd\n    name = test\n"
             "node\n    name = A\n    clients = tcp://127.0.0.1:%u\n    bus = tcp://127.0.0.1:%u\n"
             "%s",
             asker_free_port(), asker_free_port(), places);
    write_file(topology_path, text, 0644);
}

static void write_places(const char *provider, uint16_t port, const char *more)
{
    char text[1024];
    front_port = asker_free_port();
    back_port = asker_free_port();
    snprintf(front, sizeof front, "tcp://127.0.0.1:%u", front_port);
    snprintf(text, sizeof text,
             "places\n    gateways = %s\n    workers = tcp://127.0.0.1:%u\n"
             "    provider = %s\n    url = http://127.0.0.1:%u" UPSTREAM_PATH "\n%s",
             front, back_port, provider, port, more);
    write_topology(text);
}

static void write_google(void)
{
    char more[128];
    snprintf(more, sizeof more, "    key_file = %s\n", key_path);
    write_places("google", upstream.port, more);
    write_file(key_path, ASKER_CANARY "\n", 0600);
}

static struct run serve(void)
{
    char *arguments[] = {"placesd", "--topology", topology_path, NULL};
    return launch(arguments);
}

/* It must end at once, with that status, one line on standard error that holds `text`, and nothing
 * on standard output. */
static void expect_end(struct run run, int status, const char *text)
{
    CHECK_INT(finish(&run), status);
    CHECK_INT(strlen(run.out_text), 0);
    CHECK(strstr(run.err_text, text) != NULL);
    const char *end = strchr(run.err_text, '\n');
    bool one_line = end != NULL && end[1] == '\0';
    CHECK(one_line);
    if (!one_line)
        printf("%s", run.err_text);
}

static void expect_refusal(struct run run, const char *text)
{
    expect_end(run, 1, text);
}

static void helps(void)
{
    char *help[] = {"placesd", "--help", NULL};
    struct run run = launch(help);
    CHECK_INT(finish(&run), 0);
    CHECK(strstr(run.out_text, "placesd --topology FILE") != NULL);
    char *version[] = {"placesd", "--version", NULL};
    run = launch(version);
    CHECK_INT(finish(&run), 0);
    CHECK(strncmp(run.out_text, "placesd " ZHERD_VERSION, strlen("placesd " ZHERD_VERSION)) == 0);
}

static void refuses_arguments(void)
{
    char *none[] = {"placesd", NULL};
    expect_end(launch(none), 2, "--topology FILE is missing");
    char *unknown[] = {"placesd", "--colour", NULL};
    expect_end(launch(unknown), 2, "there is no option --colour");
    char *more[] = {"placesd", "--topology", topology_path, "extra", NULL};
    expect_end(launch(more), 2, "unexpected argument extra");
}

static void refuses_files(void)
{
    unlink(topology_path);
    expect_refusal(serve(), topology_path);
    write_topology("");
    expect_refusal(serve(), "has 0 places sections");
    write_topology("places\n    colour = red\n");
    struct run run = serve();
    CHECK_INT(finish(&run), 1);
}

static void refuses_keys(void)
{
    write_google();
    write_file(key_path, ASKER_CANARY "\n", 0640);
    expect_refusal(serve(), "mode 0600");
    write_file(key_path, ASKER_CANARY "\n", 0604);
    expect_refusal(serve(), "mode 0600");
    write_file(key_path, ASKER_CANARY "\nmore\n", 0600);
    expect_refusal(serve(), "does not hold a key");
    write_file(key_path, "", 0600);
    expect_refusal(serve(), "does not hold a key");
    unlink(key_path);
    expect_refusal(serve(), key_path);
    mkdir(key_path, 0700);
    expect_refusal(serve(), key_path);
    rmdir(key_path);
}

/* Holds a port of loopback while it runs. */
static int take_port(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(listener, 1) == 0);
    return listener;
}

static void names_taken_ports(void)
{
    uint16_t landmarks_port = asker_free_port();
    write_places("landmarks", landmarks_port, "");
    uint16_t ports[] = {front_port, back_port, landmarks_port};
    for (size_t i = 0; i < 3; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", ports[i]);
        int listener = take_port(ports[i]);
        expect_refusal(serve(), number);
        close(listener);
    }
}

static struct lookup question(enum upstream_mood mood)
{
    return (struct lookup){
        .latitude_nanodeg = (int64_t)mood * LOOKUP_NANODEGREES_PER_DEGREE,
        .longitude_nanodeg = 3 * LOOKUP_NANODEGREES_PER_DEGREE,
        .radius_m = 10000,
        .bound = 20,
        .deadline_ms = mood == UPSTREAM_SILENT || mood == UPSTREAM_DRIPPING ? 500 : 4000,
    };
}

static void serves_landmarks(void)
{
    write_places("landmarks", asker_free_port(), "");
    struct run run = serve();
    CHECK(wait_for(&run, "ready\n"));
    struct lookup royce = {34068930000, -118445127000, 10000, 5, 4000};
    struct asker_answer answer = asker_ask(context, front, royce);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK(strcmp(answer.status, "OK") == 0);
    CHECK_INT(answer.results, 5);
    stop(&run, SIGTERM);
    CHECK(strcmp(run.out_text, "ready\n") == 0);
}

/* The provider gets the key, as its answers show; after every failure the key is nowhere else. */
static void tells_no_key(void)
{
    write_google();
    struct run run = serve();
    CHECK(wait_for(&run, "ready\n"));
    for (int mood = UPSTREAM_GOOD; mood <= UPSTREAM_SILENT; mood++) {
        struct asker_answer answer = asker_ask(context, front, question((enum upstream_mood)mood));
        bool good = mood == UPSTREAM_GOOD || mood == UPSTREAM_PLODDING;
        CHECK((answer.code == LOOKUP_OK) == good);
        /* As many good answers as failed ones, or the broker would stop asking the provider. */
        for (int i = 0; i <= DISPATCHER_RETRIES_MAX; i++)
            CHECK_INT(asker_ask(context, front, question(UPSTREAM_GOOD)).code, LOOKUP_OK);
    }
    char path[64], text[65536];
    static const char *const files[] = {"cmdline", "environ"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", run.process, files[i]);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t bytes = file >= 0 ? read(file, text, sizeof text) : 0;
        CHECK(bytes <= 0 ||
              memmem(text, (size_t)bytes, ASKER_CANARY, strlen(ASKER_CANARY)) == NULL);
        if (file >= 0)
            close(file);
    }
    stop(&run, SIGINT);
    CHECK(strstr(run.err_text, "provider google at http://127.0.0.1") != NULL);
    CHECK(strstr(run.err_text, "location=") == NULL);
}

static void stops_at_once(void)
{
    write_google();
    struct run run = serve();
    CHECK(wait_for(&run, "ready\n"));
    struct lookup slow = question(UPSTREAM_SILENT);
    slow.deadline_ms = LOOKUP_DEADLINE_MS_MAX;
    void *asker = asker_connect(context, ZMQ_REQ, front, 4000);
    unsigned before = atomic_load(&upstream.requests);
    asker_send(asker, slow);
    int64_t give_up_ms = asker_now_ms() + 4000;
    while (atomic_load(&upstream.requests) == before && asker_now_ms() < give_up_ms)
        poll(NULL, 0, 5);
    stop(&run, SIGTERM);
    CHECK_INT(asker_receive(asker).code, LOOKUP_UNAVAILABLE);
    zmq_close(asker);
}

static const struct check_case cases[] = {
    {"--help and --version say what they should", helps},
    {"wrong arguments are one line and status 1", refuses_arguments},
    {"a wrong file is one line and status 1", refuses_files},
    {"a key file that others can read, or without a key, is refused", refuses_keys},
    {"a taken port is named", names_taken_ports},
    {"with provider = landmarks one process is all that is needed", serves_landmarks},
    {"the key is seen by the provider and nobody else", tells_no_key},
    {"TERM in the middle of a question: answered, and gone within a second", stops_at_once},
};

int main(void)
{
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 2;
    }
    snprintf(topology_path, sizeof topology_path, "%s/herd.zpl", folder);
    snprintf(key_path, sizeof key_path, "%s/key", folder);
    context = zmq_ctx_new();
    upstream_start(&upstream);
    int status = check_run(cases, sizeof cases / sizeof *cases);
    upstream_stop(&upstream);
    zmq_ctx_destroy(context);
    unlink(topology_path);
    unlink(key_path);
    rmdir(folder);
    return status;
}
