#pragma once

namespace berth {

/// Gives what was freed back to the system, whole pages at a time: malloc keeps the memory of a
/// peak as long as anything that was made during the peak lives on above it. Takes milliseconds
/// after a peak of some ten megabytes. Any thread; does nothing where malloc is not glibc's.
void release_free_memory();

/// First thing in main(), for a program whose loop does the work while its other threads wait for
/// sockets: all share one heap, where glibc would give each its own, which keeps what its thread
/// once needed.
void use_one_heap();

}  // namespace berth
