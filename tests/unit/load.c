#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "topology/load.h"

static char path[] = "/tmp/zherd-load-XXXXXX";
static char complaint[65536], output[65536];

static void write_file(const char *text, size_t bytes)
{
    strcpy(path, "/tmp/zherd-load-XXXXXX");
    int file = mkstemp(path);
    if (file < 0 || write(file, text, bytes) != (ssize_t)bytes || close(file) != 0) {
        perror(path);
        exit(2);
    }
}

/* Turns a stream into a file of its own for the time of a call, and keeps what it said. */
static int divert(FILE *stream, int *file)
{
    char name[] = "/tmp/zherd-load-XXXXXX";
    fflush(stream);
    int kept = dup(fileno(stream));
    *file = mkstemp(name);
    unlink(name);
    dup2(*file, fileno(stream));
    return kept;
}

static void give_back(FILE *stream, int kept, int file, char *said, size_t said_size)
{
    fflush(stream);
    dup2(kept, fileno(stream));
    close(kept);
    ssize_t bytes = pread(file, said, said_size - 1, 0);
    said[bytes > 0 ? bytes : 0] = '\0';
    close(file);
}

static bool load(const char *from, struct topology *topology)
{
    int error_file, output_file;
    int error_kept = divert(stderr, &error_file), output_kept = divert(stdout, &output_file);
    bool good = topology_load(from, topology);
    give_back(stderr, error_kept, error_file, complaint, sizeof complaint);
    give_back(stdout, output_kept, output_file, output, sizeof output);
    CHECK(output[0] == '\0');
    return good;
}

static bool load_bytes(const char *text, size_t bytes, struct topology *topology)
{
    write_file(text, bytes);
    bool good = load(path, topology);
    unlink(path);
    return good;
}

#define NODE "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://127.0.0.1:2\n"

static void loads_what_zpl_allows(void)
{
    static const char *const rows[] = {
        "herd\n    name = small\n" NODE,
        "herd\n    name = small\n" NODE "#",
        "# first\n\n  \t \nherd # the herd\n    # its name\n    name=small   # here\n" NODE,
        "herd\r\n    name = small\r\n" NODE,
        "herd\n    name = \"small\"\n" NODE,
        "herd\n    name = 'small' # said\n" NODE "\n\n\n",
        "herd\n    name \t=\t small\t\n" NODE,
        "herd\n#no comment has to be indented\n    name = small\n" NODE,
        NODE "herd\n    name = small",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology topology;
        bool good = load_bytes(rows[i], strlen(rows[i]), &topology);
        CHECK(good);
        CHECK_BYTES(complaint, strlen(complaint), "", 0);
        CHECK(good && strcmp(topology.herd, "small") == 0);
        CHECK(good && topology.node_count == 1);
        topology_free(&topology);
    }
}

/* What zconfig would refuse as a whole, or take for something else. The number is the line. */
static void refuses_with_the_line(void)
{
    static const struct {
        const char *text;
        const char *line;
    } rows[] = {
        {"herd\n\tname = small\n" NODE, ":2: there is white space other than blanks"},
        {"herd\n  name = small\n" NODE, ":2: the indentation is not"},
        {"herd\n    name = small\n" NODE "  # comment\n", ":7: the indentation is not"},
        {"herd\n    name small\n" NODE, ":2: this is neither"},
        {"\xef\xbb\xbfherd\n    name = small\n" NODE, ":1: this is neither"},
        {"herd\n    name = 'small\n" NODE, ":2: a quote is not closed"},
        {"herd\n    name = 'small' x\n" NODE, ":2: there is more behind"},
        {"herd\n    /name = small\n" NODE, ":2: the name of a key"},
        {"herd\n    name = small#x\n" NODE, ":2: # begins a comment"},
        {"# x\n\n\nherd\n    name = .\n" NODE, ":5: `.` is no name"},
        {"herd\r\n\r\n    name = .\r\n" NODE, ":3: `.` is no name"},
        {"herd\n        name = small\n" NODE, ":2: `name` is indented too far"},
        {"    name = small\n" NODE, ":1: `name` belongs to no section"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology topology;
        char wanted[200];
        CHECK(!load_bytes(rows[i].text, strlen(rows[i].text), &topology));
        snprintf(wanted, sizeof wanted, "%s%s", path, rows[i].line);
        if (!strstr(complaint, wanted))
            printf("    wanted %s\n    got %s\n", wanted, complaint);
        CHECK(strstr(complaint, wanted) != NULL);
    }
}

static void nothing_after_a_nul_is_lost(void)
{
    static const char text[] = "herd\n    name = small\0er\n" NODE;
    struct topology topology;
    CHECK(!load_bytes(text, sizeof text - 1, &topology));
    CHECK(strstr(complaint, ":2: there is a NUL byte") != NULL);
}

static void tells_why_a_file_cannot_be_read(void)
{
    struct topology topology;
    CHECK(!load("/nowhere/at.all", &topology));
    CHECK(strcmp(complaint, "/nowhere/at.all: cannot be opened: No such file or directory\n") == 0);
    CHECK(!load("/tmp", &topology));
    CHECK(strcmp(complaint, "/tmp: cannot be read: Is a directory\n") == 0);
    CHECK(!load("/dev/zero", &topology));
    CHECK(strstr(complaint, "/dev/zero: larger than a topology file may be") == complaint);
    CHECK(!load("/dev/null", &topology));
    CHECK(strstr(complaint, "/dev/null:1: there is no herd") == complaint);
}

static void a_file_ends_at_its_limit(void)
{
    static const size_t bytes_max = 4 * 1024 * 1024;
    static const char text[] = "herd\n    name = small\n" NODE "#";
    char *large = malloc(bytes_max + 1);
    struct topology topology;
    memset(large, 'x', bytes_max + 1);
    memcpy(large, text, sizeof text - 1);
    CHECK(load_bytes(large, bytes_max, &topology));
    topology_free(&topology);
    CHECK(!load_bytes(large, bytes_max + 1, &topology));
    CHECK(strstr(complaint, "larger than a topology file may be") != NULL);
    free(large);
}

static bool load_text(const char *text, size_t bytes, struct topology *topology)
{
    int error_file, error_kept = divert(stderr, &error_file);
    bool good = topology_load_text("it", (struct span){text, bytes}, topology);
    give_back(stderr, error_kept, error_file, complaint, sizeof complaint);
    return good;
}

/* As a file is, and not read past its end wherever that is. */
static void a_text_in_no_file_is_loaded(void)
{
    static const char text[] = "herd\n    name = small\n" NODE;
    struct topology topology;
    CHECK(load_text(text, sizeof text - 1, &topology));
    CHECK(strcmp(topology.herd, "small") == 0);
    topology_free(&topology);
    for (size_t bytes = 0; bytes < sizeof text - 3; bytes++) {
        CHECK(!load_text(check_at_page_end(text, bytes), bytes, &topology));
        CHECK(strncmp(complaint, "it:", 3) == 0);
    }
}

#define KEY "HelloWorldHelloWorldHelloWorldHelloWorld"
#define KEYED(folder)                                                                              \
    "herd\n    name = small\n    keys = " folder                                                   \
    "\nnode\n    name = A\n    clients = tcp://*:1\n    bus = tcp://*:2\n"                         \
    "    public_key = \"" KEY "\"\n"

/* Wherever the process runs, the folder is beside the file. */
static void keys_lie_beside_the_file(void)
{
    struct topology topology;
    CHECK(load_bytes(KEYED("small.keys"), strlen(KEYED("small.keys")), &topology));
    CHECK(strcmp(topology.keys, "/tmp/small.keys") == 0);
    CHECK(strcmp(topology.nodes[0].public_keys.text[0], KEY) == 0);
    topology_free(&topology);
    CHECK(load_bytes(KEYED("/etc/keys"), strlen(KEYED("/etc/keys")), &topology));
    CHECK(strcmp(topology.keys, "/etc/keys") == 0);
    topology_free(&topology);
}

static void a_folder_of_keys_ends_at_its_limit(void)
{
    static char text[8192];
    struct topology topology;
    for (size_t bytes = 1019; bytes <= 1020; bytes++) { /* after "/tmp/" */
        int used = sprintf(text, "herd\n    name = small\n    keys = ");
        memset(text + used, 'k', bytes);
        sprintf(text + (size_t)used + bytes, "\n%s    public_key = \"" KEY "\"\n", NODE);
        CHECK_INT(load_bytes(text, strlen(text), &topology), bytes == 1019);
        topology_free(&topology);
    }
    CHECK(strstr(complaint, ":1: the path of `keys` is too long") != NULL);
}

static void before_keys_are_made_they_are_not_demanded(void)
{
    static const char text[] = "herd\n    name = small\nnode\n    name = A\n"
                               "    clients = tcp://*:1\n    bus = tcp://*:2\n";
    struct topology topology;
    CHECK(!load_bytes(text, sizeof text - 1, &topology));
    CHECK(topology.nodes == NULL);
    CHECK(strstr(complaint, ":3: `bus` is tcp://*:2, and whoever reaches it") != NULL);
    write_file(text, sizeof text - 1);
    CHECK(topology_load_before_keys(path, &topology));
    unlink(path);
    topology_free(&topology);
}

static void takes_no_signals(void)
{
    struct sigaction interrupt, terminate;
    struct topology topology;
    CHECK(load_bytes("herd\n    name = a\n" NODE, strlen("herd\n    name = a\n" NODE), &topology));
    topology_free(&topology);
    zsys_init();
    sigaction(SIGINT, NULL, &interrupt);
    sigaction(SIGTERM, NULL, &terminate);
    CHECK(interrupt.sa_handler == SIG_DFL && terminate.sa_handler == SIG_DFL);
}

static int count_descriptors(void)
{
    int count = 0;
    for (int i = 0; i < 1000; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

static void leaves_descriptors_as_they_were(void)
{
    struct topology topology;
    int before = count_descriptors();
    load("/dev/null", &topology);
    load("/nowhere", &topology);
    CHECK_INT(count_descriptors(), before);
}

static void loads_every_edition(void)
{
    static const struct {
        const char *name;
        size_t links;
    } editions[] = {
        {"fall2012", 5},   {"fall2015", 5}, {"fall2016", 5},   {"winter2018", 6},
        {"winter2020", 6}, {"fall2020", 6}, {"spring2021", 6}, {"winter2023", 6},
    };
    size_t count = sizeof editions / sizeof *editions;
    static uint16_t ports[200];
    size_t port_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct topology topology;
        char file[500];
        snprintf(file, sizeof file, "%s/%s.zpl", TOPOLOGY_FOLDER, editions[i].name);
        CHECK(load(file, &topology));
        CHECK_BYTES(complaint, strlen(complaint), "", 0);
        CHECK(strcmp(topology.herd, editions[i].name) == 0);
        CHECK_INT(topology.node_count, 5);
        CHECK_INT(topology.link_count, editions[i].links);
        CHECK_INT(topology.places_count, 1);
        for (size_t j = 0; j < topology.node_count; j++) {
            ports[port_count++] = topology.nodes[j].clients.port;
            ports[port_count++] = topology.nodes[j].bus.port;
        }
        ports[port_count++] = topology.places[0].gateways.port;
        ports[port_count++] = topology.places[0].workers.port;
        topology_free(&topology);
    }
    /* Two herds run side by side, and no port is one the system gives away. */
    CHECK_INT(port_count, 12 * count);
    for (size_t i = 0; i < port_count; i++) {
        CHECK(ports[i] < 32768);
        for (size_t j = 0; j < i; j++)
            CHECK(ports[i] != ports[j]);
    }
}

static const struct check_case cases[] = {
    {"a text in no file is loaded", a_text_in_no_file_is_loaded},
    {"a folder of keys lies beside the file", keys_lie_beside_the_file},
    {"the path of a folder of keys ends at its limit", a_folder_of_keys_ends_at_its_limit},
    {"before keys are made they are not demanded", before_keys_are_made_they_are_not_demanded},
    {"what ZPL allows is loaded", loads_what_zpl_allows},
    {"what is wrong is reported with its line", refuses_with_the_line},
    {"nothing after a NUL byte is lost", nothing_after_a_nul_is_lost},
    {"a file that cannot be read: one line says why", tells_why_a_file_cannot_be_read},
    {"a file ends at its limit", a_file_ends_at_its_limit},
    {"no signal is taken", takes_no_signals},
    {"descriptors are left as they were", leaves_descriptors_as_they_were},
    {"all eight editions load, each with ports of its own", loads_every_edition},
};

CHECK_MAIN(cases)
