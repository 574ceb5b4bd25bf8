// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/python_literal.h"

#include "headroom/config/utf8.h"
#include "headroom/core/strings.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

namespace headroom {
namespace {

constexpr int kMaxDepth = 8;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Removes underscores; nothing unless each lies between two digits of the base.
std::optional<std::string> WithoutUnderscores(std::string_view digits, int base) {
  const auto is_digit = [base](char c) {
    return base == 16 ? IsAlphanumeric(c) && c != '_' : IsDigit(c);
  };
  std::string plain;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') {
      plain += digits[i];
    } else if (i == 0 || i + 1 == digits.size() || !is_digit(digits[i - 1]) ||
               !is_digit(digits[i + 1])) {
      return std::nullopt;
    }
  }
  return plain;
}

std::optional<std::int64_t> ParseDigits(std::string_view digits, int base) {
  std::int64_t value = 0;
  const char* last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, value, base);
  if (digits.empty() || digits[0] == '-' || error != std::errc() || end != last)
    return std::nullopt;
  return value;
}

int BaseOf(std::string_view digits) {
  if (digits.size() < 3 || digits[0] != '0') return 10;
  switch (digits[1]) {
    case 'x':
    case 'X':
      return 16;
    case 'o':
    case 'O':
      return 8;
    case 'b':
    case 'B':
      return 2;
    default:
      return 10;
  }
}

// Unsigned number without a sign.
std::optional<OptionValue> ParseNumber(std::string_view token) {
  if (BaseOf(token) != 10) {
    // 0x_1f: one underscore may follow the base.
    std::string_view body = token.substr(2);
    if (body.starts_with('_')) body.remove_prefix(1);
    const auto digits = WithoutUnderscores(body, BaseOf(token));
    const auto value = digits ? ParseDigits(*digits, BaseOf(token)) : std::nullopt;
    return value ? std::optional<OptionValue>(*value) : std::nullopt;
  }
  const auto plain = WithoutUnderscores(token, 10);
  if (!plain || plain->empty() || !(IsDigit(plain->front()) || plain->front() == '.'))
    return std::nullopt;
  if (plain->find_first_not_of("0123456789") == std::string::npos) {
    const bool leading_zero = plain->size() > 1 && plain->front() == '0' &&
                              plain->find_first_not_of('0') != std::string::npos;
    const auto value = leading_zero ? std::nullopt : ParseDigits(*plain, 10);
    return value ? std::optional<OptionValue>(*value) : std::nullopt;
  }
  if (plain->find_first_not_of("0123456789.eE+-") != std::string::npos) return std::nullopt;
  double value = 0;
  const char* last = plain->data() + plain->size();
  const auto [end, error] = std::from_chars(plain->data(), last, value);
  if (end != last || error == std::errc::invalid_argument) return std::nullopt;
  // Out of range: Python reads 1e999 as infinity and 1e-999 as zero.
  if (error == std::errc::result_out_of_range) {
    const auto exponent = plain->find_first_of("eE");
    const bool tiny =
        exponent != std::string::npos && plain->find('-', exponent) != std::string::npos;
    value = tiny ? 0.0 : HUGE_VAL;
  }
  return OptionValue(value);
}

class LiteralParser {
 public:
  explicit LiteralParser(std::string_view text) : text_(text) {}

  std::optional<OptionValue> ParseWhole() {
    auto value = ParseSequenceBody('\0', 0);
    return value && at_ == text_.size() ? value : std::nullopt;
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  [[nodiscard]] char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    SkipSpace();
    if (Peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  // True when `close` is next, which is consumed; '\0' stands for the end of the text.
  bool TakeEnd(char close) {
    SkipSpace();
    return close == '\0' ? at_ == text_.size() : Take(close);
  }

  // Items up to `close`. One item without a comma is the item itself, unless brackets make a list.
  std::optional<OptionValue> ParseSequenceBody(char close, int depth) {
    OptionValue::List items;
    bool comma = false;
    while (!TakeEnd(close)) {
      if (!items.empty() && !comma) return std::nullopt;
      auto item = ParseItem(depth);
      if (!item) return std::nullopt;
      items.push_back(*std::move(item));
      comma = Take(',');
    }
    if (items.empty() && close == '\0') return std::nullopt;
    if (items.size() == 1 && !comma && close != ']') return std::move(items.front());
    return OptionValue(std::move(items));
  }

  std::optional<OptionValue> ParseItem(int depth) {
    SkipSpace();
    const char c = Peek();
    if (c == '[' || c == '(') {
      if (depth >= kMaxDepth) return std::nullopt;
      ++at_;
      return ParseSequenceBody(c == '[' ? ']' : ')', depth + 1);
    }
    if (c == '\'' || c == '"') return ParseString(false);
    if ((c == 'r' || c == 'R' || c == 'u' || c == 'U') && at_ + 1 < text_.size() &&
        (text_[at_ + 1] == '\'' || text_[at_ + 1] == '"')) {
      ++at_;
      return ParseString(c == 'r' || c == 'R');
    }
    if (c == '+' || c == '-') return ParseSigned();
    return ParseWord();
  }

  std::optional<OptionValue> ParseSigned() {
    const bool negative = Peek() == '-';
    ++at_;
    SkipSpace();
    const auto value = ParseNumber(TakeNumber());
    if (!value) return std::nullopt;
    if (value->is_int()) return OptionValue(negative ? -value->AsInt() : value->AsInt());
    return OptionValue(negative ? -value->AsDouble() : value->AsDouble());
  }

  // The characters of a number: alphanumerics and points, and a sign after a decimal exponent.
  std::string_view TakeNumber() {
    const std::size_t first = at_;
    const bool decimal = BaseOf(text_.substr(at_)) == 10;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool exponent_sign = decimal && (c == '+' || c == '-') && at_ > first &&
                                 (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      if (!IsAlphanumeric(c) && c != '.' && !exponent_sign) break;
      ++at_;
    }
    return text_.substr(first, at_ - first);
  }

  std::optional<OptionValue> ParseWord() {
    const std::string_view word = TakeNumber();
    if (word == "None") return OptionValue();
    if (word == "True") return OptionValue(true);
    if (word == "False") return OptionValue(false);
    return ParseNumber(word);
  }

  std::optional<OptionValue> ParseString(bool raw) {
    const char quote = Peek();
    ++at_;
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\n') return std::nullopt;
      if (text_[at_] != '\\') {
        value += text_[at_++];
      } else if (raw) {
        value += text_[at_++];
        if (at_ < text_.size()) value += text_[at_++];
      } else if (!ParseEscape(&value)) {
        return std::nullopt;
      }
    }
    if (at_ >= text_.size()) return std::nullopt;
    ++at_;
    return OptionValue(std::move(value));
  }

  bool ParseEscape(std::string* value) {
    constexpr std::string_view kNames = "abfnrtv\\'\"";
    constexpr std::string_view kCharacters = "\a\b\f\n\r\t\v\\'\"";
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    at_ += 2;
    if (const auto known = kNames.find(c); c != '\0' && known != std::string_view::npos) {
      *value += kCharacters[known];
      return true;
    }
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      if (c == '\0' || IsDigit(c)) return false;  // Octal escapes are not worth having.
      *value += '\\';
      *value += c;
      return true;
    }
    const auto code =
        at_ + digits <= text_.size() ? ParseDigits(text_.substr(at_, digits), 16) : std::nullopt;
    if (!code) return false;
    at_ += digits;
    AppendUtf8(static_cast<char32_t>(*code), value);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<OptionValue> ParsePythonLiteral(std::string_view text) {
  return LiteralParser(Trim(text)).ParseWhole();
}

}  // namespace headroom
