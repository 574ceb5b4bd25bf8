// SPDX-License-Identifier: Apache-2.0
// Bytes per second (read + written, without what the cache fetches to write) of the passes around a
// convolution, on one thread, beside memcpy of one such tensor. The tensors are 8 x 160 x 160 x C:
// at C = 32 in fp32 26 MB each, beyond any second-level cache.
#include "headroom/kernels/bn_act.h"
#include "headroom/kernels/channel_statistics.h"
#include "headroom/kernels/copy_rows.h"
#include "headroom/kernels/max_pool.h"
#include "headroom/kernels/optimizer_step.h"
#include "headroom/kernels/simd_target.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace headroom {
namespace {

constexpr std::int64_t kRows = std::int64_t{8} * 160 * 160;

struct Free {
  void operator()(char* bytes) const { std::free(bytes); }
};
using Bytes64 = std::unique_ptr<char, Free>;  // aligned as the CPU allocator does

// A layer's tensors y, gradient and output with values in (-2, 2), and constants per channel.
struct Setup {
  Setup(std::int64_t channel_count, ElementType element, std::int64_t gap)
      : channels(channel_count), type(element), stride(channels + gap) {
    for (Bytes64* bytes : {&y_bytes, &g_bytes, &to_bytes}) {
      const auto size = static_cast<std::size_t>(kRows * stride * ElementBytes(type));
      bytes->reset(static_cast<char*>(std::aligned_alloc(64, size)));
      for (std::int64_t i = 0; i < kRows * stride; ++i) {
        const float value = static_cast<float>(i * 37 % 401 - 200) / 100;
        if (type == ElementType::kFloat32) {
          std::memcpy(bytes->get() + 4 * i, &value, 4);
        } else {
          const BFloat16 half = ToBFloat16(value);
          std::memcpy(bytes->get() + 2 * i, &half, 2);
        }
      }
    }
  }
  [[nodiscard]] RowTensor Rows(Bytes64* bytes) const { return {bytes->get(), stride, type}; }
  [[nodiscard]] std::int64_t TensorBytes() const { return kRows * channels * ElementBytes(type); }
  [[nodiscard]] BnActBackward Backward() {
    BnActBackward op;
    op.y = Rows(&y_bytes);
    op.channels = channels;
    op.scale = ones.data();
    op.shift = zeros.data();
    op.mean = zeros.data();
    op.gradients[0] = Rows(&g_bytes);
    op.gradient_count = 1;
    return op;
  }

  [[nodiscard]] BnGradientCoefficients Coefficients() {
    return {ones.data(), zeros.data(), zeros.data()};
  }

  std::int64_t channels;
  ElementType type;
  std::int64_t stride;
  Bytes64 y_bytes, g_bytes, to_bytes;
  std::vector<float> ones = std::vector<float>(1024, 1.0f), zeros = std::vector<float>(1024);
  std::vector<double> sums = std::vector<double>(1024), more_sums = std::vector<double>(1024);
};

// state.range: channels, bf16, gap between rows.
Setup MakeSetup(const benchmark::State& state) {
  return {state.range(0), state.range(1) != 0 ? ElementType::kBFloat16 : ElementType::kFloat32,
          state.range(2)};
}

void Memcpy(benchmark::State& state) {
  Setup s = MakeSetup(state);
  for (auto _ : state) {
    std::memcpy(s.to_bytes.get(), s.y_bytes.get(), static_cast<std::size_t>(s.TensorBytes()));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * s.TensorBytes());
}

// The same bytes through ordinary vector loads and stores.
void CopyAsSum(benchmark::State& state) {
  Setup s = MakeSetup(state);
  const ConstRowTensor from = s.Rows(&s.y_bytes);
  for (auto _ : state) {
    SumRows({&from, 1}, s.channels, {0, kRows}, s.Rows(&s.to_bytes));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * s.TensorBytes());
}

void Statistics(benchmark::State& state) {
  Setup s = MakeSetup(state);
  for (auto _ : state) {
    ChannelMoments moments{0, s.sums.data(), s.more_sums.data()};
    AddChannelMoments(s.Rows(&s.y_bytes), s.channels, {0, kRows}, &moments);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * s.TensorBytes());
}

void Forward(benchmark::State& state) {
  Setup s = MakeSetup(state);
  BnActForward op;
  op.y = s.Rows(&s.y_bytes);
  op.channels = s.channels;
  op.scale = s.ones.data();
  op.shift = s.zeros.data();
  op.destinations[0] = {s.Rows(&s.to_bytes), 0, s.channels};
  op.destination_count = 1;
  for (auto _ : state) {
    RunBnActForward(op, {0, kRows});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * s.TensorBytes());
}

void BackwardReduce(benchmark::State& state) {
  Setup s = MakeSetup(state);
  const BnActBackward op = s.Backward();
  for (auto _ : state) {
    ReduceBnActBackward(op, {0, kRows}, RowTensor(),
                        {s.ones.data(), s.sums.data(), s.more_sums.data()});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * s.TensorBytes());
}

void BackwardApply(benchmark::State& state) {
  Setup s = MakeSetup(state);
  const BnActBackward op = s.Backward();
  for (auto _ : state) {
    ApplyBnActBackward(op, s.Coefficients(), {0, kRows}, s.Rows(&s.to_bytes));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 3 * s.TensorBytes());
}

// As in the network: dy overwrites y. y drifts, but stays finite.
void BackwardApplyInPlace(benchmark::State& state) {
  Setup s = MakeSetup(state);
  const BnActBackward op = s.Backward();
  for (auto _ : state) {
    ApplyBnActBackward(op, s.Coefficients(), {0, kRows}, s.Rows(&s.y_bytes));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 3 * s.TensorBytes());
}

// YOLO11n's SPPF at 640 px, batch 8: 20 x 20 x 128, three pools. state.range: backward.
void SppfPools(benchmark::State& state) {
  const MaxPool pool{{8, 20, 20, 128}, 5};
  std::vector<float> slices(8 * 400 * 512, 1.0f), gradients(slices.size(), 1.0f);
  std::vector<float> scratch(static_cast<std::size_t>(MaxPoolScratchSize(pool.shape)));
  const IndexRange items{0, MaxPoolItems(pool.shape)};
  for (auto _ : state) {
    if (state.range(0) == 0) {
      RunSppf({pool, 3}, {slices.data(), 512}, {items, scratch});
    } else {
      RunSppfBackward({pool, 3}, {slices.data(), 512}, {gradients.data(), 512}, {items, scratch},
                      {gradients.data(), 512});
    }
    benchmark::ClobberMemory();
  }
}

void Adam(benchmark::State& state) {
  constexpr std::int64_t kCount = 2600000;  // YOLO11n's parameters
  std::vector<float> p(kCount, 0.1f), g(kCount, 0.1f), m(kCount), v(kCount), ema(kCount, 0.1f);
  std::vector<BFloat16> half(kCount);
  const ParameterPiece piece{.count = kCount,
                             .parameters = p.data(),
                             .gradients = g.data(),
                             .ema = ema.data(),
                             .ema_decay = 0.999,
                             .bf16_copy = half.data()};
  for (auto _ : state) {
    RunAdamStep({.learning_rate = 1e-3}, piece, m.data(), v.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * kCount * (9 * 4 + 2));
}

void RegisterAll() {
  for (const SimdTarget& target : SimdTargets()) {
    const auto add = [&](const char* name, void (*run)(benchmark::State&)) {
      return benchmark::RegisterBenchmark((target.name + "/" + name).c_str(),
                                          [target, run](benchmark::State& state) {
                                            UseSimdTarget(target);
                                            run(state);
                                          })
          ->Unit(benchmark::kMillisecond);
    };
    using Run = std::pair<const char*, void (*)(benchmark::State&)>;
    for (const auto& [name, run] :
         {Run{"copy", CopyAsSum}, Run{"statistics", Statistics}, Run{"forward", Forward},
          Run{"backward_reduce", BackwardReduce}, Run{"backward_apply", BackwardApply},
          Run{"backward_apply_in_place", BackwardApplyInPlace}}) {
      // Channels, bf16, gap.
      add(name, run)->Args({32, 0, 0})->Args({32, 1, 0})->Args({32, 0, 32})->Args({8, 1, 16});
    }
    add("sppf", SppfPools)->Arg(0)->Arg(1);
    add("adam", Adam);
  }
  benchmark::RegisterBenchmark("memcpy", Memcpy)
      ->Unit(benchmark::kMillisecond)
      ->Args({32, 0, 0})
      ->Args({32, 1, 0});
}

}  // namespace
}  // namespace headroom

int main(int argc, char** argv) {
  headroom::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
