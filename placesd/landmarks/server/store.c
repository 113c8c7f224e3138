#include "placesd/landmarks/server/store.h"

#include <assert.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "topology/say.h"

/* The tree rounds each coordinate outwards to single precision: at 180 degrees by up to 2.4 m a
 * side. A place lies at most this much further away than its box in the tree. */
#define ROUNDING_M 10.0

/* A box of one place is two roundings wide at most. From its middle to the place, or to a corner,
 * it is less than this many metres, and twice as much is still below ROUNDING_M. */
#define PLACE_BOX_DEG_MAX 4e-5
#define PLACE_BOX_M       4.5

/* The rank's axis is so short, and every box is so nearly equally long on it, that SQLite arranges
 * its tree by longitude and latitude alone. Each box still tells the highest rank inside, and that
 * serves both orders: a tree arranged by rank too would need far more boxes for the nearest. */
#define RANK_AXIS_BEGIN (-1.0)
#define RANK_STEP       1e-6

/* The longest line of the time zone tables has about 100 bytes. A longer one is read in pieces,
 * of which none is a zone or only the first one. */
#define ZONE_LINE_BYTES_MAX 512

/* SQLite's name for a database that has no file. */
#define IN_MEMORY ":memory:"

/* "zhlm": the file is a database of ours, says its header. */
#define APPLICATION_ID "0x7a686c6d"
/* Changes with the tables. */
#define SCHEMA_VERSION 1
/* Pages of a file kept in memory while it is read, and while it is filled: with the lower one a
 * question about a million places reads few pages twice, with the upper one a million is
 * filled in without going back to the disk. */
#define READ_CACHE_KIB 8192
#define FILL_CACHE_KIB 131072

#define TEXT_OF(number)       TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(number) #number

static const char schema[] =
    "PRAGMA application_id = " APPLICATION_ID ";"
    "PRAGMA user_version = " TEXT_OF(
        SCHEMA_VERSION) ";"
                        "CREATE TABLE places (id INTEGER PRIMARY KEY, key INTEGER NOT NULL, name "
                        "TEXT NOT NULL,"
                        " types TEXT NOT NULL, vicinity TEXT NOT NULL, latitude REAL NOT NULL,"
                        " longitude REAL NOT NULL, rank INTEGER NOT NULL);"
                        "CREATE UNIQUE INDEX places_by_key ON places (key);"
                        "CREATE VIRTUAL TABLE tree USING rtree (id, west, east, south, north, "
                        "lowest, highest);";

/* What only a store in memory needs: the index by which a city is found again. */
static const char memory_schema[] = "CREATE INDEX places_by_name ON places (name);";

/* Safe without a journal: until it is finished, nobody but us knows the file. */
static const char fill_settings[] =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA cache_size = -" TEXT_OF(FILL_CACHE_KIB) "; BEGIN;";
static const char read_settings[] = "PRAGMA cache_size = -" TEXT_OF(READ_CACHE_KIB) ";";

static const char select_id[] = "SELECT id FROM places WHERE key = ?1";
static const char insert_place[] = "INSERT OR REPLACE INTO places (id, key, name, types, vicinity,"
                                   " latitude, longitude, rank)"
                                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char insert_box[] = "INSERT OR REPLACE INTO tree VALUES (?1, ?2, ?2, ?3, ?3, ?4, ?5)";
static const char select_city[] = "SELECT name, types, vicinity, latitude, longitude, rank, id"
                                  " FROM places WHERE name = ?1";
/* CROSS JOIN makes the tree the outer loop, so its order is the order of the rows. */
static const char select_nearby[] = "SELECT name, types, vicinity, latitude, longitude, rank,"
                                    " places.id FROM tree CROSS JOIN places USING (id)"
                                    " WHERE tree.id MATCH near()";

/* The columns of both selections. */
enum { NAME, TYPES, VICINITY, LATITUDE, LONGITUDE, RANK, ID };

/* One row of the answer while it is sorted. */
struct found {
    struct place place;
    double distance_m;
    int64_t id;
};

/* What the question under way is about. */
struct nearby {
    struct sphere_point centre;
    double radius_m;
    enum store_order order;
    struct sphere_reach reach;
};

struct store {
    sqlite3 *db;
    struct nearby nearby; /* for judge_box */
    struct found *best;   /* STORE_FOUND_MAX rows and one, while they are sorted */
    sqlite3_stmt *select_id;
    sqlite3_stmt *insert_place;
    sqlite3_stmt *insert_box;
    sqlite3_stmt *select_city;
    sqlite3_stmt *select_nearby;
};

/* Lower is better. SQLite takes a negative score for 0, so the best possible one is 0. */
static double make_score(enum store_order order, double rank, double distance_m)
{
    if (order == STORE_NEAREST)
        return distance_m;
    return (PLACE_RANK_MAX - rank) * SPHERE_DISTANCE_M_MAX + distance_m;
}

/* The distance to a box of the tree, or less by a metre or two: one of a single place is as small
 * as its rounding, and is measured to its middle. */
static double measure_box(struct sphere_point centre, struct sphere_box box)
{
    double up_deg = box.north_deg - box.south_deg, across_deg = box.east_deg - box.west_deg;
    if (up_deg > PLACE_BOX_DEG_MAX || across_deg > PLACE_BOX_DEG_MAX)
        return sphere_box_m(centre, box);
    struct sphere_point middle = {box.south_deg + up_deg / 2, box.west_deg + across_deg / 2};
    return fmax(0, sphere_distance_m(centre, middle) - PLACE_BOX_M);
}

/* SQLite asks about each box of the tree: could it hold a place of the circle, and how good a
 * one at best? */
static int judge_box(sqlite3_rtree_query_info *info)
{
    assert(info->nParam == 0 && info->nCoord == 6);
    const struct nearby *nearby = info->pContext;
    const double *at = info->aCoord;
    struct sphere_box box = {
        .west_deg = at[0], .east_deg = at[1], .south_deg = at[2], .north_deg = at[3]};
    info->eWithin = NOT_WITHIN;
    if (sphere_reach_misses(&nearby->reach, box))
        return SQLITE_OK;
    double distance_m = measure_box(nearby->centre, box);
    double highest_rank = round(at[5] / RANK_STEP);
    if (distance_m <= nearby->radius_m + ROUNDING_M)
        info->eWithin = PARTLY_WITHIN;
    info->rScore = make_score(nearby->order, highest_rank, distance_m);
    return SQLITE_OK;
}

static bool run_script(struct store *store, const char *script)
{
    return sqlite3_exec(store->db, script, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(struct store *store, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
           SQLITE_OK;
}

static bool prepare_all(struct store *store)
{
    return sqlite3_rtree_query_callback(store->db, "near", judge_box, &store->nearby, NULL) ==
               SQLITE_OK &&
           prepare(store, select_id, &store->select_id) &&
           prepare(store, insert_place, &store->insert_place) &&
           prepare(store, insert_box, &store->insert_box) &&
           prepare(store, select_city, &store->select_city) &&
           prepare(store, select_nearby, &store->select_nearby);
}

/* The one number that a statement such as a pragma answers; -1 when it fails. */
static int64_t ask_number(struct store *store, const char *sql)
{
    sqlite3_stmt *row = NULL;
    int64_t number = -1;
    if (prepare(store, sql, &row) && sqlite3_step(row) == SQLITE_ROW)
        number = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return number;
}

static bool is_empty(struct store *store)
{
    return ask_number(store, "SELECT count(*) FROM sqlite_schema") == 0;
}

/* A database as it is, or NULL; `shown` is its path for people. */
static struct store *open_database(const char *path, const char *shown, int flags,
                                   struct fault *fault)
{
    if (sqlite3_compileoption_used("ENABLE_RTREE") == 0) {
        fault_set(fault, "the system's SQLite %s was built without R*Tree", sqlite3_libversion());
        return NULL;
    }
    struct store *store = bytes_zeroed(sizeof *store);
    store->best = bytes_zeroed((STORE_FOUND_MAX + 1) * sizeof *store->best);
    if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        char where[SAY_WHERE_BYTES_MAX] = "";
        if (strcmp(path, IN_MEMORY) != 0)
            say_where(shown, where);
        fault_set(fault, "cannot open %s: %s%s", shown, sqlite3_errmsg(store->db), where);
        store_close(&store);
    }
    return store;
}

/* Closes a store that could not be made ready, and says why. */
static void give_up(struct store **store, struct fault *fault)
{
    fault_set(fault, "SQLite %s: %s", sqlite3_libversion(), store_failure(*store));
    store_close(store);
}

struct store *store_open(struct fault *fault)
{
    struct store *store = open_database(IN_MEMORY, "a database in memory",
                                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, fault);
    if (store != NULL &&
        (!run_script(store, schema) || !run_script(store, memory_schema) || !prepare_all(store)))
        give_up(&store, fault);
    return store;
}

struct store *store_copy(struct store *from, struct fault *fault)
{
    struct store *store = open_database(IN_MEMORY, "a database in memory",
                                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, fault);
    if (store == NULL)
        return NULL;
    sqlite3_backup *copy = sqlite3_backup_init(store->db, "main", from->db, "main");
    bool done = copy != NULL && sqlite3_backup_step(copy, -1) == SQLITE_DONE;
    sqlite3_backup_finish(copy);
    if (!done || !prepare_all(store))
        give_up(&store, fault);
    return store;
}

static bool has_our_mark(struct store *store)
{
    return ask_number(store, "PRAGMA application_id") == strtoll(APPLICATION_ID, NULL, 16);
}

bool store_is_ours(const char *path)
{
    struct fault fault;
    struct store *store = open_database(path, path, SQLITE_OPEN_READONLY, &fault);
    bool is_ours = store != NULL && has_our_mark(store);
    store_close(&store);
    return is_ours;
}

/* Sentence in `fault`, and false, unless the open file is a database that we can use. */
static bool check_file(struct store *store, const char *path, struct fault *fault)
{
    if (!has_our_mark(store)) {
        return fault_set(fault, "%s is no database of zherd-landmarks", path);
    }
    if (ask_number(store, "PRAGMA user_version") != SCHEMA_VERSION) {
        return fault_set(fault, "%s was made by another version of zherd-landmarks; import it anew",
                         path);
    }
    return true;
}

struct store *store_open_to_fill(const char *path, struct fault *fault)
{
    struct store *store = open_database(
        path, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, fault);
    if (store == NULL)
        return NULL;
    bool is_new = is_empty(store);
    if (!is_new && !check_file(store, path, fault)) {
        store_close(&store);
        return NULL;
    }
    if (!run_script(store, fill_settings) || (is_new && !run_script(store, schema)) ||
        !prepare_all(store))
        give_up(&store, fault);
    return store;
}

/* The file as SQLite's URI (https://sqlite.org/uri.html), opened as immutable: no lock and no
 * journal is looked for, so it may lie on a disk that cannot be written to. NULL without memory. */
static char *make_uri(const char *path)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, path[0] == '/' ? "file://" : "file:");
    for (; *path != '\0'; path++) {
        if (strchr("%?#", *path) != NULL)
            sqlite3_str_appendf(uri, "%%%02x", (unsigned)(unsigned char)*path);
        else
            sqlite3_str_appendchar(uri, 1, *path);
    }
    sqlite3_str_appendall(uri, "?immutable=1");
    return sqlite3_str_finish(uri);
}

struct store *store_open_to_read(const char *path, struct fault *fault)
{
    char *uri = make_uri(path);
    if (uri == NULL) {
        fault_set(fault, "no memory for the places");
        return NULL;
    }
    struct store *store = open_database(uri, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, fault);
    sqlite3_free(uri);
    if (store == NULL)
        return NULL;
    if (!check_file(store, path, fault))
        store_close(&store);
    else if (!run_script(store, read_settings) || !prepare_all(store))
        give_up(&store, fault);
    return store;
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    sqlite3_finalize((*store)->select_id);
    sqlite3_finalize((*store)->insert_place);
    sqlite3_finalize((*store)->insert_box);
    sqlite3_finalize((*store)->select_city);
    sqlite3_finalize((*store)->select_nearby);
    sqlite3_close((*store)->db);
    free((*store)->best);
    free(*store);
    *store = NULL;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* Runs a statement without rows; it can be bound again afterwards. */
static bool run(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK;
}

/* The id of the place under `key`, or 0. */
static int64_t find_id(struct store *store, uint64_t key)
{
    sqlite3_stmt *row = store->select_id;
    sqlite3_bind_int64(row, 1, (int64_t)key);
    int64_t id = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    sqlite3_reset(row);
    return id;
}

bool store_put(struct store *store, const struct place *place, uint64_t key, bool *replaced)
{
    int64_t id = find_id(store, key);
    *replaced = id != 0;
    sqlite3_stmt *insert = store->insert_place;
    if (*replaced)
        sqlite3_bind_int64(insert, 1, id);
    else
        sqlite3_bind_null(insert, 1); /* SQLite chooses the next one */
    sqlite3_bind_int64(insert, 2, (int64_t)key);
    bind_text(insert, 3, place->name);
    bind_text(insert, 4, place->types);
    bind_text(insert, 5, place->vicinity);
    sqlite3_bind_double(insert, 6, place->position.latitude_deg);
    sqlite3_bind_double(insert, 7, place->position.longitude_deg);
    sqlite3_bind_int64(insert, 8, place->rank);
    if (!run(insert))
        return false;

    insert = store->insert_box;
    sqlite3_bind_int64(insert, 1, *replaced ? id : sqlite3_last_insert_rowid(store->db));
    sqlite3_bind_double(insert, 2, place->position.longitude_deg);
    sqlite3_bind_double(insert, 3, place->position.latitude_deg);
    sqlite3_bind_double(insert, 4, RANK_AXIS_BEGIN);
    sqlite3_bind_double(insert, 5, place->rank * RANK_STEP);
    return run(insert);
}

bool store_add(struct store *store, const struct place *place)
{
    bool replaced;
    return store_put(store, place, place_key(place), &replaced);
}

bool store_finish(struct store *store)
{
    return run_script(store, "COMMIT");
}

const char *store_failure(const struct store *store)
{
    return sqlite3_errmsg(store->db);
}

static void copy_column(sqlite3_stmt *row, int column, char *out, size_t bytes_max)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    size_t bytes = (size_t)sqlite3_column_bytes(row, column);
    /* Only a file that somebody else wrote into can hold more. */
    bytes = bytes < bytes_max ? bytes : bytes_max;
    if (text != NULL)
        memcpy(out, text, bytes);
    out[bytes] = '\0';
}

static void read_place(sqlite3_stmt *row, struct place *place)
{
    copy_column(row, NAME, place->name, PLACE_NAME_BYTES_MAX);
    copy_column(row, TYPES, place->types, PLACE_TYPES_BYTES_MAX);
    copy_column(row, VICINITY, place->vicinity, PLACE_VICINITY_BYTES_MAX);
    place->position.latitude_deg = sqlite3_column_double(row, LATITUDE);
    place->position.longitude_deg = sqlite3_column_double(row, LONGITUDE);
    place->rank = (uint32_t)sqlite3_column_int64(row, RANK);
}

bool store_has_city(struct store *store, const char *name)
{
    sqlite3_stmt *row = store->select_city;
    bool has = false;
    bind_text(row, 1, name);
    while (!has && sqlite3_step(row) == SQLITE_ROW) {
        struct place place;
        read_place(row, &place);
        has = place_is(&place, "locality");
    }
    sqlite3_reset(row);
    return has;
}

static bool comes_before(enum store_order order, const struct found *a, const struct found *b)
{
    if (order == STORE_PROMINENT && a->place.rank != b->place.rank)
        return a->place.rank > b->place.rank;
    if (a->distance_m < b->distance_m || a->distance_m > b->distance_m)
        return a->distance_m < b->distance_m;
    return a->id < b->id;
}

/* Keeps the best `wanted` rows in order; `count` of them are there already. */
static size_t keep_best(enum store_order order, struct found *best, size_t count, size_t wanted,
                        const struct found *row)
{
    size_t at = count;
    while (at > 0 && comes_before(order, row, &best[at - 1]))
        at--;
    if (at == wanted)
        return count;
    size_t kept = count < wanted ? count : wanted - 1;
    memmove(&best[at + 1], &best[at], (kept - at) * sizeof *best);
    best[at] = *row;
    return kept + 1;
}

bool store_nearby(struct store *store, const struct store_question *question, struct place *found,
                  struct store_finding *finding)
{
    enum store_order order = question->order;
    size_t wanted = question->wanted, looks = 0, count = 0;
    assert(wanted <= STORE_FOUND_MAX);
    struct found *best = store->best, *next = &best[STORE_FOUND_MAX];
    sqlite3_stmt *row = store->select_nearby;
    store->nearby =
        (struct nearby){question->centre, question->radius_m, order,
                        sphere_reach(question->centre, question->radius_m + ROUNDING_M)};
    *finding = (struct store_finding){0};
    while (wanted > 0 && sqlite3_step(row) == SQLITE_ROW) {
        next->id = sqlite3_column_int64(row, ID);
        read_place(row, &next->place);
        next->distance_m = sphere_distance_m(question->centre, next->place.position);
        /* Rows come in the order of their boxes, each at most a rounding better than its place,
         * so from here on nothing can be better than what is kept. */
        const struct found *last = &best[wanted - 1];
        if (count == wanted && make_score(order, next->place.rank, next->distance_m) - ROUNDING_M >
                                   make_score(order, last->place.rank, last->distance_m))
            break;
        if (next->distance_m > question->radius_m)
            continue;
        finding->is_cut_short = question->looks_max > 0 && looks == question->looks_max;
        if (finding->is_cut_short)
            break;
        looks++;
        if (question->filter == NULL || query_passes(question->filter, &next->place))
            count = keep_best(order, best, count, wanted, next);
    }
    bool whole = sqlite3_reset(row) == SQLITE_OK;
    for (size_t i = 0; i < count; i++)
        found[i] = best[i].place;
    finding->count = count;
    return whole;
}

/* ---- what it begins with ---- */

bool store_seed(struct store *store)
{
    const char *at = (const char *)store_table;
    const char *end = at + store_table_bytes;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        assert(line_end != NULL);
        struct span line = {at, (size_t)(line_end - at)};
        at = line_end + 1;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        struct place place;
        bool is_landmark = place_read_landmark(line, &place);
        assert(is_landmark);
        if (!store_add(store, &place))
            return false;
    }
    return true;
}

bool store_seed_zones(struct store *store, const char *path)
{
    char text[ZONE_LINE_BYTES_MAX];
    struct place place;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool added = true;
    while (added && fgets(text, sizeof text, file) != NULL) {
        struct span line = {text, strcspn(text, "\n")};
        if (place_read_zone(line, &place) && !store_has_city(store, place.name))
            added = store_add(store, &place);
    }
    bool whole = added && ferror(file) == 0;
    fclose(file);
    return whole;
}
