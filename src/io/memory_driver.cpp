#include "memory_driver.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

namespace fermiac::io {

namespace {

struct Access {
  Image* image;
};

struct MemoryFile {
  H5FD_t head;  // HDF5 sees the file as this: it comes first
  Image* image;
  haddr_t end_of_allocation;
};

MemoryFile& memory_file(H5FD_t* file) { return *reinterpret_cast<MemoryFile*>(file); }
MemoryFile const& memory_file(H5FD_t const* file) { return *reinterpret_cast<MemoryFile const*>(file); }

H5FD_t* open_file(char const*, unsigned, hid_t access, haddr_t) {
  auto const* const info = static_cast<Access const*>(H5Pget_driver_info(access));
  auto* const file = info != nullptr ? new (std::nothrow) MemoryFile{} : nullptr;
  if (file == nullptr) return nullptr;
  file->image = info->image;
  return &file->head;
}

herr_t close_file(H5FD_t* file) {
  delete &memory_file(file);
  return 0;
}

herr_t query(H5FD_t const*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t end_of_allocation(H5FD_t const* file, H5FD_mem_t) { return memory_file(file).end_of_allocation; }

herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  memory_file(file).end_of_allocation = address;
  return 0;
}

haddr_t end_of_file(H5FD_t const* file, H5FD_mem_t) { return memory_file(file).image->size; }

/// Calls `visit(page number, first byte in the page, bytes, position in the buffer)` for the pieces of a range.
template <typename Visit>
void by_page(haddr_t address, std::size_t size, Visit visit) {
  for (std::size_t done = 0; done < size;) {
    auto const begin = static_cast<std::size_t>((address + done) % Image::page_bytes);
    auto const n = std::min(Image::page_bytes - begin, size - done);
    visit((address + done) / Image::page_bytes, begin, n, done);
    done += n;
  }
}

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
  auto const& pages = memory_file(file).image->pages;
  by_page(address, size, [&](haddr_t page, std::size_t begin, std::size_t n, std::size_t done) {
    auto const found = pages.find(page);
    auto* const target = static_cast<std::byte*>(buffer) + done;
    if (found == pages.end()) {
      std::memset(target, 0, n);
    } else {
      std::memcpy(target, found->second.data() + begin, n);
    }
  });
  return 0;
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void const* buffer) try {
  auto& image = *memory_file(file).image;
  by_page(address, size, [&](haddr_t page, std::size_t begin, std::size_t n, std::size_t done) {
    std::memcpy(image.pages[page].data() + begin, static_cast<std::byte const*>(buffer) + done, n);
  });
  image.size = std::max(image.size, address + size);
  return 0;
} catch (std::bad_alloc const&) {
  return -1;
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  memory_file(file).image->size = memory_file(file).end_of_allocation;
  return 0;
}

H5FD_class_t driver_class() {
  H5FD_class_t result{};
#ifdef H5FD_CLASS_VERSION
  result.version = H5FD_CLASS_VERSION;
  result.value = static_cast<H5FD_class_value_t>(512);  // 512 to 65535 are free for users
#endif
  result.name = "fermiac_memory";
  result.maxaddr = HADDR_MAX / 2;
  result.fc_degree = H5F_CLOSE_WEAK;
  result.fapl_size = sizeof(Access);
  result.open = open_file;
  result.close = close_file;
  result.query = query;
  result.get_eoa = end_of_allocation;
  result.set_eoa = set_end_of_allocation;
  result.get_eof = end_of_file;
  result.read = read;
  result.write = write;
  result.truncate = truncate;
  H5FD_mem_t const map[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(map), std::end(map), std::begin(result.fl_map));
  return result;
}

}  // namespace

herr_t set_memory_driver(hid_t access, Image& image) {
  static H5FD_class_t const driver = driver_class();
  auto const id = H5FDregister(&driver);
  if (id < 0) return -1;
  Access const info{&image};
  auto const status = H5Pset_driver(access, id, &info);
  H5FDunregister(id);  // the property list holds its own reference
  return status;
}

}  // namespace fermiac::io
