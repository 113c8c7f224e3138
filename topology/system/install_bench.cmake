# Run by `cmake --install`: what belongs to the bench, if that was built.
if(EXISTS ${ZHERD_BENCH})
    set(share ${CMAKE_INSTALL_PREFIX}/share)
    file(INSTALL ${ZHERD_SYSTEM}/man/zherd-bench.1 DESTINATION ${share}/man/man1)
    file(INSTALL ${ZHERD_SYSTEM}/completion/zherd.bash RENAME zherd-bench
        DESTINATION ${share}/bash-completion/completions)
endif()
