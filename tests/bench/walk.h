/* walk: the command zherd-bench walk, which gives a herd's map somebody to show.
 *
 * It measures nothing. The walkers of tests/bench/walkers.h say once a second where they are, each
 * to one of the servers; one that is away is tried again, each second.
 *
 * Invariant: it ends with whoever started it. */
#ifndef ZHERD_TESTS_BENCH_WALK_H
#define ZHERD_TESTS_BENCH_WALK_H

/* Where a server refused a position. */
#define WALK_REFUSED_EXIT_STATUS 3

/* The arguments from the word "walk" on; returns the exit status. */
int walk_main(int count, char **values);

#endif
