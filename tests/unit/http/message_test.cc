#include "berth/http/message.h"

#include <gtest/gtest.h>

#include "lib/http/src/ascii.h"
#include "lib/http/src/wire.h"

namespace berth::http {
namespace {

TEST(Headers, ComparesNamesWithoutCaseAndKeepsOrder) {
  Headers headers{{"A", "1"}, {"b", "2"}};
  headers.add("a", "3");
  EXPECT_EQ(headers.get("a"), "1");
  EXPECT_TRUE(headers.has("B"));
  EXPECT_EQ(headers.get("c"), "");
  std::string order;
  for (const auto& [name, value] : headers) {
    order += name + value;
  }
  EXPECT_EQ(order, "A1b2a3");
}

TEST(Headers, SetReplacesAllOfThatName) {
  Headers headers{{"a", "1"}, {"A", "2"}};
  headers.set("a", "3");
  EXPECT_EQ(std::distance(headers.begin(), headers.end()), 1);
  EXPECT_EQ(headers.get("A"), "3");
  headers.remove("A");
  EXPECT_FALSE(headers.has("a"));
}

TEST(Request, SplitsPathAndQuery) {
  Request request;
  request.target = "/v1/slots?incarnation=a%20b&after=3&after=4&flag&bad=%zz&e%71=1";
  EXPECT_EQ(request.path(), "/v1/slots");
  EXPECT_EQ(request.query("incarnation"), "a b");
  EXPECT_EQ(request.query("after"), "3");
  EXPECT_EQ(request.query("flag"), "");
  EXPECT_EQ(request.query("bad"), "%zz") << "not as if it were absent";
  EXPECT_EQ(request.query("eq"), "1");
  EXPECT_EQ(request.query("wait"), std::nullopt);
  request.target = "/x";
  EXPECT_EQ(request.query("x"), std::nullopt);
}

TEST(Wire, RefusesHeadersThatWouldAddLines) {
  EXPECT_FALSE(refuse_headers({{"X-A", "b\tc \xc3\xa4"}}));
  for (const std::string& bad :
       {std::string("a\r\nb"), std::string("a\n"), std::string("a\0b", 3)}) {
    EXPECT_TRUE(refuse_headers({{"X", bad}})) << bad;
  }
  EXPECT_TRUE(refuse_headers({{"X Y", "a"}}));
  EXPECT_TRUE(refuse_headers({{"", "a"}}));
}

TEST(Wire, FindsATokenInAList) {
  EXPECT_TRUE(has_token("keep-alive, Close", "close"));
  EXPECT_FALSE(has_token("closed, x", "close"));
  EXPECT_FALSE(has_token("", "close"));
}

TEST(Wire, AConsumedMessageShowsTheRestOverAllPieces) {
  Outgoing out;
  const std::string body(20'000, 'b');
  out.set("head", body, "tail");
  EXPECT_TRUE(out.untouched());
  out.consume(4 + 19'999);
  const auto rest = out.buffers();
  EXPECT_EQ(rest[0].size(), 0u);
  EXPECT_EQ(rest[1].size(), 1u);
  EXPECT_EQ(rest[2].size(), 4u);
  out.consume(5);
  EXPECT_TRUE(out.empty());
}

TEST(Wire, NothingOfAnEarlierMessageIsLeftInItsMemory) {
  Outgoing out;
  for (const std::size_t size : {10u, 1'000u, 12'000u, 20'000u, 10u}) {
    const std::string body(size, 'b');
    out.set("head", body, "tail");
    std::string whole;
    for (const auto& piece : out.buffers()) {
      whole.append(static_cast<const char*>(piece.data()), piece.size());
    }
    EXPECT_EQ(whole, "head" + body + "tail");
    out.consume(whole.size());
    EXPECT_TRUE(out.empty());
    out.clear();
    EXPECT_TRUE(out.empty());
    EXPECT_TRUE(out.untouched());
  }
}

TEST(BodySources, HandsOutAStringInBoundedChunks) {
  const auto source = string_source(std::string(150'000, 'x'));
  EXPECT_EQ(source->length(), 150'000u);
  std::vector<std::size_t> sizes;
  for (bool end = false; !end;) {
    source->next([&](Result<std::string> chunk) {
      sizes.push_back(chunk->size());
      end = chunk->empty();
    });
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{65'536, 65'536, 18'928, 0}));
}

TEST(BodySources, ReadAllCollectsWithoutRecursion) {
  std::size_t got = 0;
  read_all(string_source(std::string(50u << 20, 'x')), 64u << 20,
           [&](Result<std::string> all) { got = all->size(); });
  EXPECT_EQ(got, 50u << 20);
}

TEST(BodySources, ReadAllStopsAtItsLimit) {
  for (const auto& [size, ok] : {std::pair(100, true), std::pair(101, false)}) {
    std::optional<Result<std::string>> got;
    read_all(string_source(std::string(size, 'x')), 100,
             [&](Result<std::string> all) { got = std::move(all); });
    ASSERT_TRUE(got);
    EXPECT_EQ(got->has_value(), ok);
    if (!ok) {
      EXPECT_EQ(got->error().reason, "TooLarge");
    }
  }
}

TEST(BodySources, ReadAllPassesTheErrorOnAndLetsTheSourceGo) {
  struct Broken final : BodySource {
    void next(ChunkFn fn) override { fn(fail(Error::internal("torn"))); }
  };
  auto source = std::make_shared<Broken>();
  const std::weak_ptr weak(source);
  std::string message;
  read_all(std::move(source), 100, [&](Result<std::string> all) { message = all.error().message; });
  EXPECT_EQ(message, "torn");
  EXPECT_TRUE(weak.expired());
}

}  // namespace
}  // namespace berth::http
