/* proof: lets a test take the work of a door's handler for bad.
 *
 * The linker puts it in the place of auth_prove (ld(1), --wrap). It proves as that does, until told
 * otherwise; the handler itself is left as it is. */
#ifndef ZHERD_TESTS_BUS_PROOF_H
#define ZHERD_TESTS_BUS_PROOF_H

/* What a failed proof says. */
#define PROOF_ERROR "a stranger's key is let in"

/* After `good` more proofs one fails, and then none again. */
void proof_fail_after(int good);

#endif
