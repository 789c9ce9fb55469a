/// An HDF5 file driver that keeps the file in memory.
#pragma once

#include <hdf5.h>

#include <array>
#include <cstddef>
#include <map>

namespace fermiac::io {

/// A file in memory, of which only the pages that were written exist: space reserved for data costs nothing.
///
/// HDF5 composes the metadata of a new file here, so that all writing to the disk is ours: an HDF5 that fails to write
/// when it closes a file keeps it open and brings the program down at its end (1.10.8).
struct Image {
  static constexpr std::size_t page_bytes = 4096;
  std::map<haddr_t, std::array<std::byte, page_bytes>> pages;
  haddr_t size = 0;
};

/// Makes files that are created with `access` live in `image`, which must outlive them.
herr_t set_memory_driver(hid_t access, Image& image);

}  // namespace fermiac::io
