// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace headroom {

enum class LogLevel { kInfo, kWarning, kError };

using LogSink = std::function<void(LogLevel, std::string_view)>;

// Replaces the sink (default: warnings and errors to stderr). The console sets its own, so that a
// message and a live progress bar do not overwrite each other. Thread-safe.
void SetLogSink(LogSink sink);

// One line, without a newline at its end. Thread-safe.
void LogInfo(std::string_view text);
void LogWarning(std::string_view text);
// A text that was said before, to the sink of now, is not said again. Texts are kept: only where
// they are few.
void LogWarningOnce(std::string_view text);
void LogError(std::string_view text);

}  // namespace headroom
