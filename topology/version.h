/* version: what every program says at --version.
 *
 * The version of the project, and the commit that was built, as `git describe` says it, with
 * "-dirty" where sources differ from it; without the commit where no clone was built
 * (topology/commit.cmake).
 *
 * Invariant: one line, "PROGRAM 0.1.0 (37c1b42e37d9)" or "PROGRAM 0.1.0". */
#ifndef ZHERD_TOPOLOGY_VERSION_H
#define ZHERD_TOPOLOGY_VERSION_H

/* "" where it is not known. What defines it is written by the build. */
extern const char version_commit[];

/* Prints the line to standard output. */
void version_print(const char *program);

#endif
