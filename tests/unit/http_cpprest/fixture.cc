#include "tests/unit/http_cpprest/fixture.h"

#include <boost/asio/io_context.hpp>

namespace berth::http {

void CpprestTest::step() {
  loop_.context().restart();
  loop_.context().run_one();
}

}  // namespace berth::http
