#include "topology/process_figures.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_US 1000
/* Among the entries of /proc/self/fd are `.` and `..`, and the descriptor that lists them. */
#define ENTRIES_BESIDE 3

static int64_t nanoseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * NS_PER_S + (int64_t)time.tv_usec * NS_PER_US;
}

void process_begin(struct process_figures *figures)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *figures = (struct process_figures){
        .started_ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec,
    };
}

void process_read(struct process_figures *figures)
{
    struct rusage used;
    struct rlimit limit;
    unsigned long long whole = 0, resident = 0;
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    if (getrusage(RUSAGE_SELF, &used) == 0)
        figures->cpu_ns = nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        figures->descriptors_max = limit.rlim_cur;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL && fscanf(file, "%llu %llu", &whole, &resident) != 2)
        whole = resident = 0;
    if (file != NULL)
        fclose(file);
    figures->virtual_bytes = whole * page_bytes;
    figures->resident_bytes = resident * page_bytes;
}

void process_count_descriptors(struct process_figures *figures)
{
    struct stat facts;
    uint64_t count = 0;
    figures->descriptors = 0;
    if (stat("/proc/self/fd", &facts) == 0 && facts.st_size > 0) {
        figures->descriptors = (uint64_t)facts.st_size;
        return;
    }
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    figures->descriptors = count > ENTRIES_BESIDE ? count - ENTRIES_BESIDE : 0;
}
