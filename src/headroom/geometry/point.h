// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headroom {

struct Point {
  double x = 0;
  double y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

}  // namespace headroom
