# Language level, warnings, sanitizers, ccache. Everything is attached to one interface target, so that a
# project which includes Berth keeps its own flags.
add_library(berth_compile INTERFACE)
add_library(berth::compile ALIAS berth_compile)
target_compile_features(berth_compile INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

target_compile_options(berth_compile INTERFACE
  $<BUILD_INTERFACE:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wunused -Wimplicit-fallthrough -Wextra-semi>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these in correct standard library code once it is inlined.
  target_compile_options(berth_compile INTERFACE
    $<BUILD_INTERFACE:-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds>)
  if(CMAKE_UNITY_BUILD)
    # Sources are included in one another then, and with them their unnamed namespaces.
    target_compile_options(berth_compile INTERFACE $<BUILD_INTERFACE:-Wno-subobject-linkage>)
  endif()
endif()
if(BERTH_WERROR)
  target_compile_options(berth_compile INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()
if(BERTH_SANITIZE)
  set(flags -fsanitize=${BERTH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_compile_options(berth_compile INTERFACE $<BUILD_INTERFACE:${flags}>)
  target_link_options(berth_compile INTERFACE $<BUILD_INTERFACE:-fsanitize=${BERTH_SANITIZE}>)
  if(BERTH_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio has fences, which ThreadSanitizer does not model; its queues are guarded by mutexes besides.
    target_compile_options(berth_compile INTERFACE $<BUILD_INTERFACE:-Wno-tsan>)
  endif()
endif()
if(BERTH_BUILD_FUZZ)
  # Libraries too, else the fuzzer is blind to what its input reaches.
  target_compile_options(berth_compile INTERFACE $<BUILD_INTERFACE:-fsanitize=fuzzer-no-link>)
endif()
if(BERTH_COVERAGE)
  # Threads count too.
  target_compile_options(berth_compile INTERFACE $<BUILD_INTERFACE:--coverage;-fprofile-update=atomic>)
  target_link_options(berth_compile INTERFACE $<BUILD_INTERFACE:--coverage>)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()
