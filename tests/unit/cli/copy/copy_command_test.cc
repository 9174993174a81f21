#include "cli/copy/copy_command.h"

#include <gtest/gtest.h>

namespace berth::cli {
namespace {

TEST(CopyEnd, ASessionAndAPathAreTakenApart) {
  const CopyEnd end = parse_copy_end("s-1:a/b:c");
  EXPECT_EQ(end.session, "s-1");
  EXPECT_EQ(end.path, "a/b:c");
  EXPECT_EQ(parse_copy_end("s1:").session, "s1");
  EXPECT_EQ(parse_copy_end("s1:").path, "");
}

TEST(CopyEnd, WhatCannotBeASessionIsALocalPath) {
  for (const char* text :
       {"file", "./like:this", "/tmp/a:b", "a/b:c", ":x", "Upper:x", "s_1:x", "C:", "", "."}) {
    const CopyEnd end = parse_copy_end(text);
    EXPECT_EQ(end.session, "") << text;
    EXPECT_EQ(end.path, text);
  }
}

}  // namespace
}  // namespace berth::cli
