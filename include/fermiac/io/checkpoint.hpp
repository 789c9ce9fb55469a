/// The state of a long item between two of its rounds, in a file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "fermiac/base/archive.hpp"

namespace fermiac::io {

/// Writes `state` to `path`: under a temporary name, flushed, renamed. A kill or a full disk leaves the former checkpoint.
///
/// The file, all numbers little-endian: the line "fermiac-checkpoint/1\n"; length (8 bytes) and text of the fingerprint;
/// number of arrays (8); for each its type (1: 0 real, 1 integer), length (8) and text of its name, number of values (8),
/// values (8 each); SHA-256 of everything before it (32).
///
/// @param fingerprint  identifies study, build and item: a checkpoint of anything else will not be taken for this one's
/// @throws SystemError  where the file cannot be written
void write_checkpoint(std::filesystem::path const& path, std::string_view fingerprint, Archive const& state);

/// What was found of a checkpoint.
struct Checkpoint {
  /// The state; none where there is no file, or one that cannot be used.
  std::optional<Archive> state;
  /// Why a file that is there was not used, in one line: it is damaged, or another item's. Empty otherwise.
  std::string ignored;
};

/// Reads the checkpoint `path`. One that is damaged or foreign is ignored, because an item can be computed again; nothing of
/// it is looked at before its SHA-256 agrees, and no length in it is trusted.
/// @throws SystemError  where the file is there and cannot be read
Checkpoint read_checkpoint(std::filesystem::path const& path, std::string_view fingerprint);

/// Removes the checkpoint and what a kill left of one that was being written; nothing where there is none.
/// @throws SystemError  where it is there and cannot be removed
void remove_checkpoint(std::filesystem::path const& path);

}  // namespace fermiac::io
