/// SHA-256 of bytes: keys of random streams, checksums of records, fingerprints of input files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fermiac {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::span<std::byte const> bytes);
Digest sha256(std::string_view text);

/// The first 8 bytes of a digest, most significant first.
std::uint64_t leading_64_bits(Digest const& digest);

/// 64 lower-case hexadecimal digits.
std::string hexadecimal(Digest const& digest);

}  // namespace fermiac
