/* For any answer of photon, clients get Nearby Search JSON without the key. */
#include "tests/fuzz/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    return transform_try(&provider_photon, bytes, count);
}
