// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/draw_detections.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

constexpr int kColours = 20;

// Evenly spaced hues, neighbours far apart.
cv::Scalar ColourOf(std::int32_t class_id) {
  const double hue = 6.0 * (7 * (class_id % kColours) % kColours) / kColours;
  const auto channel = [&](double shift) {
    const double k = std::fmod(hue + shift, 6.0);
    return 255 * (1 - 0.85 * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
  };
  return {channel(1), channel(3), channel(5)};
}

}  // namespace

void DrawDetections(const MutableImageView& bgr, std::span<const Detection> detections,
                    std::span<const std::string> names, const DrawStyle& style) {
  if (!style.boxes) return;
  cv::Mat image(bgr.height, bgr.width, CV_8UC3, bgr.data, static_cast<std::size_t>(bgr.row_stride));
  const int width =
      style.line_width > 0
          ? style.line_width
          : std::max(static_cast<int>(std::lround((bgr.height + bgr.width) / 2.0 * 0.003)), 2);
  const double font_scale = width / 3.0;
  const int font_width = std::max(width - 1, 1);
  for (const Detection& detection : detections) {
    const cv::Scalar colour = ColourOf(detection.class_id);
    const cv::Point first(cvRound(detection.box.x1), cvRound(detection.box.y1));
    const cv::Point second(cvRound(detection.box.x2), cvRound(detection.box.y2));
    cv::rectangle(image, first, second, colour, width, cv::LINE_AA);
    if (!style.labels) continue;
    std::string text = names[static_cast<std::size_t>(detection.class_id)];
    if (style.confidences) text += fmt::format(" {:.2f}", detection.confidence);
    const cv::Size size =
        cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, font_scale, font_width, nullptr);
    const bool above = first.y >= size.height + 3;
    const int base = above ? first.y - 2 : first.y + size.height + 2;
    const int left = std::clamp(first.x, 0, std::max(bgr.width - size.width, 0));
    cv::rectangle(image, {left, base - size.height - 1}, {left + size.width, base + 2}, colour,
                  cv::FILLED);
    cv::putText(image, text, {left, base}, cv::FONT_HERSHEY_SIMPLEX, font_scale, {255, 255, 255},
                font_width, cv::LINE_AA);
  }
}

}  // namespace headroom
