#include "bus/disk/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/journal/plan.h"
#include "bus/journal/scan.h"

#define LOCK_NAME "lock"
/* What is asked for at once. */
#define READ_BYTES (1024u * 1024u)
/* No block begins so, and it is no zero. */
#define UNREADABLE 0xff

static int compare(const void *a, const void *b)
{
    const struct journal_segment *one = a, *other = b;
    if (one->number != other->number)
        return one->number > other->number ? 1 : -1;
    return (one->id > other->id) - (one->id < other->id);
}

static bool add(struct segments *segments, const char *name)
{
    struct journal_segment segment;
    if (name[0] == '.' || strcmp(name, LOCK_NAME) == 0)
        return true;
    if (!journal_segment_read_name(name, &segment)) {
        segments->foreign++;
        return true;
    }
    if (segments->count == SEGMENTS_MAX) {
        errno = EFBIG;
        return false;
    }
    /* A power of two is full. */
    if ((segments->count & (segments->count - 1)) == 0) {
        size_t room = segments->count == 0 ? 1 : 2 * (size_t)segments->count;
        segments->all = bytes_resize(segments->all, room * sizeof *segments->all);
    }
    segments->all[segments->count++] = segment;
    return true;
}

static bool list(struct segments *segments, DIR *folder)
{
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(folder)) != NULL) {
        if (!add(segments, entry->d_name))
            return false;
        errno = 0;
    }
    return errno == 0;
}

/* Also where it was there: an earlier life may have made it, and ended before this. A folder that
 * cannot be opened or synced is no reason not to serve: where the disk fails, so does its first
 * segment. */
static void sync_name(const char *path)
{
    int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int above = folder < 0 ? -1 : openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above >= 0) {
        (void)fsync(above);
        close(above);
    }
    if (folder >= 0)
        close(folder);
}

bool segments_make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    sync_name(path);
    return true;
}

bool segments_open(struct segments *segments, const char *path)
{
    *segments = (struct segments){.folder = -1, .lock = -1};
    segments->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (segments->folder < 0)
        return false;
    int again = openat(segments->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again < 0 ? NULL : fdopendir(again);
    bool is_good = folder != NULL && list(segments, folder);
    int error = errno;
    if (folder != NULL)
        closedir(folder);
    else if (again >= 0)
        close(again);
    if (!is_good) {
        segments_close(segments);
    } else if (segments->count > 0) {
        qsort(segments->all, segments->count, sizeof *segments->all, compare);
        segments->number = segments->all[segments->count - 1].number;
    }
    errno = error;
    return is_good;
}

void segments_close(struct segments *segments)
{
    if (segments->folder >= 0)
        close(segments->folder);
    if (segments->lock >= 0)
        close(segments->lock);
    segments_forget(segments);
}

void segments_forget(struct segments *segments)
{
    free(segments->all);
    free(segments->uses);
    *segments = (struct segments){.folder = -1, .lock = -1};
}

bool segments_own(struct segments *segments)
{
    int lock = openat(segments->folder, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return false;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        close(lock);
        errno = error;
        return false;
    }
    segments->lock = lock;
    return true;
}

/* -1 with errno. */
static int open_segment(const struct segments *segments, uint32_t file)
{
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    journal_segment_name(segments->all[file], name);
    return openat(segments->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void segments_cool(const struct segments *segments)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        int at = open_segment(segments, i);
        if (at < 0)
            continue;
        if (fdatasync(at) != 0)
            (void)posix_fadvise(at, 0, 0, POSIX_FADV_DONTNEED);
        close(at);
    }
}

/* How many of the bytes are there; UNREADABLE stands for those that the disk does not give. */
static size_t read_all(int file, char *to, size_t bytes, off_t at)
{
    size_t done = 0, step = READ_BYTES;
    while (done < bytes) {
        size_t want = bytes - done < step ? bytes - done : step;
        ssize_t got = pread(file, to + done, want, at + (off_t)done);
        if (got == 0)
            break;
        if (got > 0) {
            done += (size_t)got;
        } else if (errno != EINTR && step > JOURNAL_PAGE_BYTES) {
            step = JOURNAL_PAGE_BYTES;
        } else if (errno != EINTR) {
            memset(to + done, UNREADABLE, want);
            done += want;
            step = READ_BYTES;
        }
    }
    return done;
}

bool segments_read(const struct segments *segments, uint32_t file, struct buffer *bytes)
{
    struct stat state;
    int at = open_segment(segments, file);
    if (at < 0)
        return false;
    bytes->len = 0;
    bool is_there = fstat(at, &state) == 0;
    if (is_there) {
        size_t size = state.st_size < (off_t)JOURNAL_SEGMENT_BYTES ? (size_t)state.st_size
                                                                   : JOURNAL_SEGMENT_BYTES;
        if (size > 0)
            bytes->len = read_all(at, buffer_reserve(bytes, size), size, 0);
    }
    int error = errno;
    close(at);
    errno = error;
    return is_there;
}

static struct journal_scan scan_of(const struct segments *segments, uint32_t file,
                                   const struct buffer *bytes)
{
    return (struct journal_scan){{bytes->data, bytes->len}, segments->all[file].id, 0};
}

bool segments_are_there(const struct segments *segments)
{
    struct stat state;
    for (uint32_t i = 0; i < segments->count; i++) {
        char name[JOURNAL_SEGMENT_NAME_BYTES];
        journal_segment_name(segments->all[i], name);
        if (fstatat(segments->folder, name, &state, AT_SYMLINK_NOFOLLOW) != 0)
            return false;
    }
    return true;
}

/* A block with something else before it, in a file whose blocks follow each other when written. */
static bool has_hole(struct journal_scan scan)
{
    struct journal_piece piece;
    bool is_behind = false;
    while (journal_scan_next(&scan, &piece)) {
        bool is_block = piece.what == JOURNAL_FOUND_GOOD;
        if (is_block && is_behind)
            return true;
        is_behind = !is_block;
    }
    return false;
}

/* Of two passes, each over `count` pieces. */
static void tell(const struct segments *segments, uint32_t pass, uint32_t done, uint32_t count)
{
    if (segments->progress != NULL)
        segments->progress(segments->owner,
                           500 * pass + (uint32_t)(UINT64_C(500) * done / (count + 1)));
}

/* Up to the last page with something in it. */
static size_t used_bytes(const struct buffer *bytes)
{
    size_t used = bytes->len;
    while (used > 0 && bytes->data[used - 1] == 0)
        used--;
    size_t pages = (used + JOURNAL_PAGE_BYTES - 1) / JOURNAL_PAGE_BYTES;
    return pages * JOURNAL_PAGE_BYTES < bytes->len ? pages * JOURNAL_PAGE_BYTES : bytes->len;
}

/* A process that is killed while a sync fails has no time to drop from memory what the disk did not
 * take, and the next sync succeeds: nobody can tell such pages from written ones. Only the batch
 * that was written last may be in them. */
static void read_last_from_disk(const struct segments *segments, uint32_t file,
                                struct buffer *bytes)
{
    size_t end = used_bytes(bytes);
    size_t from = end > JOURNAL_BATCH_BYTES ? end - JOURNAL_BATCH_BYTES : 0;
    int at = end > 0 ? open_segment(segments, file) : -1;
    if (at < 0)
        return;
    (void)posix_fadvise(at, (off_t)from, 0, POSIX_FADV_DONTNEED);
    (void)read_all(at, bytes->data + from, end - from, (off_t)from);
    close(at);
}

void segments_find(struct segments *segments, struct journal_replay *replay)
{
    struct buffer bytes = {0};
    replay->number = segments->number;
    segments->uses = bytes_resize(segments->uses, (segments->count + 1) * sizeof *segments->uses);
    memset(segments->uses, 0, segments->count * sizeof *segments->uses);
    for (uint32_t i = segments->count; i-- > 0;) {
        segments->uses[i].is_needed = true;
        tell(segments, 0, segments->count - 1 - i, segments->count);
        if (!segments_read(segments, i, &bytes)) {
            if (errno != ENOENT) /* a running node may have removed it */
                journal_replay_lose(replay);
            continue;
        }
        bool is_owner = segments->lock >= 0;
        if (is_owner && replay->last == 0)
            read_last_from_disk(segments, i, &bytes);
        /* Beside a running node it may have been read in the middle of a write. */
        if (!is_owner && has_hole(scan_of(segments, i, &bytes)) &&
            !segments_read(segments, i, &bytes))
            continue;
        struct journal_scan scan = scan_of(segments, i, &bytes);
        if (!journal_replay_add(replay, i, scan, &segments->uses[i]))
            break;
    }
    buffer_free(&bytes);
    journal_replay_sort(replay);
}

static void trim(const struct segments *segments, uint32_t file, uint32_t bytes)
{
    struct stat state;
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    journal_segment_name(segments->all[file], name);
    int at = openat(segments->folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (at < 0)
        return;
    if (fstat(at, &state) == 0 && state.st_size > (off_t)bytes &&
        state.st_size <= (off_t)JOURNAL_SEGMENT_BYTES)
        (void)!ftruncate(at, bytes);
    close(at);
}

static bool remove_segment(const struct segments *segments, uint32_t file)
{
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    journal_segment_name(segments->all[file], name);
    return unlinkat(segments->folder, name, 0) == 0;
}

void segments_trim(struct segments *segments)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < segments->count; i++) {
        struct journal_use use = segments->uses[i];
        if (!use.is_needed && remove_segment(segments, i))
            continue;
        if (use.bytes > 0)
            trim(segments, i, use.bytes);
        segments->all[kept] = segments->all[i];
        segments->uses[kept++] = use;
    }
    segments->count = kept;
}

void segments_rotate(const struct segments *segments, struct journal_rotation *rotation)
{
    journal_rotation_start(rotation, segments->number, JOURNAL_SEGMENT_BYTES);
    for (uint32_t i = 0; i < segments->count; i++)
        journal_rotation_add(rotation,
                             (struct journal_rotated){segments->all[i], segments->uses[i].last,
                                                      segments->uses[i].bytes});
}

/* ---- filling a table ---- */

/* Blocks that are read ahead: enough that neither thread waits for the other's turn. */
#define ROOMS 4u

/* A block that was read, in its turn. */
struct room {
    char *bytes;
    struct location *locations; /* which borrow from the bytes, */
    struct packed *packed;      /* and from these */
    struct table_ref *refs;     /* of their clients */
    struct journal_block block;
    bool is_good;
};

/* A thread of its own reads and checks the blocks while the caller's fills the table. */
struct reader {
    const struct segments *segments;
    const struct journal_replay *replay;
    const struct table *table; /* only its key is read, which does not change */
    int at;                    /* descriptor of the segment with that place, -1: none */
    uint32_t file;
    struct room rooms[ROOMS];
    sem_t read, taken; /* rooms that wait to be taken, and to be read into */
};

static void open_file(struct reader *reader, uint32_t file)
{
    if (reader->at >= 0 && reader->file == file)
        return;
    if (reader->at >= 0)
        close(reader->at);
    reader->at = open_segment(reader->segments, file);
    reader->file = file;
}

/* What the table would have to read and to hash. */
static void prepare(const struct table *table, const struct room *room)
{
    for (uint32_t i = 0; i < room->block.location_count; i++) {
        struct location *location = &room->locations[i];
        room->refs[i] = table_ref(table, location->client);
        if (packed_read(location->position, location->stamp, &room->packed[i]))
            location->packed = &room->packed[i];
    }
}

static void read_block(struct reader *reader, uint32_t i)
{
    const struct journal_entry *entry = &reader->replay->entries[i];
    struct room *room = &reader->rooms[i % ROOMS];
    uint64_t id = reader->segments->all[entry->file].id;
    uint16_t version;
    open_file(reader, entry->file);
    size_t got =
        reader->at < 0 ? 0 : read_all(reader->at, room->bytes, entry->bytes, (off_t)entry->at);
    room->is_good = journal_block_read((struct span){room->bytes, got}, id, &room->block,
                                       &version) == JOURNAL_FOUND_GOOD &&
                    journal_block_locations(&room->block, room->locations);
    if (room->is_good)
        prepare(reader->table, room);
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ; /* EINTR */
}

static void *run_reader(void *argument)
{
    struct reader *reader = argument;
    for (uint32_t i = 0; i < reader->replay->count; i++) {
        wait_for(&reader->taken);
        read_block(reader, i);
        sem_post(&reader->read);
    }
    return NULL;
}

static void begin(struct reader *reader)
{
    for (uint32_t i = 0; i < ROOMS; i++) {
        reader->rooms[i].bytes = bytes_resize(NULL, JOURNAL_BLOCK_BYTES_MAX);
        reader->rooms[i].locations =
            bytes_resize(NULL, JOURNAL_BLOCK_LOCATIONS_MAX * sizeof(struct location));
        reader->rooms[i].packed =
            bytes_resize(NULL, JOURNAL_BLOCK_LOCATIONS_MAX * sizeof(struct packed));
        reader->rooms[i].refs =
            bytes_resize(NULL, JOURNAL_BLOCK_LOCATIONS_MAX * sizeof(struct table_ref));
    }
    sem_init(&reader->read, 0, 0);
    sem_init(&reader->taken, 0, ROOMS);
}

static void end(struct reader *reader)
{
    for (uint32_t i = 0; i < ROOMS; i++) {
        free(reader->rooms[i].bytes);
        free(reader->rooms[i].locations);
        free(reader->rooms[i].packed);
        free(reader->rooms[i].refs);
    }
    if (reader->at >= 0)
        close(reader->at);
    sem_destroy(&reader->read);
    sem_destroy(&reader->taken);
}

/* Where there is no thread to be had, this one reads, too. */
void segments_fill(const struct segments *segments, const struct journal_replay *replay,
                   struct table *table, struct journal_tally *tally)
{
    struct reader reader = {.segments = segments, .replay = replay, .table = table, .at = -1};
    pthread_t thread;
    begin(&reader);
    bool has_thread = pthread_create(&thread, NULL, run_reader, &reader) == 0;
    table_expect(table, replay->chunk_locations);
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct room *room = &reader.rooms[i % ROOMS];
        tell(segments, 1, i, replay->count);
        if (has_thread)
            wait_for(&reader.read);
        else
            read_block(&reader, i);
        if (room->is_good)
            journal_replay_take(replay, &room->block, room->locations, room->refs, table, tally);
        else
            tally->broken++;
        sem_post(&reader.taken);
    }
    if (has_thread)
        pthread_join(thread, NULL);
    end(&reader);
}
