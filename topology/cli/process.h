/* process: a program of ours that runs as a child, and what it leaves when it ends.
 *
 * Its standard output is a pipe to us, its standard error a file, its input empty. It ends when
 * we end, however that happens. It is not a daemon: it stays in our process group, so Ctrl-C in
 * a terminal reaches it too. */
#ifndef ZHERD_TOPOLOGY_CLI_PROCESS_H
#define ZHERD_TOPOLOGY_CLI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_LAST_WORDS_BYTES_MAX 512

struct process {
    pid_t pid;
    int output;          /* the end of the pipe to read from; the caller closes it */
    off_t errors_before; /* bytes that the file of errors held before this process */
    ino_t errors_inode;  /* of that file: it may be moved away */
};

/* Runs words[0] with `words`, which end at NULL. The file of errors is made where missing, and
 * added to. False with errno when there can be no process; a program that cannot be run says so
 * in its file of errors and exits with 1. */
bool process_start(char *const *words, const char *error_path, struct process *process);

/* The last line that the process wrote to its file of errors, without LF; "" without one. */
void process_last_words(const struct process *process, const char *error_path,
                        char words[PROCESS_LAST_WORDS_BYTES_MAX]);

/* Which of them say that their loops turn: the other end of topology/notify.h, by the protocol of
 * sd_notify(3). They find the socket and its watchdog in their environment, as those of a service
 * manager. Of what they say only WATCHDOG=1 counts here; what they are, they say on their standard
 * output (topology/status.h). The kernel tells whose a message is, so nobody speaks for another.
 *
 * Once, before the process has threads: changes the environment, of which processes get a copy.
 * They are to speak twice in `silence_ms`. Returns the socket, to be polled for reading; -1 with
 * errno. */
int process_hear_all(int64_t silence_ms);
/* The next message: whose loop turns by that, or 0 where it says something else. False when nothing
 * waits. */
bool process_next_heard(int hearing, pid_t *pid);

/* "ended with status 1" or "was killed by signal 9 (Killed)", for a status of waitpid(2). */
void process_tell_end(int wait_status, char *text, size_t text_size);

#endif
