# Compiler, warnings and flags that hold for every target.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "GCC ${CMAKE_CXX_COMPILER_VERSION} is refused: g++ 12 miscompiles ordinary co_await forms "
    "(aggregates by value, braced arguments, designated initialisers, ?: in an await, lambdas "
    "with init captures) into double frees and crashes. Use clang++-19, as the presets do, or "
    "GCC 13 and later.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Nothing here uses C++20 modules; scanning for them would only cost time.
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(PODIUM_CCACHE ccache)
  if(PODIUM_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${PODIUM_CCACHE})
  endif()
endif()

# What a sanitizer preset asks for, as a list for -fsanitize=; empty in release builds.
set(PODIUM_SANITIZE "" CACHE STRING "Sanitizers, separated by commas")

add_library(podium_flags INTERFACE)
target_compile_options(podium_flags INTERFACE
  -march=x86-64-v2 -Wall -Wextra -Wconversion -Wshadow -Werror
  -ffunction-sections -fdata-sections
  # No path of the building machine in __FILE__, and so in the binary.
  -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_compile_definitions(podium_flags INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  # Two kept frames of a thread are looked through and thrown away for each of the fifteen of a
  # call; the binary's mimalloc has one ready. And they would hide a use after free from the
  # sanitizers.
  BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING
  # Set by itself it follows the level of optimisation, and with it the size of a parser: tests and
  # what they test would not agree about it.
  SIMDJSON_DEVELOPMENT_CHECKS=0)
target_link_options(podium_flags INTERFACE -Wl,--gc-sections)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(podium_flags INTERFACE -Wthread-safety)
  string(REGEX MATCH "^[0-9]+" major ${CMAKE_CXX_COMPILER_VERSION})
  find_program(PODIUM_LLD NAMES ld.lld-${major} ld.lld)
  if(PODIUM_LLD)
    target_link_options(podium_flags INTERFACE -fuse-ld=lld)
  endif()
endif()

if(PODIUM_SANITIZE)
  target_compile_definitions(podium_flags INTERFACE PODIUM_SANITIZED)
  # For the whole tree, Asio's implementation and gtest's main included: mixing breaks ASan.
  add_compile_options(-fsanitize=${PODIUM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PODIUM_SANITIZE})
endif()
if(PODIUM_FUZZ AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "PODIUM_FUZZ needs clang: the fuzz targets are libFuzzer's")
endif()
