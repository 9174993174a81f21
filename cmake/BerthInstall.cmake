# Installed files and the exported CMake package.
