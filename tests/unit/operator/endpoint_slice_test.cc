#include "operator/gateways/endpoint_slice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::op {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Json slice(const char* family, Json endpoints) {
  return {{"addressType", family},
          {"ports", {{{"name", "http"}, {"port", 7070}}}},
          {"endpoints", std::move(endpoints)}};
}

Json endpoint(const char* address, const char* uid, Json conditions = Json::object()) {
  return {{"addresses", {address}},
          {"conditions", std::move(conditions)},
          {"targetRef", {{"kind", "Pod"}, {"uid", uid}}}};
}

std::vector<std::string> origins(const std::vector<Json>& slices) {
  std::vector<EndpointSliceView> views;
  for (const Json& s : slices) {
    views.push_back(*EndpointSliceView::from(s, "http"));
  }
  std::vector<const EndpointSliceView*> pointers;
  for (const auto& v : views) {
    pointers.push_back(&v);
  }
  return gateway_origins(pointers);
}

TEST(EndpointSlice, GivesTheOriginsOfWhatServes) {
  EXPECT_THAT(origins({slice("IPv4", {endpoint("10.0.0.2", "b"), endpoint("10.0.0.1", "a")})}),
              ElementsAre("http://10.0.0.1:7070", "http://10.0.0.2:7070"));
}

TEST(EndpointSlice, ATerminatingEndpointCountsWhileItServes) {
  const Json serving = {{"ready", false}, {"serving", true}, {"terminating", true}};
  const Json ended = {{"ready", false}, {"serving", false}, {"terminating", true}};
  EXPECT_THAT(origins({slice(
                  "IPv4", {endpoint("10.0.0.1", "a", serving), endpoint("10.0.0.2", "b", ended)})}),
              ElementsAre("http://10.0.0.1:7070"));
}

TEST(EndpointSlice, WithoutServingReadyDecidesAndNothingMeansYes) {
  EXPECT_THAT(origins({slice("IPv4", {endpoint("10.0.0.1", "a", {{"ready", false}}),
                                      endpoint("10.0.0.2", "b", {{"ready", nullptr}})})}),
              ElementsAre("http://10.0.0.2:7070"));
}

TEST(EndpointSlice, ADualStackPodCountsOnceByItsIPv4Address) {
  EXPECT_THAT(origins({slice("IPv6", {endpoint("fd00::1", "a"), endpoint("fd00::2", "b")}),
                       slice("IPv4", {endpoint("10.0.0.1", "a")})}),
              ElementsAre("http://10.0.0.1:7070", "http://[fd00::2]:7070"));
}

TEST(EndpointSlice, OfSeveralPortsTheNamedOneIsTaken) {
  Json s = slice("IPv4", {endpoint("10.0.0.1", "a")});
  s["ports"] = {{{"name", "metrics"}, {"port", 1}}, {{"name", "http"}, {"port", 2}}};
  EXPECT_THAT(origins({s}), ElementsAre("http://10.0.0.1:2"));
  s["ports"][1]["name"] = "api";
  EXPECT_THAT(origins({s}), IsEmpty());
}

TEST(EndpointSlice, NonsenseIsNobody) {
  EXPECT_THAT(
      origins({Json::object(), slice("FQDN", {endpoint("a.example", "a")}),
               slice("IPv4", {Json("x"), {{"addresses", Json::array()}}, {{"addresses", {7}}}}),
               slice("IPv4", "none")}),
      IsEmpty());
}

TEST(EndpointSlice, GatewaysWithTlsHaveHttpsOrigins) {
  const auto view =
      EndpointSliceView::from(slice("IPv4", {endpoint("10.0.0.1", "a")}), "http", true);
  EXPECT_THAT(gateway_origins({&*view}), ElementsAre("https://10.0.0.1:7070"));
}

}  // namespace
}  // namespace berth::op
