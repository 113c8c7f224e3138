#include "topology/format/picture.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Half the circle's height: large enough to be looked at. */
#define RADIUS_ROWS_MIN 6
#define DOTS_PER_ROW    4
#define DOTS_PER_COLUMN 2
/* Braille cells are this and a bit for each dot. */
#define BRAILLE 0x2800
#define DISC    0x25cf

static const double pi = 3.14159265358979323846;

struct place {
    int row, column;     /* of the cell */
    int dot_y, dot_x;    /* within the whole canvas */
    double right, below; /* of the centre, -1 to 1 */
};

struct canvas {
    uint16_t cells[TOPOLOGY_PICTURE_ROWS_MAX][TOPOLOGY_PICTURE_COLUMNS_MAX]; /* code points */
    int rows, columns;
    int radius_rows, radius_columns;
    int margin_columns; /* room for names left and right of the circle */
};

static uint32_t links_length(const struct topology *topology, const uint32_t *seats)
{
    uint32_t nodes = (uint32_t)topology->node_count, sum = 0;
    for (size_t i = 0; i < topology->link_count; i++) {
        uint32_t a = seats[topology->links[i].a], b = seats[topology->links[i].b];
        uint32_t way = a > b ? a - b : b - a;
        uint32_t shorter = way < nodes - way ? way : nodes - way;
        sum += shorter * shorter;
    }
    return sum;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

/* The node to sit next to `node`: the first of its neighbours that has no seat yet, or else any. */
static uint32_t choose_next(const struct topology *topology, uint32_t node, const bool *seated)
{
    uint32_t neighbours[TOPOLOGY_PICTURE_NODES_MAX], next = 0;
    size_t count = topology_neighbours(topology, node, neighbours);
    for (size_t i = 0; i < count; i++) {
        if (!seated[neighbours[i]])
            return neighbours[i];
    }
    while (seated[next])
        next++;
    return next;
}

/* Seats around the circle, the first node at the top: along the links, so that a ring is seated as
 * one; then two nodes are swapped as long as that brings linked nodes closer. The sum falls with
 * each swap that stays, so this ends. */
static void choose_seats(const struct topology *topology, uint32_t *seats)
{
    uint32_t nodes = (uint32_t)topology->node_count, node = 0;
    bool seated[TOPOLOGY_PICTURE_NODES_MAX] = {true};
    seats[0] = 0;
    for (uint32_t seat = 1; seat < nodes; seat++) {
        node = choose_next(topology, node, seated);
        seated[node] = true;
        seats[node] = seat;
    }
    uint32_t best = links_length(topology, seats), before;
    do {
        before = best;
        for (uint32_t a = 1; a < nodes; a++) {
            for (uint32_t b = a + 1; b < nodes; b++) {
                swap(&seats[a], &seats[b]);
                uint32_t length = links_length(topology, seats);
                if (length < best)
                    best = length;
                else
                    swap(&seats[a], &seats[b]);
            }
        }
    } while (best < before);
}

/* High enough that no two names on one side share a row, with a little air between them, and
 * twice as wide as high: a cell is twice as high as wide. */
static void choose_size(const struct topology *topology, struct canvas *canvas)
{
    size_t name_bytes = 0;
    for (size_t i = 0; i < topology->node_count; i++) {
        size_t bytes = strlen(topology->nodes[i].name);
        name_bytes = bytes > name_bytes ? bytes : name_bytes;
    }
    canvas->radius_rows = (int)topology->node_count / 2 + 2;
    if (canvas->radius_rows < RADIUS_ROWS_MIN)
        canvas->radius_rows = RADIUS_ROWS_MIN;
    if (topology->node_count == 1)
        canvas->radius_rows = 0;
    canvas->radius_columns = 2 * canvas->radius_rows + 2;
    canvas->margin_columns = (int)name_bytes + 2;
    canvas->rows = 2 * canvas->radius_rows + 3;
    canvas->columns = 2 * (canvas->radius_columns + canvas->margin_columns) + 1;
    assert(canvas->rows <= TOPOLOGY_PICTURE_ROWS_MAX);
    assert(canvas->columns <= TOPOLOGY_PICTURE_COLUMNS_MAX);
}

static struct place find_place(const struct canvas *canvas, uint32_t seat, size_t node_count)
{
    double angle = 2 * pi * (double)seat / (double)node_count;
    struct place place = {.right = sin(angle), .below = -cos(angle)};
    double y = canvas->radius_rows * (1 + place.below) + 1;
    double x = canvas->radius_columns * (1 + place.right) + canvas->margin_columns;
    place.row = (int)lround(y);
    place.column = (int)lround(x);
    place.dot_y = place.row * DOTS_PER_ROW + DOTS_PER_ROW / 2;
    place.dot_x = place.column * DOTS_PER_COLUMN;
    return place;
}

static void draw_dot(struct canvas *canvas, int y, int x)
{
    static const uint8_t bits[DOTS_PER_ROW][DOTS_PER_COLUMN] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    uint16_t *cell = &canvas->cells[y / DOTS_PER_ROW][x / DOTS_PER_COLUMN];
    *cell = (uint16_t)(*cell | BRAILLE | bits[y % DOTS_PER_ROW][x % DOTS_PER_COLUMN]);
}

/* From left to right, so that rounding does not depend on which end the file names first. */
static void draw_line(struct canvas *canvas, const struct place *one, const struct place *other)
{
    const struct place *from = one->dot_x <= other->dot_x ? one : other;
    const struct place *to = from == one ? other : one;
    int height = to->dot_y - from->dot_y, width = to->dot_x - from->dot_x;
    int steps = abs(height) > abs(width) ? abs(height) : abs(width);
    for (int i = 0; i <= steps; i++) {
        double part = (double)i / (steps > 0 ? steps : 1);
        draw_dot(canvas, from->dot_y + (int)lround(part * height),
                 from->dot_x + (int)lround(part * width));
    }
}

/* A name stands where no line can go: above the top, below the bottom, else outside of its side,
 * with a blank between. */
static void draw_name(struct canvas *canvas, const struct place *place, const char *name)
{
    int bytes = (int)strlen(name);
    int row = place->row, column = place->column - bytes / 2;
    canvas->cells[place->row][place->column] = DISC;
    if (fabs(place->right) < 0.001) {
        row += place->below < 0 ? -1 : 1;
    } else if (place->right > 0) {
        column = place->column + 2;
        canvas->cells[row][column - 1] = ' ';
    } else {
        column = place->column - 1 - bytes;
        canvas->cells[row][column + bytes] = ' ';
    }
    for (int i = 0; i < bytes; i++)
        canvas->cells[row][column + i] = (unsigned char)name[i];
}

/* UTF-8 (RFC 3629) of a code point below U+10000; ASCII takes one byte, all others here three. */
static char *write_cell(char *out, uint16_t cell)
{
    if (cell < 0x80) {
        *out++ = (char)(cell == 0 ? ' ' : cell);
        return out;
    }
    *out++ = (char)(0xe0 | cell >> 12);
    *out++ = (char)(0x80 | (cell >> 6 & 0x3f));
    *out++ = (char)(0x80 | (cell & 0x3f));
    return out;
}

static int used_columns(const struct canvas *canvas, int row)
{
    int columns = canvas->columns;
    while (columns > 0 && canvas->cells[row][columns - 1] == 0)
        columns--;
    return columns;
}

/* Blank rows can only stand above and below the circle: they are left out. */
static void write_rows(const struct canvas *canvas, char *out)
{
    for (int row = 0; row < canvas->rows; row++) {
        int columns = used_columns(canvas, row);
        for (int column = 0; column < columns; column++)
            out = write_cell(out, canvas->cells[row][column]);
        if (columns > 0)
            *out++ = '\n';
    }
    *out = '\0';
}

bool topology_picture_draw(const struct topology *topology,
                           char picture[TOPOLOGY_PICTURE_BYTES_MAX])
{
    struct canvas canvas = {0};
    uint32_t seats[TOPOLOGY_PICTURE_NODES_MAX];
    struct place places[TOPOLOGY_PICTURE_NODES_MAX];
    if (topology->node_count > TOPOLOGY_PICTURE_NODES_MAX)
        return false;
    choose_seats(topology, seats);
    choose_size(topology, &canvas);
    for (size_t i = 0; i < topology->node_count; i++)
        places[i] = find_place(&canvas, seats[i], topology->node_count);
    for (size_t i = 0; i < topology->link_count; i++)
        draw_line(&canvas, &places[topology->links[i].a], &places[topology->links[i].b]);
    for (size_t i = 0; i < topology->node_count; i++)
        draw_name(&canvas, &places[i], topology->nodes[i].name);
    write_rows(&canvas, picture);
    return true;
}
