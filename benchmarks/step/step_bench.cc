// SPDX-License-Identifier: Apache-2.0
// Speed and memory of the training step, variants in turn, each in a process of its own.
//   headroom_step_bench [model=yolo11n.yaml] [imgsz=640] [batch=8] [classes=1] [threads=2]
//     [rounds=5] [variants=reference-malloc,fused,...] [validation=1] [against="python step.py"]
//     [--profile]
// A variant is ops[-malloc][-bf16][-none|-blocks]: reference or fused operations; LibTorch's
// default allocator; bf16; what is computed again (activations unless said). `against` is any
// program that speaks the protocol of bench_process.h; it gets model=, imgsz=, batch=, classes=,
// threads= and validation= as arguments. Prints medians: seconds a step, images/s, the ratio to
// the first variant, peak resident memory, page faults. --profile: where the time of each goes.
#include "headroom/memory/budget.h"
#include "headroom/memory/ledger.h"
#include "headroom/ops/cpu_allocator.h"

#include "bench_process.h"
#include "step_profile.h"
#include "training_step.h"
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace headroom {
namespace {

using Arguments = std::map<std::string, std::string>;

constexpr const char* kDefaultVariants =
    "reference-malloc-none,reference-none,fused-none,fused,fused-blocks,fused-bf16-none,"
    "fused-bf16,fused-bf16-blocks";

std::string Text(const Arguments& arguments, const std::string& key, const std::string& otherwise) {
  const auto found = arguments.find(key);
  return found == arguments.end() ? otherwise : found->second;
}

int Int(const Arguments& arguments, const std::string& key, int otherwise) {
  return std::stoi(Text(arguments, key, std::to_string(otherwise)));
}

StepVariant ParseVariant(const std::string& name, const Arguments& arguments) {
  StepVariant variant{.model = Text(arguments, "model", "yolo11n.yaml"),
                      .classes = Int(arguments, "classes", 1),
                      .image_size = Int(arguments, "imgsz", 640),
                      .batch = Int(arguments, "batch", 8)};
  const auto has = [&](const char* word) { return name.find(word) != std::string::npos; };
  variant.ops = has("reference") ? OpsChoice::kReference : OpsChoice::kFused;
  variant.own_allocator = !has("malloc");
  variant.element = has("bf16") ? Element::kBFloat16 : Element::kFloat32;
  variant.recompute = has("none")     ? Recompute::kNone
                      : has("blocks") ? Recompute::kBlocks
                                      : Recompute::kActivations;
  variant.validation = Int(arguments, "validation", 0) != 0;
  return variant;
}

void RunChild(const std::string& name, const Arguments& arguments) {
  const StepVariant variant = ParseVariant(name, arguments);
  static Ledger ledger;
  static Budget budget(MemoryPlace::kHost, Bytes::GiB(64), "the benchmark", ledger);
  if (variant.own_allocator) {
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 22);
    (void)InstallCpuAllocator(budget);
  }
  at::set_num_threads(Int(arguments, "threads", 2));
  TrainingStep step(variant);
  if (arguments.contains("profile")) {
    PrintProfile(step, variant, Int(arguments, "rounds", 5));
    return;
  }
  ServeSteps([&] { (void)step.Run(); });
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

template <typename T>
T Median(std::vector<T> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Timed {
  std::string name;
  std::unique_ptr<BenchProcess> process;
  std::vector<double> seconds;
  std::vector<std::int64_t> faults;
};

std::vector<Timed> StartAll(const std::string& self, const Arguments& arguments) {
  std::vector<Timed> all;
  std::vector<std::string> passed;
  for (const auto& [key, value] : arguments) {
    if (key != "variants" && key != "against") passed.push_back(key + "=" + value);
  }
  const auto start = [&](const std::string& name, std::vector<std::string> command) {
    command.insert(command.end(), passed.begin(), passed.end());
    all.push_back({name, std::make_unique<BenchProcess>(command), {}, {}});
  };
  if (arguments.contains("against")) start("against", Split(arguments.at("against"), ' '));
  for (const std::string& name : Split(Text(arguments, "variants", kDefaultVariants), ','))
    start(name, {self, "child=" + name});
  return all;
}

void RunParent(const std::string& self, const Arguments& arguments) {
  const int rounds = Int(arguments, "rounds", 5);
  std::vector<Timed> all = StartAll(self, arguments);
  constexpr int kWarmUp = 2;
  for (int round = -kWarmUp; round < rounds; ++round) {
    for (Timed& timed : all) {
      const StepMeasure measure = timed.process->Step();
      if (round < 0) continue;
      timed.seconds.push_back(measure.seconds);
      timed.faults.push_back(measure.page_faults);
    }
  }
  std::cout << fmt::format("{:<26}{:>9}{:>10}{:>8}{:>10}{:>8}{:>9}\n", "variant", "s/step",
                           "images/s", "times", "MiB", "share", "faults");
  double base_seconds = 0;
  double base_peak = 0;
  const double images = Int(arguments, "batch", 8);
  for (Timed& timed : all) {
    const double seconds = Median(timed.seconds);
    const double peak = timed.process->End();
    if (base_seconds == 0) base_seconds = seconds;
    if (base_peak == 0) base_peak = peak;
    std::cout << fmt::format("{:<26}{:>9.3f}{:>10.2f}{:>8.2f}{:>10.0f}{:>8.2f}{:>9}\n", timed.name,
                             seconds, images / seconds, base_seconds / seconds, peak,
                             peak / base_peak, Median(timed.faults));
  }
}

void ProfileAll(const std::string& self, const Arguments& arguments) {
  for (const std::string& name : Split(Text(arguments, "variants", "fused,fused-bf16"), ',')) {
    std::cout << "\n" << name << std::endl;
    std::string command = self + " child=" + name;
    for (const auto& [key, value] : arguments) {
      if (key != "variants") command += " " + key + "=" + value;
    }
    if (std::system(command.c_str()) != 0) std::cout << "failed\n";
  }
}

int Main(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    if (word == "--profile") {
      arguments["profile"] = "1";
    } else if (equals != std::string::npos) {
      arguments[word.substr(0, equals)] = word.substr(equals + 1);
    } else {
      std::cerr << "not understood: " << word << "\n";
      return 2;
    }
  }
  ::setenv("OMP_WAIT_POLICY", "passive", 0);  // A variant that waits must not spin.
  if (arguments.contains("child")) {
    RunChild(arguments.at("child"), arguments);
  } else if (arguments.contains("profile")) {
    ProfileAll(argv[0], arguments);
  } else {
    RunParent(argv[0], arguments);
  }
  return 0;
}

}  // namespace
}  // namespace headroom

int main(int argc, char** argv) { return headroom::Main(argc, argv); }
