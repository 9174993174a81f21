#pragma once

#include "berth/kube/reflector.h"

namespace berth::kube {

/// What a reflector with these settings lists and watches, by the page.
inline ListOptions selection(const ReflectorSettings& s) {
  ListOptions options;
  options.label_selector = s.label_selector;
  options.field_selector = s.name.empty() ? "" : "metadata.name=" + s.name;
  return options;
}

}  // namespace berth::kube
