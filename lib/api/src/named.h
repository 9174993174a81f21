#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace berth::api {

/// One value of an enum and its wire text. A static table of these is the only place where an
/// enum's texts are listed.
template <class E>
struct Named {
  E value;
  std::string_view text;
};

template <class E, std::size_t N>
std::string_view name_of(const Named<E> (&table)[N], E value) {
  for (const Named<E>& n : table) {
    if (n.value == value) {
      return n.text;
    }
  }
  return "Unknown";
}

template <class E, std::size_t N>
std::optional<E> value_of(const Named<E> (&table)[N], std::string_view text) {
  for (const Named<E>& n : table) {
    if (n.text == text) {
      return n.value;
    }
  }
  return std::nullopt;
}

/// "Packed or Spread", for errors.
template <class E, std::size_t N>
std::string choices(const Named<E> (&table)[N]) {
  std::string out;
  for (std::size_t i = 0; i < N; ++i) {
    out += i == 0 ? "" : i + 1 == N ? " or " : ", ";
    out += table[i].text;
  }
  return out;
}

}  // namespace berth::api
