# `make install` and find_package(Berth): the programs, and the client and worker libraries with what they stand on.
include(CMakePackageConfigHelpers)

install(TARGETS berth berth-operator berth-gateway berth_worker_program berth-temporal
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# kubectl finds plugins by this name.
install(CODE "file(CREATE_LINK berth \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/kubectl-berth\" SYMBOLIC)")
install(PROGRAMS cli/completion/kubectl_complete-berth DESTINATION ${CMAKE_INSTALL_BINDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Berth)
install(TARGETS berth_compile berth_base berth_observe berth_http berth_api berth_auth berth_client
    berth_worker berth_worker_headers berth_worker_activity berth_worker_api berth_worker_config
    berth_worker_files berth_worker_journal berth_worker_service berth_worker_session
  EXPORT BerthTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT BerthTargets NAMESPACE berth:: DESTINATION ${package_dir})
foreach(part lib/base lib/observe lib/http lib/api lib/auth client worker)
  install(DIRECTORY ${part}/include/berth DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endforeach()

configure_package_config_file(cmake/BerthConfig.cmake.in ${CMAKE_BINARY_DIR}/BerthConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/BerthConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/BerthConfig.cmake ${CMAKE_BINARY_DIR}/BerthConfigVersion.cmake
  DESTINATION ${package_dir})
