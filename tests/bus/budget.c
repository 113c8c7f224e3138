/* The budget's file on a disk that blocks, which fsync is here. */
#include "placesd/service/budget.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/check.h"

/* What a busy machine may add. */
#define GRACE_MS 4000

static char folder[] = "/tmp/zherd-budget-XXXXXX";
static atomic_bool blocks;

int __wrap_fsync(int file);

int __wrap_fsync(int file)
{
    (void)file;
    while (atomic_load(&blocks))
        pause();
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Opens, keeps a line and closes; how long the last took. What the file held stays in `text`. */
static int64_t close_after(const char *line, char text[QUOTA_TEXT_BYTES_MAX])
{
    struct fault fault = {0};
    struct budget *budget = budget_open(folder, 1, text, &fault);
    CHECK(budget != NULL);
    if (budget == NULL)
        return 0;
    budget_keep(budget, span_of(line));
    int64_t begin_ms = now_ms();
    budget_close(&budget);
    CHECK(budget == NULL);
    return now_ms() - begin_ms;
}

static void a_disk_that_blocks_holds_up_no_stop(void)
{
    char text[QUOTA_TEXT_BYTES_MAX];
    close_after("first", text);
    CHECK(strcmp(text, "") == 0);
    atomic_store(&blocks, true);
    int64_t took_ms = close_after("second", text);
    CHECK(strcmp(text, "first") == 0);
    CHECK(took_ms >= BUDGET_CLOSE_S * 1000 && took_ms < BUDGET_CLOSE_S * 1000 + GRACE_MS);
}

static const struct check_case cases[] = {
    {"a disk that blocks holds up no stop", a_disk_that_blocks_holds_up_no_stop},
};

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 2;
    int status = check_run(cases, sizeof cases / sizeof *cases);
    char path[sizeof folder + 16];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/budget%s", folder, i == 0 ? "" : ".new");
        unlink(path);
    }
    rmdir(folder);
    return status;
}
