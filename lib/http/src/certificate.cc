#include "lib/http/src/certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <ctime>

namespace berth::http {

std::string names_of(X509* certificate) {
  std::string out;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  constexpr int kShown = 5;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < kShown; ++i) {
    int kind = 0;
    const auto* value =
        static_cast<ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind));
    const auto* bytes = ASN1_STRING_get0_data(value);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    std::string text;
    if (kind == GEN_DNS) {
      text.assign(reinterpret_cast<const char*>(bytes), size);
    } else if (kind == GEN_IPADD && size == 4) {
      boost::asio::ip::address_v4::bytes_type v4;
      std::copy_n(bytes, size, v4.begin());
      text = boost::asio::ip::address_v4(v4).to_string();
    } else if (kind == GEN_IPADD && size == 16) {
      boost::asio::ip::address_v6::bytes_type v6;
      std::copy_n(bytes, size, v6.begin());
      text = boost::asio::ip::address_v6(v6).to_string();
    } else {
      continue;
    }
    out.append(out.empty() ? "" : ", ").append(text);
  }
  GENERAL_NAMES_free(names);
  return out.empty() ? "no name at all" : out;
}

bool is_for(X509* certificate, const std::string& dns_name) {
  return X509_check_host(certificate, dns_name.c_str(), dns_name.size(), 0, nullptr) == 1;
}

WallTime wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace berth::http
