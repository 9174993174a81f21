#include "berth/base/memory.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace berth {

void release_free_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

void use_one_heap() {
#ifdef __GLIBC__
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet.
  ::mallopt(M_ARENA_MAX, 1);
#endif
}

}  // namespace berth
