#include "bus/net/holder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 512
#define PATH_BYTES_MAX 64
/* "socket:[18446744073709551615]" */
#define LINK_BYTES_MAX 40
/* The state TCP_LISTEN of Linux (include/net/tcp_states.h). */
#define LISTENS 10
/* Hexadecimal digits of an address in /proc/net/tcp6, and of one number of it. */
#define ADDRESS_DIGITS 32
#define WORD_DIGITS    8

/* IPv4 as IPv6 has it (RFC 4291, section 2.5.5.2). */
struct place {
    struct in6_addr address;
    bool is_any;
    unsigned port;
};

static void set_v4(struct place *place, uint32_t network_order)
{
    place->address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&place->address.s6_addr[12], &network_order, sizeof network_order);
    place->is_any = network_order == INADDR_ANY;
}

static void set_v6(struct place *place, const struct in6_addr *address)
{
    place->address = *address;
    place->is_any = IN6_IS_ADDR_UNSPECIFIED(address);
}

static bool read_endpoint(const char *endpoint, struct place *place)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (sscanf(endpoint, "tcp://[%45[^]%%]", host) != 1 &&
        sscanf(endpoint, "tcp://%45[^:]", host) != 1)
        return false;
    place->port = (unsigned)strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
    if (inet_pton(AF_INET, host, &v4) == 1)
        set_v4(place, v4.s_addr);
    else if (inet_pton(AF_INET6, host, &v6) == 1)
        set_v6(place, &v6);
    else
        *place = (struct place){.is_any = true, .port = place->port};
    return true;
}

/* One line of /proc/net/tcp or tcp6: its local end, its state and the number of its socket. Each
 * four bytes of an address stand there as one number of the machine's own byte order. */
static bool read_line(const char *line, struct place *place, unsigned *state, unsigned long *inode)
{
    char digits[ADDRESS_DIGITS + 1];
    uint32_t words[4];
    if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*d %lu", digits,
               &place->port, state, inode) != 4)
        return false;
    size_t count = strlen(digits) / WORD_DIGITS;
    for (size_t i = 0; i < count; i++)
        sscanf(digits + i * WORD_DIGITS, "%8" SCNx32, &words[i]);
    if (count == 4) {
        struct in6_addr address;
        memcpy(&address, words, sizeof address);
        set_v6(place, &address);
    } else if (count == 1) {
        set_v4(place, words[0]);
    }
    return count == 4 || count == 1;
}

static bool is_same(const struct place *a, const struct place *b)
{
    return a->port == b->port &&
           (a->is_any || b->is_any || IN6_ARE_ADDR_EQUAL(&a->address, &b->address));
}

/* The number of the socket there, or 0. */
static unsigned long find_socket(const char *table, const struct place *wanted, bool listens)
{
    char line[LINE_BYTES_MAX];
    unsigned long found = 0;
    FILE *file = fopen(table, "re");
    while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL) {
        struct place place;
        unsigned state;
        unsigned long inode;
        if (read_line(line, &place, &state, &inode) && (state == LISTENS) == listens &&
            is_same(&place, wanted))
            found = inode;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static bool has_link(int folder, const char *wanted)
{
    DIR *links = fdopendir(folder);
    bool found = false;
    if (links == NULL) {
        close(folder);
        return false;
    }
    for (struct dirent *at; !found && (at = readdir(links)) != NULL;) {
        char link[LINK_BYTES_MAX + 1];
        ssize_t bytes = readlinkat(dirfd(links), at->d_name, link, LINK_BYTES_MAX);
        link[bytes > 0 ? bytes : 0] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    closedir(links);
    return found;
}

static void read_program(int pid, char program[HOLDER_PROGRAM_BYTES_MAX])
{
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(program, HOLDER_PROGRAM_BYTES_MAX, file) == NULL)
        program[0] = '\0';
    if (file != NULL)
        fclose(file);
    program[strcspn(program, "\n")] = '\0';
    for (char *at = program; *at != '\0'; at++)
        if (*at < 0x20 || *at > 0x7e)
            *at = '?';
}

static bool find_process(unsigned long inode, struct holder *holder)
{
    char wanted[LINK_BYTES_MAX], path[PATH_BYTES_MAX];
    DIR *processes = opendir("/proc");
    bool found = false;
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    for (struct dirent *at; !found && processes != NULL && (at = readdir(processes)) != NULL;) {
        int pid = atoi(at->d_name);
        if (pid <= 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/fd", pid);
        int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        found = folder >= 0 && has_link(folder, wanted);
        if (found) {
            holder->pid = pid;
            read_program(pid, holder->program);
        }
    }
    if (processes != NULL)
        closedir(processes);
    return found;
}

bool holder_find(const char *endpoint, struct holder *holder)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    struct place wanted;
    if (!read_endpoint(endpoint, &wanted))
        return false;
    for (int listens = 1; listens >= 0; listens--)
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
            unsigned long inode = find_socket(tables[i], &wanted, listens != 0);
            if (inode != 0)
                return find_process(inode, holder);
        }
    return false;
}
