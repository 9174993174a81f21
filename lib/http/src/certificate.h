#pragma once

#include <openssl/x509.h>

#include <string>

#include "berth/base/clock.h"

/// What a certificate says, for decisions and error texts.
namespace berth::http {

/// The first few DNS names and addresses that it is for, "a.example, 10.0.0.1".
std::string names_of(X509* certificate);
/// Whether a caller that asks for this DNS name would take it: wildcards count.
bool is_for(X509* certificate, const std::string& dns_name);
WallTime wall_time(const ASN1_TIME* time);

}  // namespace berth::http
