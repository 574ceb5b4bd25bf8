// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/shell_quote.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

namespace headroom {
namespace {

TEST(ShellQuote, PlainWordsStayAsTheyAre) {
  for (const char* word : {"a", "data=set/data.yaml", "batch=-1", "memory=80%", "classes=0,2",
                           "user@host:/x", "a+b_c", "--json"}) {
    EXPECT_EQ(ShellQuote(word), word);
  }
}

TEST(ShellQuote, WhatAShellWouldReadIsQuoted) {
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("data=my set/data.yaml"), "'data=my set/data.yaml'");
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuote("classes=[0,2]"), "'classes=[0,2]'");
  EXPECT_EQ(ShellQuote("~/data"), "'~/data'");
}

// What a shell hands to a program as its one argument.
std::string ReadBackByAShell(const std::string& quoted) {
  const std::string command = "printf '%s|' " + quoted;
  std::FILE* output = ::popen(command.c_str(), "r");
  if (output == nullptr) return "no shell";
  std::array<char, 256> buffer{};
  const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), output);
  ::pclose(output);
  return {buffer.data(), size};
}

TEST(ShellQuote, AShellReadsItBack) {
  for (const char* word : {"", "plain", "two words", "it's", "'", "$HOME `id` \"x\" \\", "a\nb",
                           "*?[a-z]{1,2}~#!", "-n", "Zelle – 血", "\xff\xfe", "&& ; | > <"}) {
    EXPECT_EQ(ReadBackByAShell(ShellQuote(word)), std::string(word) + "|");
  }
}

}  // namespace
}  // namespace headroom
