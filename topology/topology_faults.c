#include "topology/topology_faults.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer words are never compared: the names of a herd end here. */
#define NEAREST_BYTES_MAX 63

static void make_printable(char *text)
{
    for (; *text; text++) {
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
    }
}

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
    make_printable(fault->text);
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* The classic table of distances between all prefixes, of which only one row is kept. */
static size_t edit_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t row[NEAREST_BYTES_MAX + 1];
    for (size_t j = 0; j <= b_bytes; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_bytes; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t changed = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, changed);
        }
    }
    return row[b_bytes];
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
