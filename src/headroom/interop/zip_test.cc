// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file.h"
#include "headroom/interop/zip_reader.h"
#include "headroom/interop/zip_writer.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string Archive(Zip64 zip64 = Zip64::kWhenNeeded) {
  const TempDir dir;
  WriteFileAtomic(dir.path() / "a.zip", [&](FileWriter& file) {
    ZipWriter zip(file, zip64);
    zip.Add("top/one", "first payload");
    zip.Add("top/empty", "");
    zip.Add("top/two", std::string(1000, 'x'));
    zip.Finish();
  });
  return *ReadFile(dir.path() / "a.zip");
}

std::string ErrorOf(const std::string& file) {
  const auto zip = ZipReader::Open(Bytes(file));
  if (!zip) return zip.error();
  for (const ZipMember& member : zip->members()) {
    if (const auto payload = zip->Read(member, Crc::kVerify); !payload) return payload.error();
  }
  return "";
}

class ZipRoundTrip : public ::testing::TestWithParam<Zip64> {};

TEST_P(ZipRoundTrip, GivesTheMembersBack) {
  const std::string file = Archive(GetParam());
  const auto zip = ZipReader::Open(Bytes(file));
  ASSERT_TRUE(zip.ok()) << zip.error();
  ASSERT_EQ(zip->members().size(), 3U);
  const ZipMember* one = zip->Find("top/one");
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(Text(zip->Read(*one, Crc::kVerify)->bytes), "first payload");
  EXPECT_EQ(zip->Find("top/two")->size, 1000U);
  EXPECT_EQ(zip->Find("top/three"), nullptr);
  for (const ZipMember& member : zip->members()) EXPECT_EQ(member.offset % 64, 0U) << member.name;
}

TEST_P(ZipRoundTrip, TellsWhichBytesWereLookedAtForAChecksum) {
  const std::string file = Archive(GetParam());
  std::string seen;
  const auto zip =
      ZipReader::Open(Bytes(file), [&](std::span<const std::byte> bytes) { seen += Text(bytes); });
  ASSERT_TRUE(zip.ok()) << zip.error();
  ASSERT_TRUE(zip->Read(*zip->Find("top/two"), Crc::kIgnore).ok());
  EXPECT_EQ(seen, "");
  ASSERT_TRUE(zip->Read(*zip->Find("top/one"), Crc::kVerify).ok());
  EXPECT_EQ(seen, "first payload");
}
INSTANTIATE_TEST_SUITE_P(All, ZipRoundTrip, ::testing::Values(Zip64::kWhenNeeded, Zip64::kAlways));

TEST_P(ZipRoundTrip, EveryCutOffIsAnError) {
  const std::string file = Archive(GetParam());
  for (std::size_t size = 0; size < file.size(); ++size) {
    ASSERT_NE(ErrorOf(file.substr(0, size)), "") << size;
  }
}

// A damaged byte in padding, dates or versions goes unnoticed; nothing may crash, and damaged
// payloads must be found.
TEST_P(ZipRoundTrip, EveryFlippedByteIsSurvived) {
  const std::string file = Archive(GetParam());
  const std::size_t payload = file.find("first payload");
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    const std::string error = ErrorOf(damaged);
    if (at < payload || at >= payload + 13) continue;
    ASSERT_THAT(error, HasSubstr("checksum"));
  }
}

// One deflated member, written by hand.
std::string Deflated(const std::string& text, std::uint32_t claimed_size) {
  std::string packed(::compressBound(text.size()), '\0');
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  const auto number = [](std::uint64_t value, int width) {
    std::string bytes;
    for (int i = 0; i < width; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
    return bytes;
  };
  const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
  const std::string shared = number(20, 2) + number(0, 2) + number(8, 2) + number(0, 4) +
                             number(crc, 4) + number(packed.size(), 4) + number(claimed_size, 4) +
                             number(1, 2) + number(0, 2);
  std::string file = "PK\x03\x04" + shared + "a" + packed;
  const std::size_t directory = file.size();
  file += "PK\x01\x02" + number(20, 2) + shared + std::string(14, '\0') + "a";
  const std::size_t size = file.size() - directory;
  return file + "PK\x05\x06" + number(0, 4) + number(1, 2) + number(1, 2) + number(size, 4) +
         number(directory, 4) + number(0, 2);
}

TEST(ZipReader, UnpacksDeflatedMembers) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += std::to_string(i * i);
  const std::string file = Deflated(text, static_cast<std::uint32_t>(text.size()));
  const auto zip = ZipReader::Open(Bytes(file));
  ASSERT_TRUE(zip.ok()) << zip.error();
  EXPECT_EQ(Text(zip->Read(*zip->Find("a"), Crc::kVerify)->bytes), text);
}

TEST(ZipReader, RefusesBombsAndWrongSizes) {
  EXPECT_THAT(ErrorOf(Deflated(std::string(1 << 20, 'a'), 1 << 20)), HasSubstr("refused"));
  EXPECT_THAT(ErrorOf(Deflated("some text that is packed", 25)), HasSubstr("does not unpack"));
  EXPECT_THAT(ErrorOf(Deflated("some text that is packed", 23)), HasSubstr("does not unpack"));
}

TEST(ZipReader, RefusesTwoMembersOfOneName) {
  std::string file = Archive();
  for (std::size_t at = file.find("top/two"); at != std::string::npos;
       at = file.find("top/two", at)) {
    file.replace(at, 7, "top/one");
  }
  EXPECT_THAT(ErrorOf(file), HasSubstr("same name"));
}

}  // namespace
}  // namespace headroom
