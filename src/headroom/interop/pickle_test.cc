// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/pickle_reader.h"
#include "headroom/interop/pickle_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

// Reads pickles over storages that are given by key.
class PickleTest : public ::testing::Test {
 protected:
  Result<PickleNode*> Read(const std::string& pickle, const PickleReadOptions& options = {}) {
    const auto lookup = [this](std::string_view key) -> Result<std::span<const std::byte>> {
      const auto at = storages_.find(std::string(key));
      if (at == storages_.end()) return Failure{"no storage"};
      return std::span<const std::byte>(at->second);
    };
    return ReadPickle(std::as_bytes(std::span(pickle)), heap_, lookup, options);
  }

  std::string ErrorOf(const std::string& pickle, const PickleReadOptions& options = {}) {
    const auto root = Read(pickle, options);
    return root ? "no error" : root.error();
  }

  // Writes and reads again.
  const PickleNode& Again(const PickleNode& node) {
    const Pickled pickled = WritePickle(node);
    for (std::size_t i = 0; i < pickled.storages.size(); ++i) {
      const auto& bytes = pickled.storages[i].source.bytes;
      storages_[std::to_string(i)] = {bytes.begin(), bytes.end()};
    }
    const auto root = Read(pickled.text);
    if (!root) throw std::runtime_error(root.error());
    return **root;
  }

  // A tensor of torch.FloatStorage "0" with the given arguments after the storage.
  static std::string TensorPickle(const std::string& arguments, char count) {
    return "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"s
           "0X\x03\0\0\0cpuK"s +
           count + "tQ" + arguments + "\x89)tR.";
  }

  PickleHeap heap_;
  std::map<std::string, std::vector<std::byte>> storages_;
};

TEST_F(PickleTest, PlainValuesComeBack) {
  PickleNode* dict = heap_.Dict();
  const std::int64_t integers[] = {
      0, 1, -1, 255, 256, 65535, 65536, -2147483648LL, 2147483648LL, INT64_MIN, INT64_MAX};
  for (const std::int64_t value : integers)
    heap_.Set(dict, std::to_string(value), heap_.Int(value));
  heap_.Set(dict, "float", heap_.Float(-1.25e-300));
  heap_.Set(dict, "nan", heap_.Float(NAN));
  heap_.Set(dict, "none", heap_.None());
  heap_.Set(dict, "true", heap_.Bool(true));
  heap_.Set(dict, "text", heap_.Text("Blutkörperchen"));
  heap_.Set(dict, "bytes", heap_.Bytes("\x00\x7f\x80\xff"s));
  heap_.Set(dict, "tuples",
            heap_.List({heap_.Tuple({}), heap_.IntTuple(std::array<std::int64_t, 4>{1, 2, 3, 4})}));
  const PickleNode& read = Again(*dict);
  for (const std::int64_t value : integers)
    EXPECT_EQ(read.Find(std::to_string(value))->Int(), value);
  EXPECT_EQ(read.Find("float")->Number(), -1.25e-300);
  EXPECT_TRUE(std::isnan(*read.Find("nan")->Number()));
  EXPECT_TRUE(read.Find("none")->IsNone());
  EXPECT_EQ(*read.Find("true")->As<bool>(), true);
  EXPECT_EQ(*read.Find("text")->Text(), "Blutkörperchen");
  EXPECT_EQ(read.Find("bytes")->As<PickleBytes>()->bytes, "\x00\x7f\x80\xff"s);
  EXPECT_EQ(read.Find("tuples")->Items()[1]->Items()[3]->Int(), 4);
}

TEST_F(PickleTest, SharedValuesStayShared) {
  PickleNode* shared = heap_.Object("torch.nn.modules.activation", "SiLU", heap_.Dict());
  const PickleNode& read = Again(
      *heap_.List({shared, shared, heap_.Object("torch.nn.modules.activation", "SiLU", nullptr)}));
  EXPECT_EQ(read.Items()[0], read.Items()[1]);
  EXPECT_NE(read.Items()[0], read.Items()[2]);
  EXPECT_EQ(read.Items()[2]->As<PickleObject>()->state, nullptr);
}

TEST_F(PickleTest, TensorsOverTheSameBytesShareAStorage) {
  const TensorData data =
      TensorData::FromFloats({2, 3}, std::array{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F});
  PickleNode* list = heap_.List(
      {heap_.Tensor(data), heap_.Parameter(data), heap_.Tensor(data, DataType::kFloat16)});
  EXPECT_EQ(WritePickle(*list).storages.size(), 2U);
  PickleNode* exact = heap_.List({heap_.Tensor(data), heap_.Parameter(data)});
  const PickleNode& read = Again(*exact);
  EXPECT_EQ(AsFloats(Contiguous(*read.Items()[0]->Tensor())), AsFloats(data));
  EXPECT_FALSE(read.Items()[0]->Tensor()->is_parameter);
  EXPECT_TRUE(read.Items()[1]->Tensor()->is_parameter);
}

TEST_F(PickleTest, StridedTensorsAreBroughtIntoOrder) {
  const TensorData data =
      TensorData::FromFloats({6}, std::array{0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F});
  storages_["0"] = {data.bytes().begin(), data.bytes().end()};
  const auto transposed = Read(TensorPickle("K\0K\x03K\x02\x86K\x01K\x03\x86"s, 6));
  ASSERT_TRUE(transposed.ok()) << transposed.error();
  EXPECT_THAT(AsFloats(Contiguous(*(*transposed)->Tensor())), ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST_F(PickleTest, TensorsOutsideTheirStorageAreRefused) {
  storages_["0"] = std::vector<std::byte>(24);
  EXPECT_THAT(ErrorOf(TensorPickle("K\x01K\x06\x85K\x01\x85"s, 6)),
              HasSubstr("outside its storage"));
  EXPECT_THAT(ErrorOf(TensorPickle("K\0K\x02\x85K\x06\x85"s, 6)), HasSubstr("outside its storage"));
  EXPECT_THAT(ErrorOf(TensorPickle("K\0K\x64\x85K\0\x85"s, 6)), HasSubstr("outside its storage"));
  EXPECT_THAT(ErrorOf(TensorPickle("J\xff\xff\xff\xffK\x01\x85K\x01\x85"s, 6)),
              HasSubstr("outside its storage"));
  EXPECT_THAT(ErrorOf(TensorPickle("K\0K\x06\x85K\x01\x85"s, 7)),
              HasSubstr("24 bytes for 7 elements"));
}

TEST_F(PickleTest, UnknownGlobalsAreRefusedByName) {
  EXPECT_THAT(ErrorOf("cposix\nsystem\n(X\x02\0\0\0lstR."s), HasSubstr("posix.system"));
  EXPECT_THAT(ErrorOf("\x8c\x08"
                      "builtins\x8c\x04"
                      "eval\x93."s),
              HasSubstr("builtins.eval"));
  EXPECT_THAT(ErrorOf("ctorch.nn.modules.conv\nsystem\n)R."s),
              HasSubstr("torch.nn.modules.conv.system"));
}

TEST_F(PickleTest, SelfReferenceIsRefused) {
  EXPECT_THAT(ErrorOf("]q\0h\0a."s), HasSubstr("contains itself"));
  EXPECT_THAT(ErrorOf("]q\0]q\x01h\0ah\x01"
                      "0a."s),
              ::testing::Not(HasSubstr("no error")));
  EXPECT_THAT(ErrorOf("}q\0K\1h\0s."s), HasSubstr("contains itself"));
}

TEST_F(PickleTest, DeepNestingIsRefused) {
  EXPECT_THAT(ErrorOf(std::string(100'000, '(') + std::string(100'000, 't') + "."),
              HasSubstr("nested too deeply"));
  EXPECT_EQ(ErrorOf(std::string(200, '(') + std::string(200, 't') + "."), "no error");
}

TEST_F(PickleTest, TheDeepestNestingThatIsReadCanBeWritten) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + std::string(depth, 't') + ".";
  };
  EXPECT_THAT(ErrorOf(nested(257)), HasSubstr("nested too deeply"));
  const auto root = Read(nested(256));
  ASSERT_TRUE(root.ok()) << root.error();
  EXPECT_EQ(Again(**root).height, 256U);
}

// Each list holds the one before it eight times: 8^40 values in 1 kB.
TEST_F(PickleTest, RepetitionIsRefused) {
  std::string pickle = "]q\0"s;
  for (char level = 1; level < 40; ++level) {
    const std::string previous = {'h', static_cast<char>(level - 1)};
    pickle += "](";
    for (int i = 0; i < 8; ++i) pickle += previous;
    pickle += {'e', 'q', level};
  }
  EXPECT_THAT(ErrorOf(pickle + "."), HasSubstr("repeats itself"));
}

TEST_F(PickleTest, CopiesOfOneTupleAreBounded) {
  std::string pickle = std::string(1, '(').append(2000, 'N').append("tq\0"s);
  for (int i = 0; i < 2000; ++i) pickle += "ctorch\nSize\nh\0\x85R0"s;
  EXPECT_THAT(ErrorOf(pickle + "."), HasSubstr("repeats itself"));
}

TEST_F(PickleTest, TooManyValuesAreRefused) {
  EXPECT_THAT(ErrorOf(std::string(1000, ']') + ".", {.most_nodes = 100}),
              HasSubstr("more than 100 values"));
}

TEST_F(PickleTest, BrokenStreamsAreErrors) {
  const std::array broken = {""s,
                             "."s,
                             "N"s,
                             "a."s,
                             "u."s,
                             "t."s,
                             "Kx"s,
                             "h\0."s,
                             "NR."s,
                             "Nb."s,
                             "}Ns."s,
                             "}(NuNu."s,
                             "X\xff\xff\xff\xff."s,
                             "Nr\xff\xff\xff\x7f."s,
                             "(K\1\x85."s,
                             "NQ."s,
                             "\x8a\x09"
                             "123456789."s,
                             "I1\n."s,
                             "\x96."s,
                             "i."s};
  for (const std::string& pickle : broken)
    EXPECT_NE(ErrorOf(pickle), "no error") << ::testing::PrintToString(pickle);
}

TEST_F(PickleTest, EveryCutOffIsAnError) {
  PickleNode* dict = heap_.Dict();
  heap_.Set(dict, "a", heap_.List({heap_.Float(1), heap_.Text("text"), heap_.Bytes("b")}));
  const std::string text = WritePickle(*dict).text;
  for (std::size_t size = 0; size < text.size(); ++size)
    ASSERT_NE(ErrorOf(text.substr(0, size)), "no error") << size;
}

TEST_F(PickleTest, NumpyNumbersBecomePlainOnes) {
  const auto root = Read(
      "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\x02\0\0\0"
      "f8\x89\x88tR"
      "C\x08\0\0\0\0\0\0\xf8?tR."s);
  ASSERT_TRUE(root.ok()) << root.error();
  EXPECT_EQ((*root)->Number(), 1.5);
}

TEST_F(PickleTest, Protocol4IsRead) {
  const auto root = Read(
      "\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\x01"
      "a\x94(K\x01K\x02\x90s."s);
  EXPECT_FALSE(root.ok());
  const auto set = Read(
      "\x80\x04\x95\x0f\0\0\0\0\0\0\0}\x94\x8c\x01"
      "a\x94\x8f\x94(K\x01K\x02\x90s."s);
  ASSERT_TRUE(set.ok()) << set.error();
  EXPECT_EQ((*set)->Find("a")->Items().size(), 2U);
}

TEST_F(PickleTest, AnOrderedDictKeepsItsItemsAndDropsItsAttributes) {
  const auto root = Read(
      "ccollections\nOrderedDict\n)R(X\x01\0\0\0"
      "aK\x01u}X\x09\0\0\0_metadataNsb."s);
  ASSERT_TRUE(root.ok()) << root.error();
  EXPECT_EQ((*root)->Find("a")->Int(), 1);
  EXPECT_TRUE((*root)->As<PickleDict>()->ordered);
}

TEST(PickleGlobals, AreAFixedList) {
  EXPECT_NE(FindGlobal("ultralytics.nn.modules.block", "C3k2"), nullptr);
  EXPECT_NE(FindGlobal("ultralytics.nn.modules", "Conv"), nullptr);
  EXPECT_NE(FindGlobal("ultralytics.yolo.utils", "IterableSimpleNamespace"), nullptr);
  EXPECT_EQ(FindGlobal("os", "system"), nullptr);
  EXPECT_EQ(FindGlobal("torch", "load"), nullptr);
  EXPECT_EQ(FindGlobal("", ""), nullptr);
}

}  // namespace
}  // namespace headroom
