// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/log.h"

#include "headroom/core/mutex.h"

#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <utility>

namespace headroom {
namespace {

void PrintToStderr(LogLevel level, std::string_view text) {
  if (level == LogLevel::kInfo) return;
  const char* prefix = level == LogLevel::kWarning ? "WARNING " : "ERROR ";
  std::fprintf(stderr, "%s%.*s\n", prefix, static_cast<int>(text.size()), text.data());
}

struct LogState {
  Mutex mutex;
  LogSink sink GUARDED_BY(mutex) = PrintToStderr;
  std::set<std::string, std::less<>> said GUARDED_BY(mutex);
};

LogState& State() {
  // Never destroyed: threads may still log while the process ends.
  static LogState& state = *new LogState;  // NOLINT(cppcoreguidelines-owning-memory): see above
  return state;
}

void Log(LogLevel level, std::string_view text) {
  MutexLock lock(State().mutex);
  State().sink(level, text);
}

}  // namespace

void SetLogSink(LogSink sink) {
  MutexLock lock(State().mutex);
  State().sink = sink ? std::move(sink) : PrintToStderr;
  State().said.clear();
}

void LogInfo(std::string_view text) { Log(LogLevel::kInfo, text); }
void LogWarning(std::string_view text) { Log(LogLevel::kWarning, text); }
void LogWarningOnce(std::string_view text) {
  MutexLock lock(State().mutex);
  if (State().said.emplace(text).second) State().sink(LogLevel::kWarning, text);
}
void LogError(std::string_view text) { Log(LogLevel::kError, text); }

}  // namespace headroom
