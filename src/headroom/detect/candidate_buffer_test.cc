// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/candidate_buffer.h"

#include "headroom/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

bool Same(const Candidate& a, const Candidate& b) {
  return a.score == b.score && a.anchor == b.anchor && a.class_id == b.class_id;
}

TEST(CandidateBuffer, KeepsTheBestOfManyInOrder) {
  Rng rng(1);
  for (const std::size_t limit : {1U, 7U, 100U, 5000U}) {
    CandidateBuffer buffer(limit);
    std::vector<Candidate> all;
    for (std::uint32_t i = 0; i < 3000; ++i) {
      // Few distinct scores: ties must be broken by anchor and class.
      const auto score = static_cast<float>(rng.Below(50)) / 50;
      all.push_back({score, i / 3, static_cast<std::int32_t>(i % 3)});
      buffer.Add(all.back());
    }
    std::sort(all.begin(), all.end());
    all.resize(std::min(limit, all.size()));
    const auto sorted = buffer.Sorted();
    EXPECT_TRUE(std::equal(sorted.begin(), sorted.end(), all.begin(), all.end(), Same)) << limit;
  }
}

TEST(CandidateBuffer, RaisesItsFloor) {
  CandidateBuffer buffer(2);
  for (const float score : {0.1F, 0.4F, 0.2F, 0.3F}) buffer.Add({score, 0, 0});
  EXPECT_EQ(buffer.floor(), 0);
  buffer.Add({0.5F, 1, 0});
  EXPECT_EQ(buffer.floor(), 0.3F);
  EXPECT_EQ(buffer.Sorted().front().score, 0.5F);
  EXPECT_EQ(buffer.Sorted().back().score, 0.4F);
}

TEST(CandidateBuffer, StartsAgainWhenCleared) {
  CandidateBuffer buffer(1);
  for (const float score : {0.7F, 0.8F, 0.9F}) buffer.Add({score, 0, 0});
  buffer.Clear();
  EXPECT_EQ(buffer.floor(), 0);
  EXPECT_TRUE(buffer.Sorted().empty());
  buffer.Add({0.1F, 4, 0});
  ASSERT_EQ(buffer.Sorted().size(), 1U);
  EXPECT_EQ(buffer.Sorted()[0].anchor, 4U);
}

}  // namespace
}  // namespace headroom
