#include "tests/bench/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_BYTES_MAX 64

/* The first or second number in a small file of /proc, counted from 0. */
static bool read_number(const char *path, int which, int64_t *number)
{
    FILE *file = fopen(path, "re");
    bool good = file != NULL;
    for (int i = 0; good && i <= which; i++)
        good = fscanf(file, "%" SCNd64, number) == 1;
    if (file != NULL)
        fclose(file);
    return good;
}

/* Adds how many entries a folder has. */
static bool count_entries(const char *folder, int64_t *count)
{
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return false;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        *count += entry->d_name[0] != '.';
    closedir(entries);
    return true;
}

/* schedstat: time on a processor, time waiting for one, both in nanoseconds. A thread that ends
 * while we look has no file any more. */
static bool add_threads(pid_t pid, int64_t *cpu_ns)
{
    char folder[PATH_BYTES_MAX], path[2 * PATH_BYTES_MAX + 256];
    snprintf(folder, sizeof folder, "/proc/%ld/task", (long)pid);
    DIR *threads = opendir(folder);
    if (threads == NULL)
        return false;
    for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
        int64_t thread_ns;
        snprintf(path, sizeof path, "%s/%s/schedstat", folder, thread->d_name);
        if (thread->d_name[0] != '.' && read_number(path, 0, &thread_ns))
            *cpu_ns += thread_ns;
    }
    closedir(threads);
    return true;
}

static bool look_at(pid_t pid, struct process_use *use)
{
    char statm[PATH_BYTES_MAX], descriptors[PATH_BYTES_MAX];
    int64_t pages;
    snprintf(statm, sizeof statm, "/proc/%ld/statm", (long)pid);
    snprintf(descriptors, sizeof descriptors, "/proc/%ld/fd", (long)pid);
    if (!add_threads(pid, &use->cpu_ns) || !read_number(statm, 1, &pages) ||
        !count_entries(descriptors, &use->descriptors))
        return false;
    use->rss_bytes += pages * sysconf(_SC_PAGESIZE);
    return true;
}

bool process_look(const pid_t *pids, size_t count, struct process_use *use)
{
    *use = (struct process_use){0};
    for (size_t i = 0; i < count; i++)
        if (!look_at(pids[i], use)) {
            fprintf(stderr, "zherd-bench: cannot look at process %ld\n", (long)pids[i]);
            return false;
        }
    return true;
}
