# Read by `cpack` before it begins: a package's configuration is in /etc, and its files bear the time
# of the last commit, so that the same sources make the same package.
set(ENV{ZHERD_PACKAGE} 1)
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    execute_process(COMMAND git -C ${CPACK_ZHERD_SYSTEM} log -1 --format=%ct
        OUTPUT_VARIABLE time OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT time)
        file(TIMESTAMP ${CPACK_ZHERD_SYSTEM}/../../.github/CHANGELOG.md time %s UTC)
    endif()
    set(ENV{SOURCE_DATE_EPOCH} ${time})
endif()
