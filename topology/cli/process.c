#include "topology/cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ERROR_FILE_MODE   0644
#define MESSAGE_BYTES_MAX 4096
/* "@" and five digits, as the kernel names a socket without a file (unix(7), autobind). */
#define NAME_BYTES_MAX 16
#define US_PER_MS      1000

/* In the child: from here on it is the other program, or nothing. Our own handlers end with exec,
 * but until then they would write into pipes that the parent shares. */
static _Noreturn void become(char *const *words, const int descriptors[3], const sigset_t *mask,
                             pid_t parent)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    for (int i = 0; i < 3; i++)
        dup2(descriptors[i], i);
    /* The parent may have ended before the request was made. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent) {
        execv(words[0], words);
        dprintf(STDERR_FILENO, "%s: cannot be run: %s\n", words[0], strerror(errno));
    }
    _exit(1);
}

static pid_t run(char *const *words, const int descriptors[3])
{
    sigset_t all, before;
    pid_t parent = getpid();
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(words, descriptors, &before, parent);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

bool process_start(char *const *words, const char *error_path, struct process *process)
{
    int ends[2] = {-1, -1};
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int errors = open(error_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, ERROR_FILE_MODE);
    *process = (struct process){.pid = -1, .output = -1};
    if (input >= 0 && errors >= 0 && pipe2(ends, O_CLOEXEC) == 0) {
        struct stat facts;
        if (fstat(errors, &facts) == 0) {
            process->errors_before = facts.st_size;
            process->errors_inode = facts.st_ino;
        }
        process->pid = run(words, (int[3]){input, ends[1], errors});
    }
    int reason = errno;
    for (size_t i = 0; i < 3; i++) {
        int descriptor = (int[3]){input, errors, ends[1]}[i];
        if (descriptor >= 0)
            close(descriptor);
    }
    if (process->pid >= 0)
        process->output = ends[0];
    else if (ends[0] >= 0)
        close(ends[0]);
    errno = reason;
    return process->pid >= 0;
}

void process_last_words(const struct process *process, const char *error_path,
                        char words[PROCESS_LAST_WORDS_BYTES_MAX])
{
    words[0] = '\0';
    int file = open(error_path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    struct stat facts = {0};
    fstat(file, &facts);
    off_t end = facts.st_size, start = end - (PROCESS_LAST_WORDS_BYTES_MAX - 1);
    off_t first = facts.st_ino == process->errors_inode ? process->errors_before : 0;
    if (start < first)
        start = first;
    ssize_t bytes = end > start ? pread(file, words, (size_t)(end - start), start) : 0;
    close(file);
    while (bytes > 0 && words[bytes - 1] == '\n')
        bytes--;
    words[bytes > 0 ? bytes : 0] = '\0';
    const char *newline = strrchr(words, '\n');
    if (newline)
        memmove(words, newline + 1, strlen(newline));
}

void process_tell_end(int wait_status, char *text, size_t text_size)
{
    if (WIFEXITED(wait_status))
        snprintf(text, text_size, "ended with status %d", WEXITSTATUS(wait_status));
    else
        snprintf(text, text_size, "was killed by signal %d (%s)", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
}

/* ---- who says that its loop turns ---- */

/* Binds it to a name that nobody else has, and says in the environment which. */
static bool name_it(int hearing)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t bytes = sizeof address.sun_family;
    char name[NAME_BYTES_MAX];
    if (bind(hearing, (const struct sockaddr *)&address, bytes) != 0)
        return false;
    bytes = sizeof address;
    if (getsockname(hearing, (struct sockaddr *)&address, &bytes) != 0)
        return false;
    snprintf(name, sizeof name, "@%.*s", (int)(bytes - sizeof address.sun_family - 1),
             address.sun_path + 1);
    return setenv("NOTIFY_SOCKET", name, 1) == 0;
}

int process_hear_all(int64_t silence_ms)
{
    const int on = 1;
    char time_us[32];
    snprintf(time_us, sizeof time_us, "%" PRId64, silence_ms * US_PER_MS);
    int hearing = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (hearing >= 0 && setsockopt(hearing, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 &&
        name_it(hearing) && setenv("WATCHDOG_USEC", time_us, 1) == 0 &&
        unsetenv("WATCHDOG_PID") == 0)
        return hearing;
    int reason = errno;
    if (hearing >= 0)
        close(hearing);
    errno = reason;
    return -1;
}

/* A line of the message is WATCHDOG=1. */
static bool says_alive(char *message)
{
    char *rest = NULL;
    for (char *line = strtok_r(message, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        if (strcmp(line, "WATCHDOG=1") == 0)
            return true;
    return false;
}

/* There is room for the sender's number and no more: the kernel closes descriptors that come along.
 */
bool process_next_heard(int hearing, pid_t *pid)
{
    char message[MESSAGE_BYTES_MAX];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec bytes = {message, sizeof message - 1};
    struct msghdr header = {.msg_iov = &bytes,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control};
    ssize_t count = recvmsg(hearing, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *part = count < 0 ? NULL : CMSG_FIRSTHDR(&header);
    struct ucred sender;
    *pid = 0;
    if (count < 0)
        return false;
    message[count] = '\0';
    if (part == NULL || part->cmsg_type != SCM_CREDENTIALS || !says_alive(message))
        return true;
    memcpy(&sender, CMSG_DATA(part), sizeof sender);
    *pid = sender.pid;
    return true;
}
