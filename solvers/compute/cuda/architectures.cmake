# Which GPUs the CUDA code is compiled for. CMAKE_CUDA_ARCHITECTURES, or CUDAARCHS in the environment, says so; otherwise it is the GPUs
# of this machine, and where none is usable those of this list that the toolkit compiles for, and later ones by way of the newest's PTX.
set(ptychoscale_architectures 70 80 86 89 90 100 120)

# Sets `result` to the architectures that a toolkit compiles for.
function(ptychoscale_architectures_of nvcc result)
  execute_process(COMMAND ${nvcc} --list-gpu-arch OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE status)
  string(REGEX MATCHALL "compute_[0-9]+" offered "${said}")
  if(NOT status EQUAL 0 OR NOT offered)
    message(FATAL_ERROR "${nvcc} --list-gpu-arch does not tell what it compiles for; give CMAKE_CUDA_ARCHITECTURES")
  endif()
  list(TRANSFORM offered REPLACE "compute_" "")
  set(${result} ${offered} PARENT_SCOPE)
endfunction()

# Sets `result` to what CMAKE_CUDA_ARCHITECTURES should be and `why` to the reason. `native` are the GPUs of this machine in CMake's
# words, such as 90-real, or empty.
function(ptychoscale_choose_architectures nvcc native result why)
  ptychoscale_architectures_of(${nvcc} offered)
  set(wanted ${ptychoscale_architectures})
  if(native)
    string(REPLACE "-real" "" wanted "${native}")
  endif()
  set(lacking ${wanted})
  list(REMOVE_ITEM lacking ${offered})
  set(chosen ${wanted})
  list(REMOVE_ITEM chosen "" ${lacking}) # "" for when nothing is lacking
  if(NOT chosen OR (native AND lacking))
    list(JOIN offered ", " offered)
    list(JOIN lacking ", " lacking)
    message(FATAL_ERROR "${nvcc} does not compile for ${lacking}, but for ${offered}. Use a toolkit that does (for 70: CUDA "
                        "12), or give CMAKE_CUDA_ARCHITECTURES")
  endif()
  if(native)
    set(${result} native PARENT_SCOPE)
    set(${why} "the GPU of this machine: ${native}" PARENT_SCOPE)
    return()
  endif()
  list(POP_BACK chosen newest)
  list(TRANSFORM chosen APPEND "-real")
  set(${result} ${chosen} ${newest} PARENT_SCOPE) # of the newest machine code and PTX
  list(JOIN wanted ", " wanted)
  set(${why} "no GPU is usable here, and of ${wanted} these are what ${nvcc} compiles for" PARENT_SCOPE)
endfunction()

# enable_language(CUDA), for what was chosen. A macro: a language cannot be enabled in a function.
macro(ptychoscale_enable_cuda)
  if(CMAKE_CUDA_ARCHITECTURES OR NOT "$ENV{CUDAARCHS}" STREQUAL "")
    enable_language(CUDA)
  else()
    set(CMAKE_CUDA_ARCHITECTURES OFF) # or CMake takes, and keeps, the oldest that the toolkit has
    enable_language(CUDA)
    ptychoscale_choose_architectures("${CMAKE_CUDA_COMPILER}" "${CMAKE_CUDA_ARCHITECTURES_NATIVE}" CMAKE_CUDA_ARCHITECTURES architectures_reason)
    message(STATUS "CUDA architectures: ${CMAKE_CUDA_ARCHITECTURES} (${architectures_reason}); CMAKE_CUDA_ARCHITECTURES chooses others")
  endif()
endmacro()
