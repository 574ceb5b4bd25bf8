// SPDX-License-Identifier: Apache-2.0
#include "bench_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace headroom {
namespace {

std::int64_t PageFaults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

double PeakMib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

}  // namespace

BenchProcess::BenchProcess(const std::vector<std::string>& command) {
  std::array<int, 2> down{};
  std::array<int, 2> up{};
  if (::pipe2(down.data(), O_CLOEXEC) != 0 || ::pipe2(up.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe2 failed");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(down[0], STDIN_FILENO);
    ::dup2(up[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(down[0]);
  ::close(up[1]);
  to_ = ::fdopen(down[1], "w");
  from_ = ::fdopen(up[0], "r");
}

BenchProcess::~BenchProcess() {
  if (to_ != nullptr) std::fclose(to_);
  if (from_ != nullptr) std::fclose(from_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

std::string BenchProcess::Ask(const std::string& line) {
  std::fputs((line + "\n").c_str(), to_);
  std::fflush(to_);
  std::array<char, 256> answer{};
  if (std::fgets(answer.data(), answer.size(), from_) == nullptr)
    throw std::runtime_error("a variant ended; its message is above");
  return answer.data();
}

StepMeasure BenchProcess::Step() {
  const std::string answer = Ask("step");
  std::size_t used = 0;
  StepMeasure measure;
  measure.seconds = std::stod(answer, &used);
  measure.page_faults = std::stoll(answer.substr(used));
  return measure;
}

double BenchProcess::End() { return std::stod(Ask("end")); }

void ServeSteps(const std::function<void()>& step) {
  for (std::string line; std::getline(std::cin, line) && line != "end";) {
    const std::int64_t faults = PageFaults();
    const auto start = std::chrono::steady_clock::now();
    step();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format("{:.6f} {}", seconds.count(), PageFaults() - faults) << std::endl;
  }
  std::cout << fmt::format("{:.1f}", PeakMib()) << std::endl;
}

}  // namespace headroom
