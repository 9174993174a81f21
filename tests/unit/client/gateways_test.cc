#include "client/src/gateways.h"

#include <gtest/gtest.h>

namespace berth::client {
namespace {

TEST(Gateways, ReadsOneOrSeveral) {
  EXPECT_EQ(Gateways::parse("http://gw:7070")->size(), 1u);
  const auto two = Gateways::parse(" http://a:1 , http://[::1]:2,");
  ASSERT_TRUE(two);
  ASSERT_EQ(two->size(), 2u);
  EXPECT_EQ(two->origin(0), "http://a:1");
  EXPECT_EQ(two->origin(1), "http://[::1]:2");
  EXPECT_EQ(two->origin(2), "http://a:1");
  EXPECT_EQ(Gateways::parse("https://gw")->origin(0), "https://gw:443");
}

TEST(Gateways, WhatIsNoOriginNamesTheOption) {
  for (const char* text : {"", ",", "gw:7070", "ftp://gw", "http://gw:7070/base", "http://"}) {
    const auto parsed = Gateways::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().field, "gateway") << text;
  }
}

TEST(Gateways, AFailureOfThePreferredOneMovesOn) {
  auto gateways = *Gateways::parse("http://a:1,http://b:2");
  gateways.failed(1);
  EXPECT_EQ(gateways.preferred(), 0u);
  gateways.failed(0);
  EXPECT_EQ(gateways.preferred(), 1u);
  gateways.failed(0);
  EXPECT_EQ(gateways.preferred(), 1u);
  gateways.failed(1);
  EXPECT_EQ(gateways.preferred(), 0u);
}

}  // namespace
}  // namespace berth::client
