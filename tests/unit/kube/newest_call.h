#pragma once

#include "tests/fakes/fake_transport.h"

namespace berth::kube {

/// The call that was sent last: all that tests of one client at a time need of a transport.
class NewestCall {
 public:
  explicit NewestCall(fakes::FakeTransport& transport) : transport_(transport) {}

  fakes::FakeTransport::Call& operator*() {
    take();
    return call_ != nullptr ? *call_ : *(call_ = transport_.expect_request());  // fails the test
  }
  fakes::FakeTransport::Call* operator->() { return &**this; }
  /// It is not answered yet.
  bool waiting() {
    take();
    return call_ != nullptr && !call_->finished();
  }

 private:
  void take() {
    while (transport_.waiting() > 0) {
      call_ = transport_.expect_request();
    }
  }
  fakes::FakeTransport& transport_;
  fakes::FakeTransport::CallPtr call_;
};

}  // namespace berth::kube
