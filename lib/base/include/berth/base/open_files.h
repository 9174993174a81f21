#pragma once

#include <cstdint>

namespace berth {

/// How many files and sockets this process may have open at a time.
std::uint64_t open_file_limit();

/// First thing in main(), for a program that holds many connections: raises that limit as far as
/// the process may by itself, at most to a million. Container runtimes and shells start programs
/// with a soft limit of 1,024, for the sake of old ones that use select(2). What the program starts
/// inherits it.
void raise_open_file_limit();

}  // namespace berth
