// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/module_tree.h"

#include <algorithm>

namespace headroom {
namespace {

// "0.cv1" to "0" and "cv1".
std::pair<std::string_view, std::string_view> FirstName(std::string_view path) {
  const std::size_t dot = path.find('.');
  return {path.substr(0, dot),
          dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1)};
}

}  // namespace

const ModuleTree* ModuleTree::Find(std::string_view path) const {
  const ModuleTree* node = this;
  while (!path.empty()) {
    const auto [name, rest] = FirstName(path);
    const auto at = std::ranges::find(node->children, name, &Child::name);
    if (at == node->children.end()) return nullptr;
    node = &at->module;
    path = rest;
  }
  return node;
}

ModuleTree& ModuleTree::At(std::string_view path, std::string_view container) {
  ModuleTree* node = this;
  while (!path.empty()) {
    const auto [name, rest] = FirstName(path);
    auto at = std::ranges::find(node->children, name, &Child::name);
    if (at == node->children.end()) {
      node->children.push_back({.name = std::string(name), .module = {}});
      at = node->children.end() - 1;
      at->module.type = container;
    }
    node = &at->module;
    path = rest;
  }
  return *node;
}

const OptionValue* ModuleTree::Attribute(std::string_view name) const {
  const auto at = std::ranges::find(attributes, name, &std::pair<std::string, OptionValue>::first);
  return at == attributes.end() ? nullptr : &at->second;
}

ModuleTree& ModuleTree::Set(std::string_view name, OptionValue value) {
  if (Attribute(name) == nullptr) {
    attributes.emplace_back(name, std::move(value));
    return *this;
  }
  std::vector<std::pair<std::string, OptionValue>> changed;
  for (const auto& [other, kept] : attributes)
    changed.emplace_back(other, other == name ? value : kept);
  attributes.swap(changed);
  return *this;
}

}  // namespace headroom
