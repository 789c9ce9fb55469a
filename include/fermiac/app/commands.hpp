/// The subcommands besides `run` and `compare`: they start no MPI and return what is to be printed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fermiac/study/study.hpp"

namespace fermiac::app {

enum class Format { text, csv, json };

/// Points, items, memory, file size, estimated time on this machine.
/// @throws InputError  where the study file is not valid
std::string check(std::filesystem::path const& study, std::vector<std::string> const& overrides,
                  study::Registry const& registry);

std::string status(std::filesystem::path const& file, Format format, study::Registry const& registry);

std::string show(std::filesystem::path const& file, Format format, study::Registry const& registry);

/// Computes one replicate alone, without a results file: a line for each variable, or for each labelled value of it, those too
/// that files keep on request only. What is not applicable is left out.
std::string item(std::filesystem::path const& study, std::vector<std::string> const& overrides, std::uint64_t point,
                 std::uint64_t replicate, study::Registry const& registry);

/// All kinds, those of a family, or one kind in full.
std::string list(std::string const& family_or_kind, study::Registry const& registry);

/// Program, commit, build, libraries and the BLAS in use.
std::string version_text();

}  // namespace fermiac::app
