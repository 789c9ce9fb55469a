/// Whether two results files hold the same results.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace fermiac::io {

/// The first difference between two results files, in one line that names the object, the index and both values; none where
/// everything but the group /run is the same: objects, attributes, types, shapes, dimension scales, and the bits of all
/// elements (one NaN equals another of the same bits; 0 and -0 differ). How the data lie in the file does not matter.
///
/// Objects are visited in order of name, an object's attributes before its elements.
/// @throws SystemError  where a file cannot be read
std::optional<std::string> first_difference(std::filesystem::path const& a, std::filesystem::path const& b);

}  // namespace fermiac::io
