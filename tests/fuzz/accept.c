/* For any Accept header a form is chosen, and OpenMetrics only for one that names it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "topology/format/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    /* A copy that ends where its block does: a sanitizer sees one byte too many. */
    char *accept = malloc(count > 0 ? count : 1);
    if (accept == NULL)
        return 0;
    memcpy(accept, bytes, count);
    enum metrics_form form = metrics_choose((struct span){accept, count});
    assert(form == METRICS_TEXT ||
           (form == METRICS_OPENMETRICS && memchr(accept, '/', count) != NULL && count >= 28));
    free(accept);
    return 0;
}
