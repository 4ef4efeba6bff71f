# What comes from outside. tools/install_deps.sh installs it; here it is only found.
# Imported targets are system includes, so that our warnings do not reach into their headers.

find_package(Threads REQUIRED)
# 1.81, headers only. The libboost-dev of Debian 12 is 1.74 and conflicts with it.
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS headers)
find_package(fmt 9 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(simdjson 3.0 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
find_package(ZLIB 1.2 REQUIRED)
find_package(mimalloc 2.0 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq>=15)
find_package(GTest 1.12 REQUIRED)
if(PODIUM_BENCH)
  find_package(benchmark 1.7 REQUIRED)  # tools/install_deps.sh --bench
endif()

# Targets of one spelling for what differs between versions of the packages.
add_library(podium_asio INTERFACE)
target_link_libraries(podium_asio INTERFACE Boost::headers Threads::Threads)
add_library(podium_yaml INTERFACE)
target_link_libraries(podium_yaml INTERFACE yaml-cpp)
add_library(podium_pq INTERFACE)
target_link_libraries(podium_pq INTERFACE PkgConfig::libpq)
add_library(podium_xxhash INTERFACE)
target_link_libraries(podium_xxhash INTERFACE PkgConfig::xxhash)

# ONNX Runtime: headers only, the library is opened at run time from beside the binary.
set(PODIUM_ORT_DIR ${CMAKE_SOURCE_DIR}/build/ort CACHE PATH
  "include/ and lib/ of ONNX Runtime, as tools/get_onnxruntime.sh leaves them")
set(PODIUM_ORT_LIBRARY libonnxruntime.so.1.23.2)
if(NOT EXISTS ${PODIUM_ORT_DIR}/lib/${PODIUM_ORT_LIBRARY})
  message(FATAL_ERROR "No ONNX Runtime in ${PODIUM_ORT_DIR}: run tools/get_onnxruntime.sh first")
endif()
add_library(podium_ort_headers INTERFACE)
target_include_directories(podium_ort_headers SYSTEM INTERFACE ${PODIUM_ORT_DIR}/include)
# The table of functions comes from dlopen, so no symbol of the library may be linked.
target_compile_definitions(podium_ort_headers INTERFACE ORT_API_MANUAL_INIT)
