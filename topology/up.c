#include "topology/zherd.h"
int up_main(int count, char **words)
{
    (void)count;
    (void)words;
    return 1;
}
