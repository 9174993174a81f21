# berth_library(<name> [PUBLIC_INCLUDE dir] SOURCES ... PUBLIC ... PRIVATE ...)
# One static library, berth_<name>, also known as berth::<name>.
function(berth_library name)
  cmake_parse_arguments(ARG "" "PUBLIC_INCLUDE" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(berth_${name} STATIC ${ARG_SOURCES})
  add_library(berth::${name} ALIAS berth_${name})
  set_target_properties(berth_${name} PROPERTIES EXPORT_NAME ${name})
  if(ARG_PUBLIC_INCLUDE)
    target_include_directories(berth_${name} PUBLIC
      $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${ARG_PUBLIC_INCLUDE}>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  endif()
  target_include_directories(berth_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(berth_${name} PUBLIC berth::compile ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# berth_program(<target> OUTPUT <file name> SOURCES ... LINK ...)
function(berth_program target)
  cmake_parse_arguments(ARG "" "OUTPUT" "SOURCES;LINK" ${ARGN})
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE berth::compile ${ARG_LINK})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${ARG_OUTPUT}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# Where tests make their files. People's folders have names with spaces.
set(BERTH_TEST_TMPDIR "${CMAKE_BINARY_DIR}/tests/a folder")
file(MAKE_DIRECTORY "${BERTH_TEST_TMPDIR}")

# What the sanitizer runs build.
add_custom_target(unit_and_property_tests)

# berth_test(<name> LABEL unit|property|integration SOURCES ... LINK ... [TIMEOUT seconds])
# One GoogleTest program, one CTest entry.
function(berth_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE berth::compile ${ARG_LINK} GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_LABEL STREQUAL "integration")
    add_dependencies(unit_and_property_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp;TMPDIR=${BERTH_TEST_TMPDIR}")
endfunction()
