#include "tests/bus/proof.h"

#include <string.h>

#include "bus/net/auth.h"

bool __real_auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                       char error[AUTH_ERROR_BYTES_MAX]);
bool __wrap_auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                       char error[AUTH_ERROR_BYTES_MAX]);

static int left = -1; /* until one fails; below 0: none does */

void proof_fail_after(int good)
{
    left = good;
}

bool __wrap_auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                       char error[AUTH_ERROR_BYTES_MAX])
{
    if (left < 0 || left-- > 0)
        return __real_auth_prove(auth, endpoint, public_key, error);
    strcpy(error, PROOF_ERROR);
    return false;
}
