# The profile that optimised builds are guided by: which branches calls take, which functions are
# hot and lie together. bench/profile/record writes it. A function that has changed since is
# compiled as if it had none, so an old profile costs speed and nothing else.
include_guard()

set(PODIUM_PROFILE "use" CACHE STRING "What a release build does with the profile: use, record, off")
if(NOT PODIUM_PROFILE MATCHES "^(use|record|off)$")
  message(FATAL_ERROR "PODIUM_PROFILE is use, record or off, not ${PODIUM_PROFILE}")
endif()

set(may_be_guided FALSE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT PODIUM_SANITIZE)
  set(may_be_guided TRUE)
elseif(PODIUM_PROFILE STREQUAL "record")
  message(FATAL_ERROR "PODIUM_PROFILE=record needs Clang, the build type Release, and no sanitizer")
endif()

# In `made`, the file that the compiler reads; empty when none can be made of what was recorded.
# Functions that other files cannot see are recorded with the number of their batch left at 0, and
# are given to every batch: a new file moves others to the next one.
function(podium_make_profile made)
  set(${made} "" PARENT_SCOPE)
  set(recorded ${CMAKE_SOURCE_DIR}/bench/profile/podium.proftext)
  set(inner ${CMAKE_SOURCE_DIR}/bench/profile/inner.proftext)
  string(REGEX MATCH "^[0-9]+" major ${CMAKE_CXX_COMPILER_VERSION})
  get_filename_component(beside_compiler ${CMAKE_CXX_COMPILER} REALPATH)
  get_filename_component(beside_compiler ${beside_compiler} DIRECTORY)
  # Of the compiler's own version: another's format it may not read.
  find_program(PODIUM_PROFDATA NAMES llvm-profdata-${major})
  find_program(PODIUM_PROFDATA NAMES llvm-profdata PATHS ${beside_compiler} NO_DEFAULT_PATH)
  if(NOT PODIUM_PROFDATA OR NOT EXISTS ${recorded} OR NOT EXISTS ${inner})
    message(STATUS "Not guided by a profile: no llvm-profdata-${major}, or nothing in bench/profile")
    return()
  endif()
  # Named by its content: another profile is another command line, and so another object.
  file(READ ${recorded} outer_text)
  file(READ ${inner} inner_text)
  string(SHA256 content "${outer_text}${inner_text}")
  string(SUBSTRING ${content} 0 16 content)
  set(profile ${CMAKE_BINARY_DIR}/profile-${content}.profdata)
  if(NOT EXISTS ${profile})
    set(parts ${recorded})
    foreach(batch RANGE 15)
      string(REPLACE "unity_0_cxx.cxx;" "unity_${batch}_cxx.cxx;" of_batch "${inner_text}")
      set(part ${CMAKE_BINARY_DIR}/profile/inner-${batch}.proftext)
      file(WRITE ${part} "${of_batch}")
      list(APPEND parts ${part})
    endforeach()
    execute_process(COMMAND ${PODIUM_PROFDATA} merge --output=${profile}.new ${parts} RESULT_VARIABLE failed)
    if(failed)
      message(STATUS "Not guided by a profile: ${PODIUM_PROFDATA} does not take what was recorded")
      return()
    endif()
    file(RENAME ${profile}.new ${profile})
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recorded} ${inner} ${profile})
  set(${made} ${profile} PARENT_SCOPE)
endfunction()

# Functions of one file are told apart by its name, wherever the tree and its builds lie.
set(by_name "SHELL:-mllvm -static-func-full-module-prefix=false")
if(may_be_guided AND PODIUM_PROFILE STREQUAL "record")
  target_compile_options(podium_flags INTERFACE -fprofile-generate ${by_name})
  target_link_options(podium_flags INTERFACE -fprofile-generate)
elseif(may_be_guided AND PODIUM_PROFILE STREQUAL "use")
  podium_make_profile(profile)
  if(profile)
    target_compile_options(podium_flags INTERFACE -fprofile-use=${profile} ${by_name}
      # What changed since it was recorded, and what the recording never ran.
      -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled -Wno-backend-plugin)
  endif()
endif()
