// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/download.h"

#include "headroom/core/error.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <memory>

namespace headroom {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};

struct Sink {
  FileWriter* file;
  std::uint64_t left;
  std::exception_ptr error;  // Of the disk: must not cross libcurl's C code.
};

extern "C" std::size_t TakeBytes(char* data, std::size_t size, std::size_t count, void* user) {
  auto& sink = *static_cast<Sink*>(user);
  const std::size_t bytes = size * count;
  if (bytes > sink.left) return 0;
  sink.left -= bytes;
  try {
    sink.file->Write(data, bytes);
  } catch (...) {
    sink.error = std::current_exception();
    return 0;
  }
  return bytes;
}

}  // namespace

Status Download(const std::string& url, FileWriter& file, const DownloadOptions& options) {
  static const CURLcode started = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CurlDeleter> handle(started == CURLE_OK ? ::curl_easy_init()
                                                                      : nullptr);
  if (handle == nullptr) return Failure{"libcurl does not start"};
  Sink sink{&file, options.largest, nullptr};
  std::array<char, CURL_ERROR_SIZE> reason{};
  CURL* const curl = handle.get();
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http,file");
  ::curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https,http");
  ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  ::curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 8L);
  ::curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_timeout_s));
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout_s));
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "headroom");
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &TakeBytes);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
  const CURLcode code = ::curl_easy_perform(curl);
  if (sink.error != nullptr) std::rethrow_exception(sink.error);
  if (code == CURLE_OK) return Unit{};
  if (code == CURLE_WRITE_ERROR)
    return Failure{fmt::format("more than {} bytes came", options.largest)};
  return Failure{reason[0] != '\0' ? reason.data() : ::curl_easy_strerror(code)};
}

}  // namespace headroom
