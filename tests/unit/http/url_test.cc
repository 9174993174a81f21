#include <gtest/gtest.h>

#include "berth/http/message.h"

namespace berth::http {
namespace {

TEST(Url, TakesApartHostPortAndPath) {
  const auto url = Url::parse("http://worker.ns.svc:7070/v1/slots?after=3#part");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "http");
  EXPECT_EQ(url->host, "worker.ns.svc");
  EXPECT_EQ(url->port, 7070);
  EXPECT_EQ(url->path, "/v1/slots?after=3");
  EXPECT_EQ(url->origin(), "http://worker.ns.svc:7070");
}

TEST(Url, FillsInPortAndPath) {
  EXPECT_EQ(Url::parse("http://a")->port, 80);
  EXPECT_EQ(Url::parse("HTTPS://a")->port, 443);
  EXPECT_EQ(Url::parse("http://a")->path, "/");
  EXPECT_EQ(Url::parse("http://a?x=1")->path, "/?x=1");
}

TEST(Url, KeepsIpv6WithoutBracketsAndWritesItWithThem) {
  const auto url = Url::parse("http://[fd00::1]:8080/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "fd00::1");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->authority(), "[fd00::1]:8080");
  EXPECT_EQ(Url::parse("http://[fe80::1%eth0]")->host, "fe80::1%eth0");
}

TEST(Url, RefusesWhatItCannotMean) {
  for (const char* text : {"",
                           "a:80",
                           "ftp://a",
                           "http://",
                           "http://:80",
                           "http://a:",
                           "http://a:0",
                           "http://a:65536",
                           "http://a:8x",
                           "http://a b/",
                           "http://a/b c",
                           "http://a/\r\nHost: b",
                           "http://[::1",
                           "http://[::1]x",
                           "http://[::1]:",
                           "http://[host]:80",
                           "http://[]",
                           "http://u@a",
                           "http://a:1:2",
                           "http://::1",
                           "http://[::1%]:80",
                           "http://a\r\n"}) {
    const auto url = Url::parse(text);
    EXPECT_FALSE(url) << text;
    if (!url) {
      EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
      EXPECT_EQ(url.error().field, "url");
    }
  }
}

TEST(PercentCoding, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("a-b_c.d~e"), "a-b_c.d~e");
  EXPECT_EQ(percent_encode("a/b c?&=+%\xff"), "a%2Fb%20c%3F%26%3D%2B%25%FF");
}

TEST(PercentCoding, DecodesAndLeavesPlusAlone) {
  EXPECT_EQ(percent_decode("a%2fb%20c+d"), "a/b c+d");
  EXPECT_EQ(percent_decode(""), "");
}

TEST(PercentCoding, RefusesBadEscapes) {
  for (const char* text : {"%", "%4", "a%", "%g1", "%1g", "%%41"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace berth::http
