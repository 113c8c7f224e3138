#include "placesd/service/hangup.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

int hangup_descriptor(const char *property)
{
    char *end;
    if (property == NULL)
        return -1;
    long descriptor = strtol(property, &end, 10);
    return *end == '\0' && end != property && descriptor >= 0 && descriptor <= INT_MAX
               ? (int)descriptor
               : -1;
}

/* A socket's inode is its own for as long as the system runs. */
static bool read_inode(int descriptor, uint64_t *inode)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    *inode = status.st_ino;
    return true;
}

bool hangup_mark(int descriptor, uint16_t port, uint64_t *mark)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    if (!read_inode(descriptor, mark) ||
        getsockname(descriptor, (struct sockaddr *)&address, &bytes) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ((struct sockaddr_in *)&address)->sin_port == htons(port);
    return address.ss_family == AF_INET6 &&
           ((struct sockaddr_in6 *)&address)->sin6_port == htons(port);
}

void hangup(int descriptor, uint64_t mark)
{
    uint64_t inode;
    if (read_inode(descriptor, &inode) && inode == mark)
        shutdown(descriptor, SHUT_RDWR);
}
