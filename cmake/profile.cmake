# The profile that optimised builds are guided by: which branches calls take, which functions are
# hot and lie together. bench/profile/record writes it. A function that has changed since is
# compiled as if it had none, so an old profile costs speed and nothing else.
include_guard()

set(PODIUM_PROFILE "use" CACHE STRING "What a release build does with the profile: use, record, off")
set(recorded ${CMAKE_SOURCE_DIR}/bench/profile/podium.proftext)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR NOT CMAKE_BUILD_TYPE STREQUAL "Release" OR PODIUM_SANITIZE)
  return()
endif()
# Functions of one file are told apart by its name, wherever the tree and its builds lie.
set(by_name "SHELL:-mllvm -static-func-full-module-prefix=false")

if(PODIUM_PROFILE STREQUAL "record")
  target_compile_options(podium_flags INTERFACE -fprofile-generate ${by_name})
  target_link_options(podium_flags INTERFACE -fprofile-generate)
elseif(PODIUM_PROFILE STREQUAL "use")
  string(REGEX MATCH "^[0-9]+" major ${CMAKE_CXX_COMPILER_VERSION})
  find_program(PODIUM_PROFDATA NAMES llvm-profdata-${major} llvm-profdata)
  if(NOT PODIUM_PROFDATA OR NOT EXISTS ${recorded})
    message(STATUS "No llvm-profdata or no ${recorded}: the build is not guided by a profile")
    return()
  endif()
  # Named by its content: another profile is another command line, and so another object.
  file(SHA256 ${recorded} content)
  string(SUBSTRING ${content} 0 16 content)
  set(profile ${CMAKE_BINARY_DIR}/profile-${content}.profdata)
  if(NOT EXISTS ${profile})
    execute_process(COMMAND ${PODIUM_PROFDATA} merge --output=${profile} ${recorded} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recorded})
  target_compile_options(podium_flags INTERFACE -fprofile-use=${profile} ${by_name}
    # What changed since it was recorded, and what the recording never ran.
    -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled -Wno-backend-plugin)
endif()
