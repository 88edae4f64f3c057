# Writes OUTPUT from TEMPLATE with the commit of SOURCE_DIR and whether tracked files differ from it.
find_package(Git QUIET)
set(commit "unknown")
set(dirty "true")
if(GIT_FOUND)
  # Also in a checkout of somebody else's, which many share: who builds it trusts it anyway.
  set(git ${GIT_EXECUTABLE} -c safe.directory=* -C ${SOURCE_DIR})
  execute_process(COMMAND ${git} rev-parse HEAD
                  OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(commit ${found})
    execute_process(COMMAND ${git} status --porcelain
                    OUTPUT_VARIABLE changes ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed AND changes STREQUAL "")
      set(dirty "false")
    endif()
  endif()
endif()
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
