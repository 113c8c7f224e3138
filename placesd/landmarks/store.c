#include "placesd/landmarks/store.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

/* The tree rounds each coordinate outwards to single precision: at 180 degrees by up to 2.4 m a
 * side. A place lies at most this much further away than its box in the tree. */
#define ROUNDING_M 10.0

/* The tables, the index by which a city is found again, and the tree. */
static const char schema[] =
    "CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT, types TEXT, vicinity TEXT,"
    " latitude REAL, longitude REAL, rank INTEGER);"
    "CREATE INDEX places_by_name ON places (name);"
    "CREATE VIRTUAL TABLE tree USING rtree (id, west, east, south, north, lowest, highest);";

static const char insert_place[] = "INSERT INTO places (name, types, vicinity, latitude,"
                                   " longitude, rank) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char insert_box[] = "INSERT INTO tree VALUES (?1, ?2, ?2, ?3, ?3, ?4, ?4)";
static const char select_city[] = "SELECT name, types, vicinity, latitude, longitude, rank, id"
                                  " FROM places WHERE name = ?1";
/* CROSS JOIN makes the tree the outer loop, so its order is the order of the rows. */
static const char select_nearby[] = "SELECT name, types, vicinity, latitude, longitude, rank,"
                                    " places.id FROM tree CROSS JOIN places USING (id)"
                                    " WHERE tree.id MATCH prominent(?1, ?2, ?3)";

/* The columns of both selections. */
enum { NAME, TYPES, VICINITY, LATITUDE, LONGITUDE, RANK, ID };

struct store {
    sqlite3 *db;
    sqlite3_stmt *insert_place;
    sqlite3_stmt *insert_box;
    sqlite3_stmt *select_city;
    sqlite3_stmt *select_nearby;
};

/* One row of the answer while it is sorted. */
struct found {
    struct place place;
    double distance_m;
    int64_t id;
};

/* Lower is better: rank first, then distance. SQLite takes a negative score for 0, so the best
 * possible one is 0. */
static double make_score(double rank, double distance_m)
{
    return (PLACE_RANK_MAX - rank) * SPHERE_DISTANCE_M_MAX + distance_m;
}

/* SQLite asks about each box of the tree: could it hold a place of the circle, and how good a
 * one at best? */
static int judge_box(sqlite3_rtree_query_info *info)
{
    assert(info->nParam == 3 && info->nCoord == 6);
    const double *at = info->aCoord;
    struct sphere_point centre = {info->aParam[0], info->aParam[1]};
    struct sphere_box box = {
        .west_deg = at[0], .east_deg = at[1], .south_deg = at[2], .north_deg = at[3]};
    double distance_m = sphere_box_m(centre, box);
    double highest_rank = at[5];
    info->eWithin = distance_m > info->aParam[2] + ROUNDING_M ? NOT_WITHIN : PARTLY_WITHIN;
    info->rScore = make_score(highest_rank, distance_m);
    return SQLITE_OK;
}

static bool prepare(struct store *store, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
           SQLITE_OK;
}

static bool fill_schema(struct store *store)
{
    return sqlite3_exec(store->db, schema, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_rtree_query_callback(store->db, "prominent", judge_box, NULL, NULL) ==
               SQLITE_OK &&
           prepare(store, insert_place, &store->insert_place) &&
           prepare(store, insert_box, &store->insert_box) &&
           prepare(store, select_city, &store->select_city) &&
           prepare(store, select_nearby, &store->select_nearby);
}

struct store *store_open(char *error, size_t error_bytes)
{
    if (sqlite3_compileoption_used("ENABLE_RTREE") == 0) {
        snprintf(error, error_bytes, "the system's SQLite %s was built without R*Tree",
                 sqlite3_libversion());
        return NULL;
    }
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        snprintf(error, error_bytes, "no memory for the places");
        return NULL;
    }
    if (sqlite3_open_v2(":memory:", &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        !fill_schema(store)) {
        snprintf(error, error_bytes, "SQLite %s: %s", sqlite3_libversion(),
                 sqlite3_errmsg(store->db));
        store_close(&store);
    }
    return store;
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    sqlite3_finalize((*store)->insert_place);
    sqlite3_finalize((*store)->insert_box);
    sqlite3_finalize((*store)->select_city);
    sqlite3_finalize((*store)->select_nearby);
    sqlite3_close((*store)->db);
    free(*store);
    *store = NULL;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* Runs a statement without rows; it can be bound anew afterwards. */
static bool run(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK;
}

bool store_add(struct store *store, const struct place *place)
{
    sqlite3_stmt *insert = store->insert_place;
    bind_text(insert, 1, place->name);
    bind_text(insert, 2, place->types);
    bind_text(insert, 3, place->vicinity);
    sqlite3_bind_double(insert, 4, place->position.latitude_deg);
    sqlite3_bind_double(insert, 5, place->position.longitude_deg);
    sqlite3_bind_int64(insert, 6, place->rank);
    if (!run(insert))
        return false;

    insert = store->insert_box;
    sqlite3_bind_int64(insert, 1, sqlite3_last_insert_rowid(store->db));
    sqlite3_bind_double(insert, 2, place->position.longitude_deg);
    sqlite3_bind_double(insert, 3, place->position.latitude_deg);
    sqlite3_bind_int64(insert, 4, place->rank);
    return run(insert);
}

static void copy_column(sqlite3_stmt *row, int column, char *out, size_t bytes_max)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    size_t bytes = (size_t)sqlite3_column_bytes(row, column);
    assert(bytes <= bytes_max);
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

static bool comes_before(const struct found *a, const struct found *b)
{
    if (a->place.rank != b->place.rank)
        return a->place.rank > b->place.rank;
    if (a->distance_m < b->distance_m || a->distance_m > b->distance_m)
        return a->distance_m < b->distance_m;
    return a->id < b->id;
}

/* Keeps the best `wanted` rows in order; `count` of them are there already. */
static size_t keep_best(struct found *best, size_t count, size_t wanted, const struct found *row)
{
    size_t at = count;
    while (at > 0 && comes_before(row, &best[at - 1]))
        at--;
    if (at == wanted)
        return count;
    size_t kept = count < wanted ? count : wanted - 1;
    memmove(&best[at + 1], &best[at], (kept - at) * sizeof *best);
    best[at] = *row;
    return kept + 1;
}

bool store_nearby(struct store *store, struct sphere_point centre, double radius_m, size_t wanted,
                  struct place *found, size_t *count)
{
    assert(wanted <= STORE_FOUND_MAX);
    struct found best[STORE_FOUND_MAX];
    sqlite3_stmt *row = store->select_nearby;
    sqlite3_bind_double(row, 1, centre.latitude_deg);
    sqlite3_bind_double(row, 2, centre.longitude_deg);
    sqlite3_bind_double(row, 3, radius_m);
    *count = 0;
    while (wanted > 0 && sqlite3_step(row) == SQLITE_ROW) {
        struct found next = {.id = sqlite3_column_int64(row, ID)};
        read_place(row, &next.place);
        next.distance_m = sphere_distance_m(centre, next.place.position);
        /* Rows come in the order of their boxes, each at most a rounding better than its place,
         * so from here on nothing can be better than what is kept. */
        const struct found *last = &best[wanted - 1];
        if (*count == wanted && make_score(next.place.rank, next.distance_m) - ROUNDING_M >
                                    make_score(last->place.rank, last->distance_m))
            break;
        if (next.distance_m <= radius_m)
            *count = keep_best(best, *count, wanted, &next);
    }
    bool whole = sqlite3_reset(row) == SQLITE_OK;
    for (size_t i = 0; i < *count; i++)
        found[i] = best[i].place;
    return whole;
}
