/* topology_faults: what is wrong with a topology file, each fault with its line and what to
 * write instead.
 *
 * One run reports all faults of a file. It prints nothing: the caller of the check does.
 *
 * Invariant: the list is sorted by line, and among faults of one line by the order of adding. */
#ifndef ZHERD_TOPOLOGY_FORMAT_FAULTS_H
#define ZHERD_TOPOLOGY_FORMAT_FAULTS_H

#include <stddef.h>
#include <stdint.h>

/* More would not fit on a screen; the rest are counted. */
#define TOPOLOGY_FAULTS_MAX 20
/* Longer sentences are cut. */
#define TOPOLOGY_FAULT_BYTES_MAX 400
/* How much of a word of the file a sentence quotes. */
#define TOPOLOGY_QUOTE_BYTES_MAX 80

struct topology_fault {
    uint32_t line;
    char text[TOPOLOGY_FAULT_BYTES_MAX + 1];
};

/* All zero is an empty list. */
struct topology_faults {
    struct topology_fault list[TOPOLOGY_FAULTS_MAX];
    size_t count;
    size_t more; /* faults beyond the list: those of the greatest lines */
};

/* A sentence, without the line and without LF. Bytes outside of 0x20 to 0x7e become '?', so that
 * no file can forge a line. */
void topology_faults_add(struct topology_faults *faults, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The word meant by a misspelt one: offer each candidate, then ask. */
struct topology_nearest {
    const char *word;
    const char *best; /* NULL while no candidate is near */
    size_t best_distance;
};

/* `candidate` is borrowed. Near means that at most a third of the word's letters (and at least
 * one) have to be put in, taken out, changed or swapped with their neighbour (F. J. Damerau, "A
 * technique for computer detection and correction of spelling errors", Commun. ACM 7, 1964). Case
 * does not count. Of equally near candidates the first stays. */
void topology_nearest_offer(struct topology_nearest *nearest, const char *candidate);

#endif
