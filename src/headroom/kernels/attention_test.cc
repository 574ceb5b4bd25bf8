// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/attention.h"

#include "headroom/kernels/kernel_testing.h"

#include <gmock/gmock.h>

#include <cmath>

namespace headroom {
namespace {

using testing::ForEachRowCase;
using testing::RowCase;
using testing::TestRows;

std::vector<double> Softmax_reference(const TestRows& scores, std::int64_t row, double scale) {
  std::vector<double> p;
  double most = -HUGE_VAL, sum = 0;
  for (std::int64_t c = 0; c < scores.channels(); ++c) most = std::max(most, scores.At(row, c));
  for (std::int64_t c = 0; c < scores.channels(); ++c) {
    p.push_back(std::exp(scale * (scores.At(row, c) - most)));
    sum += p.back();
  }
  for (double& v : p) v /= sum;
  return p;
}

TEST(Softmax, NormalisesEveryRowInPlace) {
  ForEachRowCase([](const RowCase& k) {
    TestRows scores(k.rows, k.channels, k.input, k.gaps);
    TestRows before(k.rows, k.channels, k.input, k.gaps);
    before.FillNormal(Rng(1), -400, 20);  // far below zero: the maximum must be the row's own
    scores.CopyFrom(before);
    SoftmaxRows(scores, k.channels, 0.25f, {0, k.rows});
    for (std::int64_t r = 0; r < k.rows; ++r) {
      const std::vector<double> p = Softmax_reference(before, r, 0.25);
      for (std::int64_t c = 0; c < k.channels; ++c) {
        const double e = p[static_cast<std::size_t>(c)];
        const double relative = k.input == ElementType::kFloat32 ? 5e-6 : 1.0 / 256;
        ASSERT_NEAR(scores.At(r, c), e, relative * e + 1e-12);
      }
    }
    scores.ExpectGapsUntouched();
  });
}

enum class OddScores { kNone, kNan, kInfinity, kMinusInfinity, kOnlyMinusInfinity };

// Rows take turns; what is odd stands in another column every time.
OddScores OddScoresOf(std::int64_t row) { return static_cast<OddScores>(row % 5); }
std::int64_t OddColumn(std::int64_t row, std::int64_t columns) { return row * 7 % columns; }

void MakeOdd(TestRows& scores) {
  scores.ForEach([&](std::int64_t r, std::int64_t c) {
    const OddScores odd = OddScoresOf(r);
    const bool here = c == OddColumn(r, scores.channels());
    if (odd == OddScores::kNan && here) scores.Set(r, c, NAN);
    if (odd == OddScores::kInfinity && here) scores.Set(r, c, HUGE_VAL);
    if (odd == OddScores::kOnlyMinusInfinity || (odd == OddScores::kMinusInfinity && here))
      scores.Set(r, c, -HUGE_VAL);
  });
}

TEST(Softmax, GivesNanAndZeroWhereLibTorchDoes) {
  ForEachRowCase([](const RowCase& k) {
    TestRows scores(k.rows, k.channels, k.input, k.gaps);
    TestRows before(k.rows, k.channels, k.input, k.gaps);
    before.FillNormal(Rng(1), 0, 20);
    MakeOdd(before);
    scores.CopyFrom(before);
    SoftmaxRows(scores, k.channels, 0.25f, {0, k.rows});
    for (std::int64_t r = 0; r < k.rows; ++r) {
      const OddScores odd = OddScoresOf(r);
      const bool zero = odd == OddScores::kMinusInfinity && k.channels > 1;
      const bool number = odd == OddScores::kNone || zero;
      const std::vector<double> p = Softmax_reference(before, r, 0.25);
      for (std::int64_t c = 0; c < k.channels; ++c) {
        ASSERT_EQ(std::isnan(scores.At(r, c)), !number) << "row " << r << " column " << c;
        if (!number) continue;
        const double e = p[static_cast<std::size_t>(c)];
        const double relative = k.input == ElementType::kFloat32 ? 5e-6 : 1.0 / 256;
        ASSERT_NEAR(scores.At(r, c), e, relative * e + 1e-12);
      }
      if (zero) {
        ASSERT_EQ(scores.At(r, OddColumn(r, k.channels)), 0) << "row " << r;
      }
    }
    scores.ExpectGapsUntouched();
  });
}

// Distances that overflow are those of minus infinity; no NaN comes of them.
TEST(Softmax, TakesTheWholeRangeOfScores) {
  testing::ForEachTarget([] {
    for (const double far : {400.0, 3e38}) {
      TestRows scores(1, 37, ElementType::kFloat32, TestRows::Gaps::kYes);
      scores.ForEach([&](std::int64_t r, std::int64_t c) { scores.Set(r, c, c < 2 ? far : -far); });
      SoftmaxRows(scores, 37, 0.25f, {0, 1});
      scores.ForEach([&](std::int64_t r, std::int64_t c) {
        EXPECT_EQ(scores.At(r, c), c < 2 ? 0.5 : 0) << far << " column " << c;
      });
    }
  });
}

// Against central differences of sum(w * softmax(scale * s)) in double, at rows of fp32 scores.
TEST(SoftmaxBackward, AgreesWithFiniteDifferences) {
  testing::ForEachTarget([] {
    for (const std::int64_t columns : {1, 7, 33}) {
      TestRows s(3, columns, ElementType::kFloat32, TestRows::Gaps::kYes);
      TestRows w(3, columns, ElementType::kFloat32, TestRows::Gaps::kYes);
      TestRows p(3, columns, ElementType::kFloat32, TestRows::Gaps::kYes);
      s.FillNormal(Rng(1));
      w.FillNormal(Rng(2));
      p.CopyFrom(s);
      SoftmaxRows(p, columns, 0.7f, {0, 3});
      TestRows gradient(3, columns, ElementType::kFloat32, TestRows::Gaps::kYes);
      SoftmaxRowsBackward(p, w, columns, 0.7f, {0, 3}, gradient);
      const auto loss = [&](std::int64_t row) {
        const std::vector<double> q = Softmax_reference(s, row, 0.7);
        double sum = 0;
        for (std::size_t c = 0; c < q.size(); ++c) {
          sum += q[c] * w.At(row, static_cast<std::int64_t>(c));
        }
        return sum;
      };
      s.ForEach([&](std::int64_t r, std::int64_t c) {
        const double at = s.At(r, c);
        s.Set(r, c, at + 0.01);
        const double step_up = s.At(r, c), above = loss(r);
        s.Set(r, c, at - 0.01);
        const double slope = (above - loss(r)) / (step_up - s.At(r, c));
        s.Set(r, c, at);
        EXPECT_NEAR(gradient.At(r, c), slope, 2e-5);
      });
    }
  });
}

TEST(SoftmaxBackward, MatchesTheFormulaAndMayReplaceItsInputs) {
  ForEachRowCase([](const RowCase& k) {
    TestRows p(k.rows, k.channels, k.input, k.gaps);
    TestRows g(k.rows, k.channels, k.output, k.gaps);
    TestRows to(k.rows, k.channels, k.output, k.gaps);
    p.FillNormal(Rng(1), 0.1, 0.01);
    g.FillNormal(Rng(2));
    SoftmaxRowsBackward(p, g, k.channels, 0.5f, {0, k.rows}, to);
    const auto expected = [&](std::int64_t r, std::int64_t c) {
      double sum = 0;
      for (std::int64_t i = 0; i < k.channels; ++i) sum += p.At(r, i) * g.At(r, i);
      return 0.5 * p.At(r, c) * (g.At(r, c) - sum);
    };
    to.ExpectNear(expected, 5e-6);
    SoftmaxRowsBackward(p, g, k.channels, 0.5f, {0, k.rows}, g);
    g.ExpectNear([&](auto r, auto c) { return to.At(r, c); }, 0);
  });
}

}  // namespace
}  // namespace headroom
