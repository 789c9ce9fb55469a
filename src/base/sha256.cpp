#include "fermiac/base/sha256.hpp"

#include <openssl/evp.h>

#include "fermiac/base/error.hpp"

namespace fermiac {

Digest sha256(std::span<std::byte const> bytes) {
  Digest digest{};
  unsigned length = 0;
  FERMIAC_ASSERT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1);
  return digest;
}

Digest sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

std::uint64_t leading_64_bits(Digest const& digest) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = (value << 8) | digest[i];
  return value;
}

std::string hexadecimal(Digest const& digest) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (auto const byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace fermiac
