#include "topology/format/faults.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bus/base/printable.h"

/* Longer words are never compared: the names of a herd end here. */
#define NEAREST_BYTES_MAX 63

void topology_faults_add(struct topology_faults *faults, uint32_t line, const char *format, ...)
{
    size_t at = faults->count;
    while (at > 0 && faults->list[at - 1].line > line)
        at--;
    if (faults->count == TOPOLOGY_FAULTS_MAX) {
        faults->more++;
        if (at == TOPOLOGY_FAULTS_MAX)
            return;
    } else {
        faults->count++;
    }
    memmove(&faults->list[at + 1], &faults->list[at],
            (faults->count - 1 - at) * sizeof *faults->list);

    struct topology_fault *fault = &faults->list[at];
    fault->line = line;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    printable_make(fault->text);
}

static void lower(size_t *least, size_t candidate)
{
    if (candidate < *least)
        *least = candidate;
}

static bool is_same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Distances between all prefixes of both words, each from those that are shorter by a letter, or
 * by two where two neighbours changed places. */
static size_t edit_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t table[NEAREST_BYTES_MAX + 1][NEAREST_BYTES_MAX + 1];
    for (size_t i = 0; i <= a_bytes; i++) {
        for (size_t j = 0; j <= b_bytes; j++) {
            size_t *distance = &table[i][j];
            *distance = i + j;
            if (i > 0)
                lower(distance, table[i - 1][j] + 1);
            if (j > 0)
                lower(distance, table[i][j - 1] + 1);
            if (i > 0 && j > 0)
                lower(distance, table[i - 1][j - 1] + !is_same_letter(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && is_same_letter(a[i - 1], b[j - 2]) &&
                is_same_letter(a[i - 2], b[j - 1]))
                lower(distance, table[i - 2][j - 2] + 1);
        }
    }
    return table[a_bytes][b_bytes];
}

void topology_nearest_offer(struct topology_nearest *nearest, const char *candidate)
{
    size_t word_bytes = strlen(nearest->word), candidate_bytes = strlen(candidate);
    if (word_bytes > NEAREST_BYTES_MAX || candidate_bytes > NEAREST_BYTES_MAX)
        return;
    size_t distance = edit_distance(nearest->word, word_bytes, candidate, candidate_bytes);
    size_t distance_max = word_bytes / 3 > 1 ? word_bytes / 3 : 1;
    if (distance > distance_max || (nearest->best && distance >= nearest->best_distance))
        return;
    nearest->best = candidate;
    nearest->best_distance = distance;
}
