herd_test(unit/lookup herd_core)
herd_test(unit/balance herd_core)
herd_test(unit/nearby herd_core)
herd_test(unit/provider herd_core)
