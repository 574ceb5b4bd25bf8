// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/opencv_bridge.h"

#include <opencv2/core/utility.hpp>
#include <opencv2/core/utils/logger.hpp>

#include <iostream>
#include <streambuf>

namespace headroom::internal {
namespace {

// Stands before std::cerr's buffer and swallows what a muted thread prints.
class MutableStderr : public std::streambuf {
 public:
  MutableStderr() : original_(std::cerr.rdbuf(this)) {}
  ~MutableStderr() override { std::cerr.rdbuf(original_); }
  MutableStderr(const MutableStderr&) = delete;
  MutableStderr& operator=(const MutableStderr&) = delete;

  static thread_local bool muted;

 protected:
  int_type overflow(int_type c) override {
    if (muted || traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    return original_->sputc(traits_type::to_char_type(c));
  }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    return muted ? count : original_->sputn(text, count);
  }
  int sync() override { return muted ? 0 : original_->pubsync(); }

 private:
  std::streambuf* original_;
};

thread_local bool MutableStderr::muted = false;

}  // namespace

void EnsureQuietSerialOpenCv() {
  [[maybe_unused]] static const bool done = [] {
    cv::setNumThreads(1);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    // Else cv::error prints what it is about to throw.
    cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
    return true;
  }();
}

std::string Quietly(const std::function<void()>& run) {
  EnsureQuietSerialOpenCv();
  static const MutableStderr installed;
  MutableStderr::muted = true;
  std::string problem;
  try {
    run();
  } catch (const cv::Exception& error) {
    problem = error.err.empty() ? error.what() : error.err;
  }
  MutableStderr::muted = false;
  return problem;
}

cv::Mat WrapMat(const MutableImageView& view) {
  return cv::Mat(view.height, view.width, CV_8UC(view.channels), view.data,
                 static_cast<std::size_t>(view.row_stride));
}

cv::Mat WrapInput(const ImageView& view) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): cv::Mat has no constant form
  auto* data = const_cast<std::uint8_t*>(view.data);
  return WrapMat({data, view.height, view.width, view.channels, view.row_stride});
}

}  // namespace headroom::internal
