#include "tests/bus/proof.h"

#include <string.h>

#include "bus/net/auth.h"

bool __real_auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                       struct fault *fault);
bool __wrap_auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                       struct fault *fault);

static int left = -1; /* until one fails; below 0: none does */

void proof_fail_after(int good)
{
    left = good;
}

bool __wrap_auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                       struct fault *fault)
{
    if (left < 0 || left-- > 0)
        return __real_auth_prove(auth, endpoint, public_key, fault);
    return fault_set(fault, "%s", PROOF_ERROR);
}
