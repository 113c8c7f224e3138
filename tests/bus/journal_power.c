/* The power is cut: the process is killed, and of what it wrote and had not synced any subset of
 * pages and names is gone (unsynced.h). */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "bus/disk/journal.h"
#include "tests/bus/unsynced.h"
#include "tests/check.h"
#include "tests/sim/rng.h"

#define CLIENTS 2000u
#define CUTS    4u
#define FOLDERS 2u

/* Shared with the process that is killed. */
struct machine {
    uint32_t taken[CLIENTS];             /* the version in the table */
    uint32_t taken_ever[CLIENTS];        /* the greatest one of all lives */
    _Atomic(uint32_t) promised[CLIENTS]; /* the version that marks_is_safe said is on the disk */
    atomic_uint lives, rounds, promises;
    atomic_bool has_batch; /* one is on its way to the disk */
};

static struct machine *machine;
static struct rng rng = {3};

static void wake(void *owner)
{
    (void)owner;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct journal *open_journal(const char *path, struct table *table,
                                    struct journal_found_all *found)
{
    struct journal_options options = {.folder = path, .wake = wake};
    struct fault fault;
    struct journal *journal = journal_open(&options, table, found, &fault);
    if (journal == NULL)
        printf("    %s\n", fault.text);
    return journal;
}

static uint32_t put(struct table *table, uint32_t client, uint32_t version)
{
    char id[16], position[24], stamp[24];
    uint32_t slot = 0;
    snprintf(id, sizeof id, "c%" PRIu32, client);
    snprintf(position, sizeof position, "+%" PRIu32 "+0", version);
    snprintf(stamp, sizeof stamp, "%" PRIu32 ".5", version);
    struct location location = {.client = span_of(id),
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .origin = span_of("Clark"),
                                .order_ns = (int64_t)version * 1000000000};
    table_put(table, &location, table_ref(table, location.client), &slot);
    return slot;
}

static uint32_t version_in(const struct table *table, uint32_t client)
{
    char id[16], text[PACKED_TEXT_BYTES_MAX];
    struct location location;
    uint32_t slot;
    snprintf(id, sizeof id, "c%" PRIu32, client);
    if (!table_find(table, span_of(id), table_ref(table, span_of(id)), &slot))
        return 0;
    table_read(table, slot, text, &location);
    return (uint32_t)(location.order_ns / 1000000000);
}

/* Lives until it is killed: changes clients, and notes what it may promise. */
_Noreturn static void live(const char *path, uint64_t seed)
{
    static uint32_t slots[CLIENTS];
    struct rng dice = {seed};
    struct journal_found_all found;
    struct table *table = table_new((const uint8_t[16]){4});
    struct journal *journal = open_journal(path, table, &found);
    if (journal == NULL)
        _exit(1);
    atomic_fetch_add(&machine->lives, 1);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        machine->taken[i] = version_in(table, i);
        slots[i] = UINT32_MAX;
    }
    for (;;) {
        for (uint32_t i = rng_below(&dice, 200); i > 0; i--) {
            uint32_t client = rng_below(&dice, CLIENTS);
            uint32_t version = ++machine->taken[client];
            if (version > machine->taken_ever[client])
                machine->taken_ever[client] = version;
            slots[client] = put(table, client, version);
            marks_due(journal_marks(journal), slots[client]);
        }
        if (seed % 2 == 0)
            journal_urge(journal);
        journal_turn(journal, table, now_ms());
        const struct marks *marks = journal_marks(journal);
        atomic_store(&machine->has_batch, marks->complete > marks->synced);
        for (uint32_t i = 0; i < CLIENTS; i++)
            if (slots[i] != UINT32_MAX && marks_is_safe(journal_marks(journal), slots[i])) {
                atomic_store(&machine->promised[i], machine->taken[i]);
                atomic_fetch_add(&machine->promises, 1);
            }
        atomic_fetch_add(&machine->rounds, 1);
        nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
    }
}

/* How many promises are broken after the cut; UINT32_MAX: there is no journal to be had. A disk
 * that lies may bring back a file of an earlier life, but nothing that nobody wrote. */
static uint32_t cut_power(const char *path, int64_t *lost)
{
    struct journal_found_all found;
    struct table *table = table_new((const uint8_t[16]){5});
    int64_t changes = unsynced_cut(path, rng_next(&rng));
    CHECK(changes >= 0);
    *lost += changes;
    struct journal *journal = open_journal(path, table, &found);
    CHECK(journal != NULL);
    if (journal == NULL)
        return UINT32_MAX;
    const uint32_t *taken = getenv(UNSYNCED_LIES) == NULL ? machine->taken : machine->taken_ever;
    uint32_t broken = 0, invented = 0;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        uint32_t version = version_in(table, i);
        broken += version < atomic_load(&machine->promised[i]);
        invented += version > taken[i];
    }
    CHECK_INT(invented, 0);
    journal_close(&journal, table, 60000);
    table_destroy(&table);
    return broken;
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(path);
}

/* Lives for a while, and is killed while a batch is on its way; one in four at any time, perhaps
 * before its first file is made. */
static void live_and_die(const char *path, uint64_t seed)
{
    uint32_t rounds = atomic_load(&machine->rounds), lives = atomic_load(&machine->lives);
    uint32_t promises = atomic_load(&machine->promises) + (seed % 4 != 3);
    pid_t child = fork();
    if (child == 0)
        live(path, seed);
    int64_t until_ms = now_ms() + 60000;
    uint32_t wanted = 20 + rng_below(&rng, 1000);
    while (now_ms() < until_ms && (atomic_load(&machine->rounds) < rounds + wanted ||
                                   atomic_load(&machine->promises) < promises ||
                                   (seed % 4 != 3 && !atomic_load(&machine->has_batch))))
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_INT(atomic_load(&machine->lives), lives + 1);
}

/* Cuts the power so often, and on while chance has lost nothing, as it may where the machine has
 * much else to do; how many promises were broken. */
static uint32_t play(uint32_t cuts)
{
    char folder[] = "/tmp/zherd-power-XXXXXX", path[64], disk[80];
    uint32_t broken = 0, promises = 0;
    int64_t lost = 0;
    memset(machine, 0, sizeof *machine);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/Clark.journal", folder);
    snprintf(disk, sizeof disk, "%s.disk", path);
    setenv(UNSYNCED_FOLDER, path, 1);
    for (uint32_t cut = 0; cut < cuts || (lost == 0 && cut < 4 * cuts); cut++) {
        live_and_die(path, cut);
        broken += cut_power(path, &lost);
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
        promises += atomic_load(&machine->promised[i]) > 0;
    CHECK(promises > CLIENTS / 2);
    CHECK(lost > 0); /* else nothing was lost, and nothing proved */
    remove_folder(path);
    remove_folder(disk);
    CHECK(rmdir(folder) == 0);
    return broken;
}

static void what_was_promised_outlives_the_power(void)
{
    /* Only in a new folder is there no old name when the first file gets its own. */
    for (uint32_t i = 0; i < FOLDERS; i++)
        CHECK_INT(play(CUTS), 0);
}

/* Were it not so, the case above could not fail. */
static void what_a_disk_lies_about_is_lost(void)
{
    setenv(UNSYNCED_LIES, "yes", 1);
    CHECK(play(CUTS) > 0);
    unsetenv(UNSYNCED_LIES);
}

static const struct check_case cases[] = {
    {"what was synced is there after the power was cut, whatever is lost of the rest",
     what_was_promised_outlives_the_power},
    {"a disk that says it has what it has not breaks that", what_a_disk_lies_about_is_lost},
};

int main(void)
{
    machine =
        mmap(NULL, sizeof *machine, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (machine == MAP_FAILED)
        return 2;
    return check_run(cases, sizeof cases / sizeof *cases);
}
