# Run by `cmake --install`: what holds names of folders, which are known only then, since --prefix and
# DESTDIR are said then. ZHERD_SYSTEM is the folder of this file. A package's configuration is in
# /etc, as the environment says; all others have it below their prefix.
set(prefix "${CMAKE_INSTALL_PREFIX}")
set(etc "${prefix}/etc")
if("$ENV{ZHERD_PACKAGE}")
    set(etc /etc)
endif()

# A folder's name inside of "" in a unit: systemd.syntax(7), systemd.service(5). A dollar sign is
# doubled where variables are put in, which is not so in the name of the program.
function(quote variable text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "%" "%%" text "${text}")
    set(${variable} "${text}" PARENT_SCOPE)
endfunction()
quote(program "${prefix}/bin")
quote(folder "${etc}")
string(REPLACE "$" "$$" folder "${folder}")
file(READ ${ZHERD_SYSTEM}/units/sandbox sandbox)

# put(TEMPLATE FILE): the template with the names above, as FILE.
function(put template file)
    message(STATUS "Installing: $ENV{DESTDIR}${file}")
    configure_file(${ZHERD_SYSTEM}/${template} $ENV{DESTDIR}${file} @ONLY
        FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    set(CMAKE_INSTALL_MANIFEST_FILES ${CMAKE_INSTALL_MANIFEST_FILES} ${file} PARENT_SCOPE)
endfunction()

foreach(unit zherd-gateway@.service zherd-gateway@.socket placesd.service placesd-worker@.service
        zherd-landmarks.service zherd-web@.service)
    put(units/${unit}.in "${prefix}/lib/systemd/system/${unit}")
endforeach()
put(logrotate.conf ${etc}/logrotate.d/zherd)

# Whoever installs again keeps the herd that was written there.
if(NOT EXISTS $ENV{DESTDIR}${etc}/zherd/herd.zpl)
    put(herd.zpl ${etc}/zherd/herd.zpl)
endif()

foreach(command zherd-gateway zherd-web placesd zherd-landmarks)
    set(link ${prefix}/share/bash-completion/completions/${command})
    file(CREATE_LINK zherd $ENV{DESTDIR}${link} SYMBOLIC)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${link})
endforeach()
