# Run by `cpack` between installing and packing: what Debian wants otherwise than `cmake --install`
# leaves it. Pages are compressed without a time, documents of the package are there, and what the
# umask of whoever packs has left out is given back.
function(must)
    execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH
set(share ${CPACK_TEMPORARY_DIRECTORY}/zherd/usr/share)
file(MAKE_DIRECTORY ${share}/zsh/vendor-completions)
file(RENAME ${share}/zsh/site-functions/_zherd ${share}/zsh/vendor-completions/_zherd)
file(REMOVE_RECURSE ${share}/zsh/site-functions)
file(RENAME ${share}/doc/zherd/CHANGELOG.md ${share}/doc/zherd/changelog)

foreach(package ${CPACK_COMPONENTS_ALL})
    set(tree ${CPACK_TEMPORARY_DIRECTORY}/${package})
    set(programs zherd zherd-gateway zherd-web placesd zherd-landmarks)
    if(package STREQUAL zherd-bench)
        set(programs zherd-bench)
    endif()
    foreach(program ${programs})
        if(NOT EXISTS ${tree}/usr/bin/${program})
            message(FATAL_ERROR "${program} is not built: cmake --build FOLDER --target ${program}")
        endif()
    endforeach()
    set(documents ${tree}/usr/share/doc/${package})
    file(COPY ${CPACK_ZHERD_SYSTEM}/debian/copyright DESTINATION ${documents})
    file(COPY ${CPACK_ZHERD_SYSTEM}/debian/${package}.overrides
        DESTINATION ${tree}/usr/share/lintian/overrides)
    file(RENAME ${tree}/usr/share/lintian/overrides/${package}.overrides
        ${tree}/usr/share/lintian/overrides/${package})
    file(WRITE ${documents}/changelog.Debian "${package} (${version}) unstable; urgency=medium

  * Packed from the sources of zherd. The package zherd says in changelog.gz
    what has changed there.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
    file(GLOB pages ${tree}/usr/share/man/*/*)
    file(GLOB changelogs ${documents}/changelog*)
    must(gzip -9n ${pages} ${changelogs})
    must(chmod -R u=rwX,go=rX ${tree})
endforeach()
