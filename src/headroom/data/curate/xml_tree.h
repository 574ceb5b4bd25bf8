// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// An element of an XML file: its text and its children; attributes are passed over.
struct XmlElement {
  std::string name;
  std::string text;  // Trimmed, entities replaced.
  std::vector<XmlElement> children;

  // The first child of that name, or null.
  [[nodiscard]] const XmlElement* Find(std::string_view child) const;
  // The text of that child; empty when it is not there.
  [[nodiscard]] std::string TextOf(std::string_view child) const;
};

// What annotation files need of XML 1.0: elements, text, comments, CDATA, the five named entities.
// At most 64 levels deep. Failure names the byte.
[[nodiscard]] Result<XmlElement> ParseXml(std::string_view text);

}  // namespace headroom
