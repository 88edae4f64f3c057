# What solvers/compute/cuda/architectures.cmake chooses, with stand-ins for nvcc that offer what those of three toolkits do:
#     cmake -D FOLDER=SCRATCH -P architectures_test.cmake
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/../../../solvers/compute/cuda/architectures.cmake)

function(make_nvcc version)
  list(TRANSFORM ARGN PREPEND "compute_" OUTPUT_VARIABLE lines)
  list(JOIN lines "\n" lines)
  file(WRITE ${FOLDER}/nvcc-${version} "#!/bin/sh\n[ \"$1\" = --list-gpu-arch ] || exit 1\ncat <<END\n${lines}\nEND\n")
  file(CHMOD ${FOLDER}/nvcc-${version} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endfunction()

function(expect version gpus expected)
  ptychoscale_choose_architectures(${FOLDER}/nvcc-${version} "${gpus}" chosen why)
  message(STATUS "CUDA ${version}, GPU '${gpus}': ${chosen} (${why})")
  if(NOT chosen STREQUAL expected)
    message(SEND_ERROR "CUDA ${version}, GPU '${gpus}': chosen ${chosen}, expected ${expected}")
  endif()
endfunction()

if(REFUSED) # run by itself, as an error ends the script
  ptychoscale_choose_architectures(${FOLDER}/nvcc-${REFUSED} "${GPUS}" chosen why)
  return()
endif()

function(expect_refusal version gpus message)
  execute_process(COMMAND ${CMAKE_COMMAND} -D FOLDER=${FOLDER} -D REFUSED=${version} "-DGPUS=${gpus}" -P ${CMAKE_CURRENT_LIST_FILE}
                  ERROR_VARIABLE said RESULT_VARIABLE status)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  if(status EQUAL 0 OR NOT said MATCHES "${message}")
    message(SEND_ERROR "CUDA ${version}, GPU '${gpus}': exit code ${status}, '${said}', expected '${message}'")
  endif()
endfunction()

make_nvcc(12.4 50 52 53 60 61 62 70 72 75 80 86 87 89 90)
make_nvcc(12.9 50 52 53 60 61 62 70 72 75 80 86 87 89 90 100 101 103 120 121)
make_nvcc(13.0 75 80 86 87 88 89 90 100 110 103 120 121)
make_nvcc(of-another-age 200 210)
expect(12.4 "" "70-real;80-real;86-real;89-real;90")
expect(12.9 "" "70-real;80-real;86-real;89-real;90-real;100-real;120")
expect(13.0 "" "80-real;86-real;89-real;90-real;100-real;120")
expect(12.9 "70-real" native)
expect(13.0 "90-real" native)
expect(13.0 "89-real;121-real" native)
expect_refusal(13.0 "70-real" "does not compile for 70, but for 75, 80")
expect_refusal(13.0 "90-real;70-real" "does not compile for 70, but for 75, 80")
expect_refusal(of-another-age "" "does not compile for 70, 80, .*, but for 200, 210")
expect_refusal(that-is-not-there "" "does not tell what it compiles for")
