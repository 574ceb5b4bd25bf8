// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/yaml_text.h"

#include "headroom/config/utf8.h"

#include <fmt/format.h>

#include <cmath>
#include <regex>

namespace headroom {
namespace {

constexpr std::size_t kBestWidth = 80;

bool IsBreak(char32_t c) { return c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029; }
bool IsBlank(char32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == 0 || IsBreak(c); }
bool Contains(std::u32string_view set, char32_t c) {
  return set.find(c) != std::u32string_view::npos;
}
bool IsPrintable(char32_t c) {
  if (c == '\n' || (c >= 0x20 && c <= 0x7E)) return true;
  return c != 0xFEFF && (c == 0x85 || (c >= 0xA0 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
                         (c >= 0x10000 && c < 0x10FFFF));
}

// Which styles show a text faithfully in a block mapping.
struct Styles {
  bool plain = true;
  bool single_quoted = true;
};

// Characters that cannot stand where they do in plain text: indicators, and white space at an edge.
bool NeedsQuotes(std::u32string_view text) {
  if (text.starts_with(U"---") || text.starts_with(U"...")) return true;
  if (Contains(U" \n\x85\u2028\u2029", text.front()) ||
      Contains(U" \n\x85\u2028\u2029", text.back()))
    return true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const bool blank_before = i == 0 || IsBlank(text[i - 1]);
    const bool blank_after = i + 1 == text.size() || IsBlank(text[i + 1]);
    if (i == 0 && Contains(U"#,[]{}&*!|>'\"%@`", c)) return true;
    if (i == 0 && Contains(U"?-", c) && blank_after) return true;
    if (c == ':' && blank_after) return true;
    if (c == '#' && blank_before) return true;
    if (IsBreak(c)) return true;
  }
  return false;
}

Styles FaithfulStyles(std::u32string_view text) {
  Styles styles;
  if (text.empty()) return styles;
  styles.plain = !NeedsQuotes(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool space_meets_break =
        i + 1 < text.size() &&
        ((text[i] == ' ' && IsBreak(text[i + 1])) || (IsBreak(text[i]) && text[i + 1] == ' '));
    if (!IsPrintable(text[i]) || space_meets_break)
      styles = {.plain = false, .single_quoted = false};
  }
  return styles;
}

// True when YAML 1.1 reads the plain text as null, a bool, a number, a date, `<<` or `=`.
bool ReadsAsOtherType(const std::string& text) {
  if (text.empty()) return true;
  if (std::string_view("-+0123456789.~=<ynYNtTfFoO").find(text.front()) == std::string_view::npos)
    return false;
  // The expression engine recurses; no number or date that matters is longer.
  if (text.size() > 256)
    return text.find_first_not_of("0123456789abcdefABCDEF_.+-:x") == std::string::npos;
  static const std::regex kOther(
      "~|null|Null|NULL|<<|=|"
      "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|"
      "[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|"
      "[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|"
      "[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|"
      "[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)|"
      "[0-9]{4}-[0-9]{2}-[0-9]{2}|"
      "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \\t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]*)?"
      "(?:[ \\t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?");
  return std::regex_match(text, kOther) || text == "null" || text == "Null" || text == "NULL";
}

// Writes one scalar, folding it at blanks once a line is longer than kBestWidth.
class ScalarWriter {
 public:
  ScalarWriter(std::string* out, std::size_t column, std::size_t indent, bool may_fold)
      : out_(out), column_(column), indent_(indent), may_fold_(may_fold) {}

  void WritePlain(std::u32string_view text) { WriteFolded(text, false); }

  void WriteSingleQuoted(std::u32string_view text) {
    Put('\'');
    WriteFolded(text, true);
    Put('\'');
  }

  void WriteDoubleQuoted(std::u32string_view text) {
    Put('"');
    std::u32string pending;  // Written as it is, without a break inside.
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char32_t c = text[i];
      const bool escaped = NeedsEscape(c);
      if (escaped) {
        Flush(&pending);
        PutEscaped(c);
      }
      if (i > 0 && i + 1 < text.size() && (c == ' ' || escaped) && may_fold_ &&
          column_ + pending.size() > kBestWidth + (escaped ? 1 : 0)) {
        Flush(&pending);
        Put('\\');
        Break();
        // A blank that opens a line would be lost.
        if (text[escaped ? i + 1 : i] == ' ') Put('\\');
      }
      if (!escaped) pending += c;
    }
    Flush(&pending);
    Put('"');
  }

 private:
  static bool NeedsEscape(char32_t c) {
    if (c == '"' || c == '\\' || c == 0x85 || c == 0x2028 || c == 0x2029 || c == 0xFEFF)
      return true;
    return !((c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF) ||
             (c >= 0xE000 && c <= 0xFFFD));
  }

  void Put(char32_t c) {
    AppendUtf8(c, out_);
    ++column_;
  }
  void Flush(std::u32string* pending) {
    for (const char32_t c : *pending) Put(c);
    pending->clear();
  }
  void Break() {
    *out_ += '\n';
    out_->append(indent_, ' ');
    column_ = indent_;
  }

  void PutEscaped(char32_t c) {
    constexpr std::u32string_view kCharacters = U"\a\b\t\n\v\f\r\x1b\"\\\x85\xa0\u2028\u2029";
    constexpr std::string_view kNames = "abtnvfre\"\\N_LP";
    const auto code = static_cast<std::uint32_t>(c);
    std::string escape;
    if (const auto known = kCharacters.find(c); known != std::u32string_view::npos) {
      escape = kNames[known];
    } else if (c == 0) {
      escape = "0";
    } else {
      escape = code <= 0xFF     ? fmt::format("x{:02X}", code)
               : code <= 0xFFFF ? fmt::format("u{:04X}", code)
                                : fmt::format("U{:08X}", code);
    }
    Put('\\');
    for (const char e : escape) Put(static_cast<unsigned char>(e));
  }

  void WriteFolded(std::u32string_view text, bool quoted) {
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = i + 1;
      if (text[i] == ' ') {
        while (end < text.size() && text[end] == ' ') ++end;
        const bool inside = !quoted || (i != 0 && end != text.size());
        if (end == i + 1 && column_ > kBestWidth && may_fold_ && inside) {
          Break();
        } else {
          for (; i < end; ++i) Put(' ');
        }
      } else if (IsBreak(text[i])) {
        while (end < text.size() && IsBreak(text[end])) ++end;
        // One more: a single line break in quotes reads back as a space.
        if (text[i] == '\n') *out_ += '\n';
        for (; i < end; ++i) AppendUtf8(text[i], out_);
        out_->append(indent_, ' ');
        column_ = indent_;
      } else {
        if (text[i] == '\'' && quoted) Put('\'');
        Put(text[i]);
      }
      i = end;
    }
  }

  std::string* out_;
  std::size_t column_;
  std::size_t indent_;  // Of the lines after the first.
  bool may_fold_;
};

class TreeWriter {
 public:
  std::string text;

  void WriteDict(const OptionValue::Dict& entries, std::size_t indent) {
    for (const auto& [key, value] : entries) {
      text.append(pending_indent_ ? indent : 0, ' ');
      pending_indent_ = true;
      WriteText(key, indent + 2, false);
      text += ':';
      WriteValue(value, indent, true);
    }
  }

 private:
  [[nodiscard]] std::size_t Column() const {
    const auto line = text.rfind('\n');
    return DecodeUtf8(std::string_view(text).substr(line == std::string::npos ? 0 : line + 1))
        .size();
  }

  // `indent` is that of the entry that holds the value.
  void WriteValue(const OptionValue& value, std::size_t indent, bool in_dict) {
    if (value.is_list() && !value.AsList().empty()) {
      // In a dict a list is not indented and starts its own line; in a list it starts on the same.
      if (in_dict) text += '\n';
      WriteList(value.AsList(), in_dict ? indent : indent + 2, in_dict);
    } else if (value.is_dict() && !value.AsDict().empty()) {
      text += in_dict ? '\n' : ' ';
      pending_indent_ = in_dict;
      WriteDict(value.AsDict(), indent + 2);
    } else {
      text += ' ';
      WriteScalar(value, indent + 2);
      text += '\n';
    }
  }

  void WriteList(const OptionValue::List& items, std::size_t indent, bool own_line) {
    bool first = true;
    for (const OptionValue& item : items) {
      if (first && !own_line) {
        text += ' ';
      } else {
        text.append(indent, ' ');
      }
      first = false;
      text += '-';
      WriteValue(item, indent, false);
    }
  }

  void WriteScalar(const OptionValue& value, std::size_t indent) {
    if (value.is_string()) return WriteText(value.AsString(), indent, true);
    if (value.is_null()) text += "null";
    if (value.is_bool()) text += value.AsBool() ? "true" : "false";
    if (value.is_int()) text += value.ToText();
    if (value.is_float()) text += Number(value.AsDouble());
    if (value.is_list()) text += "[]";
    if (value.is_dict()) text += "{}";
  }

  static std::string Number(double number) {
    if (std::isnan(number)) return ".nan";
    if (std::isinf(number)) return number > 0 ? ".inf" : "-.inf";
    std::string shown = PythonFloat(number);
    // YAML 1.1 knows a float by its point.
    const auto exponent = shown.find('e');
    if (exponent != std::string::npos && shown.find('.') == std::string::npos)
      shown.insert(exponent, ".0");
    return shown;
  }

  void WriteText(const std::string& string, std::size_t indent, bool may_fold) {
    const std::u32string decoded = DecodeUtf8(string);
    const Styles styles = FaithfulStyles(decoded);
    ScalarWriter writer(&text, Column(), indent, may_fold);
    if (styles.plain && !ReadsAsOtherType(string)) {
      writer.WritePlain(decoded);
    } else if (styles.single_quoted && (may_fold || decoded.find(U'\n') == std::u32string::npos)) {
      writer.WriteSingleQuoted(decoded);
    } else {
      writer.WriteDoubleQuoted(decoded);
    }
  }

  bool pending_indent_ = true;
};

}  // namespace

std::string ToYamlEntry(std::string_view key, const OptionValue& value) {
  return ToYaml({{std::string(key), value}});
}

std::string ToYaml(const OptionValue::Dict& entries) {
  TreeWriter writer;
  writer.WriteDict(entries, 0);
  return std::move(writer.text);
}

}  // namespace headroom
