/* proof: lets a test make the self-check of a ZAP handler fail.
 *
 * The linker puts it in the place of auth_prove (ld(1), --wrap). It calls auth_prove until
 * proof_fail_after asks for a failure; the handler itself is unchanged. */
#ifndef ZHERD_TESTS_BUS_PROOF_H
#define ZHERD_TESTS_BUS_PROOF_H

/* What a failed proof says. */
#define PROOF_ERROR "a stranger's key is let in"

/* After `good` more proofs one fails, and then none again. */
void proof_fail_after(int good);

#endif
