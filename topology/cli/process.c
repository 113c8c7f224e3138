#include "topology/cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ERROR_FILE_MODE 0644

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
