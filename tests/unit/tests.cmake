herd_test(unit/bytes herd_core)
herd_test(unit/msgread herd_core)
herd_test(unit/flood herd_core)
