/* list: a doubly linked list whose nodes stand inside of what is listed.
 *
 * Nothing is allocated, and each operation takes the same few steps however long the list is. A
 * list is a circle of nodes with a head that belongs to nobody. It owns nothing.
 *
 * Invariant: a node is in at most one list, and all zero while it is in none. */
#ifndef ZHERD_GATEWAY_TEXT_LIST_H
#define ZHERD_GATEWAY_TEXT_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *before, *after;
};

/* What holds `node` as its `member`. */
#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* A head must be made so before anything else is done with it, and then stays where it is. */
static inline void list_init(struct list_node *head)
{
    head->before = head->after = head;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->after == head;
}

static inline bool list_holds(const struct list_node *node)
{
    return node->after != NULL;
}

/* Puts a node that is in no list at the end. */
static inline void list_append(struct list_node *head, struct list_node *node)
{
    node->before = head->before;
    node->after = head;
    head->before->after = node;
    head->before = node;
}

/* Takes a node out of the list it is in. */
static inline void list_remove(struct list_node *node)
{
    node->before->after = node->after;
    node->after->before = node->before;
    node->before = node->after = NULL;
}

/* The first or last node, NULL where there is none. */
static inline struct list_node *list_first(const struct list_node *head)
{
    return list_is_empty(head) ? NULL : head->after;
}

static inline struct list_node *list_last(const struct list_node *head)
{
    return list_is_empty(head) ? NULL : head->before;
}

#endif
