// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/curate/xml_tree.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace headroom {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
    {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}};

class XmlParser {
 public:
  explicit XmlParser(std::string_view text) : text_(text) {}

  Result<XmlElement> Parse() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    XmlElement root;
    if (!SkipMisc() || !Element(&root, 0) || !SkipMisc() || at_ != text_.size())
      return Failure{fmt::format("it is no XML: wrong at byte {}", at_)};
    return root;
  }

 private:
  [[nodiscard]] bool Starts(std::string_view with) const {
    return text_.substr(at_).starts_with(with);
  }
  // Moves behind the next `end`.
  bool SkipPast(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) return false;
    at_ = found + end.size();
    return true;
  }
  // White space, comments, declarations between elements.
  bool SkipMisc() {
    while (at_ < text_.size()) {
      if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else if (Starts("<!--")) {
        if (!SkipPast("-->")) return false;
      } else if (Starts("<?") || Starts("<!")) {
        if (!SkipPast(">")) return false;
      } else {
        return true;
      }
    }
    return true;
  }

  bool Element(XmlElement* element, int depth) {
    if (depth > kMaxDepth || !Starts("<")) return false;
    const std::size_t end = text_.find_first_of(" \t\r\n/>", at_ + 1);
    if (end == std::string_view::npos || end == at_ + 1) return false;
    element->name = text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t close = text_.find('>', end);
    if (close == std::string_view::npos) return false;
    at_ = close + 1;
    if (text_[close - 1] == '/') return true;
    if (!Content(element, depth)) return false;
    element->text = Trim(element->text);
    return true;
  }

  // Up to and with the end tag.
  bool Content(XmlElement* element, int depth) {
    while (at_ < text_.size()) {
      if (Starts("</")) {
        const std::string end = fmt::format("</{}", element->name);
        return Starts(end) && SkipPast(">");
      }
      if (Starts("<!--")) {
        if (!SkipPast("-->")) return false;
      } else if (Starts("<![CDATA[")) {
        const std::size_t begin = at_ + 9;
        if (!SkipPast("]]>")) return false;
        element->text += text_.substr(begin, at_ - 3 - begin);
      } else if (Starts("<")) {
        element->children.emplace_back();
        if (!Element(&element->children.back(), depth + 1)) return false;
      } else {
        AppendText(&element->text);
      }
    }
    return false;
  }

  void AppendText(std::string* text) {
    for (const auto& [name, character] : kEntities) {
      if (!Starts(name)) continue;
      text->push_back(character);
      at_ += name.size();
      return;
    }
    text->push_back(text_[at_++]);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const XmlElement* XmlElement::Find(std::string_view child) const {
  for (const XmlElement& element : children) {
    if (element.name == child) return &element;
  }
  return nullptr;
}

std::string XmlElement::TextOf(std::string_view child) const {
  const XmlElement* element = Find(child);
  return element == nullptr ? std::string() : element->text;
}

Result<XmlElement> ParseXml(std::string_view text) { return XmlParser(text).Parse(); }

}  // namespace headroom
