# The functions that src/<module>/CMakeLists.txt and fuzz/CMakeLists.txt are written with.
#
#   podium_module(NAME [FOLDERS folder...] [ALONE file...] [DEPS module...] [LIBS target...])
#     Called from src/<module>/CMakeLists.txt. Files are found by their names:
#       *.cc                 the static library podium_<NAME>; the include root is src
#                            ("routing/choose.h"), public headers are <podium/...>
#       main.cc              an executable: `podium`, at the top of the build directory
#       *_test.cc            the GoogleTest executable <NAME>_test
#       *_thread_test.cc     the executable <NAME>_thread_test: the tests that start threads, and
#                            the only ones that the tsan preset builds
#       *_contract.*, *_fixture.*
#                            what several tests of the module share; their .cc join its tests
#       x_bench.cc           with PODIUM_BENCH the executable x_bench, in <build>/bench/
#     FOLDERS names folders below whose files belong to the same library and tests.
#     The files of a library, and those of its tests, are compiled in batches (PODIUM_BATCHES),
#     which builds everything from nothing in a third of the time: names in anonymous namespaces
#     must be unique in a module. ALONE names files that keep an object of their own. In the preset
#     `single` every file stands alone: `./test --full` finds missing includes there.
#     DEPS names modules (`base`, not `podium_base`); one that has no folder yet is passed over.
#     LIBS names targets from outside:
#       podium_asio, fmt::fmt, spdlog::spdlog, nlohmann_json::nlohmann_json, podium_yaml,
#       CLI11::CLI11, simdjson::simdjson, tl::expected, SQLite::SQLite3, OpenSSL::Crypto, OpenSSL::SSL,
#       ZLIB::ZLIB, podium_xxhash, podium_pq, podium_ort_headers
#     A folder of control is a module of its own: in src/control/admin/CMakeLists.txt
#       podium_module(control_admin DEPS view store domain base)
#     and src/CMakeLists.txt finds the folder. gateway has one such folder, gateway/llm (gateway_llm).
#     Tests link podium_testing where src/testing exists, and know the source tree as
#     PODIUM_SOURCE_DIR (for data files only) and ONNX Runtime's library as PODIUM_ORT_LIBRARY.
#     BOOST_ASIO_SEPARATE_COMPILATION is set everywhere: exactly one file, in base, includes
#     <boost/asio/impl/src.hpp>.
#
#   podium_fuzz(NAME [DEPS module...])
#     fuzz/<NAME>_fuzz.cc becomes <NAME>_fuzz; without DEPS it is linked with all modules.
#
#   podium_shared_library(NAME OUTPUT_NAME name VERSION x.y.z MODULES module... SOURCES file...
#                         [ALONE file...] EXPORTS version-script LIBS target...)
#     In release builds: lib<OUTPUT_NAME>.so at the top of the build directory, with the SONAME of
#     its major version, from all sources of MODULES and SOURCES (paths below src). They are
#     compiled for it alone, so that the binary stays as it is; ALONE as above. Installed (component
#     `library`) with include/podium and a CMake package.
#
# The order in which modules are declared does not matter.
# All targets: `ninja`. One module's tests: `ninja base_test base_thread_test`, found in
# <build>/tests/. The executables are listed in <build>/test_targets.txt.

set(PODIUM_MODULE_FOLDERS
  base domain net routing rollout ledger safety auth journal share store runtime knowledge telemetry predictions view
  gateway control testing embed app)

function(podium_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FOLDERS;ALONE;DEPS;LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "podium_module(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB below CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
    list(APPEND sources ${below})
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(thread_tests ${tests})
  list(FILTER thread_tests INCLUDE REGEX "_thread_test\\.cc$")
  list(FILTER tests EXCLUDE REGEX "_thread_test\\.cc$")
  set(shared ${sources})
  list(FILTER shared INCLUDE REGEX "_(contract|fixture)\\.cc$")
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  set(mains ${sources})
  list(FILTER mains INCLUDE REGEX "/main\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_contract|_fixture|/main)\\.cc$")

  podium_existing(links ${arg_DEPS})
  set(library podium_${name})
  if(sources)
    add_library(${library} STATIC ${sources})
    podium_batches(${library})
    set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    if(PODIUM_FUZZ AND NOT name MATCHES "^testing")
      target_compile_options(${library} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    set(scope PUBLIC)
  else()
    add_library(${library} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${library} ${scope}
    ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(${library} ${scope} podium_flags ${links} ${arg_LIBS})
  if(NOT name MATCHES "^testing")
    set_property(GLOBAL APPEND PROPERTY PODIUM_MODULES ${library})
  endif()

  if(mains)
    podium_binary(${library})
  endif()
  if(PODIUM_BENCH)
    podium_benches(${library} ${benches})
  endif()
  if(PODIUM_TESTS AND NOT PODIUM_THREAD_TESTS_ONLY)
    podium_test(${name}_test ${library} "${tests}" "${shared}")
  endif()
  if(PODIUM_TESTS)
    podium_test(${name}_thread_test ${library} "${thread_tests}" "${shared}")
  endif()
endfunction()

# With PODIUM_BATCHES, compiles the files of a target in batches.
function(podium_batches target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${PODIUM_BATCHES} UNITY_BUILD_BATCH_SIZE 12
    UNITY_BUILD_CODE_BEFORE_INCLUDE "// NOLINTNEXTLINE(bugprone-suspicious-include)")
endfunction()

# The libraries of those modules whose folder is there; a name that no module has is an error.
function(podium_existing out)
  set(libraries)
  foreach(dep IN LISTS ARGN)
    string(REGEX REPLACE "^(control|gateway)_" "\\1/" folder ${dep})
    string(REGEX REPLACE "/.*" "" top ${folder})
    if(NOT top IN_LIST PODIUM_MODULE_FOLDERS)
      message(FATAL_ERROR "DEPS names '${dep}', but no module has that name")
    endif()
    if(EXISTS ${CMAKE_SOURCE_DIR}/src/${folder}/CMakeLists.txt)
      list(APPEND libraries podium_${dep})
    endif()
  endforeach()
  set(${out} ${libraries} PARENT_SCOPE)
endfunction()

# The test executable of one module, if it has any sources.
function(podium_test target library tests shared)
  if(NOT tests)
    return()
  endif()
  add_executable(${target} ${tests} ${shared})
  podium_batches(${target})
  # Each line of a test runs once or so; to optimise it costs more than it saves.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O0>)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${target} PRIVATE
    PODIUM_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    PODIUM_ORT_LIBRARY="${PODIUM_ORT_DIR}/lib/${PODIUM_ORT_LIBRARY}")
  target_link_libraries(${target} PRIVATE ${library} GTest::gmock_main)
  if(NOT library STREQUAL "podium_testing")
    podium_existing(testing testing)
    target_link_libraries(${target} PRIVATE ${testing})
  endif()
  set_property(GLOBAL APPEND PROPERTY PODIUM_TEST_TARGETS ${target})
  add_test(NAME ${target} COMMAND ${target})
endfunction()

# One executable per benchmark of a module; the target `benches` builds them all.
function(podium_benches library)
  if(NOT TARGET benches)
    add_custom_target(benches)
  endif()
  foreach(source IN LISTS ARGN)
    get_filename_component(target ${source} NAME_WE)
    add_executable(${target} ${source})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
    podium_existing(testing testing)
    target_link_libraries(${target} PRIVATE ${library} ${testing} benchmark::benchmark)
    add_dependencies(benches ${target})
  endforeach()
endfunction()

# The binary itself, with the library that it opens at run time beside it.
function(podium_binary library)
  add_executable(podium main.cc)
  set_target_properties(podium PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_link_libraries(podium PRIVATE ${library})
  if(NOT PODIUM_SANITIZE)
    # Takes malloc over from the C library by being linked; nothing names it (docs/benchmarks.md says
    # what it is worth). The sanitizers have an allocator of their own.
    target_link_libraries(podium PRIVATE mimalloc)
    target_link_options(podium PRIVATE -Wl,--no-as-needed)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_link_options(podium PRIVATE -Wl,--strip-debug)
  endif()
  add_dependencies(podium podium_ort_library)
endfunction()

# The sources of a module that ship, as podium_module finds them.
function(podium_module_sources out module)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${module}/*.cc)
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_contract|_fixture|/main)\\.cc$")
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

function(podium_shared_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_NAME;VERSION;EXPORTS" "MODULES;SOURCES;ALONE;LIBS")
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Release" OR PODIUM_SANITIZE)
    return()  # Debug builds test the static module.
  endif()
  list(TRANSFORM arg_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/src/)
  list(TRANSFORM arg_ALONE PREPEND ${CMAKE_SOURCE_DIR}/src/)
  set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  foreach(module IN LISTS arg_MODULES)
    podium_module_sources(sources ${module})
    list(APPEND arg_SOURCES ${sources})
  endforeach()
  add_library(${target} SHARED ${arg_SOURCES})
  podium_batches(${target})
  string(REGEX MATCH "^[0-9]+" major ${arg_VERSION})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${arg_OUTPUT_NAME} VERSION ${arg_VERSION} SOVERSION ${major}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${arg_EXPORTS})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src
    PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_compile_definitions(${target} PRIVATE PODIUM_NO_SHORT_NAMES)
  target_compile_features(${target} INTERFACE cxx_std_17)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:podium_flags>
    $<BUILD_INTERFACE:${arg_LIBS}> PUBLIC tl::expected)
  target_link_options(${target} PRIVATE -Wl,-z,defs -Wl,--version-script=${arg_EXPORTS}
    -Wl,--strip-debug)
  podium_install(${target} ${arg_VERSION})
endfunction()

# So that another project says find_package(podium) and links podium::podium.
function(podium_install target version)
  include(GNUInstallDirs)
  include(CMakePackageConfigHelpers)
  set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/podium)
  set_target_properties(${target} PROPERTIES EXPORT_NAME podium)
  install(TARGETS ${target} EXPORT podium-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
    NAMELINK_COMPONENT library)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/podium DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    COMPONENT library FILES_MATCHING PATTERN "*.h")
  install(EXPORT podium-targets NAMESPACE podium:: DESTINATION ${folder} COMPONENT library)
  configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/podium-config.cmake.in
    ${CMAKE_BINARY_DIR}/podium-config.cmake INSTALL_DESTINATION ${folder})
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/podium-config-version.cmake
    VERSION ${version} COMPATIBILITY SameMajorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/podium-config.cmake
    ${CMAKE_BINARY_DIR}/podium-config-version.cmake
    DESTINATION ${folder} COMPONENT library)
endfunction()

# Copied rather than linked: the build directory of a release may be moved as it is.
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/${PODIUM_ORT_LIBRARY}
  COMMAND ${CMAKE_COMMAND} -E copy
    ${PODIUM_ORT_DIR}/lib/${PODIUM_ORT_LIBRARY} ${CMAKE_BINARY_DIR}/${PODIUM_ORT_LIBRARY}
  DEPENDS ${PODIUM_ORT_DIR}/lib/${PODIUM_ORT_LIBRARY}
  VERBATIM)
add_custom_target(podium_ort_library ALL DEPENDS ${CMAKE_BINARY_DIR}/${PODIUM_ORT_LIBRARY})

function(podium_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS")
  if(arg_DEPS)
    podium_existing(links ${arg_DEPS})
  else()
    get_property(links GLOBAL PROPERTY PODIUM_MODULES)
  endif()
  add_executable(${name}_fuzz ${name}_fuzz.cc)
  set_target_properties(${name}_fuzz PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  podium_existing(testing testing)
  target_link_libraries(${name}_fuzz PRIVATE ${links} ${testing})
  target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  set_property(GLOBAL APPEND PROPERTY PODIUM_FUZZ_TARGETS ${name}_fuzz)
endfunction()

# For ./test: which executables belong to this configuration. What lies about from a target that
# has been renamed must neither run nor count.
function(podium_write_lists)
  foreach(list IN ITEMS TEST FUZZ)
    get_property(targets GLOBAL PROPERTY PODIUM_${list}_TARGETS)
    list(JOIN targets "\n" text)
    string(TOLOWER ${list} lower)
    file(WRITE ${CMAKE_BINARY_DIR}/${lower}_targets.txt "${text}\n")
  endforeach()
endfunction()
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL podium_write_lists)
