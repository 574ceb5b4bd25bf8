// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/option_value.h"

#include "headroom/config/utf8.h"
#include "headroom/config/yaml_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace headroom {
namespace {

using List = OptionValue::List;

struct Parsed {
  const char* text;
  OptionValue value;
};

class Literal : public ::testing::TestWithParam<Parsed> {};

TEST_P(Literal, ParsesAsTheReferenceDoes) {
  EXPECT_EQ(OptionValue::Parse(GetParam().text), GetParam().value) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    All, Literal,
    ::testing::Values(
        Parsed{"none", {}}, Parsed{"NONE", {}}, Parsed{"TRUE", true}, Parsed{"false", false},
        Parsed{"12", 12}, Parsed{"-3", -3}, Parsed{"- 3", -3}, Parsed{"0x10", 16},
        Parsed{"0b11", 3}, Parsed{"0o17", 15}, Parsed{"1_000", 1000}, Parsed{"00", 0},
        Parsed{"017", "017"}, Parsed{"1__0", "1__0"}, Parsed{"0_1", "0_1"}, Parsed{"1e-3", 0.001},
        Parsed{".5", 0.5}, Parsed{"5.", 5.0}, Parsed{"1_0.5", 10.5}, Parsed{"4E_0", "4E_0"},
        Parsed{"1e999", HUGE_VAL}, Parsed{"inf", "inf"}, Parsed{"nan", "nan"}, Parsed{"--1", "--1"},
        Parsed{"'it'", "it"}, Parsed{"\"a\\tb\"", "a\tb"}, Parsed{"r'a\\n'", "a\\n"},
        Parsed{"'\\u00fc'", "ü"}, Parsed{"f'x'", "f'x'"}, Parsed{"b'x'", "b'x'"},
        Parsed{"'open", "'open"}, Parsed{"[0, 2]", List{0, 2}},
        Parsed{"(0.5, 1.5)", List{0.5, 1.5}}, Parsed{"0,1", List{0, 1}}, Parsed{"(1)", 1},
        Parsed{"(1,)", List{1}}, Parsed{"()", List{}}, Parsed{"[]", List{}}, Parsed{"[,]", "[,]"},
        Parsed{"[1,[2,[3]]]", List{1, List{2, List{3}}}},
        Parsed{"[1, 'a', None, True]", List{1, "a", {}, true}},
        Parsed{"[0,model.3]", "[0,model.3]"}, Parsed{"(1,2", "(1,2"}, Parsed{"1+1", "1+1"},
        Parsed{"max", "max"}, Parsed{"__import__('os')", "__import__('os')"}, Parsed{"1j", "1j"},
        Parsed{"{1:2}", "{1:2}"}, Parsed{"99999999999999999999", "99999999999999999999"},
        Parsed{"", ""}, Parsed{"yolo11n.pt", "yolo11n.pt"}, Parsed{"640,480", List{640, 480}},
        Parsed{"1.2.3", "1.2.3"}));

TEST(OptionValue, DeepNestingIsTextNotAStackOverflow) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(OptionValue::Parse(deep), OptionValue(deep));
}

TEST(PythonFloat, PrintsWhatPythonPrints) {
  EXPECT_EQ(PythonFloat(0.01), "0.01");
  EXPECT_EQ(PythonFloat(1e-05), "1e-05");
  EXPECT_EQ(PythonFloat(5e-6), "5e-06");
  EXPECT_EQ(PythonFloat(1e-4), "0.0001");
  EXPECT_EQ(PythonFloat(3), "3.0");
  EXPECT_EQ(PythonFloat(1e15), "1000000000000000.0");
  EXPECT_EQ(PythonFloat(1e16), "1e+16");
  EXPECT_EQ(PythonFloat(-0.0), "-0.0");
  EXPECT_EQ(PythonFloat(0.1 + 0.2), "0.30000000000000004");
}

TEST(OptionValue, ToTextIsWhatTheReferencesConsolePrints) {
  EXPECT_EQ(OptionValue().ToText(), "None");
  EXPECT_EQ(OptionValue(true).ToText(), "True");
  EXPECT_EQ(OptionValue("a b").ToText(), "a b");
  EXPECT_EQ(OptionValue(List{0, 0.5, "a", {}}).ToText(), "[0, 0.5, 'a', None]");
}

struct Entry {
  OptionValue value;
  const char* yaml;
};

class YamlEntry : public ::testing::TestWithParam<Entry> {};

TEST_P(YamlEntry, PrintsWhatPyYamlPrints) {
  EXPECT_EQ(ToYamlEntry("k", GetParam().value), GetParam().yaml);
}

// Made with yaml.safe_dump({'k': v}, sort_keys=False, allow_unicode=True), PyYAML 6.
INSTANTIATE_TEST_SUITE_P(
    All, YamlEntry,
    ::testing::Values(
        Entry{{}, "k: null\n"}, Entry{true, "k: true\n"}, Entry{16, "k: 16\n"},
        Entry{0.01, "k: 0.01\n"}, Entry{1e-5, "k: 1.0e-05\n"}, Entry{1e22, "k: 1.0e+22\n"},
        Entry{HUGE_VAL, "k: .inf\n"}, Entry{"", "k: ''\n"}, Entry{"no", "k: 'no'\n"},
        Entry{"1", "k: '1'\n"}, Entry{"1e5", "k: 1e5\n"}, Entry{"1.0e+5", "k: '1.0e+5'\n"},
        Entry{"0x1F", "k: '0x1F'\n"}, Entry{"08", "k: 08\n"}, Entry{"017", "k: '017'\n"},
        Entry{"~", "k: '~'\n"}, Entry{"null", "k: 'null'\n"},
        Entry{"2020-01-01", "k: '2020-01-01'\n"}, Entry{"12:30:45", "k: '12:30:45'\n"},
        Entry{"a: b", "k: 'a: b'\n"}, Entry{"a:b", "k: a:b\n"}, Entry{"#a", "k: '#a'\n"},
        Entry{"a#b", "k: a#b\n"}, Entry{"- a", "k: '- a'\n"}, Entry{"-a", "k: -a\n"},
        Entry{"it's", "k: it's\n"}, Entry{"a'b: c", "k: 'a''b: c'\n"},
        Entry{" lead", "k: ' lead'\n"}, Entry{"a\tb", "k: \"a\\tb\"\n"},
        Entry{"a\nb", "k: 'a\n\n  b'\n"}, Entry{"日本", "k: 日本\n"},
        Entry{"a\x01"
              "b",
              "k: \"a\\x01b\"\n"},
        Entry{"@a", "k: '@a'\n"}, Entry{"runs/a b", "k: runs/a b\n"}, Entry{"[a", "k: '[a'\n"},
        Entry{List{}, "k: []\n"}, Entry{List{0, 2}, "k:\n- 0\n- 2\n"},
        Entry{List{List{0, 1}, List{2}}, "k:\n- - 0\n  - 1\n- - 2\n"},
        Entry{OptionValue::Dict{{"a", 1}}, "k:\n  a: 1\n"},
        Entry{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb "
              "cc dd",
              "k: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
              "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n  cc dd\n"}));

TEST(Utf8, BadBytesBecomeTheReplacementCharacter) {
  EXPECT_EQ(DecodeUtf8("a\xff\xc3"), U"a\uFFFD\uFFFD");
  EXPECT_EQ(DecodeUtf8("\xe0\x80\x80"), U"\uFFFD\uFFFD\uFFFD");  // Overlong.
  std::string text;
  for (const char32_t code : DecodeUtf8("aü日😀")) AppendUtf8(code, &text);
  EXPECT_EQ(text, "aü日😀");
}

}  // namespace
}  // namespace headroom
