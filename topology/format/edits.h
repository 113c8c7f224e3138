/* topology_edit: a key written into the text of a topology file, and every other byte left as it
 * was: comments, order and line ends are their writer's. */
#ifndef ZHERD_TOPOLOGY_FORMAT_EDITS_H
#define ZHERD_TOPOLOGY_FORMAT_EDITS_H

#include <stdint.h>

#include "bus/base/bytes.h"

/* Writes `    key = value` into the section that begins in line `section` (from 1) of the text:
 * in place of the first line of that key, or behind the last line of the section that says
 * something. Where it adds a line, later lines move down by one. */
void topology_edit_set(struct buffer *text, uint32_t section, const char *key, const char *value);

#endif
